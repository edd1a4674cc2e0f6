// The index of the outbound connectors: who takes mail for this domain, whose smart host is this, which rule may a message meet.
//
// The rule: as for the inbound index, a lookup touches only connectors that the message concerns. Only enabled connectors are in here,
// those in mode audit too. Private to the policy room.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "policy/policy.h"

namespace re2 {
class RE2;
}

namespace cm {

struct OutboundIndex {
  using Ids = DomainIndex::Ids;

  /// What is precomputed for a rule-scoped connector; empty for others.
  struct Rule {
    std::vector<ConnectorId> connectors;      // sorted
    std::shared_ptr<const re2::RE2> pattern;  // null: no `when.header`
  };

  DomainIndex scopes;                      // recipient domains of those that are not rule-scoped
  StringMap<OutboundId> smart_hosts;       // enforced
  StringMap<OutboundId> rules_by_name;     // enforced, rule-scoped
  OutboundId default_route = no_outbound;  // enforced, for `*`
  std::vector<Rule> rules;                 // parallel to PolicyData::outbound
  DomainIndex rule_recipients;             // recipient domains of rule-scoped ones
  StringMap<Ids> header_rules;             // lower-case field name -> rules that ask for it
  // Every rule is filed under the first of its conditions: connector, sender, header (then note_header() finds it).
  std::unordered_map<ConnectorId, Ids> rules_by_connector;
  DomainIndex rules_by_sender;
  bool has_rules = false, has_audit = false;

  static std::unique_ptr<const OutboundIndex> build(const PolicyData& data);
};

inline bool takes_part(const OutboundConnector& connector, Pass pass) {
  return connector.enabled && (connector.mode == Mode::enforce || pass == Pass::audit);
}

}  // namespace cm

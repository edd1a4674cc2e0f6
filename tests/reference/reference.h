// The oracle: SPEC 3.2-3.6 written down naively, so that the indexed engine can be checked against it on random messages.
//
// It shares nothing with the engine but plain data types: no index, no match function, no rank of the policy room is called. Every
// question is a loop over all connectors. Never link it into a program that handles mail.
//
// The SPEC is the contract with the administrator, which connector-milter.conf(5) states: 3.2 PATTERNS, 3.3 INBOUND CONNECTORS, 3.4 and
// 3.5 HOW MAIL IS DECIDED, 3.6 RULES AND REPLIES.
#pragma once

#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/policy.h"

namespace cm::reference {

/// The whole decision for a message, without steps. Pure. Every fact must be one that a session can learn: no certificate without
/// TLS, a null argument resolves to null.
Decision reference_decide(const PolicyData& policy, const Facts& facts);

/// What may be asked of one connector (met.cc): nothing here knows of any other connector, but for `via`.
struct Case {
  const PolicyData& policy;
  const Facts& facts;
  Pass pass;

  [[nodiscard]] const InboundConnector& at(ConnectorId id) const { return policy.inbound[id]; }
  [[nodiscard]] ConnectorId count() const { return static_cast<ConnectorId>(policy.inbound.size()); }
};

/// Specificity, SPEC 3.2. Comparable within one kind of pattern.
inline constexpr int unmet = -1, any_level = 0, exact_level = 1000;

int domain_level(const DomainPattern& pattern, const std::string& domain);
int certificate_level(const DomainPattern& pattern, const std::string& presented);
int source_level(const Source& source, const Ip& client);
bool in_organization(const PolicyData& policy, const Address& address);
bool limit_fits(const PolicyData& policy, const AddressLimit& limit, const Envelope& envelope);

bool takes_part(const Case& c, const InboundConnector& connector);
bool names_listener(const Case& c, const InboundConnector& connector);
bool listener_fits(const Case& c, const InboundConnector& connector);
bool source_holds(const Case& c, const InboundConnector& connector);
bool login_holds(const Case& c, const InboundConnector& connector);
bool certificate_holds(const Case& c, const InboundConnector& connector);
bool identity_holds(const Case& c, const InboundConnector& connector);
bool via_holds(const Case& c, const InboundConnector& connector);
bool tls_holds(const Case& c, const InboundConnector& connector);
/// {strength of the proof, specificity within it}, of a connector whose identity holds.
std::pair<int, int> proof(const Case& c, const InboundConnector& connector);

/// What one pass (attribution.cc) finds out about the sender: the outcome of SPEC 3.4.
struct Finding {
  ConnectorId chosen = no_connector;    // grant, exemption or claiming partner
  ConnectorId tls_only = no_connector;  // the most specific partner that demands only TLS; if it is unmet, a violation says so
  Vouched vouched = Vouched::no;
  bool proven = false;
  bool asks_header_from = true;
  Violations violations;
  std::vector<ConnectorId> judged;  // as met in the search
};

Finding find(const Case& c);
/// 3.3 check_header_from: what the From fields add. Needs facts.content.
void judge_header_from(const Case& c, const Finding& finding, Violations& violations);

void add(Violations& violations, Rule rule, ConnectorId connector, Action action);
/// 3.6: what a recipient gets who meets these violations; and the action that a connector's `on_violation` names.
RecipientDecision verdict(const Violations& violations);
Violations in_order(Violations violations);
Action on_violation(const InboundConnector& connector);
bool is_closed(const Case& c);

}  // namespace cm::reference

// What decide() returns: data only. Replies, header fields, log lines and explanations are rendered from it elsewhere.
#pragma once

#include <optional>
#include <vector>

#include "policy/policy.h"
#include "policy/step.h"
#include "policy/violation.h"

namespace cm {

/// What a recipient gets, and the violation that decides it (rule none: accepted without any).
struct RecipientDecision {
  Action action = Action::accept;
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;
  friend bool operator==(const RecipientDecision&, const RecipientDecision&) = default;
};

/// What enforcing the audit connectors would change, of the first recipient that would be treated differently; `connector` is the
/// violated one, or the one that would accept it.
struct AuditDifference {
  Action action = Action::accept;
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;
  friend bool operator==(const AuditDifference&, const AuditDifference&) = default;
};

struct Decision {
  Action action = Action::accept;  // reject or tempfail only if no recipient is left
  Stage stage = Stage::none;       // where the refusal is given
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;  // grant, exemption, claiming partner, met TLS-only partner; for a violation the violated one
  Vouched vouched = Vouched::no;
  bool proven = false;               // the trust header is written
  bool marked = false;               // the connector's add_headers are written
  bool keeps_headers = false;        // accept_headers applies: the `headers.strip` family stays
  std::vector<ConnectorId> without;  // judged as if these did not exist: their require_header was not met
  Violations violations;             // of the message, in the order of Rule, the one that decides first among equals
  std::vector<RecipientDecision> recipients;
  std::vector<OutboundId> outbound;         // parallel to recipients, or empty; no_outbound: refused, or no connector is about it
  OutboundId route = no_outbound;           // the rule-scoped connector that takes the whole message
  OutboundId audit_outbound = no_outbound;  // of the first recipient that outbound connectors in mode audit would send another way
  std::optional<AuditDifference> audit;
  Steps steps;
};

}  // namespace cm

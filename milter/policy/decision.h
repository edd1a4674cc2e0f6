// What decide() returns: data only. Replies, header fields, log lines and explanations are rendered from it elsewhere.
#pragma once

#include <array>
#include <boost/container/small_vector.hpp>
#include <optional>
#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace cm {

/// In the order in which one is chosen for the reply when several fail.
enum class Rule : std::uint8_t {
  none,
  closed,
  syntax,
  source,
  auth,
  tls,
  certificate,
  sender,
  protect,
  header_from,
  header,
  unmatched,
  recipient,
  recipients,
  size,
  rate
};
/// In rising order of severity; reject and tempfail are both refusals.
enum class Action : std::uint8_t { accept, tag, quarantine, tempfail, reject };
enum class Stage : std::uint8_t { none, connect, mail, rcpt, eom };
enum class Vouched : std::uint8_t { no, authenticated, local };

constexpr bool is_refusal(Action action) { return action >= Action::tempfail; }

/// One unmet demand. `connector` is no_connector for closed, syntax, protect and unmatched.
struct Violation {
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;
  Action action = Action::accept;
  friend bool operator==(const Violation&, const Violation&) = default;
};
using Violations = boost::container::small_vector<Violation, 4>;

/// What a recipient gets, and the violation that decides it (rule none: accepted without any).
struct RecipientDecision {
  Action action = Action::accept;
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;
  friend bool operator==(const RecipientDecision&, const RecipientDecision&) = default;
};

enum class Outcome : std::uint8_t { selected, not_selected, violated, passed };

/// Why a step came out as it did. render_step() (render.h) puts it into words, together with the facts.
enum class Because : std::uint8_t {
  disabled,
  audit_only,
  other_listener,
  other_source,
  no_login,
  other_login,
  no_certificate,
  unverified_certificate,
  other_certificate,
  other_issuer,
  weaker_proof,
  sender_out_of_scope,
  search_ended,
  grant_applies,
  vouched_applies,
  refused_before,
  identity_holds,
  via_holds,
  demands_met,
  vouched_login,
  vouched_local,
  rule_unmet,
  nothing_in_scope,
};

struct Step {
  ConnectorId connector = no_connector;
  Outcome outcome = Outcome::not_selected;
  Because because = Because::disabled;
  Rule rule = Rule::none;  // for violated
  friend bool operator==(const Step&, const Step&) = default;
};
using Steps = std::vector<Step>;

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
  bool proven = false;         // the trust header is written
  bool marked = false;         // the connector's add_headers are written
  bool keeps_headers = false;  // accept_headers applies: the `headers.strip` family stays
  Violations violations;       // of the message, in the order of Rule, the one that decides first among equals
  std::vector<RecipientDecision> recipients;
  std::vector<OutboundId> outbound;         // parallel to recipients, or empty; no_outbound: refused, or no connector is about it
  OutboundId route = no_outbound;           // the rule-scoped connector that takes the whole message
  OutboundId audit_outbound = no_outbound;  // of the first recipient that outbound connectors in mode audit would send another way
  std::optional<AuditDifference> audit;
  Steps steps;
};

constexpr std::string_view to_string(Rule rule) {
  constexpr std::string_view names[] = {"none",    "closed",      "syntax", "source",    "auth",      "tls",        "certificate", "sender",
                                        "protect", "header_from", "header", "unmatched", "recipient", "recipients", "size",        "rate"};
  return names[static_cast<std::size_t>(rule)];
}
constexpr std::string_view to_string(Action action) {
  constexpr std::string_view names[] = {"accept", "tag", "quarantine", "tempfail", "reject"};
  return names[static_cast<std::size_t>(action)];
}

}  // namespace cm

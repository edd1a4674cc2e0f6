// How mail leaves: the outbound connector of a recipient, the rule-scoped one of a message, and what the MTA's maps are told of it. Pure.
//
// The rule: the milter's headers, `explain` and the maps answer from these functions alone, so they cannot disagree. A recipient's domain
// is that of the address as the MTA resolved it. Only mail that a grant, vouching or a named and proven partner answers for is ever
// taken by a rule; what a stranger writes never chooses a route.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/attribution.h"
#include "policy/facts.h"
#include "policy/policy.h"

namespace cm {

/// The choice for one domain: the connector, and how specific the pattern was; any_rank: only `*` covers it.
struct OutboundChoice {
  OutboundId id = no_outbound;
  Rank rank = no_match;
};

/// For a recipient's domain, normalised: exact, longer wildcard, shorter, `*`; then the lowest cost. `*` never covers organization domains,
/// and nothing covers an empty domain. Rule-scoped connectors take no part. In the audit pass those in mode audit do, and beat an
/// enforced one of the same specificity and cost.
OutboundChoice choose_outbound(const Policy& policy, std::string_view domain, Pass pass = Pass::enforced);

/// The enforced connector for `*`, of the lowest cost.
OutboundId default_outbound(const Policy& policy);
/// The enforced connector that has this smart host, rule-scoped or not; `next_hop` as the MTA was told, in any case.
OutboundId outbound_by_next_hop(const Policy& policy, std::string_view next_hop);
/// An enforced rule-scoped connector, by its exact name.
OutboundId rule_by_name(const Policy& policy, std::string_view name);

/// Postfix transport_maps and FILTER: "smtp:[mx.d.example]:25, [mx2.d.example]"; "smtp:" for MX. Source: transport(5).
std::string transport_of(const OutboundConnector& connector);
/// Postfix smtp_tls_policy_maps: "secure match=a.example:.b.example protocols=>=TLSv1.2"; empty if nothing is demanded.
/// Source: postconf(5) smtp_tls_policy_maps, smtp_tls_mandatory_protocols.
std::string tls_policy_of(const OutboundConnector& connector);

/// What is wrong with a pattern of `when.header.matches`; empty if nothing is.
std::string why_bad_pattern(std::string_view pattern);

/// Adds to `held` the rule-scoped connectors whose `when.header` this field meets, each once. `value` may be folded. Costs a hash probe
/// for fields that no connector names.
void note_header(const Policy& policy, std::string_view name, std::string_view value, std::vector<OutboundId>& held);

/// Why a rule-scoped connector does not take a message; in the order in which it is asked.
enum class RuleGap : std::uint8_t { none, not_trusted, other_connector, own_smart_host, other_sender, no_header, removed_header, no_recipient };

/// Everything about a message that rules ask for; valid as long as what it borrows.
struct RuleFacts {
  const Connection& connection;
  const Sender& sender;
  const Attribution& attribution;
  const std::vector<OutboundId>& header_rules;  // Content::header_rules
  bool kept_headers;                            // the `headers.strip` family stays, so that it may count
};

/// The recipients of one message as far as outbound connectors ask, then their choice; one a message and pass. Borrows the policy.
class Routing {
 public:
  Routing(const Policy& policy, Pass pass) : policy_(policy), pass_(pass) {}
  /// At each RCPT, in their order.
  void rcpt(const Envelope& recipient, bool accepted);
  /// At end of message, once; only if it is accepted.
  void end(const RuleFacts& facts);
  /// Parallel to the recipients; no_outbound: refused, or no connector is about it.
  [[nodiscard]] const std::vector<OutboundId>& outbound() const { return outbound_; }
  /// The rule-scoped connector that takes the whole message.
  [[nodiscard]] OutboundId rule() const { return rule_; }
  /// What keeps the rule-scoped connector `id` from taking it.
  [[nodiscard]] RuleGap gap(const RuleFacts& facts, OutboundId id) const;

 private:
  const Policy& policy_;
  Pass pass_;
  std::vector<OutboundId> outbound_;
  std::vector<bool> accepted_;
  std::vector<OutboundId> in_recipient_scope_;  // rule-scoped connectors that some accepted recipient fits, each once
  OutboundId rule_ = no_outbound;
};

/// Why an outbound connector takes a message, some of its recipients, or nothing.
struct OutboundStep {
  OutboundId connector = no_outbound;
  Outcome outcome = Outcome::not_selected;
  std::string because;
};
/// One step for every outbound connector, as configured. Linear in their number: for `explain`, never for mail.
std::vector<OutboundStep> explain_outbound(const Policy& policy, const Facts& facts, const Decision& decision);
/// The same of the message as it was decided, as if the outbound connectors in mode audit were enforced; empty if there are none, or if it
/// is refused.
std::vector<OutboundStep> explain_audit_outbound(const Policy& policy, const Facts& facts, const Decision& decision);

/// The connector by which all accepted recipients leave; no_outbound if there is none or they differ.
OutboundId common_outbound(const Decision& decision);

}  // namespace cm

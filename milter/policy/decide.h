// The engine: which connector a message hits, and what becomes of it. Pure: same policy, same facts, same decision.
//
// The order (connector-milter.conf(5), HOW MAIL IS DECIDED) stands on one screen in attribute() (attribute.cc): grants and exemptions,
// vouched mail, partners from the most specific sender pattern down, protect, unmatched. Nothing here looks anything up outside its arguments.
#pragma once

#include <span>

#include "policy/attribution.h"
#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/policy.h"
#include "policy/routing.h"
#include "policy/side.h"

namespace cm {

/// On a closed listener: can no enforced connector accept this client any more, whatever it may still prove?
/// `without`: connectors that are as if they did not exist.
bool is_refused_at_connect(const Policy& policy, const Connection& connection, Pass pass = Pass::enforced, std::span<const ConnectorId> without = {});

/// Which connector the sender hits, and what it violates. `steps` may be null.
Attribution attribute(const Policy& policy, const Connection& connection, const Sender& sender, Pass pass, Steps* steps,
                      std::vector<ConnectorId> without = {});

/// check_header_from: what the From domains add to the violations.
void judge_header_from(const Policy& policy, const Connection& connection, const Sender& sender, const HeaderFrom& from, Pass pass,
                       const Attribution& attribution, Violations& violations, Steps* steps);

/// The violation that decides (demands.cc): a refusal beats quarantine beats tag, then the first in the order of Rule. Null if there is none.
const Violation* deciding(const Violations& violations);

/// One message, stage by stage, in both passes: what the milter session drives. Borrows policy and connection, which must outlive it.
class Deliberation {
 public:
  Deliberation(const Policy& policy, const Connection& connection, Steps* steps = nullptr);

  /// At MAIL. A refusal here (only a SIZE= that is too large) is the answer to MAIL; everything else is answered at RCPT.
  RecipientDecision mail(Sender sender);
  /// Which rate limits must be asked before rcpt() of this recipient: those of connectors that accept it otherwise, each once a message.
  [[nodiscard]] std::vector<ConnectorId> rates_before(const Envelope& recipient) const;
  /// The same before end().
  [[nodiscard]] std::vector<ConnectorId> rates_before_end(const Content& content) const;
  void note_rate(ConnectorId asked, bool exceeded);
  /// At each RCPT, also after a refusal at MAIL.
  RecipientDecision rcpt(const Envelope& recipient);
  /// What enforcing the audit connectors would have changed for the recipient asked last, as far as RCPT can tell.
  [[nodiscard]] std::optional<AuditDifference> last_difference() const;
  /// At end of message, once. `content` is nullopt if header and actual size rules shall not be asked.
  Decision end(const std::optional<Content>& content);

  [[nodiscard]] const Sender& sender() const { return sender_; }

 private:
  void route(const std::optional<Content>& content, Decision& decision);
  [[nodiscard]] std::vector<ConnectorId> not_asked(std::vector<ConnectorId> ids, const std::vector<ConnectorId>& audit) const;

  const Policy& policy_;
  const Connection& connection_;
  Steps* steps_;
  Sender sender_;
  std::vector<ConnectorId> rates_asked_;
  Side enforced_;
  std::optional<Side> audit_;                       // only if it can differ
  std::optional<Routing> routing_, audit_routing_;  // only if there are outbound connectors, or some in mode audit
};

/// The whole decision for a message.
Decision decide(const Policy& policy, const Facts& facts);

}  // namespace cm

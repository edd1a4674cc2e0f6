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

namespace cm {

/// On a closed listener: can no enforced connector accept this client any more, whatever it may still prove?
/// `without`: connectors that are as if they did not exist.
bool is_refused_at_connect(const Policy& policy, const Connection& connection, Pass pass = Pass::enforced, std::span<const ConnectorId> without = {});

/// Which connector the sender hits, and what it violates. `steps` may be null.
Attribution attribute(const Policy& policy, const Connection& connection, const Sender& sender, Pass pass, Steps* steps,
                      std::vector<ConnectorId> without = {});

/// Adds to `met` the inbound connectors whose `require_header` this field meets, each once. `value` may be folded. Costs a hash probe or two.
void note_required_header(const Policy& policy, std::string_view name, std::string_view value, std::vector<ConnectorId>& met);

/// check_header_from: what the From domains add to the violations.
void judge_header_from(const Policy& policy, const Connection& connection, const Sender& sender, const HeaderFrom& from, Pass pass,
                       const Attribution& attribution, Violations& violations, Steps* steps);

/// The violation that decides (demands.cc): a refusal beats quarantine beats tag, then the first in the order of Rule. Null if there is none.
const Violation* deciding(const Violations& violations);

/// One message in one pass, stage by stage. Copyable; borrows policy and connection.
class Side {
 public:
  Side(const Policy& policy, const Connection& connection, Pass pass);
  RecipientDecision mail(const Sender& sender, Steps* steps);
  RecipientDecision rcpt(const Envelope& recipient);
  Decision end(const Sender& sender, const std::optional<Content>& content, Steps* steps);
  void set_pass(Pass pass) { pass_ = pass; }
  [[nodiscard]] const std::vector<RecipientDecision>& recipients() const { return recipients_; }
  [[nodiscard]] const Attribution& attribution() const { return attribution_; }

 private:
  [[nodiscard]] Violations judge_recipient(const Envelope& recipient) const;
  void note_recipients(const Sender& sender, Steps* steps) const;
  [[nodiscard]] bool lacks_header(const Content& content) const;
  [[nodiscard]] bool goes_outside() const;
  Decision judge_anew(const Sender& sender, const Content& content, Steps* steps);
  Decision conclude(const Sender& sender, const std::optional<Content>& content, Steps* steps);
  [[nodiscard]] Violations judge_content(const Sender& sender, const Content& content, Steps* steps) const;

  const Policy& policy_;
  const Connection& connection_;
  Pass pass_;
  Attribution attribution_;
  std::vector<RecipientDecision> recipients_;
  std::vector<Envelope> kept_;  // recipients not refused, if they may have to be judged anew
  Violations accepted_own_;     // recipient violations that did not refuse: quarantine and tag
  Violations first_own_;        // of the first refused recipient
  Violations all_own_;          // of any recipient: for the steps
  std::uint32_t accepted_ = 0;  // recipients not refused
  bool refused_ = false;        // some recipient was refused, other than as surplus
};

/// One message, stage by stage, in both passes: what the milter session drives. Borrows policy and connection, which must outlive it.
class Deliberation {
 public:
  Deliberation(const Policy& policy, const Connection& connection, Steps* steps = nullptr);

  /// At MAIL. A refusal here (only a SIZE= that is too large) is the answer to MAIL; everything else is answered at RCPT.
  RecipientDecision mail(Sender sender);
  /// At each RCPT, also after a refusal at MAIL.
  RecipientDecision rcpt(const Envelope& recipient);
  /// What enforcing the audit connectors would have changed for the recipient asked last, as far as RCPT can tell.
  [[nodiscard]] std::optional<AuditDifference> last_difference() const;
  /// At end of message, once. `content` is nullopt if header and actual size rules shall not be asked.
  Decision end(const std::optional<Content>& content);

  [[nodiscard]] const Sender& sender() const { return sender_; }

 private:
  void route(const std::optional<Content>& content, Decision& decision);

  const Policy& policy_;
  const Connection& connection_;
  Steps* steps_;
  Sender sender_;
  Side enforced_;
  std::optional<Side> audit_;                       // only if it can differ
  std::optional<Routing> routing_, audit_routing_;  // only if there are outbound connectors, or some in mode audit
};

/// The whole decision for a message.
Decision decide(const Policy& policy, const Facts& facts);

}  // namespace cm

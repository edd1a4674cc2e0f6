// One message in one pass: as it is enforced, or as it would be. Part of the engine (decide.h); its code is in decide.cc.
#pragma once

#include <optional>
#include <vector>

#include "policy/attribution.h"
#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/policy.h"

namespace cm {

/// One message in one pass, stage by stage. Copyable; borrows policy and connection.
class Side {
 public:
  Side(const Policy& policy, const Connection& connection, Pass pass);
  RecipientDecision mail(const Sender& sender, Steps* steps);
  RecipientDecision rcpt(const Sender& sender, const Envelope& recipient);
  /// The judged connectors with a rate limit, if nothing but that could refuse this recipient; in the audit pass those in mode audit alone.
  [[nodiscard]] std::vector<ConnectorId> rates_before(const Envelope& recipient) const;
  /// The same of those that judge the message anew, for want of a header.
  [[nodiscard]] std::vector<ConnectorId> rates_before_end(const Sender& sender, const Content& content) const;
  Decision end(const Sender& sender, const std::optional<Content>& content, Steps* steps);
  void set_pass(Pass pass) { pass_ = pass; }
  [[nodiscard]] const std::vector<RecipientDecision>& recipients() const { return recipients_; }
  [[nodiscard]] const Attribution& attribution() const { return attribution_; }

 private:
  [[nodiscard]] Violations judge_recipient(const Envelope& recipient) const;
  [[nodiscard]] Violations judge_rates(const Sender& sender) const;
  void note_recipients(const Sender& sender, Steps* steps) const;
  [[nodiscard]] bool lacks_header(const Content& content) const;
  [[nodiscard]] bool is_judged_anew(const Content& content) const;
  [[nodiscard]] Side without_connector(const Sender& sender, Steps* steps, std::vector<ConnectorId>* rates) const;
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

}  // namespace cm

// From attribution to a decision for every recipient and for the message, in both passes.
//
// The same code serves the milter session, stage by stage, and decide() in one go: what is explained is what is done.
#include "policy/decide.h"

#include <algorithm>

#include "policy/demands.h"
#include "policy/outbound_index.h"

namespace cm {
namespace {

Violation as_violation(const RecipientDecision& decision) { return {decision.rule, decision.connector, decision.action}; }

RecipientDecision as_decision(const Violation* violation) {
  return violation ? RecipientDecision{violation->action, violation->rule, violation->connector} : RecipientDecision{};
}

// What a recipient gets once more has been found out.
RecipientDecision add(const RecipientDecision& decision, const Violations& violations) {
  const auto* found = deciding(violations);
  if (!found) return decision;
  return decision.rule == Rule::none || decides_before(*found, as_violation(decision)) ? as_decision(found) : decision;
}

const Violation* declared_too_large(const Attribution& attribution) {
  const auto& v = attribution.violations;
  const auto it = std::find_if(v.begin(), v.end(), [](const Violation& x) { return x.rule == Rule::size; });
  return it == v.end() ? nullptr : &*it;
}

bool requires_header(const Policy& policy, const Attribution& attribution) {
  return attribution.connector != no_connector && policy.connector(attribution.connector).requires_header();
}

// `accepting` is the connector that takes the mail in the audit pass: nobody is violated by an acceptance.
std::optional<AuditDifference> difference(const RecipientDecision& enforced, const RecipientDecision& audit, ConnectorId accepting) {
  if (enforced.action == audit.action) return std::nullopt;
  return AuditDifference{audit.action, audit.rule, audit.rule == Rule::none ? accepting : audit.connector};
}

std::optional<AuditDifference> first_difference(const Side& enforced, const Side& audit) {
  for (std::size_t i = 0; i < enforced.recipients().size() && i < audit.recipients().size(); ++i)
    if (auto found = difference(enforced.recipients()[i], audit.recipients()[i], audit.attribution().connector)) return found;
  return std::nullopt;
}

}  // namespace

Side::Side(const Policy& policy, const Connection& connection, Pass pass) : policy_(policy), connection_(connection), pass_(pass) {}

RecipientDecision Side::mail(const Sender& sender, Steps* steps) {
  if (sender.envelope.argument.is_valid())
    attribution_ = attribute(policy_, connection_, sender, pass_, steps, std::move(attribution_.without));
  else
    violate({policy_, connection_, sender, pass_, steps}, attribution_.violations, no_connector, Rule::syntax);
  return as_decision(declared_too_large(attribution_));
}

// The violations that are this recipient's own.
Violations Side::judge_recipient(const Envelope& recipient) const {
  Violations own;
  if (!recipient.argument.is_valid() || recipient.argument.is_null()) {
    own.push_back({Rule::syntax, no_connector, Action::reject});
    return own;
  }
  for (const auto id : attribution_.judged) {
    const auto& connector = policy_.connector(id);
    if (!fits_limit(policy_, connector.recipients, policy_.index().compiled[id].recipients.get(), recipient))
      own.push_back({Rule::recipient, id, action_of(connector, Rule::recipient)});
  }
  if (const auto* found = deciding(own); found && is_refusal(found->action)) return own;
  for (const auto id : attribution_.judged) {
    const auto limit = policy_.connector(id).max_recipients;
    if (limit == 0 || accepted_ < limit) continue;
    own.push_back({Rule::recipients, id, Action::tempfail});
    break;
  }
  return own;
}

// Of several connectors whose buckets are empty each is violated; the first one met decides.
Violations Side::judge_rates(const Sender& sender) const {
  Violations own;
  for (const auto id : attribution_.judged)
    if (std::find(sender.rates_exceeded.begin(), sender.rates_exceeded.end(), id) != sender.rates_exceeded.end())
      own.push_back({Rule::rate, id, action_of(policy_.connector(id), Rule::rate)});
  return own;
}

// Cheap where nobody has a limit: this is asked of every recipient.
std::vector<ConnectorId> Side::rates_before(const Envelope& recipient) const {
  std::vector<ConnectorId> out;
  if (!attribution_.violations.empty()) return out;
  for (const auto id : attribution_.judged) {
    const auto& connector = policy_.connector(id);
    if (connector.rate_limit && (pass_ == Pass::enforced || connector.mode == Mode::audit)) out.push_back(id);
  }
  if (!out.empty() && !judge_recipient(recipient).empty()) out.clear();
  return out;
}

RecipientDecision Side::rcpt(const Sender& sender, const Envelope& recipient) {
  RecipientDecision decision = as_decision(deciding(attribution_.violations));
  auto own = judge_recipient(recipient);
  if (own.empty() && attribution_.violations.empty()) own = judge_rates(sender);
  if (const auto* too_large = declared_too_large(attribution_))
    decision = as_decision(too_large);
  else
    decision = add(decision, own);
  if (accepted_ == recipients_.size() && is_refusal(decision.action)) first_own_ = own;
  for (const auto& violation : own) add_violation(all_own_, violation);
  if (is_refusal(decision.action)) {
    refused_ |= decision.rule != Rule::recipients;
  } else {
    ++accepted_;
    if (requires_header(policy_, attribution_)) kept_.push_back(recipient);
    for (const auto& violation : own) add_violation(accepted_own_, violation);
  }
  recipients_.push_back(decision);
  return decision;
}

Violations Side::judge_content(const Sender& sender, const Content& content, Steps* steps) const {
  Violations found;
  const Case c{policy_, connection_, sender, pass_, steps};
  if (content.malformed_header) violate(c, found, no_connector, Rule::syntax);
  for (const auto id : attribution_.judged) {
    const auto limit = policy_.connector(id).max_message_size;
    if (limit == 0 || !content.size || *content.size <= limit) continue;
    violate(c, found, id, Rule::size);
    break;
  }
  judge_header_from(policy_, connection_, sender, content.from, pass_, attribution_, found, steps);
  if (lacks_header(content)) violate(c, found, attribution_.connector, Rule::header);
  return found;
}

// A connector whose recipient limits leave nobody to accept the message for is violated, whatever it was selected for before.
void Side::note_recipients(const Sender& sender, Steps* steps) const {
  if (steps == nullptr) return;
  const Case c{policy_, connection_, sender, pass_, steps};
  for (const auto& violation : all_own_) {
    if (accepted_ == 0 && violation.connector != no_connector)
      std::erase_if(*steps, [&](const Step& step) { return step.connector == violation.connector && step.outcome != Outcome::violated; });
    c.note(violation.connector, Outcome::violated, Because::rule_unmet, violation.rule);
  }
}

bool Side::lacks_header(const Content& content) const {
  return requires_header(policy_, attribution_) && !contains(content.header_met, attribution_.connector);
}

// With a recipient elsewhere it is refused, see judge_content().
bool Side::is_judged_anew(const Content& content) const {
  const auto is_ours = [&](const Envelope& to) { return policy_.is_ours(to.argument) && policy_.is_ours(to.resolved); };
  return accepted_ > 0 && lacks_header(content) && std::all_of(kept_.begin(), kept_.end(), is_ours);
}

// The same message, as if the connector did not exist. There is one answer left to give, so a recipient who is refused now refuses all.
Side Side::without_connector(const Sender& sender, Steps* steps, std::vector<ConnectorId>* rates) const {
  Side anew(policy_, connection_, pass_);
  anew.attribution_.without = attribution_.without;
  anew.attribution_.without.push_back(attribution_.connector);
  anew.refused_ = refused_;
  anew.mail(sender, steps);
  for (const auto& recipient : kept_) {
    if (rates)
      for (const auto id : anew.rates_before(recipient)) rates->push_back(id);
    const auto verdict = anew.rcpt(sender, recipient);
    if (!is_refusal(verdict.action)) continue;
    anew.recipients_ = {verdict};
    anew.accepted_ = 0;
    break;
  }
  return anew;
}

std::vector<ConnectorId> Side::rates_before_end(const Sender& sender, const Content& content) const {
  std::vector<ConnectorId> out;
  if (!is_judged_anew(content)) return out;
  const auto anew = without_connector(sender, nullptr, &out);
  return anew.is_judged_anew(content) ? anew.rates_before_end(sender, content) : out;
}

Decision Side::judge_anew(const Sender& sender, const Content& content, Steps* steps) {
  note_recipients(sender, steps);
  if (steps) {
    const auto absent = attribution_.connector;
    std::erase_if(*steps, [&](const Step& step) { return step.connector == absent && step.outcome != Outcome::violated; });
    steps->push_back({absent, Outcome::not_selected, Because::header_unmet, Rule::none});
  }
  auto anew = without_connector(sender, steps, nullptr);
  auto d = anew.end(sender, content, steps);
  if (is_refusal(d.action)) d.stage = Stage::eom;
  auto next = d.recipients.begin();
  for (auto& recipient : recipients_)
    if (!is_refusal(recipient.action)) recipient = is_refusal(d.action) ? RecipientDecision{d.action, d.rule, d.connector} : *next++;
  d.recipients = recipients_;
  attribution_ = std::move(anew.attribution_);
  return d;
}

Decision Side::end(const Sender& sender, const std::optional<Content>& content, Steps* steps) {
  return content && is_judged_anew(*content) ? judge_anew(sender, *content, steps) : conclude(sender, content, steps);
}

Decision Side::conclude(const Sender& sender, const std::optional<Content>& content, Steps* steps) {
  Decision d;
  d.without = attribution_.without;
  d.vouched = attribution_.vouched;
  d.violations = attribution_.violations;
  note_recipients(sender, steps);
  Violations found;
  if (accepted_ > 0 && content) found = judge_content(sender, *content, steps);
  for (auto& recipient : recipients_)
    if (!is_refusal(recipient.action)) recipient = add(recipient, found);
  const bool refused_at_end = deciding(found) && is_refusal(deciding(found)->action);
  const bool is_accepted = accepted_ > 0 && !refused_at_end;
  for (const auto& violation : found) add_violation(d.violations, violation);
  for (const auto& violation : accepted_ > 0 ? accepted_own_ : first_own_) add_violation(d.violations, violation);
  sort_by_rule(d.violations);

  RecipientDecision verdict;
  if (is_accepted)
    verdict = as_decision(deciding(d.violations));
  else if (accepted_ > 0)
    verdict = as_decision(deciding(found));
  else if (!recipients_.empty())
    verdict = recipients_.front();
  d.action = verdict.action;
  d.rule = verdict.rule;
  d.connector = verdict.rule == Rule::none ? attribution_.connector : verdict.connector;
  if (is_refusal(d.action)) d.stage = refused_at_end ? Stage::eom : declared_too_large(attribution_) ? Stage::mail : Stage::rcpt;

  const bool clean = d.violations.empty() && !refused_;
  d.marked = clean && attribution_.connector != no_connector;
  const bool is_relay = attribution_.connector != no_connector && policy_.connector(attribution_.connector).duty == Duty::relay;
  d.proven = clean && attribution_.proven && !is_relay;
  d.keeps_headers = d.marked && policy_.connector(attribution_.connector).accept_headers;
  d.recipients = recipients_;
  return d;
}

Deliberation::Deliberation(const Policy& policy, const Connection& connection, Steps* steps)
    : policy_(policy), connection_(connection), steps_(steps), enforced_(policy, connection, Pass::enforced) {
  if (policy.has_audit_connectors()) audit_.emplace(policy, connection, Pass::audit);
  if (!policy.data().outbound.empty()) routing_.emplace(policy, Pass::enforced);
  if (policy.outbound_index().has_audit) audit_routing_.emplace(policy, Pass::audit);
}

RecipientDecision Deliberation::mail(Sender sender) {
  sender_ = std::move(sender);
  if (audit_) audit_->mail(sender_, nullptr);
  return enforced_.mail(sender_, steps_);
}

// Each once a message.
std::vector<ConnectorId> Deliberation::not_asked(std::vector<ConnectorId> ids, const std::vector<ConnectorId>& audit) const {
  ids.insert(ids.end(), audit.begin(), audit.end());
  std::sort(ids.begin(), ids.end());
  ids.erase(std::unique(ids.begin(), ids.end()), ids.end());
  std::erase_if(ids, [&](ConnectorId id) { return contains(rates_asked_, id); });
  return ids;
}

std::vector<ConnectorId> Deliberation::rates_before(const Envelope& recipient) const {
  return not_asked(enforced_.rates_before(recipient), audit_ ? audit_->rates_before(recipient) : std::vector<ConnectorId>{});
}

std::vector<ConnectorId> Deliberation::rates_before_end(const Content& content) const {
  return not_asked(enforced_.rates_before_end(sender_, content), audit_ ? audit_->rates_before_end(sender_, content) : std::vector<ConnectorId>{});
}

void Deliberation::note_rate(ConnectorId asked, bool exceeded) {
  rates_asked_.push_back(asked);
  if (exceeded) sender_.rates_exceeded.push_back(asked);
}

RecipientDecision Deliberation::rcpt(const Envelope& recipient) {
  if (audit_) audit_->rcpt(sender_, recipient);
  const auto verdict = enforced_.rcpt(sender_, recipient);
  for (auto* routing : {&routing_, &audit_routing_})
    if (*routing) (*routing)->rcpt(recipient, !is_refusal(verdict.action));
  return verdict;
}

std::optional<AuditDifference> Deliberation::last_difference() const {
  if (!audit_ || enforced_.recipients().empty()) return std::nullopt;
  return difference(enforced_.recipients().back(), audit_->recipients().back(), audit_->attribution().connector);
}

Decision Deliberation::end(const std::optional<Content>& content) {
  // Without audit connectors the passes differ in the header From check alone.
  if (!audit_ && policy_.has_audit_header_from() && content && content->from.kind != HeaderFrom::Kind::absent)
    audit_.emplace(enforced_).set_pass(Pass::audit);
  auto decision = enforced_.end(sender_, content, steps_);
  if (audit_) {
    static_cast<void>(audit_->end(sender_, content, nullptr));
    decision.audit = first_difference(enforced_, *audit_);
  }
  if (routing_ && !is_refusal(decision.action)) route(content, decision);
  return decision;
}

// The outbound connectors in mode audit are tried on the mail as it was decided: what is in question is where it goes.
void Deliberation::route(const std::optional<Content>& content, Decision& decision) {
  static const std::vector<OutboundId> none;
  const RuleFacts facts{connection_, sender_, enforced_.attribution(), content ? content->header_rules : none, decision.keeps_headers};
  routing_->end(facts);
  decision.outbound = routing_->outbound();
  decision.route = routing_->rule();
  if (!audit_routing_) return;
  audit_routing_->end(facts);
  const auto& other = audit_routing_->outbound();
  for (std::size_t i = 0; i < other.size() && decision.audit_outbound == no_outbound; ++i)
    if (other[i] != decision.outbound[i]) decision.audit_outbound = other[i];
}

namespace {

Decision refuse_at_connect(const Policy& policy, const Facts& facts) {
  Decision d;
  d.action = Action::reject;
  d.stage = Stage::connect;
  d.rule = Rule::closed;
  d.violations.push_back({Rule::closed, no_connector, Action::reject});
  const RecipientDecision refused{Action::reject, Rule::closed, no_connector};
  d.recipients.assign(facts.recipients.size(), refused);
  d.steps.push_back({no_connector, Outcome::violated, Because::rule_unmet, Rule::closed});
  if (policy.has_audit_connectors() && !is_refused_at_connect(policy, facts.connection, Pass::audit)) {
    Side audit(policy, facts.connection, Pass::audit);
    audit.mail(facts.sender, nullptr);
    for (const auto& recipient : facts.recipients) audit.rcpt(facts.sender, recipient);
    static_cast<void>(audit.end(facts.sender, facts.content, nullptr));
    for (const auto& recipient : audit.recipients())
      if (!d.audit) d.audit = difference(refused, recipient, audit.attribution().connector);
  }
  return d;
}

}  // namespace

Decision decide(const Policy& policy, const Facts& facts) {
  if (is_refused_at_connect(policy, facts.connection)) return refuse_at_connect(policy, facts);
  Steps steps;
  Deliberation deliberation(policy, facts.connection, &steps);
  deliberation.mail(facts.sender);
  for (const auto& recipient : facts.recipients) deliberation.rcpt(recipient);
  auto decision = deliberation.end(facts.content);
  decision.steps = std::move(steps);
  return decision;
}

}  // namespace cm

// The oracle: SPEC 3.4, step by step, then 3.5 and 3.6, for one message; read it beside those sections.
//
// Rule: the order of the functions is the order of the SPEC, and every choice is a walk over all connectors in configured order.
#include "reference.h"

#include <algorithm>
#include <functional>
#include <set>

#include "outbound.h"

namespace cm::reference {
namespace {

// ---- 3.1 closed: "a client that can no longer be accepted by any connector, whatever it may still prove".

bool may_still_prove(const Case& c, const InboundConnector& connector) {
  return connector.has_identity() && (connector.source_ips.empty() || source_holds(c, connector));
}

bool may_still_prove_via(const Case& c, const InboundConnector& connector) {
  const auto may = [&](const InboundConnector& other) {
    return std::find(connector.via.begin(), connector.via.end(), other.name) != connector.via.end() && takes_part(c, other) &&
           may_still_prove(c, other);
  };
  return std::any_of(c.policy.inbound.begin(), c.policy.inbound.end(), may);
}

bool refused_at_connect(const Case& c) {
  if (!is_closed(c)) return false;
  for (const auto& connector : c.policy.inbound) {
    if (!takes_part(c, connector) || !listener_fits(c, connector)) continue;
    if (!connector.demands_identity() || may_still_prove(c, connector) || may_still_prove_via(c, connector)) return false;
  }
  return true;
}

// 5 "`connector` is the grant, exemption or claiming partner; for a violation, the connector that is violated; for a TLS-only partner
// that is met, the most specific one."
ConnectorId shown_connector(const Finding& finding) { return finding.chosen != no_connector ? finding.chosen : finding.tls_only; }

// ---- 3.5 at RCPT

// 3.5 "Rates are counted only for messages whose other demands are met"; 3.3 rate_limit: of every connector whose limits bind the message.
void judge_rates(const Case& c, const Finding& finding, Violations& violations) {
  if (!violations.empty()) return;
  const auto& empty = c.facts.sender.rates_exceeded;
  for (const auto id : finding.judged)
    if (std::count(empty.begin(), empty.end(), id) > 0) add(violations, Rule::rate, id, Action::tempfail);
}

Violations judge_recipient(const Case& c, const Finding& finding, const Envelope& recipient, std::uint32_t accepted) {
  Violations violations = finding.violations;
  if (recipient.argument.kind != Address::Kind::mailbox) {  // the null path is nobody to deliver to
    add(violations, Rule::syntax, no_connector, Action::reject);
    return violations;
  }
  if (finding.chosen != no_connector && !limit_fits(c.policy, c.at(finding.chosen).recipients, recipient))
    add(violations, Rule::recipient, finding.chosen, on_violation(c.at(finding.chosen)));
  for (const auto id : finding.judged) {
    if (is_refusal(verdict(violations).action)) break;
    if (c.at(id).max_recipients != 0 && accepted >= c.at(id).max_recipients) add(violations, Rule::recipients, id, Action::tempfail);
  }
  judge_rates(c, finding, violations);
  return violations;
}

// ---- 3.5 at end of message

// Of several limits the first that is exceeded, as met in the search.
void judge_size(const Case& c, const Finding& finding, Violations& violations) {
  const auto& size = c.facts.content->size;
  for (const auto id : finding.judged) {
    const auto max = c.at(id).max_message_size;
    if (max != 0 && size && *size > max) return add(violations, Rule::size, id, Action::reject);
  }
}

// 3.3 `require_header`; a header that is not known is not asked for.
bool lacks_header(const Case& c, const Finding& finding) {
  if (finding.chosen == no_connector || c.at(finding.chosen).required_header.empty() || !c.facts.content) return false;
  const auto& met = c.facts.content->header_met;
  return std::find(met.begin(), met.end(), finding.chosen) == met.end();
}

Violations judge_content(const Case& c, const Finding& finding) {
  Violations violations;
  if (!c.facts.content) return violations;
  if (lacks_header(c, finding)) add(violations, Rule::header, finding.chosen, on_violation(c.at(finding.chosen)));
  if (c.facts.content->malformed_header) add(violations, Rule::syntax, no_connector, Action::reject);
  judge_header_from(c, finding, violations);
  judge_size(c, finding, violations);
  return violations;
}

// ---- the message as a whole

Decision refuse_all(const Case& c, Stage stage, const RecipientDecision& each, Violations violations) {
  Decision d;
  d.action = each.action;
  d.stage = stage;
  d.rule = each.rule;
  d.connector = each.connector;
  d.violations = std::move(violations);
  d.recipients.assign(c.facts.recipients.size(), each);
  return d;
}

Decision one_violation(const Case& c, Stage stage, Rule rule) {
  return refuse_all(c, stage, {Action::reject, rule, no_connector}, {Violation{rule, no_connector, Action::reject}});
}

// 3.5 at each RCPT; "Recipients that were refused do not count towards max_recipients".
struct Recipients {
  std::vector<RecipientDecision> given;
  Violations of_first;
  std::uint32_t accepted = 0;
  bool refused_other = false;  // than as surplus
};

Recipients decide_recipients(const Case& c, const Finding& finding) {
  Recipients out;
  for (const auto& recipient : c.facts.recipients) {
    const auto violations = judge_recipient(c, finding, recipient, out.accepted);
    const auto given = verdict(violations);
    if (out.given.empty()) out.of_first = violations;
    out.given.push_back(given);
    if (!is_refusal(given.action)) ++out.accepted;
    if (is_refusal(given.action) && given.rule != Rule::recipients) out.refused_other = true;
  }
  return out;
}

void show(const RecipientDecision& decided, const Violations& violations, const Finding& finding, Decision& d) {
  d.action = decided.action;
  d.rule = decided.rule;
  d.connector = decided.rule != Rule::none ? decided.connector : shown_connector(finding);
  d.violations = in_order(violations);
}

// 3.7 the trust header: "every demand is met, whoever the recipients are, and no recipient was refused (surplus ones aside)"; add_headers
// likewise; 3.3 accept_headers: "unless it violates something".
void mark(const Case& c, const Finding& finding, bool violated, bool refused_other, Decision& d) {
  if (violated || refused_other) return;
  d.proven = finding.proven;
  d.marked = shown_connector(finding) != no_connector;
  d.keeps_headers = finding.chosen != no_connector && c.at(finding.chosen).accept_headers;
}

// 3.3 "a message with any recipient outside our domains is refused": what is asked of those who were accepted.
bool goes_outside(const Case& c, const Recipients& recipients) {
  for (std::size_t i = 0; i < recipients.given.size(); ++i) {
    const auto& [argument, resolved] = c.facts.recipients[i];
    if (!is_refusal(recipients.given[i].action) && !(in_organization(c.policy, argument) && in_organization(c.policy, resolved))) return true;
  }
  return false;
}

Decision decide_anew(const Case& c, const Finding& finding, Recipients recipients);

Decision decide_message(const Case& c, const Finding& finding, Recipients recipients) {
  if (recipients.accepted != 0 && lacks_header(c, finding) && !goes_outside(c, recipients)) return decide_anew(c, finding, std::move(recipients));
  Decision d;
  d.vouched = finding.vouched;
  auto violations = finding.violations;
  if (recipients.accepted == 0) {
    show(recipients.given.front(), recipients.of_first, finding, d);
    d.stage = Stage::rcpt;
  } else {
    for (const auto& v : judge_content(c, finding)) violations.push_back(v);
    const auto of_message = verdict(violations);
    for (auto& given : recipients.given)
      if (!is_refusal(given.action)) given = of_message;
    show(of_message, violations, finding, d);
    if (is_refusal(of_message.action)) d.stage = Stage::eom;
  }
  mark(c, finding, !violations.empty(), recipients.refused_other, d);
  d.recipients = std::move(recipients.given);
  choose_ways(c, finding, d);
  d.audit_outbound = tried_way(c, finding, d);
  return d;
}

// The one answer that is left at end of message.
Decision refuse_accepted(const Finding& finding, const RecipientDecision& refusal, const Violations& violations, const Recipients& recipients) {
  Decision d;
  show(refusal, violations, finding, d);
  d.vouched = finding.vouched;
  d.stage = Stage::eom;
  d.recipients = recipients.given;
  for (auto& given : d.recipients)
    if (!is_refusal(given.action)) given = refusal;
  return d;
}

const Violation* too_large(const Violations& violations) {
  for (const auto& v : violations)
    if (v.rule == Rule::size) return &v;
  return nullptr;
}

// Whoever of those who were accepted is refused now refuses the message.
Decision without_it(const Case& anew, Recipients recipients) {
  if (refused_at_connect(anew))
    return refuse_accepted({}, {Action::reject, Rule::closed, no_connector}, {{Rule::closed, no_connector, Action::reject}}, recipients);
  const auto found = find(anew);
  std::uint32_t accepted = 0;
  for (std::size_t i = 0; i < recipients.given.size(); ++i) {
    if (is_refusal(recipients.given[i].action)) continue;
    const auto violations = judge_recipient(anew, found, anew.facts.recipients[i], accepted);
    const auto* size = too_large(found.violations);  // 3.5 "whatever else is wrong"
    const auto given = size ? RecipientDecision{size->action, size->rule, size->connector} : verdict(violations);
    if (is_refusal(given.action)) return refuse_accepted(found, given, violations, recipients);
    ++accepted;
  }
  return decide_message(anew, found, std::move(recipients));
}

// 3.3 "judged at end of message as if this connector did not exist".
Decision decide_anew(const Case& c, const Finding& finding, Recipients recipients) {
  auto rest = c.policy;
  rest.inbound[finding.chosen].enabled = false;
  auto d = without_it({rest, c.facts, c.pass}, std::move(recipients));
  d.without.insert(d.without.begin(), finding.chosen);
  return d;
}

// 3.5 "only a `SIZE=` that is too large is refused at MAIL, whatever else is wrong"; what is wrong with the first recipient is listed too.
Decision refused_at_mail(const Case& c, const Finding& finding, const Violation& size) {
  const auto violations = judge_recipient(c, finding, c.facts.recipients.front(), 0);
  auto d = refuse_all(c, Stage::mail, {size.action, size.rule, size.connector}, in_order(violations));
  d.vouched = finding.vouched;
  return d;
}

Decision decide_pass(const Case& c) {
  if (refused_at_connect(c)) return one_violation(c, Stage::connect, Rule::closed);
  if (!c.facts.sender.envelope.argument.is_valid()) return one_violation(c, Stage::rcpt, Rule::syntax);
  const auto finding = find(c);
  if (const auto* size = too_large(finding.violations)) return refused_at_mail(c, finding, *size);
  return decide_message(c, finding, decide_recipients(c, finding));
}

}  // namespace

// 2 "Audit changes nothing": "decided a second time with all of them; where the action for any recipient differs, the difference is
// logged".
Decision reference_decide(const PolicyData& policy, const Facts& facts) {
  auto decision = decide_pass({policy, facts, Pass::enforced});
  const auto second = decide_pass({policy, facts, Pass::audit});
  for (std::size_t i = 0; i < facts.recipients.size() && !decision.audit; ++i) {
    const auto& other = second.recipients[i];
    if (other.action == decision.recipients[i].action) continue;
    // 5 "connector is the grant, exemption or claiming partner; for a violation, the connector that is violated"
    const auto who = other.rule == Rule::none ? second.connector : other.connector;
    decision.audit = AuditDifference{other.action, other.rule, who};
  }
  return decision;
}

}  // namespace cm::reference

// Does the explanation tell the truth? Written from the rules, with the predicates of the oracle; nothing of explain.cc is called.
//
// The rule: every connector is explained once (a violated one once for each demand), and what a step says holds for this message.
#include "steps.h"

#include <algorithm>

#include "reference.h"

namespace cm::reference {
namespace {

bool is_grant_step(const PolicyData& policy, const Step& step) {
  return step.connector != no_connector && policy.inbound[step.connector].duty != Duty::partner && step.outcome != Outcome::not_selected;
}

bool is_absent(const Decision& d, ConnectorId id) { return std::find(d.without.begin(), d.without.end(), id) != d.without.end(); }

// The first identity setting that does not hold.
Because gap(const Case& c, const InboundConnector& connector) {
  const auto& [connection, sender, recipients, content] = c.facts;
  if (!connector.source_ips.empty() && !source_holds(c, connector)) return Because::other_source;
  if (!connector.auth_users.empty() && !login_holds(c, connector)) return sender.login.empty() ? Because::no_login : Because::other_login;
  if (connector.certificates.empty() || certificate_holds(c, connector)) return Because::weaker_proof;
  if (sender.tls.certificate == CertificateState::absent) return Because::no_certificate;
  if (sender.tls.certificate == CertificateState::unverified) return Because::unverified_certificate;
  auto any_issuer = connector;
  any_issuer.certificate_issuers.clear();
  return certificate_holds(c, any_issuer) ? Because::other_issuer : Because::other_certificate;
}

bool in_scope(const InboundConnector& connector, const Envelope& sender) {
  for (const auto& pattern : connector.sender_domains) {
    if (sender.argument.is_null()) {
      if (pattern.kind == DomainPattern::Kind::any || pattern.kind == DomainPattern::Kind::null) return true;
    } else if (domain_level(pattern, sender.argument.domain) != unmet || domain_level(pattern, sender.resolved.domain) != unmet) {
      return true;
    }
  }
  return false;
}

Because why_not(const Case& c, const InboundConnector& connector, const Decision& d) {
  if (!connector.enabled) return Because::disabled;
  if (connector.mode == Mode::audit) return Because::audit_only;
  if (!listener_fits(c, connector)) return Because::other_listener;
  if (!c.facts.sender.envelope.argument.is_valid() && d.stage != Stage::connect) return Because::refused_before;
  if (connector.duty != Duty::partner || d.stage == Stage::connect) return gap(c, connector);
  const auto applies = [&](const Step& s) { return is_grant_step(c.policy, s) && !is_absent(d, s.connector); };
  if (std::any_of(d.steps.begin(), d.steps.end(), applies)) return Because::grant_applies;
  if (d.vouched != Vouched::no) return Because::vouched_applies;
  return in_scope(connector, c.facts.sender.envelope) ? Because::search_ended : Because::sender_out_of_scope;
}

// A step about no connector.
bool holds(const Case& c, const Decision& d, const Step& step) {
  switch (step.because) {
    case Because::vouched_login: return d.vouched == Vouched::authenticated && step.outcome == Outcome::selected;
    case Because::vouched_local: return d.vouched == Vouched::local && step.outcome == Outcome::selected;
    case Because::nothing_in_scope: return step.outcome == Outcome::passed && !c.policy.reject_unmatched && d.vouched == Vouched::no;
    case Because::rule_unmet: return step.outcome == Outcome::violated;
    default: return false;
  }
}

// Somebody comes after the last who is allowed, and is not refused for another reason of this connector.
bool has_surplus(const Case& c, const InboundConnector& connector) {
  const auto& all = c.facts.recipients;
  if (connector.max_recipients == 0 || all.size() <= connector.max_recipients) return false;
  return std::any_of(all.begin() + connector.max_recipients, all.end(), [&](const Envelope& recipient) {
    if (recipient.argument.kind != Address::Kind::mailbox) return false;
    return limit_fits(c.policy, connector.recipients, recipient) || !is_refusal(on_violation(connector));
  });
}

bool holds(const Case& c, const Decision& d, const Step& step, const InboundConnector& connector) {
  if (is_absent(d, step.connector) && step.outcome == Outcome::not_selected)
    return step.because == Because::header_unmet && identity_holds(c, connector) && connector.requires_header();
  if (step.outcome == Outcome::not_selected) return step.because == why_not(c, connector, d);
  if (!takes_part(c, connector) || !listener_fits(c, connector)) return false;
  switch (step.because) {
    case Because::identity_holds: return step.outcome == Outcome::selected && identity_holds(c, connector);
    case Because::via_holds: return step.outcome == Outcome::selected && !identity_holds(c, connector) && via_holds(c, connector);
    case Because::demands_met: return step.outcome == Outcome::passed && !connector.demands_identity() && tls_holds(c, connector);
    case Because::rule_unmet: break;
    default: return false;
  }
  if (step.outcome != Outcome::violated) return false;
  const auto& recipients = c.facts.recipients;
  const auto& sender = c.facts.sender;
  switch (step.rule) {
    case Rule::source: return !connector.has_identity() || !source_holds(c, connector);
    case Rule::auth: return !login_holds(c, connector);
    case Rule::certificate: return !certificate_holds(c, connector);
    case Rule::tls: return !tls_holds(c, connector);
    case Rule::sender: return !limit_fits(c.policy, connector.senders, c.facts.sender.envelope);
    case Rule::size: return connector.max_message_size != 0;
    case Rule::rate: return std::count(sender.rates_exceeded.begin(), sender.rates_exceeded.end(), step.connector) > 0;
    case Rule::recipient:
      return std::any_of(recipients.begin(), recipients.end(), [&](const Envelope& r) { return !limit_fits(c.policy, connector.recipients, r); });
    case Rule::recipients: return has_surplus(c, connector);
    case Rule::header_from: return connector.check_header_from == Check::enforce;
    case Rule::header: return identity_holds(c, connector) && connector.requires_header();
    default: return false;
  }
}

// Of one connector; every step contradicts itself once. What is found out after a connector was selected contradicts nothing, nor does what
// recipients were told before it turned out to be absent.
bool contradict(const Step& a, const Step& b) {
  if (a.connector != b.connector) return false;
  if ((a.because == Because::header_unmet) != (b.because == Because::header_unmet)) {
    const auto rule = a.because == Because::header_unmet ? b.rule : a.rule;
    return rule != Rule::recipient && rule != Rule::recipients;
  }
  if (a.outcome == b.outcome || a.outcome == Outcome::not_selected || b.outcome == Outcome::not_selected)
    return a.rule == b.rule || a.outcome != b.outcome;
  const auto rule = a.outcome == Outcome::violated ? a.rule : b.rule;
  return rule != Rule::header && rule != Rule::rate && rule != Rule::size && rule != Rule::header_from && rule != Rule::recipient &&
         rule != Rule::recipients;
}

bool is_noted(const Steps& steps, const Violation& violation) {
  return std::any_of(steps.begin(), steps.end(),
                     [&](const Step& s) { return s.outcome == Outcome::violated && s.rule == violation.rule && s.connector == violation.connector; });
}

}  // namespace

std::string untruth(const PolicyData& policy, const Facts& facts, const Decision& d, const Steps& steps) {
  const Case c{policy, facts, Pass::enforced};
  for (const auto& violation : d.violations)
    if (!is_noted(steps, violation)) return "no step says that " + std::string(to_string(violation.rule)) + " is violated";
  if (std::count_if(steps.begin(), steps.end(), [&](const Step& s) { return s.rule == Rule::recipients && !is_absent(d, s.connector); }) > 1)
    return "two connectors are said to have too many recipients: the first one's limit is met before another's";
  for (const auto& step : steps) {
    const bool is_rule_for_all = step.connector == no_connector;
    if (!(is_rule_for_all ? holds(c, d, step) : holds(c, d, step, policy.inbound[step.connector])))
      return "a step is not true: connector " + std::to_string(step.connector) + ", because " + std::to_string(static_cast<int>(step.because)) +
             ", rule " + std::string(to_string(step.rule));
    const auto contradicts = [&step](const Step& other) { return contradict(step, other); };
    if (!is_rule_for_all && std::count_if(steps.begin(), steps.end(), contradicts) != 1)
      return "connector " + std::to_string(step.connector) + " has two explanations";
  }
  for (ConnectorId id = 0; id < c.count(); ++id)
    if (std::none_of(steps.begin(), steps.end(), [id](const Step& s) { return s.connector == id; }))
      return "connector " + std::to_string(id) + " has no step";
  return {};
}

}  // namespace cm::reference

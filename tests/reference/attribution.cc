// The oracle, SPEC 3.4: which connector a message hits, step by step, and check_header_from, which asks the same questions of the
// header From. Read it beside those sections.
//
// Rule: the order of the functions is the order of the SPEC, and every choice is a walk over all connectors in configured order.
#include <algorithm>
#include <functional>
#include <set>

#include "reference.h"

namespace cm::reference {
namespace {

// 3.6 "a refusal beats quarantine beats tag, then the first in this order".
int gravity(Action action) { return is_refusal(action) ? 3 : action == Action::quarantine ? 2 : action == Action::tag ? 1 : 0; }

const Violation* decides(const Violations& violations) {
  const Violation* best = nullptr;
  for (const auto& v : violations)
    if (!best || gravity(v.action) > gravity(best->action) || (gravity(v.action) == gravity(best->action) && v.rule < best->rule)) best = &v;
  return best;
}

}  // namespace

void add(Violations& violations, Rule rule, ConnectorId connector, Action action) { violations.push_back({rule, connector, action}); }

RecipientDecision verdict(const Violations& violations) {
  const auto* v = decides(violations);
  return v ? RecipientDecision{v->action, v->rule, v->connector} : RecipientDecision{};
}

// In the order of Rule, the one that decides first among equals.
Violations in_order(Violations violations) {
  std::stable_sort(violations.begin(), violations.end(),
                   [](const Violation& a, const Violation& b) { return a.rule != b.rule ? a.rule < b.rule : gravity(a.action) > gravity(b.action); });
  return violations;
}

Action on_violation(const InboundConnector& connector) {
  switch (connector.on_violation) {
    case OnViolation::tempfail: return Action::tempfail;
    case OnViolation::quarantine: return Action::quarantine;
    case OnViolation::tag: return Action::tag;
    case OnViolation::reject: break;
  }
  return Action::reject;
}

bool is_closed(const Case& c) {
  if (c.facts.connection.local) return false;  // local mail came through no listener
  const auto& all = c.policy.listeners;
  return std::any_of(all.begin(), all.end(), [&](const auto& l) { return l.closed && l.name == c.facts.connection.listener; });
}

namespace {

// ---- the demands of one connector

void judge_identity(const Case& c, ConnectorId id, Violations& violations) {
  const auto& connector = c.at(id);
  const auto action = on_violation(connector);
  if (!connector.has_identity()) add(violations, Rule::source, id, action);  // only `via`, and it does not hold
  if (!connector.source_ips.empty() && !source_holds(c, connector)) add(violations, Rule::source, id, action);
  if (!connector.auth_users.empty() && !login_holds(c, connector)) add(violations, Rule::auth, id, action);
  if (!connector.certificates.empty() && !certificate_holds(c, connector)) add(violations, Rule::certificate, id, action);
}

// TLS, the sender, a declared size; the limits on recipients are asked at RCPT.
void judge_demands(const Case& c, ConnectorId id, Finding& finding) {
  const auto& connector = c.at(id);
  const auto& sender = c.facts.sender;
  const auto action = on_violation(connector);
  finding.judged.push_back(id);
  if (!tls_holds(c, connector)) add(finding.violations, Rule::tls, id, action);
  if (!limit_fits(c.policy, connector.senders, sender.envelope)) add(finding.violations, Rule::sender, id, action);
  if (connector.max_message_size != 0 && sender.declared_size && *sender.declared_size > connector.max_message_size)
    add(finding.violations, Rule::size, id, Action::reject);
}

// ---- 3.4.1 Grants and exemptions

bool beats(const Case& c, const InboundConnector& a, const InboundConnector& b) {
  if (names_listener(c, a) != names_listener(c, b)) return names_listener(c, a);
  if (proof(c, a) != proof(c, b)) return proof(c, a) > proof(c, b);
  return a.mode == Mode::audit && b.mode == Mode::enforce;  // else as configured
}

ConnectorId grant_or_exemption(const Case& c) {
  ConnectorId best = no_connector;
  for (ConnectorId id = 0; id < c.count(); ++id) {
    const auto& connector = c.at(id);
    if (connector.is_partner() || !takes_part(c, connector) || !listener_fits(c, connector) || !identity_holds(c, connector)) continue;
    if (best == no_connector || beats(c, connector, c.at(best))) best = id;
  }
  return best;
}

// ---- 3.4.2 Vouched

bool sender_is_ours(const Case& c) {
  const auto& envelope = c.facts.sender.envelope;
  return in_organization(c.policy, envelope.argument) && in_organization(c.policy, envelope.resolved);
}

Vouched vouched(const Case& c) {
  const auto& ours = c.policy.organization;
  const bool own_sender = sender_is_ours(c) || c.facts.sender.envelope.argument.is_null();
  if (ours.vouch_authenticated && !c.facts.sender.login.empty() && own_sender) return Vouched::authenticated;
  if (ours.vouch_local && c.facts.connection.local) return Vouched::local;
  return Vouched::no;
}

// ---- 3.4.3 Partners

int scope_level(const InboundConnector& connector, const std::string& domain) {
  int best = unmet;
  for (const auto& pattern : connector.sender_domains) best = std::max(best, domain_level(pattern, domain));
  return best;
}

int null_scope_level(const Case& c, const InboundConnector& connector) {
  if (identity_holds(c, connector)) return exact_level;
  int best = unmet;
  for (const auto& pattern : connector.sender_domains) {
    if (pattern.kind == DomainPattern::Kind::null) best = exact_level;
    if (pattern.kind == DomainPattern::Kind::any) best = std::max(best, any_level);
  }
  return best;
}

// 3.5 "a restriction applies if either fits".
int sender_level(const Case& c, const InboundConnector& connector) {
  const auto& [argument, resolved] = c.facts.sender.envelope;
  if (argument.is_null()) return null_scope_level(c, connector);
  return std::max(scope_level(connector, argument.domain), scope_level(connector, resolved.domain));
}

using Levels = std::vector<int>;  // of each connector; unmet: not in scope

template <class LevelOf>
Levels levels_of_partners(const Case& c, LevelOf level_of) {
  Levels out;
  for (const auto& connector : c.policy.inbound)
    out.push_back(connector.is_partner() && takes_part(c, connector) && listener_fits(c, connector) ? level_of(connector) : unmet);
  return out;
}

// "from the most specific sender pattern down"
std::set<int, std::greater<>> descending(const Levels& levels) {
  std::set<int, std::greater<>> out(levels.begin(), levels.end());
  out.erase(unmet);
  return out;
}

// The partners at one level: "first those that name the listener, then as configured".
std::vector<ConnectorId> partners_at(const Case& c, const Levels& levels, int level) {
  std::vector<ConnectorId> out;
  for (const bool naming : {true, false})
    for (ConnectorId id = 0; id < c.count(); ++id)
      if (levels[id] == level && names_listener(c, c.at(id)) == naming) out.push_back(id);
  return out;
}

ConnectorId claiming(const Case& c, const std::vector<ConnectorId>& partners) {
  for (const auto id : partners)
    if (identity_holds(c, c.at(id)) || via_holds(c, c.at(id))) return id;
  return no_connector;
}

ConnectorId first_demanding_identity(const Case& c, const std::vector<ConnectorId>& partners) {
  for (const auto id : partners)
    if (c.at(id).demands_identity()) return id;
  return no_connector;
}

enum class Search { goes_on, claimed, refused };

Search ask_level(const Case& c, const std::vector<ConnectorId>& partners, Finding& finding) {
  for (const auto id : partners) {
    if (c.at(id).demands_identity()) continue;
    judge_demands(c, id, finding);
    if (finding.tls_only == no_connector) finding.tls_only = id;
  }
  if (const auto id = claiming(c, partners); id != no_connector) {
    judge_demands(c, id, finding);
    finding.chosen = id;
    finding.proven = true;
    return Search::claimed;
  }
  if (const auto id = first_demanding_identity(c, partners); id != no_connector) {
    judge_identity(c, id, finding.violations);
    judge_demands(c, id, finding);
    if (is_refusal(on_violation(c.at(id)))) return Search::refused;
  }
  return Search::goes_on;
}

// ---- 3.4.4 protect

// "no partner that names that domain (not `*`) claimed it".
bool is_named(const Case& c, ConnectorId partner, const Address& address) {
  return partner != no_connector && scope_level(c.at(partner), address.domain) > any_level;
}

bool needs_protection(const Case& c, ConnectorId claimed_by) {
  const auto& [argument, resolved] = c.facts.sender.envelope;
  for (const auto* address : {&argument, &resolved})
    if (in_organization(c.policy, *address) && !is_named(c, claimed_by, *address)) return true;
  // 3.5 "a bare name counts as ours for restrictions": one that nobody gave a domain, or that became too long with it
  return resolved.kind == Address::Kind::invalid || (resolved.kind == Address::Kind::mailbox && resolved.domain.empty());
}

bool asked(const Case& c, Check check) { return check == Check::enforce || (check == Check::audit && c.pass == Pass::audit); }

// ---- 3.4 itself

void ask_partners(const Case& c, Finding& finding) {
  const auto levels = levels_of_partners(c, [&](const InboundConnector& p) { return sender_level(c, p); });
  for (const int level : descending(levels)) {
    const auto search = ask_level(c, partners_at(c, levels, level), finding);
    if (search == Search::refused) return;
    if (search == Search::claimed) break;
  }
  if (asked(c, c.policy.organization.protect) && needs_protection(c, finding.chosen)) {
    add(finding.violations, Rule::protect, no_connector, Action::reject);
    return;
  }
  const bool in_scope = !descending(levels).empty();
  if (!in_scope && (c.policy.reject_unmatched || is_closed(c))) add(finding.violations, Rule::unmatched, no_connector, Action::reject);
}

}  // namespace

Finding find(const Case& c) {
  Finding finding;
  if (const auto id = grant_or_exemption(c); id != no_connector) {
    finding.chosen = id;
    finding.proven = c.at(id).duty != Duty::relay;
    finding.asks_header_from = false;
    judge_demands(c, id, finding);
  } else if (finding.vouched = vouched(c); finding.vouched != Vouched::no) {
    finding.proven = sender_is_ours(c);
    finding.asks_header_from = false;
  } else {
    ask_partners(c, finding);
  }
  return finding;
}

// ---- 3.3 check_header_from, at end of message

namespace {

bool checks_header_from(const Case& c, const InboundConnector& connector) {
  return connector.is_partner() && takes_part(c, connector) && listener_fits(c, connector) && asked(c, connector.check_header_from);
}

void add_header_from(const Case& c, ConnectorId id, Violations& violations) {
  for (const auto& v : violations)
    if (v.rule == Rule::header_from && v.connector == id) return;
  add(violations, Rule::header_from, id, on_violation(c.at(id)));
}

void judge_from_domain(const Case& c, const std::string& domain, Violations& violations) {
  const auto levels = levels_of_partners(c, [&](const InboundConnector& p) { return checks_header_from(c, p) ? scope_level(p, domain) : unmet; });
  for (const int level : descending(levels)) {
    if (level == any_level) return;  // "not through `*`"
    const auto partners = partners_at(c, levels, level);
    for (const auto id : partners)
      if (!c.at(id).demands_identity() && !tls_holds(c, c.at(id))) add_header_from(c, id, violations);
    if (const auto id = claiming(c, partners); id != no_connector) {
      if (!tls_holds(c, c.at(id))) add_header_from(c, id, violations);
      return;
    }
    if (const auto id = first_demanding_identity(c, partners); id != no_connector) {
      add_header_from(c, id, violations);
      if (is_refusal(on_violation(c.at(id)))) return;
    }
  }
}

// "several From headers or an unparsable one is a violation" of every partner that asks; the one that decides is reported: a refusal beats
// quarantine beats tag, then the first configured.
void judge_ambiguous_from(const Case& c, Violations& violations) {
  for (const auto& wanted :
       {std::vector{OnViolation::reject, OnViolation::tempfail}, std::vector{OnViolation::quarantine}, std::vector{OnViolation::tag}}) {
    for (ConnectorId id = 0; id < c.count(); ++id) {
      const auto& scope = c.at(id).sender_domains;
      const bool names_domain = std::any_of(scope.begin(), scope.end(), [](const auto& p) { return !p.domain.empty(); });
      const bool has_action = std::find(wanted.begin(), wanted.end(), c.at(id).on_violation) != wanted.end();
      if (names_domain && has_action && checks_header_from(c, c.at(id))) return add_header_from(c, id, violations);
    }
  }
}

}  // namespace

void judge_header_from(const Case& c, const Finding& finding, Violations& violations) {
  const auto& from = c.facts.content->from;
  if (!finding.asks_header_from) return;
  if (from.kind == HeaderFrom::Kind::unparsable || from.kind == HeaderFrom::Kind::several) judge_ambiguous_from(c, violations);
  if (from.kind == HeaderFrom::Kind::parsed)
    for (const auto& domain : from.domains) judge_from_domain(c, domain, violations);
}

}  // namespace cm::reference

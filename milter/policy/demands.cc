// The demands, one by one. No order and no precedence here: attribute.cc has those.
#include "policy/demands.h"

#include <algorithm>

namespace cm {

bool source_holds(const Case& c, ConnectorId id) {
  if (c.connector(id).source_ips.empty()) return true;
  return c.connection.client && !c.connection.local && c.compiled(id).sources.contains(*c.connection.client);
}

bool login_holds(const Case& c, ConnectorId id) {
  const auto& users = c.connector(id).auth_users;
  if (users.empty()) return true;
  return !c.sender.login.empty() && std::any_of(users.begin(), users.end(), [&](const auto& user) { return user == "*" || user == c.sender.login; });
}

bool certificate_holds(const Case& c, ConnectorId id) {
  const auto& connector = c.connector(id);
  if (connector.certificates.empty()) return true;
  const auto& tls = c.sender.tls;
  if (tls.certificate != CertificateState::verified || tls.subject_name.empty()) return false;
  const auto& issuers = connector.certificate_issuers;
  if (!issuers.empty() && std::find(issuers.begin(), issuers.end(), tls.issuer) == issuers.end()) return false;
  return std::any_of(connector.certificates.begin(), connector.certificates.end(),
                     [&](const auto& pattern) { return match_certificate(pattern, tls.subject_name) != no_match; });
}

bool identity_holds(const Case& c, ConnectorId id) {
  return c.connector(id).has_identity() && source_holds(c, id) && login_holds(c, id) && certificate_holds(c, id);
}

// An identity that takes a header field to tell whose it is lends nothing: where the field is there, its own connector comes before every partner.
bool via_holds(const Case& c, ConnectorId id) {
  const auto& via = c.compiled(id).via;
  return std::any_of(via.begin(), via.end(), [&](ConnectorId v) { return c.exists(v) && !c.connector(v).requires_header() && identity_holds(c, v); });
}

bool tls_holds(const Case& c, ConnectorId id) {
  const auto& connector = c.connector(id);
  const auto version = parse_tls_version(c.sender.tls.version);
  if (version == TlsVersion::none) return !connector.require_tls && connector.min_tls_version == TlsVersion::none;
  return version >= connector.min_tls_version;
}

bool fits_limit(const Policy& policy, const AddressLimit& limit, const AddressSet* patterns, const Envelope& envelope) {
  if (limit.any) return true;
  const auto fits = [&](const Address& address) {
    return (limit.organization && policy.is_ours(address)) || (patterns && patterns->contains(address));
  };
  return fits(envelope.argument) && fits(envelope.resolved);
}

Action action_of(const InboundConnector& connector, Rule rule) {
  if (rule == Rule::size) return Action::reject;
  if (rule == Rule::recipients || rule == Rule::rate) return Action::tempfail;
  switch (connector.on_violation) {
    case OnViolation::reject: return Action::reject;
    case OnViolation::tempfail: return Action::tempfail;
    case OnViolation::quarantine: return Action::quarantine;
    case OnViolation::tag: return Action::tag;
  }
  return Action::reject;
}

namespace {

// The three classes of "a refusal beats quarantine beats tag".
int gravity(Action action) { return is_refusal(action) ? 3 : action == Action::quarantine ? 2 : action == Action::tag ? 1 : 0; }

}  // namespace

bool decides_before(const Violation& a, const Violation& b) {
  if (gravity(a.action) != gravity(b.action)) return gravity(a.action) > gravity(b.action);
  return a.rule < b.rule;
}

const Violation* deciding(const Violations& violations) {
  const auto it = std::min_element(violations.begin(), violations.end(), decides_before);
  return it == violations.end() ? nullptr : &*it;
}

void sort_by_rule(Violations& violations) {
  const auto before = [](const Violation& a, const Violation& b) { return a.rule != b.rule ? a.rule < b.rule : decides_before(a, b); };
  // Stable, and unlike std::stable_sort without asking for memory: there is a handful at most.
  for (auto at = violations.begin(); at != violations.end(); ++at) std::rotate(std::upper_bound(violations.begin(), at, *at, before), at, at + 1);
}

bool add_violation(Violations& violations, const Violation& violation) {
  const auto is_same = [&](const Violation& v) { return v.rule == violation.rule && v.connector == violation.connector; };
  if (std::any_of(violations.begin(), violations.end(), is_same)) return false;
  violations.push_back(violation);
  return true;
}

void violate(const Case& c, Violations& violations, ConnectorId id, Rule rule) {
  const auto action = id == no_connector ? Action::reject : action_of(c.connector(id), rule);
  if (add_violation(violations, {rule, id, action})) c.note(id, Outcome::violated, Because::rule_unmet, rule);
}

}  // namespace cm

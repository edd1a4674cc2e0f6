// The oracle, SPEC 3.8: which outbound connector each recipient leaves by; read it beside that section.
//
// Rule: each function is one sentence of the SPEC, quoted above it, and every choice is a walk over all connectors in configured order.
#include "outbound.h"

#include <algorithm>
#pragma GCC diagnostic ignored "-Wmaybe-uninitialized"  // g++ 12 finds fault with its own <regex> under the address sanitizer
#include <regex>

namespace cm::reference {
namespace {

bool has(const std::vector<std::string>& list, const std::string& text) { return std::find(list.begin(), list.end(), text) != list.end(); }

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

// "in audit the maps answer as if it were absent".
bool takes_part(const OutboundConnector& connector, Pass pass) {
  return connector.enabled && (connector.mode == Mode::enforce || pass == Pass::audit);
}

// "`"organization"` stands for the organization domains; `*` never covers those"; no pattern is about an address without a domain.
int scope_level(const PolicyData& policy, const OutboundConnector& connector, const std::string& domain) {
  int best = unmet, ours = unmet;
  if (domain.empty()) return unmet;
  for (const auto& pattern : policy.organization.domains) ours = std::max(ours, domain_level(pattern, domain));
  for (const auto& pattern : connector.recipient_domains) {
    const bool excepted = pattern.kind == DomainPattern::Kind::any && ours != unmet;
    if (!excepted) best = std::max(best, domain_level(pattern, domain));
  }
  return connector.organization ? std::max(best, ours) : best;
}

// "lower wins"; what is tried beats the rule that it ties with, as 3.4.1 says of inbound connectors.
bool is_cheaper(const OutboundConnector& a, const OutboundConnector& b) {
  if (a.cost != b.cost) return a.cost < b.cost;
  return a.mode == Mode::audit && b.mode == Mode::enforce;
}

OutboundId count(const PolicyData& policy) { return static_cast<OutboundId>(policy.outbound.size()); }

}  // namespace

// "Choice per recipient: exact, longer wildcard, shorter, `*`; then lowest cost."
Leaving leaving(const PolicyData& policy, const std::string& domain, Pass pass) {
  Leaving best;
  for (OutboundId id = 0; id < count(policy); ++id) {
    const auto& connector = policy.outbound[id];
    if (!takes_part(connector, pass) || connector.when) continue;
    const int level = scope_level(policy, connector, domain);
    if (level == unmet || level < best.level) continue;
    if (level > best.level || is_cheaper(connector, policy.outbound[best.id])) best = {id, level};
  }
  return best;
}

// 4 "the `*` connector".
OutboundId provider(const PolicyData& policy) {
  OutboundId best = no_outbound;
  for (OutboundId id = 0; id < count(policy); ++id) {
    const auto& connector = policy.outbound[id];
    const auto& scope = connector.recipient_domains;
    const bool any = std::any_of(scope.begin(), scope.end(), [](const auto& p) { return p.kind == DomainPattern::Kind::any; });
    if (!any || connector.when || !takes_part(connector, Pass::enforced)) continue;
    if (best == no_outbound || is_cheaper(connector, policy.outbound[best])) best = id;
  }
  return best;
}

std::vector<OutboundId> with_next_hop(const PolicyData& policy, const std::string& next_hop) {
  std::vector<OutboundId> out;
  for (OutboundId id = 0; id < count(policy); ++id)
    for (const auto& host : policy.outbound[id].smart_hosts)
      if (takes_part(policy.outbound[id], Pass::enforced) && host.next_hop == lower(next_hop)) out.push_back(id);
  return out;
}

// 4 "a NAME that is not there".
OutboundId enforced_rule(const PolicyData& policy, const std::string& name) {
  for (OutboundId id = 0; id < count(policy); ++id)
    if (policy.outbound[id].name == name && policy.outbound[id].when && takes_part(policy.outbound[id], Pass::enforced)) return id;
  return no_outbound;
}

// 4 "`transport:nexthop[, nexthop]`, `transport:` for MX".
std::string transport_entry(const OutboundConnector& connector) {
  std::string hosts;
  for (const auto& host : connector.smart_hosts) hosts += (hosts.empty() ? "" : ", ") + host.next_hop;
  return connector.transport + ":" + hosts;
}

// "for Postfix `none`, `may`, `encrypt`, `secure`, `dane`, `dane-only`, `fingerprint`", "secure match=a.example:.b.example (`*.b.example` is
// written `.b.example` there); without it plain `secure`", "several [fingerprints] allow a roll-over".
std::string tls_policy_entry(const OutboundConnector& connector) {
  std::string entry, match;
  switch (connector.tls) {
    case OutboundTls::unset: return "";
    case OutboundTls::none: entry = "none"; break;
    case OutboundTls::opportunistic: entry = "may"; break;
    case OutboundTls::encrypt: entry = "encrypt"; break;
    case OutboundTls::verify: entry = "secure"; break;
    case OutboundTls::dane: entry = "dane"; break;
    case OutboundTls::dane_only: entry = "dane-only"; break;
    case OutboundTls::fingerprint: entry = "fingerprint"; break;
  }
  for (const auto& pattern : connector.tls_domains) {
    if (pattern.kind != DomainPattern::Kind::below) match += ":" + pattern.domain;
    if (pattern.kind != DomainPattern::Kind::exact) match += ":." + pattern.domain;
  }
  for (const auto& fingerprint : connector.fingerprints) match += "|" + fingerprint;
  if (!match.empty()) entry += " match=" + match.substr(1);
  if (connector.min_tls_version == TlsVersion::tls1_2) entry += " protocols=>=TLSv1.2";
  if (connector.min_tls_version == TlsVersion::tls1_3) entry += " protocols=>=TLSv1.3";
  return entry;
}

// ---- `when`

namespace {

// RFC 5322 section 2.2.3, as a reader means it: a fold is one space, and white space around the text is not part of it.
std::string unfold(const std::string& value) {
  static const std::regex fold("[ \\t]*(\r?\n[ \\t]*)+"), ends("^[ \\t]+|[ \\t]+$");
  return std::regex_replace(std::regex_replace(value, fold, " "), ends, "");
}

// "the pattern is unanchored and case-sensitive, over any instance of the header, unfolded".
bool header_is_met(const HeaderCondition& condition, const std::vector<HeaderField>& fields) {
  const std::regex pattern(condition.pattern);
  return std::any_of(fields.begin(), fields.end(), [&](const HeaderField& field) {
    return lower(field.name) == lower(condition.name) && std::regex_search(unfold(field.value), pattern);
  });
}

// 3.1 `headers.strip`.
bool is_in_strip(const PolicyData& policy, const std::string& name) {
  for (const auto& strip : policy.strip_headers) {
    const auto prefix = strip.substr(0, strip.find('*'));
    if (lower(strip) == lower(name) || (prefix != strip && lower(name).starts_with(lower(prefix)))) return true;
  }
  return false;
}

// What is removed from the message steers nothing: a field of the strip family counts where `accept_headers` keeps it.
bool header_holds(const Case& c, OutboundId id, const Decision& d) {
  const auto& header = c.policy.outbound[id].when->header;
  if (!header) return true;
  if (!c.facts.content || (is_in_strip(c.policy, header->name) && !d.keeps_headers)) return false;
  const auto& met = c.facts.content->header_rules;
  return std::find(met.begin(), met.end(), id) != met.end();
}

// "applies only to mail of grants and vouched users (or of the partners it names in `when.connectors`)".
bool peer_holds(const Case& c, const Finding& finding, const When& when) {
  if (!when.connectors.empty()) return finding.chosen != no_connector && has(when.connectors, c.at(finding.chosen).name);
  if (finding.vouched != Vouched::no) return true;
  if (finding.chosen == no_connector) return false;
  return c.at(finding.chosen).duty == Duty::on_premises || c.at(finding.chosen).duty == Duty::device;
}

// 3.2 "`*` any domain and the null sender; `<>` the null sender"; 3.5 both forms of the address.
bool sender_holds(const Case& c, const When& when) {
  const auto& [argument, resolved] = c.facts.sender.envelope;
  const auto fits = [&](const DomainPattern& pattern) {
    if (argument.is_null()) return pattern.kind == DomainPattern::Kind::any || pattern.kind == DomainPattern::Kind::null;
    return domain_level(pattern, argument.domain) != unmet || domain_level(pattern, resolved.domain) != unmet;
  };
  return when.sender_domains.empty() || std::any_of(when.sender_domains.begin(), when.sender_domains.end(), fits);
}

// "It does not apply to mail whose client address is one of its own smart hosts." Local mail has no client.
bool is_handed_back(const Case& c, const OutboundConnector& connector) {
  const auto& [client, listener, local] = c.facts.connection;
  for (const auto& host : connector.smart_hosts)
    if (!local && client && host.address && *host.address == *client) return true;
  return false;
}

// "with `recipient_domains` only if some recipient fits"; 5 "Refused recipients ... do not count".
bool recipients_hold(const Case& c, const OutboundConnector& connector, const Decision& d) {
  if (connector.recipient_domains.empty() && !connector.organization) return true;
  for (std::size_t i = 0; i < d.recipients.size(); ++i)
    if (!is_refusal(d.recipients[i].action) && scope_level(c.policy, connector, c.facts.recipients[i].resolved.domain) != unmet) return true;
  return false;
}

bool rule_applies(const Case& c, const Finding& finding, OutboundId id, const Decision& d) {
  const auto& connector = c.policy.outbound[id];
  return connector.when && takes_part(connector, c.pass) && peer_holds(c, finding, *connector.when) && sender_holds(c, *connector.when) &&
         header_holds(c, id, d) && recipients_hold(c, connector, d) && !is_handed_back(c, connector);
}

}  // namespace

std::vector<OutboundId> header_rules(const PolicyData& policy, const std::vector<HeaderField>& fields) {
  std::vector<OutboundId> out;
  for (OutboundId id = 0; id < count(policy); ++id) {
    const auto& connector = policy.outbound[id];
    if (connector.enabled && connector.when && connector.when->header && header_is_met(*connector.when->header, fields)) out.push_back(id);
  }
  return out;
}

// 3.3 `require_header`: the field is there, and every instance, unfolded and trimmed, is exactly one of the values.
std::vector<ConnectorId> required_headers_met(const PolicyData& policy, const std::vector<HeaderField>& fields) {
  std::vector<ConnectorId> out;
  for (ConnectorId id = 0; id < policy.inbound.size(); ++id) {
    const auto& connector = policy.inbound[id];
    int instances = 0, met = 0;
    for (const auto& field : fields) {
      if (lower(field.name) != lower(connector.required_header)) continue;
      ++instances;
      if (has(connector.required_values, unfold(field.value))) ++met;
    }
    if (connector.enabled && instances > 0 && met == instances) out.push_back(id);
  }
  return out;
}

// "takes the whole message; of several the lowest cost".
void choose_ways(const Case& c, const Finding& finding, Decision& d) {
  d.outbound.assign(d.recipients.size(), no_outbound);
  if (is_refusal(d.action)) return;
  for (OutboundId id = 0; id < count(c.policy); ++id)
    if (rule_applies(c, finding, id, d) && (d.route == no_outbound || is_cheaper(c.policy.outbound[id], c.policy.outbound[d.route]))) d.route = id;
  for (std::size_t i = 0; i < d.recipients.size(); ++i)
    if (!is_refusal(d.recipients[i].action))
      d.outbound[i] = d.route != no_outbound ? d.route : leaving(c.policy, c.facts.recipients[i].resolved.domain, c.pass).id;
}

// "in audit ... the log says what it would have done": with this mail, as it is decided.
OutboundId tried_way(const Case& enforced, const Finding& finding, const Decision& d) {
  auto tried = d;
  tried.route = no_outbound;
  choose_ways({enforced.policy, enforced.facts, Pass::audit}, finding, tried);
  for (const auto id : tried.outbound)
    if (id != no_outbound && enforced.policy.outbound[id].mode == Mode::audit) return id;
  return no_outbound;
}

// 3.7 "all recipients leave by the same outbound connector".
OutboundId way_of_all(const Decision& d) {
  std::vector<OutboundId> ways;
  for (std::size_t i = 0; i < d.outbound.size(); ++i)
    if (!is_refusal(d.recipients[i].action)) ways.push_back(d.outbound[i]);
  return !ways.empty() && std::count(ways.begin(), ways.end(), ways[0]) == static_cast<std::ptrdiff_t>(ways.size()) ? ways[0] : no_outbound;
}

std::vector<std::string> routing_headers(const PolicyData& policy, const Decision& d) {
  std::vector<std::string> out;
  if (const auto id = way_of_all(d); id != no_outbound) out.push_back(policy.header_prefix + "-Outbound: " + policy.outbound[id].name);
  if (d.route != no_outbound) out.push_back(policy.header_prefix + "-Route: " + policy.outbound[d.route].name);
  return out;
}

}  // namespace cm::reference

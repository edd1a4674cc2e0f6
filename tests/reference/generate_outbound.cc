// Random outbound connectors and header fields over the alphabet of generate.cc: patterns that nest and collide, rules that contradict.
//
// The rule: a policy that comes out obeys the config rules: no tie of one mode, one TLS demand a smart host, no rule about a header field
// of our own family, `when` names nobody without proof.
#include <algorithm>

#include "generate.h"

namespace cm::reference {
namespace {

constexpr const char* scope_patterns[] = {
    "a.example", ".a.example", "*.a.example",     "b.a.example",  ".b.a.example", "*.b.a.example", "c.b.a.example", "*.example",
    ".example",  "us.example", "sub.us.example",  "*.us.example", ".us.example",  "d.example",     "[192.0.2.1]",   "*",
    "*",         "*",          "*.sub.us.example"};
constexpr const char* sender_patterns[] = {"us.example", ".us.example", "a.example", "*.a.example", "*.example", "<>", "*"};
// Some are addresses of clients. One group, one TLS demand.
constexpr const char* smart_hosts[3][3] = {{"[192.0.2.1]", "[192.0.2.1]:587", "gw.test"},
                                           {"[192.0.2.3]", "[2001:db8::1]:25", "[gw.test]"},
                                           {"[mx.test]:2525", "[mx2.test]", "[192.0.2.6]:25"}};
constexpr const char* condition_names[] = {
    "X-Class",     "X-Class", "Subject", "X-MS-Exchange-Organization-Class", "X-MS-Exchange-Organization-Class", "X-MS-Exchange-Organization-Class",
    "X-Connectors"};
constexpr const char* conditions[] = {"secret", "secret", "^secret$", "top secret", "top.+secret", "S", "^$", "(no|top)[ \t]*secret"};
constexpr const char* field_names[] = {"X-Class",
                                       "X-Class",
                                       "x-cLASS",
                                       "X-Connectors",
                                       "Subject",
                                       "Subject",
                                       "X-MS-Exchange-Organization-Class",
                                       "x-ms-exchange-organization-class",
                                       "X-Connectors",
                                       "X-Connector-Route",
                                       "X-Connector-Outbound",
                                       "X-Clas",
                                       "X-Classy"};
constexpr const char* field_values[] = {"secret",   "secret", "Secret", "top secret", "top\n secret", "top\r\n\tsecret", " secret", "\n\tsecret",
                                        "nosecret", "public", "",       "o1"};
constexpr const char* required_names[] = {"X-OriginatorOrg", "X-OriginatorOrg", "X-MS-Exchange-Organization-Tenant"};
constexpr const char* required_values[] = {"us.example", "a.example", "us example"};
constexpr const char* origin_names[] = {"X-OriginatorOrg", "X-OriginatorOrg", "x-oRIGINATORoRG", "X-MS-Exchange-Organization-Tenant", "X-Originator"};
constexpr const char* origins[] = {"us.example",
                                   " us.example\n",
                                   "\tus.example",
                                   "a.example",
                                   "us\n\texample",
                                   "us\r\n  example",
                                   "US.example",
                                   "us.example, a.example",
                                   "us.exampl",
                                   "us.example;",
                                   ""};
constexpr const char* tls_domains[] = {"a.example", "*.a.example", ".b.example", "mx.test"};
constexpr const char* fingerprints[] = {"AB:CD", "01:23"};
constexpr OutboundTls tls_levels[] = {OutboundTls::unset,  OutboundTls::none, OutboundTls::opportunistic, OutboundTls::encrypt,
                                      OutboundTls::verify, OutboundTls::dane, OutboundTls::dane_only,     OutboundTls::fingerprint};

DomainPattern domain_pattern(const char* text) { return *DomainPattern::parse(text); }
std::size_t one_or_two(Dice& dice) { return 1 + dice.below(2); }

void give_tls(Dice& dice, OutboundConnector& c) {
  c.tls = dice.of(tls_levels);
  if (c.tls == OutboundTls::verify)
    for (auto n = dice.below(3); n > 0; --n) c.tls_domains.push_back(domain_pattern(dice.of(tls_domains)));
  if (c.tls == OutboundTls::fingerprint)
    for (auto n = one_or_two(dice); n > 0; --n) c.fingerprints.push_back(fingerprints[n - 1]);
  if (c.tls != OutboundTls::unset && c.tls != OutboundTls::none && dice.percent(40))
    c.min_tls_version = dice.percent(50) ? TlsVersion::tls1_2 : TlsVersion::tls1_3;
}

SmartHost smart_host(const std::string& next_hop) {
  const auto inside = next_hop.front() == '[' ? next_hop.substr(1, next_hop.find(']') - 1) : std::string();
  return {next_hop, Ip::parse(inside)};
}

// What is demanded of a smart host is taken from who had one of its group first.
void give_smart_hosts(Dice& dice, const std::vector<OutboundConnector>& others, OutboundConnector& c) {
  const auto& group = smart_hosts[dice.below(3)];
  for (auto n = one_or_two(dice); n > 0; --n) c.smart_hosts.push_back(smart_host(dice.of(group)));
  const auto is_of_group = [&](const OutboundConnector& other) {
    return !other.smart_hosts.empty() && std::find(std::begin(group), std::end(group), other.smart_hosts[0].next_hop) != std::end(group);
  };
  const auto first = std::find_if(others.begin(), others.end(), is_of_group);
  if (first == others.end()) return give_tls(dice, c);
  c.tls = first->tls;
  c.tls_domains = first->tls_domains;
  c.fingerprints = first->fingerprints;
  c.min_tls_version = first->min_tls_version;
}

void give_scope(Dice& dice, OutboundConnector& c) {
  c.organization = dice.percent(15);
  for (auto n = c.organization ? dice.below(2) : 1 + dice.below(3); n > 0; --n)
    c.recipient_domains.push_back(domain_pattern(dice.of(scope_patterns)));
}

bool can_be_named(const InboundConnector& c) {
  return c.duty == Duty::on_premises || c.duty == Duty::device || (c.is_partner() && c.demands_identity());
}

When random_when(Dice& dice, const PolicyData& policy) {
  When when;
  if (dice.percent(30))
    for (const auto& c : policy.inbound)
      if (can_be_named(c) && dice.percent(60)) when.connectors.push_back(c.name);
  if (dice.percent(25))
    for (auto n = one_or_two(dice); n > 0; --n) when.sender_domains.push_back(domain_pattern(dice.of(sender_patterns)));
  if (dice.percent(40) || (when.connectors.empty() && when.sender_domains.empty()))
    when.header = HeaderCondition{dice.of(condition_names), dice.of(conditions)};
  return when;
}

// The places a connector has in the choice: exact names, suffixes, `*`; two that share one may not cost the same.
std::vector<std::string> places(const PolicyData& policy, const OutboundConnector& c) {
  std::vector<std::string> out;
  auto patterns = c.recipient_domains;
  if (c.organization) patterns.insert(patterns.end(), policy.organization.domains.begin(), policy.organization.domains.end());
  for (const auto& p : patterns) {
    if (p.kind == DomainPattern::Kind::any) out.emplace_back("*");
    if (p.kind == DomainPattern::Kind::exact || p.kind == DomainPattern::Kind::at_and_below) out.push_back(p.domain);
    if (p.kind == DomainPattern::Kind::below || p.kind == DomainPattern::Kind::at_and_below) out.push_back("*." + p.domain);
  }
  return out;
}

bool ties(const PolicyData& policy, const OutboundConnector& a, const OutboundConnector& b) {
  if (!a.enabled || !b.enabled || a.mode != b.mode || a.cost != b.cost || a.is_rule_scoped() != b.is_rule_scoped()) return false;
  if (a.is_rule_scoped()) return true;
  const auto of_a = places(policy, a), of_b = places(policy, b);
  return std::find_first_of(of_a.begin(), of_a.end(), of_b.begin(), of_b.end()) != of_a.end();
}

OutboundConnector random_connector(Dice& dice, const PolicyData& policy, const std::vector<OutboundConnector>& others) {
  OutboundConnector c;
  c.name = "o" + std::to_string(others.size());
  c.enabled = !dice.percent(7);
  if (dice.percent(25)) c.mode = Mode::audit;
  c.cost = 1 + static_cast<std::uint32_t>(dice.below(3));
  if (dice.percent(55)) c.when = random_when(dice, policy);
  if (!c.when || dice.percent(30)) give_scope(dice, c);
  if (c.when || dice.percent(70))
    give_smart_hosts(dice, others, c);
  else
    give_tls(dice, c);
  if (dice.percent(20)) c.transport = "smtp-" + c.name;
  while (std::any_of(others.begin(), others.end(), [&](const auto& other) { return ties(policy, c, other); })) ++c.cost;
  return c;
}

}  // namespace

std::vector<OutboundConnector> random_outbound(Dice& dice, const PolicyData& policy) {
  std::vector<OutboundConnector> out;
  for (auto n = dice.below(7); n > 0; --n) out.push_back(random_connector(dice, policy, out));
  return out;
}

void require_headers(Dice& dice, PolicyData& policy) {
  for (auto& c : policy.inbound) {
    if (c.duty != Duty::on_premises || dice.percent(40)) continue;
    c.required_header = dice.of(required_names);
    for (auto n = one_or_two(dice); n > 0; --n) c.required_values.push_back(required_values[n - 1 + dice.below(2)]);
  }
}

void random_origin(Dice& dice, const PolicyData& policy, Facts& facts, std::vector<HeaderField>& fields) {
  const bool below = policy.organization.domains[0].kind == DomainPattern::Kind::below;
  const auto ours = Address::from_argument(below ? "p@sub.us.example" : "p@us.example");
  if (!dice.percent(70))
    for (auto& recipient : facts.recipients)
      if (!dice.percent(5)) recipient = {ours, ours};
  for (auto n = dice.below(3); n > 0; --n) fields.push_back({dice.of(origin_names), dice.of(origins)});
}

std::vector<HeaderField> random_header(Dice& dice, const PolicyData& policy) {
  std::vector<HeaderField> fields;
  for (auto n = dice.below(4); n > 0; --n) fields.push_back({dice.of(field_names), dice.of(field_values)});
  for (const auto& c : policy.outbound)
    if (c.when && c.when->header && dice.percent(30)) fields.push_back({c.when->header->name, dice.of(field_values)});
  return fields;
}

}  // namespace cm::reference

// Random policies and messages. The weights are chosen so that the run reaches every rule; compare_test.cc fails when it does not.
#include "generate.h"

namespace cm::reference {
namespace {

constexpr const char* some_domains[] = {"us.example", "sub.us.example", "a.example", "b.a.example", "c.b.a.example", "d.example", "[192.0.2.1]"};
constexpr const char* scope_patterns[] = {"a.example",
                                          "b.a.example",
                                          "c.b.a.example",
                                          ".a.example",
                                          "*.a.example",
                                          ".b.a.example",
                                          "*.b.a.example",
                                          "us.example",
                                          "sub.us.example",
                                          ".us.example",
                                          "*.example",
                                          "d.example",
                                          "[192.0.2.1]",
                                          "<>",
                                          "*",
                                          "*",
                                          "*"};
constexpr const char* sources[] = {"192.0.2.1",   "192.0.2.0/30", "192.0.2.0/24", "192.0.2.1-192.0.2.6", "192.0.2.3-192.0.2.4", "2001:db8::/32",
                                   "2001:db8::1", "0.0.0.0/0",    "::/0",         "192.0.2.4/31",        "::ffff:192.0.2.0/125"};
constexpr const char* clients[] = {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "192.0.2.6", "198.51.100.1", "2001:db8::1", "2001:db8::2"};
constexpr const char* certificates[] = {"mx.a.example", "*.a.example", ".a.example", "*.b.a.example", "a.example", "mx.b.a.example", ".example"};
constexpr const char* subjects[] = {"mx.a.example", "*.a.example", "a.example", "mx.b.a.example", "*.b.a.example", "*.example", "MX.A.Example.", ""};
constexpr const char* issuers[] = {"CA 1", "CA 2"};
constexpr const char* logins[] = {"u", "v", "U"};
constexpr const char* users[] = {"u", "v", "*"};
constexpr const char* listeners[] = {"mx", "relay", "shut"};
constexpr const char* address_patterns[] = {"p@us.example", "P@a.example", "us.example",       ".a.example", "*.us.example",
                                            "<>",           "*",           "q@sub.us.example", "*.example"};
constexpr const char* locals[] = {"p", "P", "q", "p%q", "a.example!p", "p%a.example", "\"q@d.example\"", "\"p\""};
constexpr const char* oddities[] = {
    "p", "ceo", "p@[192.0.2.1]", "@d.example:p@us.example", "p@US.Example.", "p@b\xc3\xbc.example", "p%d.example", "\"p@us.example\""};
constexpr const char* invalid[] = {"p@", "@us.example", "p q@us.example", "p@us..example", "\"p@us.example", ""};
constexpr const char* tls_versions[] = {"TLSv1.3", "TLSv1.3", "TLSv1.2", "TLSv1.2", "TLSv1", "TLSv9"};
constexpr std::uint64_t sizes[] = {50, 100, 101, 200, 201, 1000};

DomainPattern domain_pattern(const char* text) { return *DomainPattern::parse(text); }
AddressPattern address_pattern(const char* text) { return *AddressPattern::parse(text); }

std::size_t one_or_two(Dice& dice) { return 1 + dice.below(2); }

void give_identity(Dice& dice, InboundConnector& c) {
  if (dice.percent(60))
    for (auto n = one_or_two(dice); n > 0; --n) c.source_ips.push_back(*Source::parse(dice.of(sources)));
  if (dice.percent(35)) {
    for (auto n = one_or_two(dice); n > 0; --n) c.certificates.push_back(domain_pattern(dice.of(certificates)));
    if (dice.percent(30)) c.certificate_issuers.push_back(dice.of(issuers));
  }
  if (dice.percent(25))
    for (auto n = one_or_two(dice); n > 0; --n) c.auth_users.push_back(dice.of(users));
}

void give_tls(Dice& dice, InboundConnector& c) {
  if (dice.percent(c.certificates.empty() ? 15 : 70)) c.require_tls = true;
  if (dice.percent(15)) {
    c.require_tls = true;
    c.min_tls_version = dice.percent(50) ? TlsVersion::tls1_2 : TlsVersion::tls1_3;
  }
}

AddressLimit random_limit(Dice& dice) {
  AddressLimit limit;
  limit.any = false;
  limit.organization = dice.percent(50);
  if (!limit.organization || dice.percent(30))
    for (auto n = one_or_two(dice); n > 0; --n) limit.patterns.push_back(address_pattern(dice.of(address_patterns)));
  return limit;
}

void make_partner(Dice& dice, const PolicyData& policy, InboundConnector& c) {
  for (auto n = one_or_two(dice); n > 0; --n) c.sender_domains.push_back(domain_pattern(dice.of(scope_patterns)));
  if (dice.percent(75)) give_identity(dice, c);
  if (!policy.inbound.empty() && dice.percent(25)) c.via.push_back(policy.inbound[dice.below(policy.inbound.size())].name);
  give_tls(dice, c);
  if (!c.demands_identity()) c.require_tls = true;
  c.check_header_from = dice.percent(50) ? Check::enforce : dice.percent(60) ? Check::audit : Check::off;
  c.on_violation = dice.percent(40)   ? OnViolation::tag
                   : dice.percent(25) ? OnViolation::quarantine
                   : dice.percent(30) ? OnViolation::tempfail
                                      : OnViolation::reject;
}

void make_grant(Dice& dice, InboundConnector& c) {
  c.duty = dice.percent(40) ? Duty::on_premises : dice.percent(50) ? Duty::device : Duty::relay;
  while (!c.has_identity()) give_identity(dice, c);
  give_tls(dice, c);
  if (dice.percent(20)) c.on_violation = OnViolation::tempfail;
  if (c.duty == Duty::relay) return;
  if (dice.percent(40)) c.senders = random_limit(dice);
  if (dice.percent(40)) c.recipients = random_limit(dice);
  if (c.duty == Duty::on_premises) c.accept_headers = dice.percent(50);
}

InboundConnector random_connector(Dice& dice, const PolicyData& policy) {
  InboundConnector c;
  c.name = "c" + std::to_string(policy.inbound.size());
  c.enabled = !dice.percent(7);
  if (dice.percent(25)) c.mode = Mode::audit;
  if (dice.percent(25))
    for (auto n = one_or_two(dice); n > 0; --n) c.listeners.push_back(dice.of(listeners));
  if (dice.percent(62))
    make_partner(dice, policy, c);
  else
    make_grant(dice, c);
  if (dice.percent(15)) c.max_message_size = dice.percent(50) ? 100 : 200;
  if (dice.percent(20)) c.max_recipients = 1 + static_cast<std::uint32_t>(dice.below(2));
  if (dice.percent(15)) c.rate_limit = RateLimit{30, 60, RateLimit::Key::source};
  c.trust = std::string(to_string(c.duty));
  return c;
}

void random_organization(Dice& dice, Organization& ours) {
  constexpr const char* homes[] = {"us.example", ".us.example", "*.us.example", "us.example"};
  ours.domains.push_back(domain_pattern(dice.of(homes)));
  if (dice.percent(15)) ours.domains.push_back(domain_pattern(".b.a.example"));
  ours.vouch_authenticated = dice.percent(70);
  ours.vouch_local = dice.percent(70);
  ours.protect = dice.percent(35) ? Check::enforce : dice.percent(30) ? Check::audit : Check::off;
}

// What the MTA makes of an argument: mostly Postfix's own resolution, sometimes another mapping (canonical maps, another $myorigin).
Address resolve(Dice& dice, const PolicyData& policy, const Address& argument) {
  if (argument.kind != Address::Kind::mailbox) return argument;
  if (dice.percent(12)) return Address::from_resolved(std::string("p@") + dice.of(some_domains));
  if (argument.domain.empty() && dice.percent(30)) return Address::from_resolved(argument.local);  // an MTA that adds no domain
  DomainIndex ours;
  for (const auto& pattern : policy.organization.domains) ours.add(pattern, 0);
  return resolve_as_postfix(argument, ours, "us.example");
}

Envelope random_mailbox(Dice& dice, const PolicyData& policy, unsigned percent_invalid) {
  std::string text;
  if (dice.percent(percent_invalid))
    text = dice.of(invalid);
  else if (dice.percent(12))
    text = dice.of(oddities);
  else
    text = std::string(dice.percent(70) ? "p" : dice.of(locals)) + "@" + dice.of(some_domains);
  if (dice.percent(50)) text = "<" + text + ">";
  auto argument = Address::from_argument(text);
  auto resolved = resolve(dice, policy, argument);
  return {std::move(argument), std::move(resolved)};
}

Tls random_tls(Dice& dice) {
  Tls tls;
  if (dice.percent(35)) return tls;
  tls.version = dice.of(tls_versions);
  if (dice.percent(35)) return tls;
  tls.certificate = dice.percent(85) ? CertificateState::verified : CertificateState::unverified;
  tls.subject = dice.of(subjects);
  tls.subject_name = normalise_certificate_name(tls.subject);
  tls.issuer = dice.of(issuers);
  return tls;
}

Content random_content(Dice& dice) {
  Content content;
  if (dice.percent(70)) content.size = dice.of(sizes);
  content.malformed_header = dice.percent(4);
  const auto roll = dice.below(100);
  content.from.kind = roll < 75   ? HeaderFrom::Kind::parsed
                      : roll < 85 ? HeaderFrom::Kind::several
                      : roll < 95 ? HeaderFrom::Kind::unparsable
                                  : HeaderFrom::Kind::absent;
  if (content.from.kind == HeaderFrom::Kind::parsed)
    for (auto n = dice.percent(80) ? 1 : 2; n > 0; --n) content.from.domains.push_back(dice.of(some_domains));
  return content;
}

}  // namespace

PolicyData random_policy(Dice& dice) {
  PolicyData policy;
  random_organization(dice, policy.organization);
  policy.reject_unmatched = dice.percent(30);
  policy.listeners = {{"mx", false}, {"relay", false}, {"shut", true}};
  for (auto n = 1 + dice.below(6); n > 0; --n) policy.inbound.push_back(random_connector(dice, policy));
  return policy;
}

Facts random_facts(Dice& dice, const PolicyData& policy) {
  Facts facts;
  facts.connection.listener = dice.percent(70) ? "mx" : dice.of(listeners);
  facts.connection.local = dice.percent(4);
  if (!dice.percent(4)) facts.connection.client = Ip::parse(dice.of(clients));
  facts.sender.tls = random_tls(dice);
  if (!facts.connection.local && dice.percent(25)) facts.sender.login = dice.of(logins);
  if (!dice.percent(12)) facts.sender.envelope = random_mailbox(dice, policy, 2);
  if (dice.percent(25)) facts.sender.declared_size = dice.of(sizes);
  for (std::uint32_t id = 0; id < policy.inbound.size(); ++id)
    if (policy.inbound[id].rate_limit && dice.percent(40)) facts.sender.rates_exceeded.push_back(id);
  for (auto n = 1 + dice.below(4); n > 0; --n) facts.recipients.push_back(random_mailbox(dice, policy, 6));
  if (dice.percent(80)) facts.content = random_content(dice);
  return facts;
}

}  // namespace cm::reference

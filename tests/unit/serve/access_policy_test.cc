// Who may relay: what Postfix says of a client, and what it is told. Everything that is not plainly granted is DUNNO.
#include "serve/access_policy.h"

#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>
#include <map>

namespace {

using namespace cm;

const std::string permit = "action=permit", dunno = "action=DUNNO";

InboundConnector grant(const char* name, Duty duty, const char* source) {
  InboundConnector c;
  c.name = name;
  c.duty = duty;
  c.trust = duty == Duty::device ? "device" : "internal";
  if (*source) c.source_ips.push_back(*Source::parse(source));
  return c;
}

PolicyData usual() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  data.listeners = {{"mx", false}, {"relay", true}};
  auto exchange = grant("exchange", Duty::on_premises, "10.1.0.0/24");
  exchange.source_ips.push_back(*Source::parse("2001:db8::5"));
  auto printer = grant("printer", Duty::device, "10.2.0.9");
  printer.senders.any = false;
  printer.senders.organization = true;
  printer.recipients.any = false;
  printer.recipients.patterns.push_back(*AddressPattern::parse("fabrikam.example"));
  printer.max_message_size = 1000;
  auto cloud = grant("cloud", Duty::on_premises, "");
  cloud.certificates.push_back(*DomainPattern::parse("*.cloud.example"));
  cloud.certificate_issuers = {"Example CA"};
  cloud.require_tls = true;
  cloud.min_tls_version = TlsVersion::tls1_2;
  auto scanner = grant("scanner", Duty::device, "");
  scanner.auth_users = {"scanner"};
  auto listening = grant("listening", Duty::on_premises, "10.3.0.1");
  listening.listeners = {"relay"};
  auto tried = grant("tried", Duty::on_premises, "10.4.0.1");
  tried.mode = Mode::audit;
  auto backup = grant("backup", Duty::relay, "10.5.0.1");
  backup.trust.clear();
  auto fabrikam = grant("fabrikam", Duty::partner, "10.6.0.1");
  fabrikam.sender_domains.push_back(*DomainPattern::parse("fabrikam.example"));
  auto off = grant("off", Duty::on_premises, "10.7.0.1");
  off.enabled = false;
  auto slow = grant("slow", Duty::on_premises, "10.8.0.1");
  slow.on_violation = OnViolation::tempfail;
  slow.require_tls = true;
  data.inbound = {exchange, printer, cloud, scanner, listening, tried, backup, fabrikam, off, slow};
  return data;
}

using Attributes = std::map<std::string, std::string>;

// As Postfix sends them for a client in clear text, with what is of no interest to us.
Attributes request(const std::string& client, const std::string& from = "anna@contoso.example",
                   const std::string& recipient = "bob@elsewhere.example") {
  return {{"request", "smtpd_access_policy"},
          {"protocol_state", "RCPT"},
          {"protocol_name", "ESMTP"},
          {"client_address", client},
          {"client_name", "unknown"},
          {"client_port", "40000"},
          {"helo_name", "x=y"},
          {"sender", from},
          {"recipient", recipient},
          {"recipient_count", "0"},
          {"queue_id", ""},
          {"size", "0"},
          {"sasl_username", ""},
          {"ccert_subject", ""},
          {"ccert_issuer", ""},
          {"ccert_fingerprint", ""},
          {"ccert_pubkey_fingerprint", ""},
          {"encryption_protocol", ""},
          {"policy_context", ""}};
}

Attributes with(Attributes attributes, const Attributes& more) {
  for (const auto& [name, value] : more) attributes[name] = value;
  return attributes;
}

struct World {
  Published<Policy> policy{std::make_shared<const Policy>(usual())};
  observe::Counters counters;
  std::vector<std::string> reports;
  serve::AccessPolicy service{policy, counters, [this](std::string_view line) { reports.emplace_back(line); }};
  std::string operator()(const Attributes& attributes) const {
    std::string text;
    for (const auto& [name, value] : attributes) text += name + "=" + value + "\n";
    return service.answer(text);
  }
};

const Attributes by_certificate{
    {"encryption_protocol", "TLSv1.3"}, {"ccert_subject", "mx+31.cloud.example"}, {"ccert_issuer", "Example+20CA"}, {"ccert_fingerprint", "AB:CD"}};

}  // namespace

BOOST_AUTO_TEST_SUITE(access_policy)

BOOST_AUTO_TEST_CASE(grants_may_relay) {
  const World ask;
  for (const char* client : {"10.1.0.5", "2001:db8::5"})
    for (const char* from : {"anna@contoso.example", "stranger@elsewhere.example", ""})
      BOOST_TEST(ask(request(client, from)) == permit, client << from);
  BOOST_TEST(ask(with(request("192.0.2.1"), by_certificate)) == permit);
  BOOST_TEST(ask(with(request("192.0.2.1"), {{"sasl_username", "scanner"}})) == permit);
  BOOST_TEST(ask(with(request("10.3.0.1"), {{"policy_context", "relay"}})) == permit);
  BOOST_TEST(ask(with(request("10.1.0.5"), {{"policy_context", "relay"}})) == permit);
  BOOST_TEST(ask.counters.policy_requests == 10U);
  BOOST_TEST(ask.counters.policy_permits == 10U);
  BOOST_TEST(ask.reports.empty());
}

BOOST_AUTO_TEST_CASE(nobody_else_may) {
  const World ask;
  for (const char* client :
       {"192.0.2.1", "unknown", "", "10.1.0.5x", "10.1.1.5", "10.3.0.1", "10.4.0.1", "10.5.0.1", "10.6.0.1", "10.7.0.1", "10.8.0.1"})
    for (const char* from : {"anna@contoso.example", "u@fabrikam.example", ""})
      BOOST_TEST(ask(request(client, from)) == dunno, client << " " << from);
  BOOST_TEST(ask(with(request("192.0.2.1"), {{"sasl_username", "anna@contoso.example"}})) ==
             dunno);  // vouched: permit_sasl_authenticated is for that
  for (const char* listener : {"mx", "Relay", "elsewhere"})
    BOOST_TEST(ask(with(request("10.3.0.1"), {{"policy_context", listener}})) == dunno, listener);
  BOOST_TEST(ask(with(request("192.0.2.1"), {{"policy_context", "relay"}})) == dunno);
  BOOST_TEST(ask.counters.policy_permits == 0U);
  BOOST_TEST(ask.reports.empty());
}

BOOST_AUTO_TEST_CASE(limits_of_a_grant_bind) {
  const World ask;
  const std::string ours = "printer@contoso.example", partner = "bob@fabrikam.example";
  BOOST_TEST(ask(request("10.2.0.9", ours, partner)) == permit);
  BOOST_TEST(ask(request("10.2.0.9", ours, "bob@elsewhere.example")) == dunno);
  for (const char* from : {"", "x@elsewhere.example", "printer", "x%elsewhere.example@contoso.example", "elsewhere.example!x@contoso.example",
                           "x@elsewhere.example@contoso.example", "a b@contoso.example", "<x@contoso.example>"})
    BOOST_TEST(ask(request("10.2.0.9", from, partner)) == dunno, from);
  BOOST_TEST(ask(with(request("10.2.0.9", ours, partner), {{"size", "1000"}})) == permit);
  for (const char* size : {"1001", "99999999999999999999999"})
    BOOST_TEST(ask(with(request("10.2.0.9", ours, partner), {{"size", size}})) == dunno, size);
}

BOOST_AUTO_TEST_CASE(certificates_count_if_postfix_trusts_them) {
  const World ask;
  const auto base = with(request("192.0.2.1"), by_certificate);
  BOOST_TEST(ask(base) == permit);
  for (const auto& [name, value] : Attributes{{"encryption_protocol", ""}, {"ccert_subject", ""}, {"ccert_issuer", "Other"}})
    BOOST_TEST(ask(with(base, {{name, value}})) == dunno, name);
  BOOST_TEST(ask(with(base, {{"encryption_protocol", "TLSv1.1"}})) == dunno);
  BOOST_TEST(ask(with(base, {{"encryption_protocol", "TLSv1.3 or something much longer"}})) == dunno);
  for (const char* name : {"cloud.example", "mx.cloud.example+00", "mx.cloud.example+0A", "mx.cloud.example.evil.example", "+2A"})
    BOOST_TEST(ask(with(base, {{"ccert_subject", name}})) == dunno, name);
  BOOST_TEST(ask(with(base, {{"ccert_subject", std::string(300, 'a') + ".cloud.example"}})) == dunno);
}

BOOST_AUTO_TEST_CASE(routed_recipients_are_left_to_the_mta) {
  const World ask;
  for (const char* recipient :
       {"bob%evil.example@contoso.example", "evil.example!bob@contoso.example", "bob@evil.example@contoso.example", "\"bob\"@elsewhere.example",
        "a\\b@elsewhere.example", "bob%evil.example", "evil.example!bob", "@hub.example:bob@elsewhere.example", "a b@elsewhere.example",
        "<bob@elsewhere.example>", "", "@elsewhere.example", "bob@", "bob@else where.example"})
    BOOST_TEST(ask(request("10.1.0.5", "anna@contoso.example", recipient)) == dunno, recipient);
  for (const char* recipient : {"bob+x@elsewhere.example", "BOB@ELSEWHERE.EXAMPLE.", "bob@[192.0.2.1]", "ü@münchen.example", "anna@contoso.example"})
    BOOST_TEST(ask(request("10.1.0.5", "anna@contoso.example", recipient)) == permit, recipient);
}

BOOST_AUTO_TEST_CASE(a_grant_that_asks_for_a_header_is_dunno) {
  World ask;
  BOOST_TEST(ask(request("10.1.0.5")) == permit);
  auto data = usual();
  data.inbound[0].required_header = "X-OriginatorOrg";
  data.inbound[0].required_values = {"contoso.example"};
  ask.policy.set(std::make_shared<const Policy>(std::move(data)));
  BOOST_TEST(ask(request("10.1.0.5")) == dunno);
  BOOST_TEST(ask(request("10.1.0.5", "anna@contoso.example", "bob@contoso.example")) == dunno);
}

BOOST_AUTO_TEST_CASE(other_states_are_dunno) {
  World ask;
  BOOST_TEST(ask(with(request("10.1.0.5"), {{"protocol_state", "VRFY"}})) == dunno);
  BOOST_TEST(ask.reports.empty());
  for (const char* state : {"CONNECT", "EHLO", "MAIL", "DATA", "END-OF-MESSAGE", "ETRN", "", "rcpt"})
    BOOST_TEST(ask(with(request("10.1.0.5"), {{"protocol_state", state}})) == dunno, state);
  BOOST_TEST(ask.reports.size() == 1U);
}

BOOST_AUTO_TEST_CASE(what_cannot_be_understood_is_dunno_and_reported_once) {
  World ask;
  for (const char* name : {"protocol_state", "client_address", "sender", "recipient"}) {
    auto attributes = request("10.1.0.5");
    attributes.erase(name);
    BOOST_TEST(ask(attributes) == dunno, name);
  }
  BOOST_TEST(ask.reports.size() == 1U);
  const std::string good = "request=smtpd_access_policy\nprotocol_state=RCPT\nclient_address=10.1.0.5\nsender=\nrecipient=b@elsewhere.example\n";
  BOOST_TEST(ask.service.answer(good) == permit);
  for (const std::string& bad : {std::string(), std::string("\n"), "x\n" + good, "=x\n" + good, good + good, good + "client_address=10.1.0.6\n",
                                 good + "sender=\n", good + std::string("x=a\0b\n", 6), "request=other\n" + good.substr(good.find('\n') + 1)})
    BOOST_TEST(ask.service.answer(bad) == dunno, bad);
  BOOST_TEST(ask.reports.size() == 2U);
  for (const auto& report : ask.reports) BOOST_TEST(report.find('\n') == std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

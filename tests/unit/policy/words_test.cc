// Decisions in words: the reply of every rule, the header fields; and what untrusted text may look like in them.
#define BOOST_TEST_DYN_LINK
#include "words.h"

#include <boost/test/unit_test.hpp>

#include "policy/limits.h"
#include "policy/text.h"

namespace {

using namespace cm;
using namespace cm::test;

// The same without the text: "550 5.7.1 [aaaabbbbcccc] connector c: ... (rule source)"
std::string frame(const std::string& reply) {
  const auto colon = reply.find(": "), rule = reply.rfind(" (rule ");
  return reply.substr(0, colon) + reply.substr(rule);
}

BOOST_FIXTURE_TEST_SUITE(words, Words)

BOOST_AUTO_TEST_CASE(codes_of_every_rule) {
  constexpr struct {
    Rule rule;
    const char *reject, *tempfail;
  } table[] = {
      {Rule::none, "550 5.7.1", "451 4.7.1"},        {Rule::closed, "554 5.7.1", "554 5.7.1"},     {Rule::syntax, "553 5.1.3", "553 5.1.3"},
      {Rule::source, "550 5.7.1", "451 4.7.1"},      {Rule::auth, "550 5.7.1", "451 4.7.1"},       {Rule::tls, "550 5.7.10", "451 4.7.10"},
      {Rule::certificate, "550 5.7.8", "451 4.7.8"}, {Rule::sender, "550 5.7.1", "451 4.7.1"},     {Rule::protect, "550 5.7.1", "451 4.7.1"},
      {Rule::header_from, "550 5.7.1", "451 4.7.1"}, {Rule::header, "550 5.7.1", "451 4.7.1"},     {Rule::unmatched, "550 5.7.1", "451 4.7.1"},
      {Rule::recipient, "550 5.7.1", "451 4.7.1"},   {Rule::recipients, "452 4.5.3", "452 4.5.3"}, {Rule::size, "552 5.3.4", "552 5.3.4"},
      {Rule::rate, "450 4.7.28", "450 4.7.28"}};
  for (const auto& row : table) {
    const auto rest = " [aaaabbbbcccc] connector c (rule " + std::string(to_string(row.rule)) + ")";
    BOOST_TEST(frame(reply(row.rule, Action::reject)) == row.reject + rest);
    BOOST_TEST(frame(reply(row.rule, Action::tempfail)) == row.tempfail + rest);
  }
  BOOST_TEST(reply(Rule::unmatched, Action::reject, no_connector) ==
             "550 5.7.1 [aaaabbbbcccc] no connector is about mail of <p@d.example> from client address 192.0.2.9 (rule unmatched)");
}

BOOST_AUTO_TEST_CASE(texts_of_every_rule) {
  BOOST_TEST(text(Rule::none) == "refused");
  BOOST_TEST(text(Rule::closed) == "client address 192.0.2.9 may not use this listener");
  BOOST_TEST(text(Rule::source) == "mail of <p@d.example> came from client address 192.0.2.9");
  BOOST_TEST(text(Rule::auth) == "client did not log in");
  BOOST_TEST(text(Rule::tls) == "session is in clear text");
  BOOST_TEST(text(Rule::sender) == "sender <p@d.example> is outside the limits of this client");
  BOOST_TEST(text(Rule::protect) == "sender <p@d.example> is ours, and client address 192.0.2.9 may not use it");
  BOOST_TEST(text(Rule::header_from) == "header From cannot be used by client address 192.0.2.9");
  BOOST_TEST(text(Rule::header) == "message lacks a header field");
  BOOST_TEST(text(Rule::unmatched) == "no connector is about mail of <p@d.example> from client address 192.0.2.9");
  BOOST_TEST(text(Rule::recipient) == "recipient <x@us.example> is outside the limits of this client");
  BOOST_TEST(text(Rule::recipients) == "too many recipients in this message");
  BOOST_TEST(text(Rule::size) == "message is too large");
  BOOST_TEST(text(Rule::rate) == "too many messages, try again later");
  BOOST_TEST(
      reply(Rule::recipient, Action::reject, 0, false).ends_with("connector c: recipient is outside the limits of this client (rule recipient)"));
  connection.client.reset();
  BOOST_TEST(text(Rule::closed) == "client address unknown may not use this listener");
  connection.local = true;
  BOOST_TEST(text(Rule::closed) == "client address this machine may not use this listener");
  sender.login = "u\n";
  BOOST_TEST(text(Rule::auth) == "client logged in as \"u?\"");
}

BOOST_AUTO_TEST_CASE(texts_about_tls_and_certificates) {
  BOOST_TEST(text(Rule::certificate) == "session is in clear text, without a client certificate");
  sender.tls.version = "TLSv1.1";
  BOOST_TEST(text(Rule::tls) == "session uses TLSv1.1");
  BOOST_TEST(text(Rule::certificate) == "client presented no certificate, or one that is not trusted for client authentication");
  sender.tls.certificate = CertificateState::unverified;
  BOOST_TEST(text(Rule::certificate) == "client certificate was not verified");
  sender.tls.certificate = CertificateState::verified;
  BOOST_TEST(text(Rule::certificate) == "client certificate has no name");
  sender.tls.subject = "mx.d.example";
  sender.tls.issuer = "CA";
  BOOST_TEST(text(Rule::certificate) == "client certificate is for \"mx.d.example\", issued by \"CA\"");
  sender.tls.issuer.clear();
  BOOST_TEST(text(Rule::certificate) == "client certificate is for \"mx.d.example\", issuer not given");
}

BOOST_AUTO_TEST_CASE(texts_about_syntax) {
  recipient = envelope("x@");
  BOOST_TEST(reply(Rule::syntax, Action::reject, no_connector) ==
             "553 5.1.3 [aaaabbbbcccc] recipient address <x@> is malformed: the domain is empty (rule syntax)");
  recipient = envelope("<>");
  BOOST_TEST(reply(Rule::syntax, Action::reject, no_connector) == "553 5.1.3 [aaaabbbbcccc] recipient address <> is malformed (rule syntax)");
  BOOST_TEST(reply(Rule::syntax, Action::reject, no_connector, false) ==
             "550 5.6.0 [aaaabbbbcccc] message has a header field with a bare carriage return (rule syntax)");
  sender.envelope = envelope("p@");
  BOOST_TEST(reply(Rule::syntax, Action::reject, no_connector) ==
             "553 5.1.7 [aaaabbbbcccc] sender address <p@> is malformed: the domain is empty (rule syntax)");
}

BOOST_AUTO_TEST_CASE(untrusted_text_is_printable_and_bounded) {
  const auto echoed = [this](std::size_t bytes) {
    sender.login = std::string(bytes, 'u');
    return text(Rule::auth);
  };
  BOOST_TEST(echoed(100) == "client logged in as \"" + std::string(100, 'u') + "\"");
  BOOST_TEST(echoed(101) == "client logged in as \"" + std::string(100, 'u') + "...\"");
  BOOST_TEST(step(Because::other_login) == "login \"" + std::string(100, 'u') + "...\" is not among its auth_users");
  for (int c = 0; c < 256; ++c) {
    const char byte = static_cast<char>(c);
    BOOST_TEST(text::printable(std::string(1, byte), 9) == std::string(1, byte >= ' ' && byte <= '~' ? byte : '?'));
  }
  BOOST_TEST(text::printable("abc", 3) == "abc");
  BOOST_TEST(text::printable("abc", 2) == "ab...");
}

BOOST_AUTO_TEST_CASE(header_fields) {
  Decision d;
  BOOST_TEST(headers(d).empty());
  d.connector = 0;
  d.proven = d.marked = true;
  BOOST_TEST(headers(d) == "X-Connector-Trust: partner; connector=c; type=partner; src=192.0.2.9; tls=none; id=aaaabbbbcccc\nX-A: b\n");
  sender.tls.version = "TLS;v= 9";
  d.marked = false;
  d.vouched = Vouched::authenticated;
  BOOST_TEST(headers(d) == "X-Connector-Trust: user; src=192.0.2.9; tls=TLS?v??9; id=aaaabbbbcccc\n");
  d.vouched = Vouched::local;
  connection.client.reset();
  BOOST_TEST(headers(d) == "X-Connector-Trust: local; src=unknown; tls=TLS?v??9; id=aaaabbbbcccc\n");
  d.proven = false;
  d.rule = Rule::tls;
  d.action = Action::tag;
  d.audit = AuditDifference{Action::reject, Rule::source, 1};
  BOOST_TEST(
      headers(d) ==
      "X-Connector-Violation: tls; connector=c; id=aaaabbbbcccc\nX-Connector-Audit: would-reject; rule=source; connector=v; id=aaaabbbbcccc\n");
  d.connector = no_connector;
  d.audit = AuditDifference{Action::accept, Rule::none, no_connector};
  BOOST_TEST(headers(d) == "X-Connector-Violation: tls; id=aaaabbbbcccc\nX-Connector-Audit: would-accept; id=aaaabbbbcccc\n");
  d.action = Action::tempfail;
  BOOST_TEST(headers(d).empty());
}

BOOST_AUTO_TEST_CASE(audit_differences_in_the_log) {
  BOOST_TEST(render_audit(policy, {Action::accept, Rule::none, no_connector}) == "would-accept");
  BOOST_TEST(render_audit(policy, {Action::accept, Rule::none, 0}) == "would-accept//c");
  BOOST_TEST(render_audit(policy, {Action::reject, Rule::protect, no_connector}) == "would-reject/protect");
  BOOST_TEST(render_audit(policy, {Action::reject, Rule::tls, 1}) == "would-reject/tls/v");
}

// The longest reply there can be still ends with its rule.
BOOST_AUTO_TEST_CASE(a_reply_is_cut_before_its_rule) {
  recipient.argument.text = std::string(100, 'x');
  recipient.argument.kind = Address::Kind::invalid;
  recipient.argument.why = std::string(1000, 'y');
  const auto whole = render_reply(policy, connection, sender, {Action::reject, Rule::syntax, 0}, &recipient, id).text;
  BOOST_TEST(whole.size() == limits::reply_text_bytes);
  BOOST_TEST(whole.ends_with("y... (rule syntax)"));
}

BOOST_AUTO_TEST_CASE(a_policy_without_domains_is_nobodys_home) {
  const Policy empty{PolicyData{}};
  BOOST_TEST(empty.home_domain().empty());
  BOOST_TEST(!empty.is_ours(sender.envelope.argument));
}

BOOST_AUTO_TEST_CASE(what_a_disabled_connector_says_does_not_count) {
  auto data = Words::data();
  auto& c = data.inbound[0];
  c.max_message_size = 1;
  c.mode = Mode::audit;
  c.check_header_from = Check::audit;
  BOOST_TEST((Policy(data).counts_sizes() && Policy(data).has_audit_connectors() && Policy(data).has_audit_header_from()));
  c.enabled = false;
  const Policy without(data);
  BOOST_TEST((!without.counts_sizes() && !without.has_audit_connectors() && !without.has_audit_header_from()));
  c.mode = Mode::enforce;
  data.inbound.pop_back();
  BOOST_TEST(!Policy(data).is_own_header("X-A"));
  c.enabled = true;
  BOOST_TEST(Policy(data).is_own_header("x-a"));
}

BOOST_AUTO_TEST_CASE(white_space_before_the_colon_hides_no_header) {
  auto data = Words::data();
  data.strip_headers = {"X-Strip-*", "X-Exact"};
  const Policy strict(data);
  for (const auto* name : {"X-Connector-Trust \t", "x-connector ", "X-A\t"}) BOOST_TEST(strict.is_own_header(name));
  for (const auto* name : {"X-Strip-A \t", "x-exact ", "X-EXACT\t"}) BOOST_TEST(strict.is_stripped_header(name));
  for (const auto* name : {"X-Exactly", " X-Exact", "X-Strip"}) BOOST_TEST(!strict.is_stripped_header(name));
  for (const auto* name : {"X-Connectors", " X-Connector", "X-Conn"}) BOOST_TEST(!strict.is_own_header(name));
}

BOOST_AUTO_TEST_CASE(tls_versions) {
  BOOST_TEST((parse_tls_version("") == TlsVersion::none));
  for (const auto* name : {"TLSv1", "TLSv1.0"}) BOOST_TEST((parse_tls_version(name) == TlsVersion::tls1_0));
  BOOST_TEST((parse_tls_version("TLSv1.1") == TlsVersion::tls1_1));
  BOOST_TEST((parse_tls_version("TLSv1.2") == TlsVersion::tls1_2));
  BOOST_TEST((parse_tls_version("TLSv1.3") == TlsVersion::tls1_3));
  for (const auto* name : {"SSLv3", "TLSv1.4", "tlsv1.3", "TLSv1.3 "}) BOOST_TEST((parse_tls_version(name) == TlsVersion::unknown));
}

// Written down as RFC 3629 section 4 has it, and not as the code does.
bool is_well_formed(const std::string& s) {
  for (std::size_t i = 0; i < s.size();) {
    const auto byte = [&](std::size_t n) { return i + n < s.size() ? static_cast<unsigned char>(s[i + n]) : 0U; };
    const auto tail = [&](std::size_t n) { return byte(n) >= 0x80 && byte(n) <= 0xbf; };
    const auto lead = byte(0), second = byte(1);
    if (lead <= 0x7f)
      i += 1;
    else if (lead >= 0xc2 && lead <= 0xdf && tail(1))
      i += 2;
    else if (lead >= 0xe0 && lead <= 0xef && tail(1) && tail(2) && (lead != 0xe0 || second >= 0xa0) && (lead != 0xed || second <= 0x9f))
      i += 3;
    else if (lead >= 0xf0 && lead <= 0xf4 && tail(1) && tail(2) && tail(3) && (lead != 0xf0 || second >= 0x90) && (lead != 0xf4 || second <= 0x8f))
      i += 4;
    else
      return false;
  }
  return true;
}

BOOST_AUTO_TEST_CASE(utf8_byte_by_byte) {
  constexpr char tails[] = {'a', '\x7f', '\x80', '\xbf', '\xc0'};
  std::size_t wrong = 0;
  const auto check = [&wrong](const std::string& s) { wrong += text::is_utf8(s) == is_well_formed(s) ? 0 : 1; };
  for (int lead = 0; lead < 256; ++lead) {
    check({static_cast<char>(lead)});
    for (int second = 0; second < 256; ++second) {
      const std::string two{static_cast<char>(lead), static_cast<char>(second)};
      check(two);
      for (const char third : tails) {
        check(two + third);
        for (const char fourth : tails) check(two + third + fourth);
      }
    }
  }
  BOOST_TEST(wrong == 0U);
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace

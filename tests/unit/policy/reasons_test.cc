// The reason of every step of an explanation, in words: what was seen, what was expected, and who is named.
#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>

#include "words.h"

namespace {

using namespace cm;
using namespace cm::test;

BOOST_FIXTURE_TEST_SUITE(reasons, Words)

BOOST_AUTO_TEST_CASE(reasons_of_every_step) {
  connection.listener = "mx\t";
  BOOST_TEST(step(Because::disabled) == "it is not enabled");
  BOOST_TEST(step(Because::audit_only) == "its mode is audit: it takes part in the audit decision only");
  BOOST_TEST(step(Because::other_listener) == "listener \"mx?\" is not among its listeners");
  BOOST_TEST(step(Because::other_source) == "client address 192.0.2.9 is not among its source_ips");
  BOOST_TEST(step(Because::other_source, Rule::none, 1) == "client address 192.0.2.9 is none of the connectors named in via");
  BOOST_TEST(step(Because::no_login) == "client did not log in");
  BOOST_TEST(step(Because::weaker_proof) == "another connector has the stronger or more specific proof");
  BOOST_TEST(step(Because::sender_out_of_scope) == "sender <p@d.example> is not in its sender_domains");
  BOOST_TEST(step(Because::search_ended) == "the search ended before it was asked");
  BOOST_TEST(step(Because::grant_applies) == "a grant or exemption applies, so no partner is asked");
  BOOST_TEST(step(Because::vouched_applies) == "the mail is vouched for, so no partner is asked");
  BOOST_TEST(step(Because::refused_before) == "the mail was refused before it was asked");
  BOOST_TEST(step(Because::identity_holds) == "every identity setting holds, and its demands are met");
  BOOST_TEST(step(Because::via_holds) == "a connector named in its via is proven, and its demands are met");
  BOOST_TEST(step(Because::demands_met) == "its TLS demands and limits are met; it asks for no identity");
  InboundConnector limited = policy.connector(0);
  limited.rate_limit = RateLimit{30, 120, RateLimit::Key::source};
  PolicyData data;
  data.inbound.push_back(limited);
  const Policy with_rate(data);
  BOOST_TEST(render_step(with_rate, {connection, sender, {recipient}, {}}, {0, Outcome::selected, Because::identity_holds, Rule::none}) ==
             "every identity setting holds, and its demands are met; assumed: its rate_limit of 30 messages in 2m is not used up");
  BOOST_TEST(step(Because::vouched_local) == "the mail was submitted on this machine");
  BOOST_TEST(step(Because::nothing_in_scope) ==
             "no inbound connector applies: this is an ordinary stranger's mail from the internet, and such mail is accepted here (unmatched = "
             "\"accept\")");
  sender.login = "u";
  BOOST_TEST(step(Because::vouched_login) == "the client logged in as \"u\" and the sender is ours or null");
  connection.listener.clear();
  BOOST_TEST(step(Because::other_listener) == "it is limited to listeners, and the listener has no name");
  connection.client.reset();
  BOOST_TEST(step(Because::other_source) == "an unknown client address is not among its source_ips");
  connection.local = true;
  BOOST_TEST(step(Because::other_source) == "mail submitted on this machine is not among its source_ips");
}

BOOST_AUTO_TEST_CASE(reasons_of_every_rule) {
  BOOST_TEST(unmet(Rule::none) == "nothing");
  BOOST_TEST(unmet(Rule::closed) == "the listener is closed, and no connector on it can accept client address 192.0.2.9");
  BOOST_TEST(unmet(Rule::syntax) == "an address or header field is malformed");
  BOOST_TEST(unmet(Rule::source) == "client address 192.0.2.9 is not among its source_ips");
  BOOST_TEST(unmet(Rule::auth) == "client did not log in");
  BOOST_TEST(unmet(Rule::tls) == "TLS is demanded, the session is in clear text");
  BOOST_TEST(unmet(Rule::sender) == "sender <p@d.example> is not among its senders");
  BOOST_TEST(unmet(Rule::protect) == "sender <p@d.example> is in the organization domains, and nobody vouches for this client");
  BOOST_TEST(unmet(Rule::header_from) == "the header From names a domain in its scope without its proof, or cannot be read");
  BOOST_TEST(
      unmet(Rule::header) ==
      "the field X-Org is missing, or has a value that its require_header does not name, and not every recipient is in the organization domains");
  BOOST_TEST(unmet(Rule::unmatched) ==
             "no inbound connector applies: this is an ordinary stranger's mail from the internet, and such mail is rejected here (the listener is "
             "closed)");
  BOOST_TEST(unmet(Rule::recipient) == "a recipient is not among its recipients");
  BOOST_TEST(unmet(Rule::recipients) == "there are more recipients than max_recipients");
  BOOST_TEST(unmet(Rule::size) == "the message is larger than max_message_size");
  BOOST_TEST(unmet(Rule::rate) == "the rate limit is exceeded");
  BOOST_TEST(unmet(Rule::certificate) == "a client certificate is demanded, the session is in clear text");
  sender.tls.version = "TLSv1.1";
  BOOST_TEST(unmet(Rule::tls) == "TLSv1.1 is older than its min_tls_version");
  BOOST_TEST(unmet(Rule::certificate) == "the client presented no certificate, or one that is not trusted for client authentication");
  sender.tls.certificate = CertificateState::unverified;
  BOOST_TEST(step(Because::unverified_certificate) == "the client's certificate was not verified");
  sender.tls.certificate = CertificateState::verified;
  sender.envelope = {Address::from_argument("<p@us.example>"), Address::from_resolved(std::string(101, 'q') + "@d.example")};
  BOOST_TEST(unmet(Rule::sender) == "sender <p@us.example> (resolved: <" + std::string(100, 'q') + "...>) is not among its senders");
  sender.envelope.resolved = Address::from_resolved("q@us.example");
  BOOST_TEST(unmet(Rule::sender) == "sender <p@us.example> (resolved: <q@us.example>) is not among its senders");
  sender.envelope.resolved = Address::from_resolved("p@d.example");
  BOOST_TEST(unmet(Rule::sender) == "sender <p@us.example> (resolved: <p@d.example>) is not among its senders");
  sender.envelope.argument = Address{};
  BOOST_TEST(unmet(Rule::sender) == "sender <> is not among its senders");
}

BOOST_AUTO_TEST_CASE(reasons_about_certificates) {
  auto data = Words::data();
  auto& c = data.inbound[0];
  c.certificates = {*DomainPattern::parse("mx.d.example"), *DomainPattern::parse("*.e.example")};
  c.certificate_issuers = {"CA", "CA \xc3\xa9"};
  for (const auto* name : {"x.example", "y.example"}) c.certificates.push_back(*DomainPattern::parse(name));
  const Policy strict(data);
  const auto said = [&](const char* subject, const char* issuer) {
    set_certificate_names(sender.tls, subject, issuer);
    std::string words;
    for (const auto because : {Because::no_certificate, Because::other_certificate, Because::other_issuer, Because::rule_unmet}) {
      const auto one = render_step(strict, {connection, sender, {}, {}}, {0, Outcome::violated, because, Rule::certificate});
      BOOST_TEST((words.empty() || words == one));
      words = one;
    }
    return words;
  };
  sender.tls.version = "TLSv1.3";
  sender.tls.certificate = CertificateState::verified;
  const std::string names = "its certificates (mx.d.example, *.e.example, x.example and 1 more)",
                    issuers = "its certificate_issuers (\"CA\", \"CA ??\")";
  BOOST_TEST(said("mx", "CA") == "certificate name \"mx\" is not among " + names);
  BOOST_TEST(said("mx\n", "") == "certificate name \"mx?\" is not among " + names + ", and issuer not given, it would have to be among " + issuers);
  BOOST_TEST(said("mx.d.example", "") == "issuer not given, it would have to be among " + issuers);
  BOOST_TEST(said("a.e.example", "CB") == "issuer \"CB\" is not among " + issuers);
  BOOST_TEST(said("", "CA") == "certificate name not given, it would have to be among " + names);
}

BOOST_AUTO_TEST_CASE(reasons_name_the_recipients) {
  auto data = Words::data();
  data.inbound[0].recipients = {false, true, {}};
  const Policy internal(data);
  const auto said = [&](const std::vector<const char*>& to) {
    Facts facts{connection, sender, {}, {}};
    for (const auto* text : to) facts.recipients.push_back(envelope(text));
    return render_step(internal, facts, {0, Outcome::violated, Because::rule_unmet, Rule::recipient});
  };
  BOOST_TEST(said({"a@us.example", "b\x01@d.example", "<>", "x@"}) == "a recipient is not among its recipients");
  BOOST_TEST(said({"a@us.example", "\xc3\xa9@d.example"}) == "recipient <??@d.example> is not among its recipients");
  BOOST_TEST(said({"a@d.example", "a@us.example", "b@d.example"}) == "recipients <a@d.example>, <b@d.example> are not among its recipients");
  BOOST_TEST(said({"a@d.example", "b@d.example", "c@d.example", "d@d.example", "e@d.example"}) ==
             "recipients <a@d.example>, <b@d.example>, <c@d.example> and 2 more are not among its recipients");
}

// What is tried in mode audit is named where nobody else has a say.
BOOST_AUTO_TEST_CASE(reasons_name_who_would_apply_in_audit) {
  auto data = Words::data();
  auto& c = data.inbound[0];
  c.duty = Duty::device;
  c.required_header.clear();
  c.source_ips = {*Source::parse("192.0.2.9")};
  c.mode = Mode::audit;
  data.inbound.pop_back();
  const auto said = [&](const Policy& asked, Rule rule, Pass pass = Pass::enforced) {
    const auto because = rule == Rule::none ? Because::nothing_in_scope : Because::rule_unmet;
    return render_step(asked, {connection, sender, {recipient}, {}}, {no_connector, Outcome::violated, because, rule}, pass);
  };
  const std::string one = "; connector c would apply, but is in mode audit";
  for (const auto rule : {Rule::none, Rule::unmatched, Rule::protect, Rule::closed}) {
    BOOST_TEST(said(Policy(data), rule).ends_with(one));
    BOOST_TEST(!said(Policy(data), rule, Pass::audit).ends_with(one));
  }
  InboundConnector partner;
  partner.name = "p";
  partner.mode = Mode::audit;
  partner.sender_domains.push_back(*DomainPattern::parse("d.example"));
  partner.source_ips.push_back(*Source::parse("10.0.0.1"));
  partner.certificates.push_back(*DomainPattern::parse("d.example"));
  data.inbound = {partner, partner};
  data.inbound[1].name = "q";
  data.inbound[1].certificates.clear();
  data.inbound[1].source_ips.clear();
  BOOST_TEST(said(Policy(data), Rule::none).ends_with("; connectors q, p would apply, but are in mode audit"));
  data.inbound[0].mode = data.inbound[1].mode = Mode::enforce;
  data.reject_unmatched = true;
  BOOST_TEST(said(Policy(data), Rule::unmatched) ==
             "no inbound connector applies: this is an ordinary stranger's mail from the internet, and such mail is rejected here (unmatched = "
             "\"reject\")");
  connection.local = true;
  BOOST_TEST(said(Policy(data), Rule::unmatched).starts_with("no inbound connector applies: this is an ordinary stranger's mail, and "));
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace

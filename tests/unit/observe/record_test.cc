// The log line: every field where it belongs, nothing that is absent, nothing a peer says that could pass for a field.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE observe
#include "observe/record.h"

#include <boost/test/unit_test.hpp>

namespace {

using namespace cm;

Policy one_partner() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  InboundConnector partner;
  partner.name = "fabrikam";
  partner.trust = "partner";
  partner.require_tls = true;
  partner.sender_domains.push_back(*DomainPattern::parse("fabrikam.example"));
  data.inbound.push_back(partner);
  return Policy(std::move(data));
}

struct Message {
  Policy policy = one_partner();
  Connection connection{Ip::parse("203.0.113.9"), "mx", false};
  Sender sender;
  std::string recipient = "anna@contoso.example";
  Message() {
    sender.envelope.argument = Address::from_argument("<bob@fabrikam.example>");
    sender.tls = {"TLSv1.3", CertificateState::verified, "mail.fabrikam.example", "mail.fabrikam.example", "Some CA", {}, {}};
    sender.login = "bob";
  }
  observe::Record record() const {
    return {.policy = &policy, .connection = &connection, .sender = &sender, .verdict = {Action::accept, Rule::none, 0}, .trace_id = "abcdefghijkl"};
  }
};

}  // namespace

BOOST_FIXTURE_TEST_CASE(an_accepted_message_with_everything, Message) {
  auto r = record();
  r.queue_id = "4abc";
  r.recipient = &recipient;
  r.recipients = 3;
  r.size = 1234;
  r.message_id = "<1@fabrikam.example>";
  const std::optional<AuditDifference> audit = AuditDifference{Action::reject, Rule::tls, 0};
  r.audit = &audit;
  BOOST_TEST(observe::render(r) ==
             "4abc: connector=fabrikam type=partner action=accept client=203.0.113.9 tls=TLSv1.3 cert=mail.fabrikam.example auth=bob "
             "from=<bob@fabrikam.example> to=<anna@contoso.example> nrcpt=3 size=1234 msgid=<1@fabrikam.example> "
             "audit=would-reject/tls/fabrikam id=abcdefghijkl");
}

BOOST_FIXTURE_TEST_CASE(absent_values_are_left_out, Message) {
  auto r = record();
  sender.tls = {};
  sender.login.clear();
  sender.envelope.argument = Address::from_argument("<>");
  connection.client.reset();
  r.verdict = {Action::accept, Rule::none, no_connector};
  const std::optional<AuditDifference> no_audit;
  r.audit = &no_audit;
  BOOST_TEST(observe::render(r) == "NOQUEUE: action=accept from=<> id=abcdefghijkl");
}

BOOST_FIXTURE_TEST_CASE(an_unverified_certificate_is_not_named, Message) {
  sender.tls.certificate = CertificateState::unverified;
  BOOST_TEST(observe::render(record()).find("cert=") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_has_its_reply, Message) {
  auto r = record();
  r.verdict = {Action::reject, Rule::tls, 0};
  const Reply reply{550, "5.7.10", "[abcdefghijkl] connector fabrikam: said \"x\""};
  r.reply = &reply;
  r.recipient = &recipient;
  const auto line = observe::render(r);
  BOOST_TEST(line.find(" action=reject rule=tls client=") != std::string::npos);
  BOOST_TEST(line.ends_with(R"( reply="550 5.7.10 [abcdefghijkl] connector fabrikam: said \"x\"" id=abcdefghijkl)"));
}

BOOST_FIXTURE_TEST_CASE(a_refusal_at_connect_has_no_sender, Message) {
  auto r = record();
  r.sender = nullptr;
  r.verdict = {Action::reject, Rule::closed, no_connector};
  BOOST_TEST(observe::render(r) == "NOQUEUE: action=reject rule=closed client=203.0.113.9 id=abcdefghijkl");
}

BOOST_FIXTURE_TEST_CASE(untrusted_text_cannot_forge_a_field_or_a_line, Message) {
  auto r = record();
  sender.envelope.argument.text = "x> action=accept\n2026: forged";
  sender.login = "bob id=zzz";
  recipient = "\"a b\"@contoso.example";
  r.recipient = &recipient;
  r.message_id = std::string_view("<a\0b>", 5);
  r.queue_id = "Q: action=x";
  const auto line = observe::render(r);
  BOOST_TEST(line.starts_with("\"Q: action=x\": connector="));
  BOOST_TEST(line.find("auth=\"bob id=zzz\" from=\"<x> action=accept\\x0a2026: forged>\"") != std::string::npos);
  BOOST_TEST(line.find(R"(to="<\"a b\"@contoso.example>" msgid="<a\x00b>" id=)") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(the_line_is_bounded, Message) {
  auto r = record();
  const std::string endless(1 << 20, '\x01');
  sender.envelope.argument.text = sender.login = recipient = sender.tls.version = sender.tls.subject = endless;
  r.recipient = &recipient;
  r.message_id = r.queue_id = endless;
  const Reply reply{550, "5.7.1", endless};
  r.reply = &reply;
  const auto line = observe::render(r);
  BOOST_TEST(line.size() < 4000U);
  BOOST_TEST(line.ends_with(" id=abcdefghijkl"));
}

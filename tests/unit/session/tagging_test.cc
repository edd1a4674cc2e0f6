// Trust headers with keys in force: what is signed, what is bound, what becomes of a peer's tag.
#include <boost/test/unit_test.hpp>

#include "session/session.h"

namespace {

using namespace cm;
using namespace cm::session;

constexpr std::int64_t noon = 1795000000;

InboundConnector own(const char* name, Duty duty, const char* trust, const char* source) {
  InboundConnector c;
  c.name = name;
  c.duty = duty;
  c.trust = trust;
  c.source_ips.push_back(*Source::parse(source));
  return c;
}

PolicyData usual() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  data.inbound = {own("printers", Duty::device, "device", "10.2.0.0/24"), own("edge", Duty::on_premises, "internal", "10.1.0.0/24"),
                  own("exchange", Duty::on_premises, "internal", "10.3.0.0/24")};
  data.inbound[1].accept_tags = true;
  return data;
}

std::shared_ptr<const seal::Keys> keys_of(std::initializer_list<const char*> ids) {
  seal::Keys keys;
  for (const auto* id : ids) keys.push_back({id, std::string(32, id[0])});
  return std::make_shared<const seal::Keys>(std::move(keys));
}

// One daemon; `send` is a message of Anna's through it, and returns its trust header.
struct World {
  Published<Policy> policy{std::make_shared<const Policy>(usual())};
  Published<seal::Keys> keys{keys_of({"a"})};
  observe::Counters counters;
  Shared shared{policy, counters, [](std::string_view) {}};
  std::unique_ptr<Session> session;
  std::vector<std::string> trust_headers;  // that the message brings
  std::string sender = "<anna@contoso.example>", subject = "hello", body = "Hello.\r\n";
  std::int64_t now = noon;
  Answer answer;

  World() {
    shared.keys = &keys;
    shared.unix_time = [this] { return now; };
  }
  Answer open(const char* client, bool sees_body = true) {
    session = std::make_unique<Session>(shared, sees_body);
    session->connect({Ip::parse(client), "mx", false}, *policy.get());
    MailEvent event;
    event.argument = sender;
    return session->mail(event);
  }
  std::string send(const char* client) {
    BOOST_REQUIRE(!open(client).refusal);
    session->rcpt({"<x@elsewhere.example>", std::nullopt, "Q1"});
    for (const auto& value : trust_headers) session->header("X-Connector-Trust", value);
    session->header("From", "anna@contoso.example");
    session->header("SUBJECT", subject);
    for (const char c : body) session->body({&c, 1});
    answer = session->end_of_message("Q1");
    for (const auto& edit : answer.edits)
      if (edit.kind == MtaAction::Kind::insert_header && edit.name == "X-Connector-Trust") return edit.value;
    return {};
  }
  std::string why_not(const std::string& tag, std::string_view bound_sender = "anna@contoso.example") const {
    seal::BoundFields fields;
    fields.see("From", "anna@contoso.example");
    fields.see("Subject", "hello");
    seal::BodyDigest digest;
    digest.update("Hello.\n");
    return seal::verify(*keys.get(), tag, {std::string(bound_sender), fields, digest.finish()}, now).why;
  }
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_CASE(trust_headers_are_signed_with_the_first_key, World) {
  keys.set(keys_of({"b", "a"}));
  const auto tag = send("10.2.0.9");
  BOOST_TEST(tag.starts_with("device; connector=printers; type=device; src=10.2.0.9; tls=none; id="));
  BOOST_TEST(has(tag, "; t=1795000000; k=b; h=from:subject; b="));
  BOOST_TEST(why_not(tag) == "");
  BOOST_TEST(why_not(tag, "ceo@contoso.example") != "");
}

BOOST_FIXTURE_TEST_CASE(without_keys_nothing_is_signed, World) {
  keys.set(keys_of({}));
  BOOST_TEST(!has(send("10.2.0.9"), "; t="));
  shared.keys = nullptr;
  BOOST_TEST(!has(send("10.2.0.9"), "; t="));
}

BOOST_FIXTURE_TEST_CASE(mail_without_trust_gets_no_tag, World) { BOOST_TEST(send("192.0.2.66") == ""); }

BOOST_FIXTURE_TEST_CASE(a_session_that_sees_no_body_cannot_sign, World) {
  const auto refused = open("10.2.0.9", false);
  BOOST_REQUIRE(refused.refusal);
  BOOST_TEST(refused.refusal->code == 421);
  keys.set(keys_of({}));
  BOOST_TEST(!open("10.2.0.9", false).refusal);
  BOOST_TEST(needs_body(*policy.get(), keys_of({"a"}).get()));
  BOOST_TEST(!needs_body(*policy.get(), keys_of({}).get()));
  BOOST_TEST(!needs_body(*policy.get(), nullptr));
}

BOOST_FIXTURE_TEST_CASE(nothing_of_one_message_is_signed_for_the_next, World) {
  send("10.2.0.9");
  subject = "other";
  const auto tag = send("10.2.0.9");
  BOOST_TEST(why_not(tag) != "");
  subject = "hello";
  open("10.2.0.9");
  session->body("left over");
  session->header("From", "x@y.example");
  BOOST_TEST(why_not(send("10.2.0.9")) == "");
}

BOOST_FIXTURE_TEST_CASE(a_genuine_tag_of_a_peer_is_replaced_by_ours_with_its_word, World) {
  trust_headers = {send("10.2.0.9")};
  keys.set(keys_of({"b", "a"}));
  now += 60;
  const auto tag = send("10.1.0.5");
  BOOST_TEST(tag.starts_with("device; connector=printers; type=device; src=10.1.0.5; tls=none; id="));
  BOOST_TEST(has(tag, "; via=a; t=1795000060; k=b; h=from:subject; b="));
  BOOST_TEST(why_not(tag) == "");
  trust_headers = {tag};  // and once more
  BOOST_TEST(has(send("10.1.0.5"), "device; connector=printers; type=device; "));
}

BOOST_FIXTURE_TEST_CASE(a_peers_tag_that_does_not_verify_says_nothing, World) {
  const auto genuine = send("10.2.0.9");
  const auto is_ours = [&](const char* what, const char* client = "10.1.0.5") {
    BOOST_TEST_CONTEXT(what) {
      const auto tag = send(client);
      BOOST_TEST(tag.starts_with("internal; connector="));
      BOOST_TEST(!has(tag, "via="));
      BOOST_TEST(answer.edits.front().name == "X-Connector-Trust");  // what arrived is removed
      BOOST_TEST((answer.edits.front().kind == MtaAction::Kind::delete_header));
    }
  };
  trust_headers = {genuine};
  is_ours("not asked to accept tags", "10.3.0.5");
  trust_headers = {genuine, genuine};
  is_ours("two");
  trust_headers = {genuine, "internal"};
  is_ours("another one behind it");
  trust_headers = {"device; connector=printers; type=device"};
  is_ours("without a signature");
  trust_headers = {genuine};
  subject = "changed";
  is_ours("changed field");
  subject = "hello", body = "Hello!\r\n";
  is_ours("changed body");
  body = "Hello.\r\n", sender = "<otto@contoso.example>";
  is_ours("changed sender");
  sender = "<anna@contoso.example>", now += 8 * 24 * 3600;
  is_ours("too old");
  now = noon;
  BOOST_TEST(has(send("10.1.0.5"), "via=a"));  // unchanged, it is
  keys.set(keys_of({"b"}));
  is_ours("key that we have no longer");
}

BOOST_FIXTURE_TEST_CASE(fields_that_cannot_be_kept_are_not_signed, World) {
  subject = std::string(70000, 'x');
  BOOST_TEST(send("10.2.0.9") == "");
  BOOST_REQUIRE(answer.refusal);
  BOOST_TEST(answer.refusal->to_string().starts_with("550 5.6.0 "));
  send("192.0.2.66");  // gets no tag anyway
  BOOST_TEST(!answer.refusal);
}

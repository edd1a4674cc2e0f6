// What a session counts: by connector in both directions, by TLS version, and what was accepted only once the MTA has taken the edits.
#include <boost/test/unit_test.hpp>

#include "session/session.h"

namespace {

using namespace cm;
using namespace cm::session;

PolicyData two_ways() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse("contoso.example"));
  for (const char* name : {"printers", "tried"}) {
    auto& c = data.inbound.emplace_back();
    c.name = name;
    c.duty = Duty::device;
    c.source_ips.push_back(*Source::parse("10.2.0.0/16"));
    c.senders = {false, true, {}};
  }
  data.inbound[1].mode = Mode::audit;
  data.inbound[1].recipients = {false, true, {}};
  for (const char* domain : {"a.example", "b.example"}) {
    auto& c = data.outbound.emplace_back();
    c.name = std::string("to-") + domain;
    c.recipient_domains.push_back(*DomainPattern::parse(domain));
  }
  return data;
}

struct World {
  PolicyData data = two_ways();
  Published<Policy> policy{std::make_shared<const Policy>(data)};
  observe::Counters counters;
  observe::Tallies tallies{data};
  Shared shared{.policy = policy, .counters = counters, .record = [](std::string_view) {}, .tallies = &tallies};
  Session session{shared, false};

  World() { static_cast<void>(session.connect({Ip::parse("10.2.0.1"), "mx", false}, *policy.get())); }
  Answer send(const char* from, std::vector<const char*> to, const char* tls = "") {
    MailEvent event;
    event.argument = from;
    event.tls.version = tls;
    static_cast<void>(session.mail(event));
    bool any = false;
    for (const auto* recipient : to) any |= !session.rcpt({recipient, std::nullopt, ""}).refusal;
    return any ? session.end_of_message("Q1") : Answer{};
  }
  // accept tempfail reject audit_differences sent
  std::string counts(std::string_view name) {
    const auto found = tallies.table()->find(name);
    if (found == tallies.table()->end()) return "gone";
    auto& tally = *found->second;
    std::string out;
    for (const auto* counter :
         {&tally.of(Action::accept), &tally.of(Action::tempfail), &tally.of(Action::reject), &tally.audit_differences, &tally.sent})
      out += std::to_string(counter->load()) + " ";
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(tally)

BOOST_FIXTURE_TEST_CASE(by_connector_and_tls_version, World) {
  auto answer = send("<p@contoso.example>", {"<x@a.example>", "<y@a.example>", "<x@b.example>", "<u@contoso.example>"}, "TLSv1.3");
  BOOST_TEST(counts("printers") == "0 0 0 0 0 ");
  BOOST_REQUIRE(!answer.refusal.has_value());
  session.accepted(answer.accepted);
  BOOST_TEST(counts("printers") == "1 0 0 0 0 ");
  BOOST_TEST(counts("tried") == "0 0 0 1 0 ");
  BOOST_TEST(counts("to-a.example") == "0 0 0 0 1 ");
  BOOST_TEST(counts("to-b.example") == "0 0 0 0 1 ");
  static_cast<void>(send("<p@elsewhere.example>", {"<u@contoso.example>", "<v@contoso.example>"}));
  BOOST_TEST(counts("printers") == "1 0 2 0 0 ");
  BOOST_TEST(counts("to-a.example") == "0 0 0 0 1 ");
  static_cast<void>(send("<p@contoso.example>", {"<x@a.example>"}));  // its edits fail
  BOOST_TEST(counts("printers") == "1 0 2 0 0 ");
  BOOST_TEST(counters.of(TlsVersion::tls1_3) == 1U);
  BOOST_TEST(counters.of(TlsVersion::none) == 2U);
  BOOST_TEST(counters.of(Action::reject) == 2U);
}

// The message is judged by the policy of its MAIL; what is not there any more is in the totals alone.
BOOST_FIXTURE_TEST_CASE(over_a_reload, World) {
  auto before = send("<p@contoso.example>", {"<u@contoso.example>"});
  session.accepted(before.accepted);
  auto other = data;
  other.inbound.erase(other.inbound.begin() + 1);
  other.inbound.insert(other.inbound.begin(), data.inbound[1]);
  other.inbound[0].name = "new";
  auto during = send("<p@contoso.example>", {"<u@contoso.example>"});
  tallies.keep(other);
  policy.set(std::make_shared<const Policy>(other));
  session.accepted(during.accepted);
  auto after = send("<p@contoso.example>", {"<u@contoso.example>"});
  session.accepted(after.accepted);
  BOOST_TEST(counts("printers") == "3 0 0 0 0 ");
  BOOST_TEST(counts("new") == "0 0 0 0 0 ");
  BOOST_TEST(counts("tried") == "gone");
  BOOST_TEST(counters.of(Action::accept) == 3U);
}

BOOST_AUTO_TEST_SUITE_END()

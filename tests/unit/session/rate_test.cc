// Token buckets: exact under concurrency, bounded under a flood of addresses, kept over a reload; and how a session takes and returns tokens.
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <thread>

#include "session/session.h"

namespace {

using namespace cm;
using namespace cm::session;
using Key = RateLimit::Key;
using namespace std::chrono_literals;

struct Time {
  std::atomic<std::int64_t> now{1000};  // milliseconds
  RateLimits::Clock clock = [this] { return std::chrono::milliseconds(now.load()); };
  void pass(std::chrono::milliseconds span) { now += span.count(); }
};

InboundConnector limited(const char* name, std::uint32_t messages, std::uint32_t seconds, Key key = Key::source) {
  InboundConnector c;
  c.name = name;
  c.duty = Duty::device;
  c.trust = "device";
  c.source_ips.push_back(*Source::parse("10.2.0.0/16"));
  c.rate_limit = RateLimit{messages, seconds, key};
  return c;
}

Connection from(const std::string& client) { return {Ip::parse(client), "mx", false}; }
Sender by(const char* address) {
  Sender sender;
  sender.envelope.argument = sender.envelope.resolved = Address::from_resolved(address);
  return sender;
}

bool spend(RateLimits& limits, const InboundConnector& c, const Connection& connection, const Sender& sender = {}) {
  auto token = limits.take(c, connection, sender);
  const bool taken = static_cast<bool>(token);
  if (taken) token.spend();
  return taken;
}

// How many of `tries` are allowed.
int allowed(RateLimits& limits, const InboundConnector& c, const Connection& connection, int tries, const Sender& sender = {}) {
  int count = 0;
  for (int i = 0; i < tries; ++i) count += spend(limits, c, connection, sender) ? 1 : 0;
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rate)

BOOST_AUTO_TEST_CASE(who_holds_tokens_and_lets_them_go_gains_nothing) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 3, 60);
  {
    const auto first = limits.take(c, from("10.2.0.1"), {});
    time.pass(1h);
    const auto second = limits.take(c, from("10.2.0.1"), {});
    time.pass(1h);
    BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 1);
  }
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 2);
  time.pass(20s);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 1);
}

BOOST_AUTO_TEST_CASE(a_bucket_holds_its_messages_and_fills_up_evenly) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 3, 60);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 3);
  time.pass(19999ms);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 0);
  time.pass(1ms);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 1);
  time.pass(40s);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 2);
  time.pass(1h);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 3);
}

BOOST_AUTO_TEST_CASE(no_message_is_lost_or_won_by_rounding) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 7, 1);  // one every 142.857 ms
  int count = allowed(limits, c, from("10.2.0.1"), 8);
  for (int i = 0; i < 100000; ++i) {
    time.pass(1ms);
    count += spend(limits, c, from("10.2.0.1")) ? 1 : 0;
  }
  BOOST_TEST(count == 7 + 700);
}

BOOST_AUTO_TEST_CASE(a_clock_that_steps_back_gives_nothing) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 3, 60);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 3);
  time.pass(-500ms);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 0);
  time.pass(20500ms);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 1);
}

BOOST_AUTO_TEST_CASE(whose_bucket_it_is) {
  Time time;
  RateLimits limits(time.clock);
  const auto source = limited("a", 1, 60), other = limited("b", 1, 60), sender = limited("c", 1, 60, Key::sender),
             whole = limited("d", 1, 60, Key::connector);
  BOOST_TEST(spend(limits, source, from("10.2.0.1")));
  BOOST_TEST(!spend(limits, source, from("10.2.0.1")));
  BOOST_TEST(spend(limits, source, from("10.2.0.2")));
  BOOST_TEST(spend(limits, other, from("10.2.0.1")));  // another connector
  BOOST_TEST(spend(limits, source, from("2001:db8:0:1::1")));
  BOOST_TEST(!spend(limits, source, from("2001:db8:0:1:ffff::2")));  // the same /64
  BOOST_TEST(spend(limits, source, from("2001:db8:0:2::1")));
  BOOST_TEST(spend(limits, source, {std::nullopt, "mx", false}));
  BOOST_TEST(!spend(limits, source, {std::nullopt, "mx", false}));
  BOOST_TEST(spend(limits, source, {Ip::parse("127.0.0.1"), "", true}));
  BOOST_TEST(spend(limits, sender, from("10.2.0.1"), by("Scan@Contoso.example")));
  BOOST_TEST(!spend(limits, sender, from("10.2.0.9"), by("scan@contoso.EXAMPLE")));
  BOOST_TEST(spend(limits, sender, from("10.2.0.1"), by("fax@contoso.example")));
  BOOST_TEST(spend(limits, sender, from("10.2.0.1"), by("")));
  BOOST_TEST(!spend(limits, sender, from("10.2.0.1"), by("")));
  BOOST_TEST(spend(limits, whole, from("10.2.0.1")));
  BOOST_TEST(!spend(limits, whole, from("10.2.0.2")));
}

BOOST_AUTO_TEST_CASE(what_was_not_spent_is_given_back) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 2, 60);
  {
    const auto first = limits.take(c, from("10.2.0.1"), {});
    auto second = limits.take(c, from("10.2.0.1"), {});
    BOOST_TEST(!limits.take(c, from("10.2.0.1"), {}));
    second.spend();
    RateLimits::Token moved;
    moved = limits.take(c, from("10.2.0.2"), {});
    const auto again = std::move(moved);
  }
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 10) == 1);
  BOOST_TEST(allowed(limits, c, from("10.2.0.2"), 10) == 2);
  {
    const auto held = limits.take(limited("full", 2, 60), from("10.2.0.1"), {});
    time.pass(1h);  // full again before it comes back: never more than full
  }
  BOOST_TEST(allowed(limits, limited("full", 2, 60), from("10.2.0.1"), 10) == 2);
}

BOOST_AUTO_TEST_CASE(exact_with_many_threads) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 1000, 60), whole = limited("all", 500, 60, Key::connector);
  std::atomic<int> of_source{0}, of_whole{0};
  std::atomic<std::size_t> shown{0};
  const auto flood = [&] {
    for (int i = 0; i < 2000; ++i) {
      {
        const auto refused_in_the_end = limits.take(limited("other", 100, 60), from("10.2.0.1"), {});
      }
      of_source += spend(limits, c, from("10.2.0.1")) ? 1 : 0;
      of_whole += spend(limits, whole, from("10.2.0." + std::to_string(i % 200))) ? 1 : 0;
      if (i % 500 == 0) shown += limits.most_used(3).size();
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i) threads.emplace_back(flood);
  for (auto& thread : threads) thread.join();
  BOOST_TEST(of_source == 1000);
  BOOST_TEST(shown > 0U);
  BOOST_TEST(of_whole == 500);
  BOOST_TEST(allowed(limits, limited("other", 100, 60), from("10.2.0.1"), 200) == 100);
}

// 20,000 addresses, room for 3,200: those without a bucket of their own share one, and the first ones keep theirs.
BOOST_AUTO_TEST_CASE(a_spray_of_addresses_stays_within_bounds) {
  Time time;
  constexpr std::size_t room = 3200;
  RateLimits limits(time.clock, room);
  const auto c = limited("printers", 10, 60);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 20) == 10);
  int count = 0;
  for (int i = 0; i < 20000; ++i) count += spend(limits, c, from("10.3." + std::to_string(i / 250) + "." + std::to_string(i % 250))) ? 1 : 0;
  BOOST_TEST(limits.buckets() <= room + 1);
  BOOST_TEST(count <= static_cast<int>(room) - 1 + 10);
  BOOST_TEST(count >= static_cast<int>(room) * 9 / 10);
  BOOST_TEST(!spend(limits, c, from("10.2.0.1")));                                 // was not forgotten
  BOOST_TEST(allowed(limits, limited("else", 3, 60), from("10.9.9.9"), 10) == 3);  // shares with nobody of another connector
  const auto uses = limits.most_used(2);
  BOOST_TEST((uses[0].key == "others" || uses[1].key == "others"));

  time.pass(6s);  // each of the sprayed ones has its one message back
  BOOST_TEST(allowed(limits, c, from("10.4.0.1"), 20) == 10);
  BOOST_TEST(allowed(limits, c, from("10.2.0.1"), 20) == 1);
  time.pass(1h);
  for (int i = 0; i < 200; ++i) BOOST_TEST(spend(limits, c, from("10.5.0." + std::to_string(i))));
  BOOST_TEST(limits.buckets() <= room + 2);
}

// Room for one peer a shard. Tokens that are out keep it; given back, they make room at once.
BOOST_AUTO_TEST_CASE(a_token_given_back_makes_room) {
  Time time;
  RateLimits limits(time.clock, 1);
  const auto c = limited("printers", 1, 60);
  const auto sprayed = [&](int net) {
    int count = 0;
    for (int i = 0; i < 100; ++i) count += spend(limits, c, from("10." + std::to_string(net) + ".0." + std::to_string(i))) ? 1 : 0;
    return count;
  };
  std::vector<RateLimits::Token> held;
  for (int i = 0; i < 100; ++i) held.push_back(limits.take(c, from("10.1.0." + std::to_string(i)), Sender{}));
  BOOST_TEST(sprayed(2) <= 3);  // the shared bucket, and shards that chance left free
  held.clear();
  BOOST_TEST(sprayed(3) >= 20);
  BOOST_TEST(limits.buckets() <= 33);
}

BOOST_AUTO_TEST_CASE(a_bucket_outlives_a_reload_and_takes_over_the_new_limit) {
  Time time;
  RateLimits limits(time.clock);
  BOOST_TEST(allowed(limits, limited("printers", 10, 60), from("10.2.0.1"), 6) == 6);
  BOOST_TEST(allowed(limits, limited("printers", 8, 60), from("10.2.0.1"), 10) == 2);
  BOOST_TEST(allowed(limits, limited("printers", 20, 3600), from("10.2.0.1"), 30) == 12);
  BOOST_TEST(allowed(limits, limited("printers", 5, 60), from("10.2.0.1"), 10) == 0);
  time.pass(12s);
  BOOST_TEST(allowed(limits, limited("printers", 5, 60), from("10.2.0.1"), 10) == 1);
  auto audit = limited("printers", 5, 60);
  audit.mode = Mode::audit;
  BOOST_TEST(allowed(limits, audit, from("10.2.0.1"), 10) == 5);  // a bucket of its own
}

BOOST_AUTO_TEST_CASE(the_most_used_first) {
  Time time;
  RateLimits limits(time.clock);
  const auto c = limited("printers", 10, 60);
  BOOST_TEST(limits.most_used(3).empty());
  for (int i = 1; i <= 9; ++i) allowed(limits, c, from("10.2.0." + std::to_string(i)), i);
  allowed(limits, limited("all", 100, 60, Key::connector), from("10.2.0.1"), 75);
  allowed(limits, limited("by", 2, 60, Key::sender), from("10.2.0.1"), 1, by("scan@contoso.example"));
  std::string seen;
  for (const auto& use : limits.most_used(6))
    seen += use.connector + " " + use.key + " " + use.value + " " + std::to_string(static_cast<int>(use.used)) + "/" + std::to_string(use.messages) +
            "; ";
  BOOST_TEST(
      seen ==
      "printers source 10.2.0.9 9/10; printers source 10.2.0.8 8/10; all connector  75/100; printers source 10.2.0.7 7/10; printers source "
      "10.2.0.6 6/10; " +
          std::string(limits.most_used(6).back().connector == "by" ? "by sender scan@contoso.example 1/2; " : "printers source 10.2.0.5 5/10; "));
  time.pass(1h);
  BOOST_TEST(limits.most_used(6).empty());
}

// --- sessions ---------------------------------------------------------------------------------------------------------------------

namespace {

struct World {
  Time time;
  PolicyData data;
  observe::Counters counters;
  std::vector<std::string> log;
  std::unique_ptr<Published<Policy>> policy;
  std::unique_ptr<Shared> shared;
  std::unique_ptr<Session> session;

  World() {
    data.organization.domains.push_back(*DomainPattern::parse("contoso.example"));
    auto printers = limited("printers", 2, 60);
    printers.recipients = {false, true, {}};
    printers.max_message_size = 1000;
    data.inbound.push_back(printers);
  }
  void start() {
    policy = std::make_unique<Published<Policy>>(std::make_shared<const Policy>(data));
    shared.reset(new Shared{.policy = *policy,
                            .counters = counters,
                            .record = [this](std::string_view line) { log.emplace_back(line); },
                            .rates = RateLimits(time.clock)});
  }
  void connect(const char* client = "10.2.0.1") {
    session = std::make_unique<Session>(*shared, true);
    static_cast<void>(session->connect(from(client), *policy->get()));
  }
  std::string mail() {
    MailEvent event;
    event.argument = "<scan@contoso.example>";
    return code(session->mail(event));
  }
  std::string rcpt(const char* to = "<u@contoso.example>") { return code(session->rcpt({to, std::nullopt, "Q1"})); }
  std::string end(std::size_t bytes = 10) {
    session->body(std::string(bytes, 'x'));
    auto answer = session->end_of_message("Q1");
    if (!answer.refusal) session->accepted(answer.accepted);
    return code(answer);
  }
  std::string send() {
    auto said = mail();
    if (said.empty()) said = rcpt();
    return said.empty() ? end() : said;
  }
  static std::string code(const Answer& answer) {
    return answer.refusal ? std::to_string(answer.refusal->code) + " " + answer.refusal->xcode : std::string();
  }
};

}  // namespace

struct Started : World {
  Started() {
    start();
    connect();
  }
};

BOOST_FIXTURE_TEST_CASE(every_recipient_of_a_message_too_many_is_put_off, Started) {
  BOOST_TEST(send().empty());
  BOOST_TEST(send().empty());
  BOOST_TEST(mail().empty());
  BOOST_TEST(rcpt() == "450 4.7.28");
  BOOST_TEST(rcpt() == "450 4.7.28");
  BOOST_TEST(rcpt("<a@elsewhere.example>") == "550 5.7.1");
  time.pass(30s);
  BOOST_TEST(rcpt() == "450 4.7.28");  // was asked once
  BOOST_TEST(send().empty());
  BOOST_TEST(send() == "450 4.7.28");
  BOOST_TEST(log.back().find("action=tempfail rule=rate") != std::string::npos);
  BOOST_TEST(log.back().find("] connector printers: too many messages, try again later") != std::string::npos);
  connect("10.2.0.2");
  BOOST_TEST(send().empty());
}

BOOST_FIXTURE_TEST_CASE(several_recipients_are_one_message, Started) {
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(mail().empty());
    for (int k = 0; k < 5; ++k) BOOST_TEST(rcpt().empty());
    BOOST_TEST(end().empty());
  }
  BOOST_TEST(send() == "450 4.7.28");
}

BOOST_FIXTURE_TEST_CASE(a_message_that_is_not_accepted_does_not_count, Started) {
  for (int i = 0; i < 3; ++i) {  // another demand is unmet
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt("<a@elsewhere.example>") == "550 5.7.1");
  }
  for (int i = 0; i < 3; ++i) {  // refused at its end
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
    BOOST_TEST(end(2000) == "552 5.3.4");
  }
  for (int i = 0; i < 3; ++i) {  // RSET
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
    session->abort();
  }
  for (int i = 0; i < 3; ++i) {  // another MAIL
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
  }
  for (int i = 0; i < 3; ++i) {  // the connection is lost
    connect();
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
  }
  for (int i = 0; i < 3; ++i) {  // an edit fails: the answer is thrown away, and what it says never told
    connect();
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
    BOOST_TEST(!session->end_of_message("Q1").refusal.has_value());
  }
  BOOST_TEST(send().empty());
  BOOST_TEST(send().empty());
  BOOST_TEST(send() == "450 4.7.28");
}

BOOST_FIXTURE_TEST_CASE(a_message_holds_its_token_while_it_is_under_way, Started) {
  std::vector<std::unique_ptr<Session>> others;
  for (int i = 0; i < 2; ++i) {
    BOOST_TEST(mail().empty());
    BOOST_TEST(rcpt().empty());
    others.push_back(std::move(session));
    connect();
  }
  BOOST_TEST(send() == "450 4.7.28");
  others.clear();
  BOOST_TEST(send().empty());
}

BOOST_FIXTURE_TEST_CASE(buckets_stay_over_a_reload, Started) {
  BOOST_TEST(send().empty());
  data.inbound[0].rate_limit->messages = 3;
  policy->set(std::make_shared<const Policy>(data));
  BOOST_TEST(send().empty());
  BOOST_TEST(send().empty());
  BOOST_TEST(send() == "450 4.7.28");
}

BOOST_FIXTURE_TEST_CASE(a_limit_in_audit_changes_nothing_and_is_told, World) {
  data.inbound.push_back(data.inbound[0]);  // beats the enforced one in the audit pass
  data.inbound[1].name = "tried";
  data.inbound[1].mode = Mode::audit;
  data.inbound[0].rate_limit->messages = 3;
  data.inbound[1].rate_limit->messages = 1;
  start();
  connect();
  BOOST_TEST(send().empty());
  BOOST_TEST(log.back().find("audit=") == std::string::npos);
  BOOST_TEST(send().empty());
  BOOST_TEST(log.back().find("audit=would-tempfail/rate/tried") != std::string::npos);
  BOOST_TEST(send().empty());
  BOOST_TEST(send() == "450 4.7.28");
  BOOST_TEST(counters.audit_differences == 2U);
  time.pass(20s);
  BOOST_TEST(send().empty());  // the enforced bucket alone
  BOOST_TEST(log.back().find("audit=would-tempfail/rate/tried") != std::string::npos);
}

// Two connectors judge it: one that demands only TLS, and the one that claims it.
BOOST_FIXTURE_TEST_CASE(every_judged_connector_counts, World) {
  data.inbound.clear();
  for (const bool claims : {false, true}) {
    auto c = limited(claims ? "lock" : "tls", claims ? 3 : 2, 60);
    c.duty = Duty::partner;
    c.sender_domains = {*DomainPattern::parse(claims ? "*" : "contoso.example")};
    if (!claims) c.source_ips.clear();
    data.inbound.push_back(c);
  }
  start();
  connect();
  BOOST_TEST(send().empty());
  BOOST_TEST(send().empty());
  BOOST_TEST(send() == "450 4.7.28");
  BOOST_TEST(log.back().find("connector tls:") != std::string::npos);
  time.pass(30s);
  BOOST_TEST(send().empty());  // had the refused one counted for "lock", only this would be left of it
  BOOST_TEST(send() == "450 4.7.28");
}

BOOST_AUTO_TEST_SUITE_END()

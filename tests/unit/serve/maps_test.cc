// What the maps tell the MTA, key by key as Postfix sends them.
#include "serve/maps.h"

#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>
#include <thread>

namespace {

using namespace cm;

OutboundConnector to(const char* name, std::initializer_list<const char*> domains, const char* smart_host, OutboundTls tls) {
  OutboundConnector c;
  c.name = name;
  for (const char* domain : domains) c.recipient_domains.push_back(*DomainPattern::parse(domain));
  if (*smart_host) c.smart_hosts.push_back({smart_host, std::nullopt});
  c.tls = tls;
  return c;
}

PolicyData usual() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  auto fabrikam = to("fabrikam", {".fabrikam.example"}, "[mx.fabrikam.example]:587", OutboundTls::verify);
  fabrikam.min_tls_version = TlsVersion::tls1_2;
  auto by_mx = to("by-mx", {"litware.example", "münchen.example"}, "", OutboundTls::encrypt);
  auto plain = to("plain", {"*.tailspin.example"}, "relay.tailspin.example", OutboundTls::unset);
  auto provider = to("provider", {"*"}, "[out.provider.example]", OutboundTls::fingerprint);
  provider.fingerprints = {"AB:CD"};
  auto tried = to("tried", {"tried.example"}, "[tried.example]", OutboundTls::none);
  tried.mode = Mode::audit;
  auto off = to("off", {"off.example"}, "[off.example]", OutboundTls::none);
  off.enabled = false;
  auto classified = to("classified", {}, "[classified.example]:25", OutboundTls::encrypt);
  classified.transport = "smtp-classified";
  classified.when = When{};
  classified.when->header = HeaderCondition{"Classification", "secret"};
  data.outbound = {fabrikam, by_mx, plain, provider, tried, off, classified};
  return data;
}

std::shared_ptr<const Policy> make(PolicyData data) { return std::make_shared<const Policy>(std::move(data)); }

struct World {
  Published<Policy> policy;
  observe::Counters counters;
  std::vector<std::string> reports;
  serve::Maps maps{policy, counters, [this](std::string_view line) { reports.emplace_back(line); }};
  explicit World(PolicyData data = usual()) : policy(make(std::move(data))) {}
  std::string operator()(const std::string& request) const { return maps.answer(request); }
};

const std::string not_found = "NOTFOUND ";

}  // namespace

BOOST_AUTO_TEST_SUITE(maps)

BOOST_AUTO_TEST_CASE(transport_goes_by_the_domain_however_the_address_is_written) {
  const World ask;
  const std::string fabrikam = "OK smtp:[mx.fabrikam.example]:587";
  for (const char* key :
       {"anna@fabrikam.example", "anna+list@fabrikam.example", "ANNA@FABRIKAM.EXAMPLE", "anna@fabrikam.example.", "a b@fabrikam.example",
        "\"a b\"@fabrikam.example", "\"a@b\"@fabrikam.example", "a@b@fabrikam.example", "anna@sub.dept.fabrikam.example"})
    BOOST_TEST(ask(std::string("transport ") + key) == fabrikam, key);
  BOOST_TEST(ask("transport " + std::string(9000, 'x') + "@fabrikam.example") == fabrikam);
  BOOST_TEST(ask("transport u@litware.example") == "OK smtp:");
  BOOST_TEST(ask("transport u@xn--mnchen-3ya.example") == "OK smtp:");
  BOOST_TEST(ask("transport u@MÜNCHEN.example") == "OK smtp:");
  BOOST_TEST(ask("transport u@a.tailspin.example") == "OK smtp:relay.tailspin.example");
}

BOOST_AUTO_TEST_CASE(transport_knows_nothing_of_the_rest) {
  const World ask;
  for (const char* key :
       {"*", "", "anna", "fabrikam.example", "u@", "@", "u@elsewhere.example", "u@tailspin.example", "u@contoso.example", "u@tried.example",
        "u@off.example", "u@[192.0.2.1]", "u@[IPv6:2001:db8::1]", "u@..", "u@fabrikam.example x", "<>", "\"<>\""})
    BOOST_TEST(ask(std::string("transport ") + key) == not_found, key);
  BOOST_TEST(ask("transport u@" + std::string(10000, 'a')) == not_found);
  BOOST_TEST(ask(std::string("transport u@fabrikam.example\0", 29)) == not_found);
}

BOOST_AUTO_TEST_CASE(the_default_route_is_the_same_for_every_sender) {
  const World ask;
  for (const char* key : {"anna@contoso.example", "<>", "\"<>\"", "", "*", "anna"})
    BOOST_TEST(ask(std::string("default_route ") + key) == "OK smtp:[out.provider.example]", key);
  auto data = usual();
  data.outbound[3].enabled = false;
  BOOST_TEST(World(data)("default_route <>") == not_found);
}

// Mail that a rule took keeps its next hop in the MTA's queue, whatever becomes of the rule.
BOOST_AUTO_TEST_CASE(a_rule_that_is_gone_does_not_take_its_tls_demands_along) {
  World world;
  const auto change_to = [&world](PolicyData data) {
    const auto next = make(std::move(data));
    world.maps.retire(*world.policy.get());
    world.policy.set(next);
  };
  auto removed = usual();
  removed.outbound.pop_back();
  removed.outbound.erase(removed.outbound.begin());
  change_to(removed);
  BOOST_TEST(world("tls_policy [Classified.example]:25").starts_with("TEMP "));
  BOOST_TEST(world("tls_policy [mx.fabrikam.example]:587") == not_found);  // no rule: asked for anew at each delivery
  BOOST_TEST(world("transport u@classified.example") == not_found);
  change_to(removed);
  BOOST_TEST(world("tls_policy [classified.example]:25").starts_with("TEMP "));
  // A reload that brings it back is not in force yet while the old policy is retired.
  world.maps.retire(*world.policy.get());
  BOOST_TEST(world("tls_policy [classified.example]:25").starts_with("TEMP "));
  change_to(usual());
  BOOST_TEST(world("tls_policy [classified.example]:25") == "OK encrypt");
  auto without_demands = usual();
  without_demands.outbound.back().tls = OutboundTls::unset;
  change_to(without_demands);
  BOOST_TEST(world("tls_policy [classified.example]:25") == not_found);  // as configured
}

BOOST_AUTO_TEST_CASE(tls_is_asked_for_by_next_hop_and_by_domain) {
  const World ask;
  BOOST_TEST(ask("tls_policy [mx.fabrikam.example]:587") == "OK secure protocols=>=TLSv1.2");
  BOOST_TEST(ask("tls_policy [MX.Fabrikam.example]:587") == "OK secure protocols=>=TLSv1.2");
  BOOST_TEST(ask("tls_policy [out.provider.example]") == "OK fingerprint match=AB:CD");
  BOOST_TEST(ask("tls_policy [classified.example]:25") == "OK encrypt");
  for (const char* key : {"litware.example", "LITWARE.example.", "xn--mnchen-3ya.example", "münchen.example"})
    BOOST_TEST(ask(std::string("tls_policy ") + key) == "OK encrypt", key);
}

BOOST_AUTO_TEST_CASE(tls_of_others_is_the_mtas_own) {
  const World ask;
  for (const char* key :
       {"fabrikam.example", ".litware.example", ".example", "example", "[litware.example]", "litware.example:25", "relay.tailspin.example",
        "[mx.fabrikam.example]", "elsewhere.example", "[tried.example]", "[off.example]", "", "*", "[192.0.2.1]:25"})
    BOOST_TEST(ask(std::string("tls_policy ") + key) == not_found, key);
}

BOOST_AUTO_TEST_CASE(a_route_is_taken_from_our_own_header_alone) {
  const World ask;
  const std::string filter = "OK FILTER smtp-classified:[classified.example]:25";
  for (const char* key : {"X-Connector-Route: classified", "x-connector-route:classified", "X-Connector-Route : classified \r\n"})
    BOOST_TEST(ask(std::string("route ") + key) == filter, key);
  for (const char* key : {"X-Connector-Route: gone", "X-Connector-Route:", "X-Connector-Route: Classified", "X-Connector-Route: fabrikam",
                          "X-Connector-Route: classified x"})
    BOOST_TEST(ask(std::string("route ") + key).starts_with("TEMP "), key);
  for (const char* key : {"X-Connector-Outbound: classified", "X-Connector-Route", "X-Connector-Routes: classified",
                          "Subject: X-Connector-Route: classified", "", ":", ": classified", "X-Connector: classified"})
    BOOST_TEST(ask(std::string("route ") + key) == not_found, key);
  auto data = usual();
  data.header_prefix = "X-Ours";
  const World ours(data);
  BOOST_TEST(ours("route X-Ours-Route: classified") == filter);
  BOOST_TEST(ours("route X-Connector-Route: classified") == not_found);
}

BOOST_AUTO_TEST_CASE(what_is_no_question_is_refused_for_good) {
  const World ask;
  for (const char* request : {"", " ", "transport", "Transport u@fabrikam.example", "aliases root", " transport u@fabrikam.example", "transport\tx"})
    BOOST_TEST(ask(request).starts_with("PERM "), request);
  BOOST_TEST(ask(std::string(16000, 'x')).starts_with("PERM "));
  BOOST_TEST(ask.counters.map_lookups == 8U);
}

BOOST_AUTO_TEST_CASE(a_reload_is_seen_whole) {
  World ask;
  auto renamed = usual();
  renamed.outbound[6].name = "secret";
  renamed.outbound[6].smart_hosts[0].next_hop = "[secret.example]";
  const auto before = ask.policy.get(), after = make(renamed);
  std::atomic<bool> done{false};
  std::thread reloading([&] {
    for (int i = 0; i < 2000; ++i) ask.policy.set(i % 2 ? before : after);
    done = true;
  });
  while (!done) {
    const auto answer = ask("route X-Connector-Route: secret");
    BOOST_REQUIRE(answer == "OK FILTER smtp-classified:[secret.example]" || answer.starts_with("TEMP "));
  }
  reloading.join();
}

BOOST_AUTO_TEST_SUITE_END()

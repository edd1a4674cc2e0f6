// Counts by connector: kept by name over a reload, forgotten with the name, exact with many threads while the policy changes.
#include "observe/tallies.h"

#include <boost/test/unit_test.hpp>
#include <thread>

namespace {

using namespace cm;
using namespace cm::observe;

PolicyData with(std::vector<const char*> inbound, std::vector<const char*> outbound = {}) {
  PolicyData data;
  for (const auto* name : inbound) data.inbound.emplace_back().name = name;
  for (const auto* name : outbound) data.outbound.emplace_back().name = name;
  return data;
}

std::uint64_t rejects(const Tallies& tallies, std::string_view name) {
  const auto table = tallies.table();
  const auto found = table->find(name);
  return found == table->end() ? 999 : found->second->of(Action::reject).load();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(tallies)

BOOST_AUTO_TEST_CASE(a_count_outlives_a_reload_with_its_name) {
  Tallies tallies(with({"a", "b"}, {"out"}));
  Tallies::View view(&tallies), other(&tallies);
  for (const auto* name : {"a", "b"}) add(view.find(name)->of(Action::reject));
  BOOST_TEST(!view.find("nobody"));
  add(view.find("out")->sent);
  tallies.keep(with({"c", "b"}, {"out"}));
  add(view.find("b")->of(Action::reject));
  add(other.find("b")->of(Action::reject));
  BOOST_TEST(rejects(tallies, "b") == 3U);
  BOOST_TEST(!view.find("a"));
  BOOST_TEST(view.find("c"));
  tallies.keep(with({"a", "b"}));
  BOOST_TEST(rejects(tallies, "a") == 0U);  // another one of that name
  add(view.find("a")->of(Action::reject));
  BOOST_TEST(rejects(tallies, "a") == 1U);
  BOOST_TEST(tallies.table()->size() == 2U);
}

BOOST_AUTO_TEST_CASE(every_connector_in_configured_order) {
  const auto policy = with({"b", "a"}, {"out"});
  Tallies tallies(policy);
  Tallies::View view(&tallies);
  add(view.find("a")->of(Action::tempfail));
  add(view.find("a")->audit_differences);
  add(view.find("out")->sent);
  const auto rows = count_connectors(policy, tallies);
  BOOST_REQUIRE_EQUAL(rows.size(), 3U);
  BOOST_TEST((rows[0].name == "b" && !rows[0].any()));
  BOOST_TEST((rows[1].name == "a" && rows[1].type == "partner" && rows[1].any() && rows[1].audit_differences == 1));
  BOOST_TEST(rows[1].actions[static_cast<std::size_t>(Action::tempfail)] == 1U);
  BOOST_TEST((rows[2].name == "out" && rows[2].type == "outbound" && rows[2].sent == 1));
}

BOOST_AUTO_TEST_CASE(without_tallies_nothing_is_found) { BOOST_TEST(!Tallies::View(nullptr).find("a")); }

BOOST_AUTO_TEST_CASE(exact_while_the_policy_changes) {
  const auto one = with({"a", "b"}), two = with({"b", "c"});
  Tallies tallies(one);
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&tallies] {
      Tallies::View view(&tallies);
      for (int k = 0; k < 5000; ++k) {
        add(view.find("b")->of(Action::reject));
        if (const auto a = view.find("a")) add(a->of(Action::reject));
      }
    });
  for (int i = 0; i < 200; ++i) tallies.keep(i % 2 == 0 ? two : one);
  for (auto& thread : threads) thread.join();
  BOOST_TEST(rejects(tallies, "b") == 20000U);
}

BOOST_AUTO_TEST_SUITE_END()

// The scenario runner itself: a runner that finds nothing wrong would make every scenario pass.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE scenario
#include "../../scenarios/scenario.h"

#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

using namespace cm;
using namespace cm::scenario;

namespace {

std::string read(const std::filesystem::path& path) {
  std::stringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

Problems problems_of(std::string_view text) {
  Problems problems;
  (void)parse(text, problems);
  return problems;
}

ctl::Explanation refused() {
  ctl::Explanation e;
  e.action = "reject";
  e.stage = "rcpt";
  e.rule = "source";
  e.connector = "fabrikam";
  e.violations = {"source", "tls"};
  e.reply = "550 5.7.1 [explain22222] connector fabrikam: no";
  e.recipients = {{"u@d.example", "reject", e.reply, {}}};
  e.steps = {{"fabrikam", "violated", "client address 192.0.2.1", "f:1"}, {std::nullopt, "passed", "why", {}}};
  e.add_headers = {{"X-A", "b"}};
  e.strip_headers = {"X-B"};
  return e;
}

Problems judged(const std::string& keyword, const std::string& rest) { return judge({"m", 1, {}, {{7, keyword, rest}}}, refused()); }

}  // namespace

BOOST_AUTO_TEST_CASE(star_stands_for_any_text) {
  BOOST_TEST(matches("*", ""));
  BOOST_TEST(matches("550 5.7.1 [x] *: *no*", "550 5.7.1 [x] connector a: b no c"));
  BOOST_TEST(matches("a*b*c", "aXbXbXc"));
  BOOST_TEST(!matches("a*b", "a b c"));
  BOOST_TEST(!matches("reject", "rejected"));
  BOOST_TEST(!matches("", "x"));
  BOOST_TEST(!matches("[ab]", "a"));
}

BOOST_AUTO_TEST_CASE(expectations_that_are_met) {
  const std::pair<const char*, const char*> met[] = {{"action", "reject"},
                                                     {"stage", "rcpt"},
                                                     {"rule", "source"},
                                                     {"connector", "fabrikam"},
                                                     {"type", "none"},
                                                     {"vouched", "none"},
                                                     {"violations", "source tls"},
                                                     {"reply", "550 5.7.1 *"},
                                                     {"audit", "none"},
                                                     {"recipient", "u@d.example reject 550 *"},
                                                     {"header", "X-A: b"},
                                                     {"no-header", "X-B*"},
                                                     {"strip", "X-B"},
                                                     {"no-strip", "X-A"},
                                                     {"step", "fabrikam violated *192.0.2.1*"},
                                                     {"step", "- passed why"},
                                                     {"no-step", "fabrikam selected *"}};
  for (const auto& [keyword, rest] : met) BOOST_TEST(judged(keyword, rest).empty(), keyword);
}

BOOST_AUTO_TEST_CASE(expectations_that_are_not_met) {
  const std::pair<const char*, const char*> unmet[] = {{"action", "accept"},
                                                       {"stage", "none"},
                                                       {"rule", "tls"},
                                                       {"connector", "none"},
                                                       {"type", "partner"},
                                                       {"vouched", "local"},
                                                       {"violations", "source"},
                                                       {"reply", "none"},
                                                       {"audit", "would-reject"},
                                                       {"recipient", "u@d.example accept"},
                                                       {"header", "X-A: c"},
                                                       {"no-header", "X-A*"},
                                                       {"strip", "X-A"},
                                                       {"no-strip", "X-B"},
                                                       {"step", "fabrikam violated *192.0.2.2*"},
                                                       {"no-step", "fabrikam violated *"},
                                                       {"no-step", "*"},
                                                       {"acton", "reject"},
                                                       {"action", ""}};
  for (const auto& [keyword, rest] : unmet) {
    const auto problems = judged(keyword, rest);
    BOOST_REQUIRE_EQUAL(problems.size(), 1U);
    BOOST_TEST(problems[0].line == 7U);
  }
  BOOST_TEST(judged("action", "accept")[0].text == "action: expected accept, seen reject");
}

BOOST_AUTO_TEST_CASE(how_mail_leaves) {
  ctl::Explanation e;
  e.action = "accept";
  e.recipients = {{"u@d.example", "accept", {}, "to-d"}, {"v@e.example", "accept", {}, {}}};
  const auto seen = [&e](const std::string& keyword, const std::string& rest) {
    const auto problems = judge({"m", 1, {}, {{7, keyword, rest}}}, e);
    return problems.empty() ? std::string() : problems[0].text;
  };
  BOOST_TEST(seen("outbound", "u@d.example to-d") == "");
  BOOST_TEST(seen("outbound", "v@e.example none") == "");
  BOOST_TEST(seen("outbound", "u@d.example none") == "outbound: expected u@d.example none, seen only u@d.example to-d | v@e.example none");
  BOOST_TEST(seen("route", "none") == "");
  BOOST_TEST(seen("route", "to-d *") == "route: expected to-d *, seen none");
  e.route = ctl::ExplainedRoute{"to-d", "smtp:[mx.d.example]:25", {}};
  BOOST_TEST(seen("route", "to-d smtp:[mx.d.example]:25") == "");
  BOOST_TEST(seen("route", "none") == "route: expected none, seen to-d smtp:[mx.d.example]:25");
  e.route->tls = "secure match=a.example";
  BOOST_TEST(seen("route", "to-d smtp:[mx.d.example]:25 secure match=a.example") == "");
  BOOST_TEST(seen("route", "to-d smtp:[mx.d.example]:25") != "");
}

BOOST_AUTO_TEST_CASE(files_that_cannot_be_read_as_scenarios) {
  const std::string config = "config:\nx\nend\n", message = "message: m\n  from a\nexpect:\n  action accept\n";
  BOOST_TEST(problems_of("title: t\n" + config + message).empty());
  BOOST_TEST(!problems_of("").empty());
  BOOST_TEST(!problems_of(config + message).empty());
  BOOST_TEST(!problems_of("title: t\n" + message).empty());
  BOOST_TEST(!problems_of("title: t\n" + config).empty());
  BOOST_TEST(!problems_of("title: t\nconfig:\nx\n" + message).empty());
  BOOST_TEST(!problems_of("title: t\n" + config + message + "surprise\n").empty());
  BOOST_TEST(!problems_of("title: t\n" + config + message + "expect:\n  action accept\n").empty());
  BOOST_TEST(!problems_of("title: t\n" + config + "  from a\n" + message).empty());
  BOOST_TEST(!problems_of("title: t\n" + config + "message: m\n  from a\nexpect:\n  rule none\n").empty());
  BOOST_TEST(!problems_of("title: t\n" + config + "message: m\n  from a\nmessage: n\n  from a\nexpect:\n  action accept\n").empty());
}

BOOST_AUTO_TEST_CASE(words_of_a_message) {
  Problems problems;
  const auto question = make_question(
      {"m", 1, {{2, "from", "a@d.example"}, {3, "header", "A: b\\r\\n\\tc\\d"}, {4, "too", "b@d.example"}, {5, "local", ""}}, {}}, problems);
  BOOST_TEST(question.from.value() == "a@d.example");
  BOOST_TEST(question.headers.at(0) == "A: b\r\n\tc\\d");
  BOOST_TEST(question.local);
  BOOST_REQUIRE_EQUAL(problems.size(), 1U);
  BOOST_TEST(problems[0].line == 4U);
}

BOOST_AUTO_TEST_CASE(lines_of_the_config_are_lines_of_the_file) {
  Problems problems;
  const auto scenario = parse("title: t\n\nconfig:\nfirst\nend\nmessage: m\nexpect:\n  action accept\n", problems);
  BOOST_TEST(scenario.config == "\n\n\nfirst\n");
}

// A scenario that is not named there is never run.
BOOST_AUTO_TEST_CASE(every_scenario_is_named_in_the_makefile) {
  const std::filesystem::path source = ::getenv("CM_SOURCE") ? ::getenv("CM_SOURCE") : ".";
  const auto makefile = read(source / "tests/Makefile.inc");
  int scenarios = 0;
  for (const auto& entry : std::filesystem::directory_iterator(source / "tests/scenarios")) {
    if (entry.path().extension() != ".scn") continue;
    ++scenarios;
    const auto name = "%D%/scenarios/" + entry.path().filename().string();
    BOOST_TEST(makefile.find(name) != std::string::npos, name);
  }
  BOOST_TEST(scenarios >= 25);
}

// What --help tells of every command, and what a mistyped word is answered with.
#include <re2/re2.h>

#include <boost/test/unit_test.hpp>
#include <set>

#include "ctl/nearest.h"
#include "ctl/scenario.h"
#include "run.h"

using namespace cm;

namespace {

using Words = std::vector<std::string>;

std::vector<std::string> found(const std::string& text, const char* pattern) {
  std::vector<std::string> out;
  const re2::RE2 expression(pattern);
  std::istringstream lines(text);
  std::string match;
  for (std::string line; std::getline(lines, line);)
    if (re2::RE2::PartialMatch(line, expression, &match)) out.push_back(match);
  return out;
}

std::vector<std::string> commands() {
  const auto text = run({"--help"}).out;
  return found(text.substr(text.find("Subcommands:")), "^  ([a-z]+) ");
}

std::string help(Words words) {
  words.emplace_back("--help");
  const auto shown = run(words);
  BOOST_TEST(shown.status == 0);
  return shown.out;
}

std::set<std::string> options(const Words& words) {
  const auto list = found(help(words), "^  (?:-.,)?(--[a-z-]+)");
  return {list.begin(), list.end()};
}

std::vector<std::string> examples(const Words& words) { return found(help(words), "^    (connectorctl.*)"); }

/// The words of the first command of an example.
Words words_of(const std::string& example) {
  std::istringstream in(example);
  Words out;
  for (std::string word; in >> word && word != "&&" && word != "<";) {
    std::erase(word, '\'');
    out.push_back(word);
  }
  out.erase(out.begin());
  return out;
}

bool may_run(const Words& words) {  // looks at no machine and writes nothing
  const std::set<std::string> others{"doctor", "status", "stats", "reload", "key", "postfix", "sendmail"};
  return !others.contains(words.front()) && std::find(words.begin(), words.end(), "-") == words.end();
}

}  // namespace

BOOST_AUTO_TEST_SUITE(help_texts)

BOOST_AUTO_TEST_CASE(every_command_shows_examples_that_it_takes) {
  BOOST_TEST(commands().size() == 14U);
  int shown = 0;
  for (const auto& command : commands()) {
    const auto own = examples({command});
    BOOST_TEST((!own.empty() && own.size() <= 2), command);
    for (const auto& example : own) {
      BOOST_TEST_CONTEXT(example) {
        auto words = words_of(example);
        BOOST_TEST((words.front() == command || (command == "reload" && words.front() == "check")));
        ++shown;
        if (!may_run(words)) continue;
        words.insert(words.end(), {"-c", "no-such.conf"});
        std::erase(words, "--output");  // the file is then one more to be read
        if (words.size() > 3) BOOST_TEST(run(words).status != ctl::wrong_usage);
      }
    }
  }
  BOOST_TEST(shown >= 14);
}

BOOST_AUTO_TEST_CASE(every_command_says_what_its_exit_status_means) {
  for (const auto& command : commands()) {
    const auto lines = found(help({command}), "^(Exit status: 0 .*, 2 wrong usage.*\\.)$");
    BOOST_TEST(lines.size() == 1U, command);
    if (lines.empty()) continue;
    const bool online = command == "status" || command == "stats" || command == "reload";
    BOOST_TEST(has(lines.front(), ", 2 wrong usage, 3 the daemon cannot be reached.") == online, command);
  }
  BOOST_TEST(has(help({"import"}), "something became weaker"));
  BOOST_TEST(has(help({"doctor"}), "0 nothing but notes"));
  BOOST_TEST(has(help({"explain"}), "1 it is not the one of --expect"));
  BOOST_TEST(has(help({"check"}), "with --strict warnings"));
  BOOST_TEST(has(help({}), "2 wrong usage, 3 the daemon cannot be reached."));
}

BOOST_AUTO_TEST_CASE(a_scenario_lists_its_own_options) {
  const auto of_new = help({"new"});
  BOOST_TEST(options({"new"}) == (std::set<std::string>{"--help", "--output", "--write"}), boost::test_tools::per_element());
  BOOST_TEST(has(of_new, "Usage: connectorctl new [OPTIONS] [SCENARIO]"));
  for (const auto& scenario : ctl::scenarios()) {
    const std::string word(scenario.word);
    BOOST_TEST(has(of_new, "  " + word + " "));
    BOOST_TEST(has(of_new, std::string(scenario.summary)));
    std::set<std::string> expected{"--help", "--output", "--write"};
    for (const auto& field : scenario.fields) expected.insert("--" + std::string(field.option));
    BOOST_TEST(options({"new", word}) == expected, boost::test_tools::per_element());
    const auto shown = examples({"new", word});
    BOOST_REQUIRE(shown.size() == 1U);
    auto words = words_of(shown.front());
    BOOST_TEST(words[1] == word);
    std::erase(words, "--write");
    words.insert(words.end(), {"-c", "no-such.conf"});
    const auto made = run(words);
    BOOST_TEST(made.status == 0, made.err);
    BOOST_TEST(has(made.out, "made by connectorctl new " + word));
  }
  BOOST_TEST(has(help({"new", "devices"}), "(default: 30M)"));
  BOOST_TEST(has(help({"new", "partner"}), "domains (required); may be repeated"));
}

BOOST_AUTO_TEST_CASE(the_nearest_word) {
  const Words known{"check", "list", "show", "explain", "stats", "status", "config-dir"};
  BOOST_TEST(ctl::nearest("chekc", known) == "check");
  BOOST_TEST(ctl::nearest("lst", known) == "list");
  BOOST_TEST(ctl::nearest("listt", known) == "list");
  BOOST_TEST(ctl::nearest("shaw", known) == "show");
  BOOST_TEST(ctl::nearest("sattus", known) == "status");
  BOOST_TEST(ctl::nearest("confg-dri", known) == "config-dir");
  BOOST_TEST(ctl::nearest("conf", known) == "config-dir");
  BOOST_TEST(ctl::nearest("status-of-all", known) == "status");
  BOOST_TEST(ctl::nearest("co", known).empty());
  BOOST_TEST(ctl::nearest("frobnicate", known).empty());
  BOOST_TEST(ctl::nearest("", known).empty());
  BOOST_TEST(ctl::nearest("x", known).empty());
  BOOST_TEST(ctl::nearest("check" + std::string(100000, 'k'), known).empty());
  BOOST_TEST(ctl::nearest("check", {}).empty());
}

BOOST_AUTO_TEST_CASE(what_was_meant) {
  const std::pair<Words, const char*> all[] = {
      {{"chekc"}, "unknown command 'chekc'; did you mean check? connectorctl --help tells more\n"},
      {{"check", "--stict"}, "unknown option '--stict'; did you mean --strict? connectorctl check --help tells more\n"},
      {{"explain", "--expcet=reject"}, "unknown option '--expcet'; did you mean --expect? connectorctl explain --help tells more\n"},
      {{"check", "--jsn"}, "unknown option '--jsn'; did you mean --json? "},
      {{"show", "--bar"}, "unknown option '--bar'; connectorctl show --help tells more\n"},
      {{"key", "nwe"}, "unknown command 'nwe'; did you mean new? connectorctl key --help"},
      {{"key", "new", "a", "--dri", "x"}, "did you mean --dir? connectorctl key new --help"},
      {{"check", "extra"}, "unknown argument 'extra'; connectorctl check --help"},
      {{"new", "device"}, "unknown scenario 'device'; did you mean devices? connectorctl new --help tells more\n  partner "},
      {{"new", "devices", "--domain", "x"}, "unknown option '--domain'; connectorctl new devices --help tells more\n"},
      {{"new", "printer"}, "unknown scenario 'printer'; did you mean devices?"},
      {{"new", "scaner"}, "unknown scenario 'scaner'; did you mean devices?"},
      {{"new", "application"}, "unknown scenario 'application'; did you mean devices?"},
      {{"new", "partner", "--cert", "x"}, "unknown option '--cert'; did you mean --certificate?"},
      {{"new", "devices", "--sorce", "x"}, "did you mean --source?"},
      {{"--write", "new"}, "'--write' belongs behind connectorctl new; "},
      {{"validat"}, "unknown command 'validat'; connectorctl --help"},
      {{"a\x1b[m"}, "unknown command 'a?[m'; "}};
  for (const auto& [words, said] : all) {
    const auto result = run(words);
    BOOST_TEST(result.status == 2);
    BOOST_TEST(result.out.empty());
    BOOST_TEST(result.err.starts_with("connectorctl: "));
    BOOST_TEST(has(result.err, said), result.err);
  }
}

BOOST_AUTO_TEST_SUITE_END()

// The questions of `connectorctl new`: what stands in brackets, what `?` tells, and what becomes of each answer.
#include "ctl/interview.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <sstream>

#include "run.h"

using namespace cm;

namespace {

const ctl::Scenario& scenario_of(std::string_view word) {
  const auto all = ctl::scenarios();
  const auto found = std::find_if(all.begin(), all.end(), [&](const ctl::Scenario& s) { return s.word == word; });
  BOOST_REQUIRE(found != all.end());
  return *found;
}

struct Asked {
  Asked(std::string_view word, const std::string& lines, const ctl::Beside& beside = {}, ctl::Answers given = {}) : answers(std::move(given)) {
    std::istringstream in(lines);
    std::ostringstream out;
    done = ctl::ask(scenario_of(word), answers, beside, in, out);
    shown = out.str();
  }
  bool done = false;
  ctl::Answers answers;
  std::string shown;
};

std::string chosen(const std::string& lines, std::string* shown = nullptr) {
  std::istringstream in(lines);
  std::ostringstream out;
  const auto* scenario = ctl::ask_for_scenario(in, out);
  if (shown != nullptr) *shown = out.str();
  return scenario == nullptr ? std::string() : std::string(scenario->word);
}

}  // namespace

BOOST_AUTO_TEST_SUITE(interview)

BOOST_AUTO_TEST_CASE(a_scenario_by_number_or_word) {
  std::string shown;
  BOOST_TEST(chosen("4\n", &shown) == "devices");
  BOOST_TEST(has(shown, "  1  partner "));
  BOOST_TEST(has(shown, "  5  smarthost "));
  BOOST_TEST(chosen("hybrid\n") == "hybrid");
  BOOST_TEST(chosen("0\n6\n\n?\n2\n", &shown) == "provider");
  BOOST_TEST(has(shown, "'0' is none of them: expected a number from 1 to 5, or the word behind it"));
  BOOST_TEST(has(shown, "an answer is needed here: expected a number"));
  BOOST_TEST(has(shown, "For example: 4, or devices"));
  BOOST_TEST(chosen("x\n").empty());
}

BOOST_AUTO_TEST_CASE(brackets_say_what_an_empty_answer_means) {
  const Asked partner("partner", "f.example\n\n\n\n\n\n\n\n\n\n\n");
  BOOST_TEST(partner.done);
  for (const auto* part :
       {"domains [required]: ", "both [both]: ", "comes from [anywhere]: ", "certificate [none]: ", "over TLS [yes]: ", "to it [its MX records]: ",
        "opportunistic [verify]: ", "may have [its own name]: ", "connector [f]: ", "enforce [audit]: "})
    BOOST_TEST(has(partner.shown, part), part);
  // A name that is taken is not offered.
  ctl::Beside beside;
  beside.names = {"devices"};
  BOOST_TEST(has(Asked("devices", "192.0.2.1\n\n\n\n\n\n\n\n", beside).shown, "connector [devices-2]: "));
}

BOOST_AUTO_TEST_CASE(help_with_an_example_at_every_question) {
  for (const auto& scenario : ctl::scenarios())
    for (const auto& field : scenario.fields) BOOST_TEST_CONTEXT(scenario.word << " " << field.option) {
        BOOST_TEST(!field.help.empty());
        std::istringstream examples{std::string(field.example)};
        std::string one;
        int count = 0;
        for (; std::getline(examples >> std::ws, one, ','); ++count) BOOST_TEST(ctl::why_wrong(field, one) == "");
        BOOST_TEST((count == 1 || (count > 1 && field.many)));
        if (!field.usual.empty()) BOOST_TEST(ctl::why_wrong(field, std::string(field.usual)) == "");
      }
  const Asked devices("devices", "?\n192.0.2.1\n?\n\n\n\n\n\n\n\n");
  BOOST_TEST(devices.done);
  BOOST_TEST(has(devices.shown, "[none]:   Fixed addresses"));
  BOOST_TEST(has(devices.shown, "\n  For example: 10.20.0.0/24, 10.21.0.5\nAddresses"));
  BOOST_TEST(has(devices.shown, "sasl_username="));
  BOOST_TEST(!devices.answers.contains("login"));
}

BOOST_AUTO_TEST_CASE(none_leaves_out_what_is_optional) {
  for (const auto* nothing : {"none", "-"}) {
    const Asked devices("devices", "192.0.2.1\n" + std::string(nothing) + "\n" + nothing + "\n\n\n\n" + nothing + "\n\n");
    BOOST_TEST(devices.done);
    for (const auto* option : {"login", "sender", "name"}) BOOST_TEST(!devices.answers.contains(option), option);
    // Where something is needed, or there is a usual answer, it is no answer.
    const Asked hybrid("hybrid", std::string(nothing) + "\nt.onmicrosoft.com\n\n\n\n" + nothing + "\n\n");
    BOOST_TEST(hybrid.done);
    BOOST_TEST(has(hybrid.shown, "an answer is needed here, such as contoso.mail.onmicrosoft.com"));
    BOOST_TEST(has(hybrid.shown, "': expected audit, enforce"));
    BOOST_TEST(hybrid.answers.at("tenant").front() == "t.onmicrosoft.com");
  }
}

BOOST_AUTO_TEST_CASE(one_of_two_is_needed) {
  const Asked devices("devices", "\n\nscanner\n\n\n\n\n\n\n");
  BOOST_TEST(devices.done);
  BOOST_TEST(has(devices.shown, "Logins that they use [required]: "));
  BOOST_TEST(devices.answers.at("login").front() == "scanner");
  BOOST_TEST(has(Asked("provider", "\n\n").shown, "an answer is needed here, such as out.provider.example"));
  BOOST_TEST(!has(Asked("provider", "192.0.2.1\n\n\n").shown, "an answer is needed"));
}

BOOST_AUTO_TEST_CASE(a_way_back) {
  const Asked provider("provider", "\n\n198.51.100.0/24\n198.51.100.1\n");
  BOOST_TEST(has(provider.shown, "Ctrl-C ends it, and nothing is written"));
  const std::string back = "; to answer differently what came before, Ctrl-C and start over\n";
  BOOST_TEST(has(provider.shown, "an answer is needed here, such as out.provider.example" + back));
  for (const auto* address : {"198.51.100.0/24", "198.51.100.1"})
    BOOST_TEST(has(provider.shown, "'" + std::string(address) + "': that is an address, and this asks for a name"), address);
  BOOST_TEST(has(Asked("devices", "\n10.0.0.1\n").shown, "'10.0.0.1': that is an address, and this asks for a login"));
  BOOST_TEST(!has(Asked("hybrid", "\n").shown, back));
}

BOOST_AUTO_TEST_CASE(a_single_word_is_no_sender_and_no_domain) {
  const Asked devices("devices", "192.0.2.1\n\nscanner\ninternal\nscanner@contoso.example\n");
  BOOST_TEST(has(devices.shown, "'scanner': has no dot, so it is a domain of that name: expected an address or a domain; write scanner@YOUR-DOMAIN"));
  BOOST_TEST(has(devices.shown, "'internal': is a word of recipients, not of senders"));
  BOOST_TEST(devices.answers.at("sender").front() == "scanner@contoso.example");
  BOOST_TEST(has(Asked("partner", "fabrikam\n").shown, "'fabrikam': has no dot, so it is a domain of that name: expected a whole domain"));
  BOOST_TEST(Asked("partner", "*\n\n").answers.at("domain").front() == "*");
}

BOOST_AUTO_TEST_CASE(a_wrong_answer_is_told_what_was_expected) {
  for (const auto& scenario : ctl::scenarios())
    for (const auto& field : scenario.fields) {
      if (field.why_not == nullptr) continue;
      const auto why = ctl::why_wrong(field, std::string(400, '\x01') + "@@");
      BOOST_TEST(has(why, "expected "), scenario.word << " " << field.option << ": " << why);
    }
  const Asked smarthost("smarthost", "192.0.2.1\n");
  BOOST_TEST(has(smarthost.shown, "'192.0.2.1': "));
  BOOST_TEST(!smarthost.done);
  ctl::Beside beside;
  beside.names = {"printers"};
  const Asked taken("devices", "192.0.2.1\n\n\n\n\n\nprinters\n\n\n", beside);
  BOOST_TEST(taken.done);
  BOOST_TEST(has(taken.shown, "there is a connector 'printers' already: expected another name"));
}

BOOST_AUTO_TEST_CASE(nothing_more_is_asked_when_no_connector_is_needed) {
  const Asked partner("partner", "f.example\nout\n\nopportunistic\n");
  BOOST_TEST(partner.done);
  BOOST_TEST(!has(partner.shown, "Name of the connector"));
}

BOOST_AUTO_TEST_SUITE_END()

// `connectorctl new`: what it writes passes `check` beside a main config and does what the scenario says; questions are driven on a terminal.
#include <poll.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/fd.h"
#include "ctl/interview.h"
#include "run.h"

namespace fs = std::filesystem;
using namespace cm;

namespace {

struct Host {
  Host() {
    char name[] = "new_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = fs::absolute(name);
    config = (path / "main.conf").string();
    fs::create_directory(path / "connectors.d");
    std::ofstream(config) << "organization = { domains = \".contoso.example\"; };\nmaps = { };\nlisteners = ( { name = \"mx\"; } );\n";
  }
  ~Host() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] Result make(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"new", "-c", config});
    return run(std::move(arguments));
  }
  /// Made with --write; the config then passes `check`.
  void write(std::vector<std::string> arguments) const {
    arguments.emplace_back("--write");
    const auto made = make(std::move(arguments));
    BOOST_TEST(made.status == 0, made.err);
    BOOST_TEST(has(made.out, "What else there is to do"));
    const auto checked = run({"check", "-c", config});
    BOOST_TEST(checked.status == 0, checked.out);
  }
  [[nodiscard]] nlohmann::json explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "--json", "-c", config});
    const auto explained = run(std::move(arguments));
    BOOST_REQUIRE_MESSAGE(!explained.out.empty(), explained.err);
    return nlohmann::json::parse(explained.out);
  }
  [[nodiscard]] std::string outcome(const std::string& client, const std::string& from, const std::string& to,
                                    std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--client", client, "--from", from, "--to", to});
    const auto explained = explain(std::move(more));
    return explained["rule"].is_null() ? explained["action"].get<std::string>() : explained["rule"].get<std::string>();
  }
  fs::path path;
  std::string config;
};

/// connectorctl on a terminal of its own.
class Terminal {
 public:
  explicit Terminal(std::vector<std::string> arguments) {
    const char* build = ::getenv("CM_BUILD");
    const auto program = std::string(build != nullptr ? build : ".") + "/connectorctl";
    int terminal = -1;
    child_ = ::forkpty(&terminal, nullptr, nullptr, nullptr);
    BOOST_REQUIRE(child_ >= 0);
    if (child_ == 0) {
      std::vector<char*> words{const_cast<char*>(program.c_str())};
      for (auto& argument : arguments) words.push_back(argument.data());
      words.push_back(nullptr);
      ::execv(program.c_str(), words.data());
      ::_exit(126);
    }
    terminal_ = Fd(terminal);
  }
  ~Terminal() {
    terminal_ = Fd();  // it ends when its terminal is gone
    if (child_ > 0) ::waitpid(child_, nullptr, 0);
  }
  /// Waits for `question`, then answers it.
  void answer(const std::string& question, const std::string& text) {
    BOOST_REQUIRE_MESSAGE(wait_for(question), "no question '" + question + "' in: " + seen_);
    seen_.clear();
    const auto line = text + "\n";
    BOOST_REQUIRE(::write(terminal_.get(), line.data(), line.size()) == static_cast<ssize_t>(line.size()));
  }
  /// Everything up to the end; its exit status.
  int end(std::string& rest) {
    while (read_more()) {
    }
    rest = seen_;
    int status = 0;
    ::waitpid(std::exchange(child_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
  }

 private:
  bool wait_for(const std::string& text) {
    while (seen_.find(text) == std::string::npos)
      if (!read_more()) return false;
    return true;
  }
  bool read_more() {
    pollfd ready{terminal_.get(), POLLIN, 0};
    if (::poll(&ready, 1, 20000) <= 0) return false;
    char buffer[4096];
    const auto got = ::read(terminal_.get(), buffer, sizeof buffer);
    if (got <= 0) return false;
    seen_.append(buffer, static_cast<std::size_t>(got));
    return true;
  }
  Fd terminal_;
  pid_t child_ = 0;
  std::string seen_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(new_connectors, Host)

BOOST_AUTO_TEST_CASE(a_partner_in_and_out) {
  write({"partner", "--domain", ".fabrikam.example", "--source", "203.0.113.0/24", "--certificate", "mail.fabrikam.example", "--mode", "enforce",
         "--smart-host", "[gw.fabrikam.example]", "--tls-domain", "*.fabrikam.example"});
  const std::vector<std::string> proof{"--tls", "TLSv1.3", "--cert-subject", "mail.fabrikam.example"};
  BOOST_TEST(outcome("203.0.113.1", "a@fabrikam.example", "u@contoso.example", proof) == "accept");
  BOOST_TEST(outcome("192.0.2.1", "a@fabrikam.example", "u@contoso.example", proof) == "source");
  BOOST_TEST(outcome("203.0.113.1", "a@x.fabrikam.example", "u@contoso.example", {"--tls", "TLSv1.3"}) == "certificate");
  const auto route = explain({"--local", "--from", "a@contoso.example", "--to", "u@fabrikam.example"})["route"];
  BOOST_TEST(route["connector"] == "to-fabrikam");
  BOOST_TEST(route["tls"] == "secure match=.fabrikam.example");
}

BOOST_AUTO_TEST_CASE(a_partner_begins_in_audit) {
  write({"partner", "--domain", "fabrikam.example", "--direction", "in", "--source", "203.0.113.0/24"});
  const auto explained = explain({"--client", "192.0.2.1", "--from", "a@fabrikam.example", "--to", "u@contoso.example"});
  BOOST_TEST(explained["action"] == "accept");
  BOOST_TEST(explained["audit"]["rule"] == "source");
}

BOOST_AUTO_TEST_CASE(a_partner_one_way) {
  BOOST_TEST(!has(make({"partner", "--domain", "f.example", "--direction", "in"}).out, "outbound"));
  BOOST_TEST(!has(make({"partner", "--domain", "f.example", "--direction", "out"}).out, "inbound"));
}

BOOST_AUTO_TEST_CASE(when_no_connector_is_needed) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"partner", "--domain", "f.example", "--direction", "in", "--require-tls", "no"},
                                             {"partner", "--domain", "f.example", "--direction", "out", "--tls", "opportunistic"},
                                             {"partner", "--domain", "f.example", "--require-tls", "no", "--tls", "opportunistic", "--write"}}) {
    const auto made = make(arguments);
    BOOST_TEST(made.status == 0);
    BOOST_TEST(has(made.out, "no connector is needed"));
    BOOST_TEST(fs::is_empty(path / "connectors.d"));
  }
}

BOOST_AUTO_TEST_CASE(a_provider_lock_and_a_partner_behind_it) {
  write({"provider", "--source", "198.51.100.0/24", "--mode", "enforce"});
  BOOST_TEST(outcome("198.51.100.1", "a@any.example", "u@contoso.example") == "accept");
  BOOST_TEST(outcome("192.0.2.1", "a@any.example", "u@contoso.example") == "source");
  write({"partner", "--domain", "fabrikam.example", "--direction", "in", "--source", "203.0.113.0/24", "--mode", "enforce", "--require-tls", "no"});
  BOOST_TEST(outcome("198.51.100.1", "a@fabrikam.example", "u@contoso.example") == "accept");
  BOOST_TEST(outcome("203.0.113.1", "a@fabrikam.example", "u@contoso.example") == "accept");
  BOOST_TEST(outcome("192.0.2.1", "a@fabrikam.example", "u@contoso.example") == "source");
}

BOOST_AUTO_TEST_CASE(a_provider_by_certificate_on_one_listener) {
  write({"provider", "--certificate", "out.provider.example", "--require-tls", "yes", "--listener", "mx", "--mode", "enforce"});
  BOOST_TEST(outcome("192.0.2.1", "a@any.example", "u@contoso.example", {"--listener", "mx"}) != "accept");
  BOOST_TEST(outcome("192.0.2.1", "a@any.example", "u@contoso.example") == "accept");
}

BOOST_AUTO_TEST_CASE(printers) {
  write({"devices", "--source", "10.20.0.0/24", "--sender", "scanner@contoso.example", "--size", "5M"});
  BOOST_TEST(outcome("10.20.0.9", "scanner@contoso.example", "u@contoso.example") == "accept");
  BOOST_TEST(outcome("10.20.0.9", "boss@contoso.example", "u@contoso.example") == "sender");
  BOOST_TEST(outcome("10.20.0.9", "scanner@contoso.example", "u@far.example") == "recipient");
  BOOST_TEST(outcome("10.20.0.9", "scanner@contoso.example", "u@contoso.example", {"--size", "6000000"}) == "size");
}

BOOST_AUTO_TEST_CASE(a_cloud_tenant) {
  write({"hybrid", "--tenant", "contoso.mail.onmicrosoft.com"});
  const auto of = [&](const std::string& originator) {
    return explain({"--client", "40.107.1.1", "--tls", "TLSv1.3", "--cert-subject", "mail.protection.outlook.com", "--from", "a@contoso.example",
                    "--to", "u@contoso.example", "--header", "X-OriginatorOrg: " + originator})["connector"];
  };
  BOOST_TEST(of("contoso.example") == "from-cloud");
  BOOST_TEST(of("evil.example").is_null());
  const auto route = explain({"--local", "--from", "a@contoso.example", "--to", "u@contoso.mail.onmicrosoft.com"})["route"];
  BOOST_TEST(route["nexthop"] == "smtp:[contoso-example.mail.protection.outlook.com]");
  BOOST_TEST(route["tls"] == "secure match=mail.protection.outlook.com");
}

BOOST_AUTO_TEST_CASE(everything_through_a_provider) {
  write({"smarthost", "--smart-host", "[smtp.provider.example]:587", "--smart-host", "[192.0.2.5]", "--tls", "encrypt", "--mode", "enforce"});
  const auto route = explain({"--local", "--from", "a@contoso.example", "--to", "u@far.example"})["route"];
  BOOST_TEST(route["nexthop"] == "smtp:[smtp.provider.example]:587, [192.0.2.5]");
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_wrong_usage) {
  for (const auto& arguments :
       std::vector<std::vector<std::string>>{{"cloud"},
                                             {"provider"},
                                             {"devices"},
                                             {"devices", "--source", "10.0.0.300"},
                                             {"devices", "--source", "10.0.0.1", "--rate", "0"},
                                             {"devices", "--source", "10.0.0.1", "--size", "big"},
                                             {"devices", "--source", "10.0.0.1", "--recipient", "everybody"},
                                             {"devices", "--source", "10.0.0.1", "--domain", "x.example"},
                                             {"devices", "--source", "10.0.0.1", "--sender", "scanner"},
                                             {"devices", "--source", "10.0.0.1", "--sender", "any"},
                                             {"provider", "--certificate", "198.51.100.1"},
                                             {"partner", "--domain", "fabrikam"},
                                             {"devices", "--source", "10.0.0.1", "--mode", "try"},
                                             {"devices", "--source", "10.0.0.1", "--name", "a b"},
                                             {"devices", "--source", "10.0.0.1", "--name", "a", "--name", "b"},
                                             {"partner", "--domain", "a..b"},
                                             {"partner", "--domain", "f.example", "--certificate", "*"},
                                             {"partner", "--domain", "f.example", "--direction", "up"},
                                             {"partner", "--domain", "f.example", "--tls", "encrypt", "--tls-domain", "x.example"},
                                             {"smarthost", "--smart-host", "192.0.2.1"},
                                             {"devices", "--source", "10.0.0.1", "--write", "--output", "x"}}) {
    const auto made = make(arguments);
    BOOST_TEST_CONTEXT(made.err) {
      BOOST_TEST(made.status == 2);
      BOOST_TEST(made.out.empty());
      BOOST_TEST(has(made.err, "connectorctl: "));
    }
  }
}

BOOST_AUTO_TEST_CASE(nothing_is_overwritten_and_what_does_not_fit_is_not_kept) {
  write({"devices", "--source", "10.0.0.1"});
  BOOST_TEST(make({"devices", "--source", "10.0.0.2", "--name", "devices"}).status == 1);
  std::ofstream(path / "connectors.d" / "devices-2.conf") << "\n";
  BOOST_TEST(make({"devices", "--source", "10.0.0.2", "--write"}).status == 1);
  const auto hidden = make({"devices", "--source", "10.0.0.9", "--name", ".hidden", "--write"});
  BOOST_TEST(hidden.status != 0);
  BOOST_TEST(has(hidden.err, "would not be read"));
  BOOST_TEST(!fs::exists(path / "connectors.d" / ".hidden.conf"));
  const auto unfit = make({"provider", "--source", "10.1.0.0/16", "--listener", "nowhere", "--write"});
  BOOST_TEST(unfit.status == 1);
  BOOST_TEST(has(unfit.err, "no listener"));
  BOOST_TEST(!fs::exists(path / "connectors.d" / "provider.conf"));
  const auto target = (path / "new.conf").string();
  BOOST_TEST(make({"devices", "--source", "10.0.0.2", "--output", target}).status == 0);
  BOOST_TEST(make({"devices", "--source", "10.0.0.2", "--output", target}).status == 1);
}

BOOST_AUTO_TEST_CASE(questions_on_a_terminal) {
  std::string rest;
  Terminal terminal({"new", "-c", config, "--write"});
  terminal.answer("Its number or word [required]: ", "printer");
  terminal.answer("'printer' is none of them: expected a number from 1 to 5", "devices");
  terminal.answer("Addresses, prefixes or ranges of the devices [none]: ", "10.0.0.300");
  terminal.answer("'10.0.0.300'", "10.20.0.0/24, 10.21.0.1");
  terminal.answer("Logins that they use [none]: ", "");
  terminal.answer("Sender addresses", "scanner@contoso.example");
  terminal.answer("Recipients: internal, any, domains or addresses [internal]: ", "");
  terminal.answer("Largest message [30M]: ", "10M");
  terminal.answer("Messages a minute of one device [30]: ", "");
  terminal.answer("Name of the connector [devices]: ", "printers");
  terminal.answer("or enforce [enforce]: ", "");
  BOOST_TEST(terminal.end(rest) == 0, rest);
  BOOST_TEST(outcome("10.21.0.1", "scanner@contoso.example", "u@contoso.example") == "accept");
  BOOST_TEST(run({"show", "printers", "-c", config}).status == 0);
}

BOOST_AUTO_TEST_CASE(a_terminal_is_asked_whether_to_write) {
  std::string rest;
  Terminal terminal({"new", "hybrid", "-c", config});
  terminal.answer("routing domain", "contoso.mail.onmicrosoft.com");
  for (const auto* question : {"X-OriginatorOrg", "The host that takes", "Name of the connector", "Mode"}) terminal.answer(question, "");
  terminal.answer("Write it to connectors.d/from-cloud.conf [yes]: ", "?");
  terminal.answer("checked together", "perhaps");
  terminal.answer("expected yes or no", "");
  BOOST_TEST(terminal.end(rest) == 0, rest);
  BOOST_TEST(fs::exists(path / "connectors.d" / "from-cloud.conf"));
}

BOOST_AUTO_TEST_CASE(the_same_twice_is_not_kept) {
  const std::vector<std::string> partner{"partner", "--domain", "f.example", "--direction", "in", "--source", "203.0.113.1", "--write"};
  const auto first = make(partner);
  BOOST_TEST(first.status == 0);
  BOOST_TEST(has(first.out, "once the line mode is taken out"));
  BOOST_TEST(!has(first.out, "Save this as"));
  BOOST_TEST(has(make({"smarthost", "--smart-host", "[s.f.example]"}).out, "Save this as connectors.d/to-provider.conf"));
  const auto second = make(partner);
  BOOST_TEST(second.status == 1);
  BOOST_TEST(has(second.err, "is not kept"));
  BOOST_TEST(!fs::exists(path / "connectors.d" / "f-2.conf"));
  // Beside an enforced one, and without an identity.
  auto enforced = partner;
  enforced.insert(enforced.end(), {"--name", "f"});
  fs::remove(path / "connectors.d" / "f.conf");
  enforced.insert(enforced.end(), {"--mode", "enforce"});
  BOOST_TEST(make(enforced).status == 0);
  BOOST_TEST(make(partner).status == 1);
  const std::vector<std::string> tls{"partner", "--domain", "g.example", "--direction", "in", "--write"};
  BOOST_TEST(make(tls).status == 0);
  BOOST_TEST(has(make(tls).err, "is not kept"));
  BOOST_TEST(std::distance(fs::directory_iterator(path / "connectors.d"), {}) == 2);
}

// The words of the command lines that are printed under "Try it:", as a shell reads them.
std::vector<std::vector<std::string>> tries(const std::string& text) {
  std::vector<std::vector<std::string>> out;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) {
    const auto at = line.find("connectorctl explain ");
    if (at == std::string::npos) continue;
    std::vector<std::string> words{""};
    bool quoted = false;
    for (const char c : line.substr(at + 13)) {
      if (c == '\'')
        quoted = !quoted;
      else if (c == ' ' && !quoted)
        words.emplace_back();
      else
        words.back() += c;
    }
    out.push_back(std::move(words));
  }
  return out;
}

BOOST_AUTO_TEST_CASE(what_is_printed_to_try_works) {
  const std::vector<std::pair<std::string, std::vector<std::string>>> cases{
      {"fabrikam", {"partner", "--domain", "*.fabrikam.example", "--direction", "in", "--source", "203.0.113.0/24", "--certificate", "*.f.example"}},
      {"g", {"partner", "--domain", ".g.example", "--direction", "in", "--source", "2001:db8::7", "--require-tls", "no"}},
      {"everyone", {"partner", "--domain", "*", "--direction", "in", "--certificate", "mx.h.example"}},
      {"provider", {"provider", "--source", "198.51.100.7", "--listener", "mx"}},
      {"lock", {"provider", "--certificate", ".p.example", "--require-tls", "yes", "--name", "lock"}},
      {"devices", {"devices", "--source", "10.20.0.0/24", "--sender", "scan@contoso.example"}},
      {"devices", {"devices", "--login", "*", "--recipient", "any"}},
      {"devices", {"devices", "--source", "10.20.0.1-10.20.0.9", "--login", "a b", "--recipient", "*.far.example"}}};
  for (const auto& [name, arguments] : cases) BOOST_TEST_CONTEXT(name) {
      const Host host;
      auto enforced = arguments;
      enforced.insert(enforced.end(), {"--mode", "enforce", "--write"});
      const auto made = host.make(enforced);
      BOOST_REQUIRE_MESSAGE(made.status == 0, made.err);
      const auto commands = tries(made.out);
      BOOST_REQUIRE_MESSAGE(commands.size() == 1U, made.out);
      auto words = std::vector<std::string>(commands[0].begin() + 1, commands[0].end());
      const auto explained = host.explain(words);
      BOOST_TEST(explained["action"] == "accept", made.out);
      BOOST_TEST(explained["connector"] == name, made.out);
    }
  write({"partner", "--domain", "fabrikam.example", "--smart-host", "[gw.fabrikam.example]", "--mode", "enforce"});
  const auto both = tries(make({"partner", "--domain", "*.k.example", "--smart-host", "[gw.fabrikam.example]", "--mode", "enforce"}).out);
  BOOST_REQUIRE_EQUAL(both.size(), 2U);
  BOOST_TEST(both[1].back() == "someone@mail.k.example");
  BOOST_TEST(tries(make({"smarthost", "--smart-host", "[gw.fabrikam.example]"}).out).size() == 1U);
}

// Line ends of comments are no part of the text.
std::string unfolded(std::string text) {
  for (auto at = text.find("\n# "); at != std::string::npos; at = text.find("\n# ", at)) text.replace(at, 3, " ");
  return text;
}

BOOST_AUTO_TEST_CASE(steps_fit_the_connector) {
  const std::vector<std::string> partner{"partner", "--domain", "fabrikam.example", "--direction", "in", "--source", "203.0.113.0/24"};
  auto steps = unfolded(make(partner).out);
  BOOST_TEST(has(steps, "reaches us from 203.0.113.0/24 alone, over TLS"), steps);
  BOOST_TEST(has(steps, "audit=would-reject/header_from/fabrikam"), steps);
  BOOST_TEST(has(steps, "set check_header_from = \"enforce\""), steps);
  write({"provider", "--source", "198.51.100.0/24"});
  steps = unfolded(make(partner).out);
  BOOST_TEST(has(steps, "203.0.113.0/24 alone, or through the connector provider, over TLS"), steps);
  BOOST_TEST(has(steps, "provider takes clear text"), steps);
  fs::remove(path / "connectors.d" / "provider.conf");
  write({"provider", "--source", "198.51.100.0/24", "--require-tls", "yes"});
  BOOST_TEST(!has(unfolded(make(partner).out), "takes clear text"));
  BOOST_TEST(!has(unfolded(make({"partner", "--domain", "*", "--direction", "in"}).out), "check_header_from"));
  const std::vector<std::string> devices{"devices", "--source", "10.0.0.1"};
  BOOST_TEST(has(unfolded(make(devices).out), "Take the addresses out of mynetworks"));
  auto tried = devices;
  tried.insert(tried.end(), {"--mode", "audit"});
  BOOST_TEST(has(unfolded(make(tried).out), "Once it is enforced (the line mode taken out), take the addresses"));
}

BOOST_AUTO_TEST_CASE(an_outbound_connector_for_the_same_recipients_is_not_written) {
  const std::vector<std::string> smarthost{"smarthost", "--smart-host", "[s.f.example]"};
  auto written = smarthost;
  written.insert(written.end(), {"--mode", "enforce"});
  write(written);
  const auto file = (path / "connectors.d" / "to-provider.conf").string();
  for (const auto* mode : {"audit", "enforce"}) {
    auto again = smarthost;
    again.insert(again.end(), {"--mode", mode});
    const auto printed = make(again);
    BOOST_TEST(printed.status == 0);
    BOOST_TEST(has(printed.err, "note: mail to \"*\" leaves by the outbound connector \"to-provider\""));
    again.emplace_back("--write");
    const auto refused = make(again);
    BOOST_TEST(refused.status == 1);
    BOOST_TEST(refused.out.empty());
    BOOST_TEST(has(refused.err, "nothing is written: mail to \"*\" leaves by the outbound connector \"to-provider\" (" + file + ":"), refused.err);
    BOOST_TEST(has(refused.err, "change that one, or disable it first (enabled = false)"));
    BOOST_TEST(!fs::exists(path / "connectors.d" / "to-provider-2.conf"));
  }
  std::ofstream(file) << "outbound = ( { name = \"to-provider\"; enabled = false; recipient_domains = \"*\"; smart_hosts = \"[a.example]\"; } );\n";
  write(smarthost);
  // A rule asks for more than the domain; other domains are other mail.
  std::ofstream(path / "connectors.d" / "rule.conf") << "outbound = ( { name = \"rule\"; recipient_domains = \".f.example\"; cost = 9; smart_hosts = "
                                                        "\"[192.0.2.1]\"; when = { sender_domains = \"contoso.example\"; }; } );\n";
  write({"partner", "--domain", ".f.example", "--direction", "out"});
  // The domain is the same whichever way it is written, and its place in the list does not matter.
  BOOST_TEST(make({"partner", "--domain", "g.example", "--domain", ".F.example.", "--direction", "out", "--write"}).status == 1);
}

BOOST_AUTO_TEST_CASE(a_terminal_that_goes_away) {
  std::string rest;
  Terminal terminal({"new", "partner", "-c", config});
  terminal.answer("mail domains", "");
  terminal.answer("an answer is needed here", "\x04");
  BOOST_TEST(terminal.end(rest) == 2, rest);
  BOOST_TEST(has(rest, "the input ended"), rest);
}

BOOST_AUTO_TEST_CASE(questions_depend_on_answers) {
  for (const auto& scenario : ctl::scenarios()) {
    if (scenario.word != "partner") continue;
    ctl::Answers answers;
    std::istringstream in("f.example\nout\n[gw.f.example]\nencrypt\n\n\n");
    std::ostringstream out;
    BOOST_TEST(ctl::ask(scenario, answers, {}, in, out));
    BOOST_TEST(!has(out.str(), "over TLS"));
    BOOST_TEST(!has(out.str(), "certificate"));
    BOOST_TEST(answers["smart-host"] == std::vector<std::string>{"[gw.f.example]"}, boost::test_tools::per_element());
  }
}

BOOST_AUTO_TEST_SUITE_END()

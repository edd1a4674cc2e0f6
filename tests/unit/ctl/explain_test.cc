// connectorctl explain beside the mail server: what its own relay check says first, and audit steps only where they say something.
#define BOOST_TEST_DYN_LINK
#include <stdlib.h>

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "run.h"

using namespace cm;
using nlohmann::json;

namespace {

struct Explain {
  Explain() {
    char name[] = "explain_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
  }
  Explain(const Explain&) = delete;
  ~Explain() { std::filesystem::remove_all(path); }

  std::string text(std::vector<std::string> arguments) const {
    std::ofstream(path / "c.conf") << main + "inbound = (\n" + inbound + ");\n";
    arguments.insert(arguments.begin(), {"explain", "-c", (path / "c.conf").string()});
    const auto result = run(std::move(arguments));
    BOOST_TEST(result.status == 0, result.err);
    return result.out;
  }
  json data(std::vector<std::string> arguments) const {
    arguments.emplace_back("--json");
    return json::parse(text(std::move(arguments)));
  }
  /// The recipients that Postfix's own check is asked about first.
  std::string checked(const std::vector<std::string>& client, const std::vector<std::string>& to) const {
    auto arguments = client;
    if (std::find(client.begin(), client.end(), "--from") == client.end()) arguments.insert(arguments.end(), {"--from", "a@elsewhere.example"});
    for (const auto& address : to) arguments.insert(arguments.end(), {"--to", address});
    std::string out;
    const auto explained = data(arguments);
    for (const auto& address : explained["relay_check"]) out += address.get<std::string>() + " ";
    return out;
  }

  std::string main = "organization = { domains = \".contoso.example\"; };\nlisteners = ( { name = \"closed\"; closed = true; } );\npolicy = { };\n";
  std::string inbound = R"(
  { name = "printer"; type = "device"; source_ips = "192.0.2.9"; recipients = "internal"; },
  { name = "hub"; type = "on_premises"; source_ips = "192.0.2.10"; },
  { name = "cloud"; type = "on_premises"; source_ips = "192.0.2.11"; require_header = { name = "X-Tenant"; values = [ "contoso" ]; }; },
  { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; source_ips = "203.0.113.5"; }
)";
  std::filesystem::path path;
};

const std::vector<std::string> far{"u@far.example"}, both{"u@contoso.example", "u@far.example"};

}  // namespace

BOOST_FIXTURE_TEST_CASE(the_relay_check_of_postfix_comes_before_the_milter, Explain) {
  BOOST_TEST(checked({"--client", "192.0.2.9"}, both) == "u@far.example ");  // refused by its limits, and nobody permits it
  BOOST_TEST(checked({"--client", "198.51.100.1"}, both) == "u@far.example ");
  BOOST_TEST(checked({"--client", "203.0.113.5", "--from", "a@fabrikam.example"}, far) == "u@far.example ");
  BOOST_TEST(checked({"--client", "192.0.2.11"}, far) == "u@far.example ");  // its header is not known yet
  // The policy service permits it, a login does, or nothing is asked.
  BOOST_TEST(checked({"--client", "192.0.2.10"}, both) == "");
  BOOST_TEST(checked({"--client", "198.51.100.1", "--auth", "anna"}, far) == "");
  BOOST_TEST(checked({"--local"}, far) == "");
  BOOST_TEST(checked({"--client", "198.51.100.1"}, {"u@contoso.example", "postmaster"}) == "");
  BOOST_TEST(checked({"--client", "198.51.100.1", "--listener", "closed"}, far) == "");  // refused before there is a recipient
  // The header came later than the permission.
  BOOST_TEST(checked({"--client", "192.0.2.10", "--header", "Subject: a\rb"}, far) == "");
  main.erase(main.find("policy"));
  BOOST_TEST(checked({"--client", "192.0.2.10"}, both) == "u@far.example ");
}

BOOST_FIXTURE_TEST_CASE(the_relay_check_is_one_line, Explain) {
  const auto refused = text({"--client", "192.0.2.9", "--from", "a@contoso.example", "--to", "u@far.example", "--to", "v@far.example"});
  BOOST_TEST(has(refused,
                 "\nnote      u@far.example and v@far.example: Postfix's own relay check comes first: unless smtpd_relay_restrictions permits this "
                 "client (mynetworks, login), it answers Relay access denied\n"));
  BOOST_TEST(!has(text({"--client", "192.0.2.9", "--from", "a@contoso.example", "--to", "u@contoso.example"}), "note"));
}

BOOST_FIXTURE_TEST_CASE(audit_steps_that_say_the_same_are_left_out, Explain) {
  const std::vector<std::string> forged{"--client", "198.51.100.1",      "--from",   "a@elsewhere.example",
                                        "--to",     "u@contoso.example", "--header", "From: x@w.example"};
  inbound += R"(, { name = "wingtip"; type = "partner"; sender_domains = "w.example"; source_ips = "203.0.113.6"; check_header_from = "enforce"; })";
  BOOST_TEST(data(forged)["rule"] == "header_from");
  BOOST_TEST(data(forged)["audit_steps"] == json::array());
  BOOST_TEST(!has(text(forged), "audit steps"));
  // Where the check is in audit they differ; a connector in audit has its steps anyway.
  inbound.replace(inbound.rfind("enforce"), 7, "audit");
  BOOST_TEST(!data(forged)["audit_steps"].empty());
  inbound.replace(inbound.rfind("audit"), 5, "enforce");
  inbound += R"(, { name = "trial"; type = "device"; mode = "audit"; source_ips = "192.0.2.20"; })";
  BOOST_TEST(!data(forged)["audit_steps"].empty());
}

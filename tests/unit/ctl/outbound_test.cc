// connectorctl about outbound connectors: check, list and show. Configs are written below the current directory.
#define BOOST_TEST_DYN_LINK
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ctl/command.h"

namespace fs = std::filesystem;
using namespace cm;
using nlohmann::json;

namespace {

constexpr const char* routes = R"(
organization = { domains = ".contoso.example"; };
maps = { };
outbound = (
  { name = "to-fabrikam"; recipient_domains = ".fabrikam.example"; tls = "verify"; tls_domains = "mx.fabrikam.example";
    min_tls_version = "TLSv1.2"; },
  { name = "home"; recipient_domains = [ "organization", "d.example" ]; smart_hosts = "[192.0.2.9]:2525"; cost = 5; },
  { name = "gate"; mode = "audit"; smart_hosts = "[192.0.2.8]"; when = { sender_domains = "<>"; header = { name = "X-\"Class"; matches = "a\\.b"; }; }; }
);
)";

constexpr const char* printer = R"(
inbound = ( { name = "printer"; type = "device"; source_ips = "192.0.2.9"; recipients = "internal"; } );
)";

struct Written {
  Written() {
    char name[] = "outbound_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
  }
  Written(const Written&) = delete;
  ~Written() { fs::remove_all(path); }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  fs::path path;
};

struct Answer {
  std::string out;
  [[nodiscard]] json data() const { return json::parse(out); }
};

Answer run(std::vector<std::string> arguments) {
  std::ostringstream out, err;
  BOOST_TEST(ctl::run(std::move(arguments), out, err) == 0, err.str());
  return {out.str()};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_SUITE(outbound, Written)

BOOST_AUTO_TEST_CASE(outbound_connectors_are_counted_and_listed) {
  const auto config = write("c.conf", routes);
  BOOST_TEST(run({"check", "-c", config}).out == "3 connectors, 0 errors, 0 warnings\n");
  const auto text = run({"list", "-c", config}).out;
  BOOST_TEST(has(text, "to-fabrikam  outbound  enforce  yes      .fabrikam.example        1     MX                verify\n"));
  BOOST_TEST(has(text, "home         outbound  enforce  yes      organization, d.example  5     [192.0.2.9]:2525  -\n"));
  BOOST_TEST(has(text, "gate         outbound  audit    yes      by rule                  1     [192.0.2.8]       -\n"));
  BOOST_TEST(!has(text, "IDENTITY"));
  const auto data = run({"list", "--json", "-c", config}).data();
  BOOST_TEST(data.size() == 3U);
  BOOST_TEST(data.at(1).at("next_hop") == "[192.0.2.9]:2525");
  BOOST_TEST(data.at(1).at("tls").is_null());
  BOOST_TEST(data.at(0).at("at") == config + ":5");
  const auto both = write("b.conf", std::string(routes) + printer);
  BOOST_TEST(has(run({"list", "-c", both}).out, "\n\nNAME         TYPE      MODE"));
  BOOST_TEST(run({"list", "--json", "-c", both}).data().at(3).at("type") == "outbound");
}

BOOST_AUTO_TEST_CASE(show_tells_outbound_connectors_in_the_config_language) {
  const auto config = write("c.conf", routes);
  const auto text = run({"show", "home", "-c", config}).out;
  BOOST_TEST(has(text, "# outbound connector home, " + config + ":7\n"));
  BOOST_TEST(has(text, "recipient_domains = [ \"organization\", \"d.example\" ];"));
  BOOST_TEST(has(text, "# tls is not set"));
  BOOST_TEST(has(text, "transport = \"smtp\";                               # default"));
  for (const std::string name : {"to-fabrikam", "home", "gate"}) {
    const auto shown = run({"show", name, "-c", config});
    const auto again = write("again.conf", "organization = { domains = \".contoso.example\"; };\nmaps = { };\noutbound = (\n" + shown.out + ");\n");
    BOOST_TEST(run({"check", "-c", again}).out == "1 connectors, 0 errors, 0 warnings\n");
    // All but the places.
    const auto first = run({"show", name, "--json", "-c", config}).data(), second = run({"show", name, "--json", "-c", again}).data();
    for (std::size_t i = 0; i < first["settings"].size(); ++i)
      BOOST_TEST(first["settings"].at(i).at("value") == second["settings"].at(i).at("value"));
  }
  const auto gate = run({"show", "gate", "--json", "-c", config}).data();
  BOOST_TEST(gate["settings"].back().at("value").at("header").at("matches") == "a\\.b");
  BOOST_TEST(gate["settings"].back().at("at") == config + ":8");
}

BOOST_AUTO_TEST_SUITE_END()

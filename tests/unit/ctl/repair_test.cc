// connectorctl about `repair` and `rewrite_sender`: show and explain.
#define BOOST_TEST_DYN_LINK
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "ctl/command.h"

using namespace cm;

namespace {

constexpr const char* devices = R"(
organization = { domains = ".contoso.example"; };
inbound = (
  { name = "printer"; type = "device"; source_ips = "192.0.2.9"; recipients = "internal";
    repair = [ "message_id", "date" ]; rewrite_sender = "scans@contoso.example"; },
  { name = "copier"; type = "device"; source_ips = "192.0.2.10"; recipients = "internal"; },
  { name = "server"; type = "on_premises"; source_ips = "192.0.2.11"; }
);
)";

struct Devices {
  Devices() {
    char name[] = "repair_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
    std::ofstream(path / "c.conf") << devices;
  }
  Devices(const Devices&) = delete;
  ~Devices() { std::filesystem::remove_all(path); }

  std::string run(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-c", (path / "c.conf").string()});
    std::ostringstream out, err;
    BOOST_TEST(ctl::run(std::move(arguments), out, err) == 0, err.str());
    return out.str();
  }
  std::filesystem::path path;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_FIXTURE_TEST_CASE(repairs_are_shown, Devices) {
  const auto printer = run({"show", "printer"});
  BOOST_TEST(has(printer, "  repair = [ \"date\", \"message_id\" ];"));
  BOOST_TEST(has(printer, "  rewrite_sender = \"scans@contoso.example\";"));
  BOOST_TEST(has(printer, "c.conf:5\n}"));
  BOOST_TEST(has(run({"show", "copier"}), "# repair is not set\n  # rewrite_sender is not set"));
  BOOST_TEST(!has(run({"show", "server"}), "rewrite_sender"));
  BOOST_TEST(!has(run({"show", "server"}), "repair ="));
}

BOOST_FIXTURE_TEST_CASE(repairs_are_explained, Devices) {
  const std::vector<std::string> question{"explain", "--client", "192.0.2.9", "--from", "p@contoso.example", "--to", "u@contoso.example"};
  const auto text = run(question);
  BOOST_TEST(has(text, "sender    becomes scans@contoso.example\n"));
  BOOST_TEST(has(text, "adds      Date: (time of receipt)\nadds      Message-ID: <explain22222@(name of the mail server)>\n"));
  auto with = question;
  with.insert(with.end(), {"--json", "--header", "Date: yesterday"});
  const auto data = nlohmann::json::parse(run(with));
  BOOST_TEST(data["rewrite_sender"] == "scans@contoso.example");
  BOOST_TEST(data["add_headers"].size() == 2U);  // trust and Message-ID
  with[2] = "192.0.2.10";
  BOOST_TEST(nlohmann::json::parse(run(with))["rewrite_sender"].is_null());
}

// What `connectorctl import` prints, and in which order: what became weaker first, what is main.cf's business last and once, nothing that
// steers a terminal.
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "run.h"

namespace fs = std::filesystem;
using namespace cm;
using nlohmann::json;

namespace {

struct Export {
  Export() {
    char name[] = "import_output_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
  }
  ~Export() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] Result import(const json& connectors, std::vector<std::string> more = {}, const std::string& name = "export.json") const {
    std::ofstream(path / name) << connectors.dump();
    more.insert(more.begin(), {"import", (path / name).string(), "--domain", ".contoso.example", "-c", (path / "none.conf").string()});
    return run(std::move(more));
  }
  fs::path path;
};

json receive(const std::string& name, const json& more) {
  json object{{"Name", name},
              {"Enabled", true},
              {"Bindings", {"0.0.0.0:25"}},
              {"RemoteIPRanges", {"192.0.2.0/24"}},
              {"AuthMechanism", "Tls"},
              {"PermissionGroups", "AnonymousUsers"},
              {"RequireTLS", false}};
  object.update(more);
  return object;
}

// Restricts to addresses that are not there: an error.
json broken_partner() {
  return {{"Name", "P"},
          {"Enabled", true},
          {"ConnectorType", "Partner"},
          {"SenderDomains", {"f.example"}},
          {"SenderIPAddresses", json::array()},
          {"RestrictDomainsToIPAddresses", true},
          {"RestrictDomainsToCertificate", false},
          {"RequireTls", true}};
}

std::size_t times(const std::string& text, const std::string& part) {
  std::size_t out = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++out;
  return out;
}

}  // namespace

BOOST_FIXTURE_TEST_SUITE(import_output, Export)

BOOST_AUTO_TEST_CASE(what_is_the_mail_servers_business_stands_last_and_once) {
  const json two{receive("R1", {{"MaxHopCount", 7}, {"Banner", "220 x"}, {"Odd", "1"}}), receive("R2", {{"MaxHopCount", 7}}), broken_partner()};
  const auto done = import(two);
  BOOST_TEST(done.status == 1);
  for (const auto* text : {&done.out, &done.err}) {
    const auto head = text->find("Set once for all mail by the mail server");
    BOOST_REQUIRE(head != std::string::npos);
    for (const auto* line : {"MaxHopCount: (7) the limit on hops is Postfix's: hopcount_limit [\"R1\", \"R2\"]", "Banner: (220 x) "}) {
      BOOST_TEST(times(*text, line) == 1U, line);
      BOOST_TEST(text->find(line) > head, line);
    }
    for (const auto* line : {"Odd: (1) is not known", "RestrictDomainsToIPAddresses is true"}) BOOST_TEST(text->find(line) < head, line);
  }
  BOOST_TEST(done.err.find(": error: ") < done.err.find(": warning: "));
  BOOST_TEST(has(done.err, "; 1 error, "));
  BOOST_TEST(has(done.err, " warnings, 2 notes\n"));
  BOOST_TEST(!has(done.out, "WARNING MaxHopCount"));
}

BOOST_AUTO_TEST_CASE(a_partner_behind_an_imported_lock) {
  auto lock = broken_partner(), partner = broken_partner();
  lock.update({{"Name", "Lock"}, {"SenderDomains", {"*"}}, {"SenderIPAddresses", {"198.51.100.0/24"}}});
  partner.update({{"Name", "Fab"}, {"SenderIPAddresses", {"203.0.113.0/24"}}});
  const std::string said =
      "its mail that comes through the connector about all senders is refused here; if it may come that way, add via = [ \"lock\" ]";
  const auto both = import(json{lock, partner});
  BOOST_TEST(has(both.err, "InboundConnector \"Fab\": warning: " + said), both.err);
  BOOST_TEST(has(both.out, "# WARNING: its mail that comes through"));
  BOOST_TEST(!has(both.out, "  via = "));
  BOOST_TEST(!has(import(json{partner}).err, "if it may come that way"));
  lock["Enabled"] = false;
  BOOST_TEST(!has(import(json{lock, partner}).err, "if it may come that way"));
}

BOOST_AUTO_TEST_CASE(notes_are_data_too) {
  auto sound = broken_partner();
  sound.update({{"Name", "A"}, {"SenderDomains", {"a.example"}}, {"RestrictDomainsToIPAddresses", false}, {"Banner", "220 x"}, {"Odd", "1"}});
  const auto data = json::parse(import(json{sound, receive("R1", {{"MaxHopCount", 7}}), broken_partner()}, {"--json"}).out);
  std::vector<std::string> levels;
  for (const auto& remark : data["remarks"]) levels.push_back(remark["level"]);
  BOOST_REQUIRE(levels.size() >= 3U);
  BOOST_TEST(levels.front() == "error");
  BOOST_TEST(levels.back() == "note");
  BOOST_TEST(data["remarks"].back()["parameter"] == "MaxHopCount");
  BOOST_TEST(data["remarks"].back()["connector"] == "R1");
  BOOST_TEST(has(import(json{receive("R1", json::object())}).err, ", 0 notes\n"));
  BOOST_TEST(!has(import(json{receive("R1", json::object())}).err, "Set once for all mail"));
}

BOOST_AUTO_TEST_CASE(control_characters_of_the_export_are_not_printed) {
  const std::string steers =
      "a\xc2\x9b"
      "31mb\x1b[m\xc2\x85\xe2\x80\xae";
  auto partner = broken_partner();
  partner.update({{"Name", steers}, {"Comment", steers}, {"Odd" + steers, steers}, {"MaxHopCount", steers}, {"TlsSenderCertificateName", steers}});
  auto outbound = json{{"Name", steers},        {"Enabled", true},        {"ConnectorType", "Partner"},        {"RecipientDomains", {"*." + steers}},
                       {"UseMXRecord", false},  {"SmartHosts", {steers}}, {"TlsSettings", "DomainValidation"}, {"TlsDomain", steers},
                       {"SmtpDaneMode", steers}};
  const auto done = import(json{partner, outbound, receive(steers, {{"Banner", steers}, {"Bindings", {steers + ":26"}}})}, {}, steers + ".json");
  for (const auto& text : {done.out, done.err}) {
    BOOST_TEST(has(text, "a?31mb?[m"));
    for (const auto* part : {"\xc2\x9b", "\x1b", "\xc2\x85", "\xe2\x80\xae"}) BOOST_TEST(!has(text, part));
  }
}

BOOST_AUTO_TEST_SUITE_END()

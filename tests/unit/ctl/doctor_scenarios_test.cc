// doctor has nothing to say of a Postfix that has the lines that `connectorctl postfix` prints, whatever the config: that of each scenario.
#define BOOST_TEST_DYN_LINK
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "../../scenarios/scenario.h"
#include "doctor_machine.h"

namespace fs = std::filesystem;
using namespace cm;
using namespace cm::ctl::doctor;

namespace {

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

/// What is the administrator's own: ports for the listeners, domains, transports.
void set_up(Machine& m, const PolicyData& policy) {
  m.policy = policy;
  m.name_listeners();
  std::string domains;
  for (const auto& pattern : policy.organization.domains)
    if (pattern.kind != DomainPattern::Kind::below) domains += pattern.domain + " ";
  m.main()["relay_domains"] = domains;
  for (const auto& connector : policy.outbound)
    if (connector.client_certificate.empty() && !m.postfix().find(connector.transport + "/unix")) m.add(connector.transport, "unix", "smtp");
  m.main()["mynetworks"] = "127.0.0.0/8";
  m.apply();
}

std::string found_in(const fs::path& file, const fs::path& directory) {
  std::stringstream text;
  text << std::ifstream(file).rdbuf();
  scenario::Problems problems;
  const auto parsed = scenario::parse(text.str(), problems);
  write(directory / "connector-milter.conf", parsed.config);
  for (const auto& [name, content] : parsed.files) write(directory / name, content);
  const auto loaded = config::load(directory / "connector-milter.conf");
  if (!loaded.config) return "its config does not load";
  Machine m;
  m.service = loaded.config->service;
  set_up(m, loaded.config->policy.data());
  const auto found = m.findings();
  return found.empty() ? "" : to_text(found, false);
}

}  // namespace

BOOST_AUTO_TEST_CASE(doctor_is_content_with_the_lines_that_postfix_prints) {
  const char* source = ::getenv("CM_SOURCE");
  BOOST_REQUIRE(source);
  const auto directory = fs::current_path() / "doctor-scenarios-test";
  int files = 0;
  for (const auto& entry : fs::directory_iterator(fs::path(source) / "tests/scenarios")) {
    if (entry.path().extension() != ".scn") continue;
    fs::remove_all(directory);
    BOOST_TEST(found_in(entry.path(), directory) == "", entry.path().filename());
    ++files;
  }
  fs::remove_all(directory);
  BOOST_TEST(files > 50);
}

// The configs we ship load without a word, and a large one loads in a time that grows with its size.
#define BOOST_TEST_DYN_LINK
#include <chrono>
#include <cstdlib>
#include <sstream>

#include "config/report.h"
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

namespace {

fs::path conf() {
  const char* source = std::getenv("CM_SOURCE");
  BOOST_REQUIRE(source != nullptr);
  return fs::path(source) / "conf";
}

// What stands between lines of three backquotes.
Lines fenced_blocks(const fs::path& file) {
  std::ifstream in(file);
  Lines blocks;
  bool fenced = false;
  for (std::string line; std::getline(in, line);) {
    if (line.starts_with("```")) {
      fenced = !fenced;
      if (fenced) blocks.emplace_back();
    } else if (fenced) {
      blocks.back() += line + "\n";
    }
  }
  return blocks;
}

// Many connectors of every kind, none comparable with another but by its own pattern.
std::string many(int count) {
  std::string out = base + "inbound = (\n";
  for (int i = 0; i < count; ++i) {
    const auto n = std::to_string(i);
    const auto ip = "\"10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + "\"";
    out += i == 0 ? "" : ",\n";
    out += "{ name = \"c" + n + "\"; type = ";
    if (i % 4 == 0) out += "\"partner\"; sender_domains = \"*\"; certificates = \"m" + n + ".example\"; }";
    if (i % 4 == 1) out += "\"relay\"; source_ips = " + ip + "; }";
    if (i % 4 == 2) out += "\"relay\"; certificates = \"one.example\"; source_ips = " + ip + "; }";
    if (i % 4 == 3) out += "\"relay\"; certificates = \"two.example\"; auth_users = \"u" + n + "\"; }";
  }
  return out + "\n);\n";
}

// Routes of every kind, with next hops and transports that many share.
std::string many_outbound(int count) {
  std::string domains, out;
  for (int i = 0; i < count; ++i) {
    const auto n = std::to_string(i);
    domains += (i == 0 ? "\".u" : ", \".u") + n + ".example\"";
    out += (i == 0 ? "" : ",\n") + std::string("{ name = \"c") + n + "\"; ";
    if (i % 4 == 0) out += "recipient_domains = [ \".d" + n + ".example\", \"u" + n + ".example\" ]; smart_hosts = \"[mx.example]\"; }";
    if (i % 4 == 1) out += "recipient_domains = \"*.e" + n + ".example\"; smart_hosts = \"mx" + n + ".example\"; tls = \"encrypt\"; }";
    if (i % 4 == 2) out += "recipient_domains = \"f" + n + ".example\"; tls = \"verify\"; tls_domains = \".f" + n + ".example\"; }";
    if (i % 4 == 3)
      out += "when = { sender_domains = \"g" + n + ".example\"; header = { name = \"X-C\"; matches = \"^" + n + "\"; }; }; cost = " + n +
             "; smart_hosts = \"[192.0.2.1]\"; }";
  }
  return "organization = { domains = [ " + domains + " ]; };\nmaps = { };\noutbound = (\n" + out + "\n);\n";
}

double seconds_to_load(const std::string& text) {
  const Directory directory;
  directory.write("main.conf", text);
  const auto start = std::chrono::steady_clock::now();
  const auto result = directory.load();
  BOOST_TEST(result.config != nullptr);
  BOOST_TEST(result.diagnostics.empty());
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

BOOST_AUTO_TEST_CASE(shipped_configs_load_without_a_word) {
  for (const auto* file : {"connector-milter.conf", "examples/contoso/connector-milter.conf"}) {
    const auto result = load(conf() / file);
    for (const auto& d : result.diagnostics) BOOST_ERROR(d.to_string());
    BOOST_TEST(result.config != nullptr);
  }
  BOOST_TEST(load(conf() / "connector-milter.conf").connectors == 0U);
  BOOST_TEST(load(conf() / "examples/contoso/connector-milter.conf").connectors == 13U);
}

BOOST_AUTO_TEST_CASE(defaults_shown_in_the_main_file_are_the_defaults) {
  // A default is shown as `#name = value;`, or as a group of lines from `#name = {` to `#};`. "# Example:" lines stay comments.
  std::ifstream in(conf() / "connector-milter.conf");
  std::string text, line;
  while (std::getline(in, line)) {
    const auto mark = line.find('#');
    const bool shown = mark != std::string::npos && mark + 1 < line.size() && line[mark + 1] != ' ';
    const bool inside = line.starts_with("#  ") && line.ends_with(";");
    if (shown || inside) line.erase(mark, 1);
    text += line + "\n";
  }
  const Directory directory;
  directory.write("main.conf", text);
  const auto shown = directory.load();
  for (const auto& l : directory.lines(shown)) BOOST_TEST_MESSAGE(l);
  BOOST_REQUIRE(shown.config);
  const auto silent = load(conf() / "connector-milter.conf");
  const auto &a = shown.config->service, &b = silent.config->service;
  BOOST_TEST(a.milter.address == b.milter.address);
  BOOST_TEST(a.milter.group == b.milter.group);
  BOOST_TEST(a.milter.mode == b.milter.mode);
  BOOST_TEST(a.control.address == b.control.address);
  BOOST_TEST((!b.maps && !b.policy));
  directory.write("main.conf", base + "maps = { };\npolicy = { };");
  const auto empty = directory.load();
  for (const auto& [here, there] : {std::pair(&a.maps, &empty.config->service.maps), std::pair(&a.policy, &empty.config->service.policy)}) {
    BOOST_REQUIRE((here->has_value() && there->has_value()));
    BOOST_TEST((*here)->address == (*there)->address);
    BOOST_TEST((*here)->group == (*there)->group);
    BOOST_TEST((*here)->mode == (*there)->mode);
  }
  BOOST_TEST((a.log_target == b.log_target && a.log_level == b.log_level));
  BOOST_TEST(shown.config->policy.data().strip_headers == silent.config->policy.data().strip_headers, boost::test_tools::per_element());
  BOOST_TEST(shown.config->policy.data().header_prefix == silent.config->policy.data().header_prefix);
}

BOOST_AUTO_TEST_CASE(what_the_guides_show_can_be_copied) {
  for (const auto* file : {"README.md", "packaging/docs/cloud-tenant.md", "packaging/docs/first-connectors.md", "packaging/docs/outbound.md"}) {
    int configs = 0;
    for (const auto& block : fenced_blocks(conf().parent_path() / file)) {
      const bool whole = block.starts_with("organization"), outbound = block.starts_with("outbound");
      const bool part = block.starts_with("inbound") || block.starts_with("maps") || outbound;
      if (whole || part)
        BOOST_TEST(diagnose((whole ? "" : outbound ? base + "maps = { };\n" : base) + block) == Lines{}, boost::test_tools::per_element());
      configs += whole || part ? 1 : 0;
    }
    BOOST_TEST(configs > 0, file << " shows no config");
  }
}

BOOST_AUTO_TEST_CASE(no_comment_stands_behind_a_value_of_postfix) {  // which would take it for a part of the value
  int lines = 0;
  for (const auto& block : fenced_blocks(conf().parent_path() / "README.md")) {
    if (block.find("smtpd_milters = ") == std::string::npos) continue;
    std::istringstream in(block);
    for (std::string line; std::getline(in, line); ++lines) BOOST_TEST((line.starts_with("#") || line.find('#') == std::string::npos), line);
  }
  BOOST_TEST(lines > 1);
}

BOOST_AUTO_TEST_CASE(every_setting_of_the_commented_connector_is_known) {
  std::ifstream in(conf() / "connectors.d/README.conf");
  std::string text, line;
  for (bool code = false; std::getline(in, line);) {
    code = code || line == "#inbound = (";
    const bool prose = line.size() > 2 && line[1] == ' ' && line[2] != ' ';
    if (code) text += line.substr(prose ? 0 : 1) + "\n";
  }
  const Directory directory;
  directory.write("main.conf", base + "maps = { };\n" + text);
  directory.write("fabrikam.ips", "192.0.2.77\n");
  const auto result = directory.load();
  BOOST_TEST(result.connectors == 4U);
  for (const auto& l : directory.lines(result))
    BOOST_TEST(
        (l.find("do not take this setting") != std::string::npos || l.find("there is no inbound connector \"provider\"") != std::string::npos ||
         l.find("there is no file \"/etc/postfix/tls/contoso.") != std::string::npos),
        l);
}

BOOST_AUTO_TEST_CASE(loading_grows_with_the_number_of_connectors) {
  for (const auto& text : {many, many_outbound}) {
    const double small = seconds_to_load(text(2000)), large = seconds_to_load(text(20000));
    BOOST_TEST_MESSAGE("2000: " << small << " s, 20000: " << large << " s");
    BOOST_TEST(large < 40 * small + 1);  // ten times as many; pairwise work would be a hundred times as much
  }
}

BOOST_AUTO_TEST_CASE(a_long_list_file) {
  const Directory directory;
  std::string list;
  for (int i = 0; i < 100000; ++i)
    list += "10." + std::to_string(i >> 16) + "." + std::to_string(i >> 8 & 255) + "." + std::to_string(i & 255) + "\n";
  directory.write("list", list);
  directory.write("main.conf", base +
                                   "inbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"file:list\"; },\n{ name = \"b\"; type = \"relay\"; "
                                   "source_ips = \"file:list\"; } );");
  const auto result = directory.load();
  BOOST_TEST(result.diagnostics.size() == 1);
  BOOST_TEST(directory.lines(result).at(0).starts_with("main.conf:4: error: inbound.b: could tie with the inbound connector \"a\""));
}

BOOST_AUTO_TEST_CASE(quoting_and_suggestions) {
  BOOST_TEST(quote("a\n\x7f\x01") == "\"a\\x0a\\x7f\\x01\"");
  BOOST_TEST(quote("b\xc3\xbc") == "\"b\xc3\xbc\"");
  BOOST_TEST(quote("\xc3") == "\"\\xc3\"");
  BOOST_TEST(quote(std::string(79, 'a') + "\xc3\xbc\xc3\xbc") == "\"" + std::string(79, 'a') + "...\"");
  BOOST_TEST(slips("enforce", "ENFORCE") == 0U);
  BOOST_TEST(slips("ab", "ba") == 1U);
  BOOST_TEST(slips("", "abc") == 3U);
  BOOST_TEST(slips("sender_domian", "sender_domains") == 2U);
}

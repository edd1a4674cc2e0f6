// Every outbound setting: its default, its values, and what is said about a wrong one.
#define BOOST_TEST_DYN_LINK
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

namespace {

/// Maps are there, so that nothing is said about their absence; what follows begins in line 4.
const std::string with_maps = base + "maps = { };\n";

OutboundConnector outbound(const std::string& entry) {
  const Directory directory;
  directory.write("main.conf", with_maps + "outbound = ( " + entry + " );\n");
  const auto result = directory.load();
  for (const auto& line : directory.lines(result)) BOOST_TEST_MESSAGE(line);
  BOOST_REQUIRE(result.config);
  return result.config->policy.data().outbound.at(0);
}

/// What is said about `name = "a"` and these settings, without "main.conf:4: LEVEL: outbound.a".
void check_settings(const std::vector<Case>& cases) {
  std::vector<Case> full;
  for (const auto& c : cases) {
    full.push_back({"{ name = \"a\"; " + c.text + " }", {}});
    for (const auto& e : c.expected) full.back().expected.push_back("main.conf:4: error: outbound.a" + e);
  }
  check(with_maps + "outbound = ( ", full, "\n);\n");
}

const std::string scope = "recipient_domains = \"d.example\"; ";
const std::string pin = "AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89:AB:CD:EF:01:23:45:67:89";

std::string next_hop(const std::string& host) {
  return outbound("{ name = \"a\"; " + scope + "smart_hosts = \"" + host + "\"; }").smart_hosts.at(0).next_hop;
}

}  // namespace

BOOST_AUTO_TEST_CASE(outbound_defaults) {
  const auto c = outbound("{ name = \"a\"; recipient_domains = \"d.example\"; }");
  BOOST_TEST((c.enabled && c.mode == Mode::enforce && c.comment.empty() && !c.organization && !c.when));
  BOOST_TEST((c.smart_hosts.empty() && c.tls == OutboundTls::unset && c.min_tls_version == TlsVersion::none));
  BOOST_TEST(c.cost == 1U);
  BOOST_TEST(c.transport == "smtp");
  BOOST_TEST(c.at.line == 4U);
}

BOOST_AUTO_TEST_CASE(outbound_values) {
  const auto c = outbound(R"({ name = "a"; enabled = false; comment = "x"; mode = "audit"; cost = 7;
    recipient_domains = [ "organization", ".Bücher.example", "*" ]; smart_hosts = ( "MX.d.example", "[mx.d.example]:587" ); transport = "own_1.x-y";
    tls = "verify"; tls_domains = [ "a.example", ".B.example", "*.c.example" ]; min_tls_version = "TLSv1.3";
    client_certificate = "/dev/null"; client_key = "/dev/null"; })");
  BOOST_TEST((!c.enabled && c.mode == Mode::audit && c.organization && c.recipient_domains.size() == 2));
  BOOST_TEST(c.comment == "x");
  BOOST_TEST(c.cost == 7U);
  BOOST_TEST(c.recipient_domains.at(0).to_string() == ".xn--bcher-kva.example");
  BOOST_TEST(c.smart_hosts.at(1).next_hop == "[mx.d.example]:587");
  BOOST_TEST(c.transport == "own_1.x-y");
  BOOST_TEST((c.tls == OutboundTls::verify && c.min_tls_version == TlsVersion::tls1_3));
  BOOST_TEST((c.tls_domains.at(1).to_string() + c.tls_domains.at(2).to_string()) == ".b.example*.c.example");
  BOOST_TEST((c.client_certificate + c.client_key) == "/dev/null/dev/null");
}

BOOST_AUTO_TEST_CASE(a_connector_with_a_certificate_has_a_transport_of_its_own) {
  const auto c = outbound("{ name = \"to-d\"; " + scope + "client_certificate = \"/dev/null\"; client_key = \"/dev/null\"; }");
  BOOST_TEST(c.transport == "smtp-to-d");
}

BOOST_AUTO_TEST_CASE(outbound_words) {
  const auto tls = [](const std::string& word) { return outbound("{ name = \"a\"; " + scope + "tls = \"" + word + "\"; }").tls; };
  BOOST_TEST((tls("none") == OutboundTls::none && tls("opportunistic") == OutboundTls::opportunistic && tls("encrypt") == OutboundTls::encrypt));
  BOOST_TEST((tls("dane") == OutboundTls::dane && tls("dane_only") == OutboundTls::dane_only));
}

BOOST_AUTO_TEST_CASE(outbound_provenance_says_where) {
  const Directory directory;
  directory.write("main.conf", with_maps + "outbound = (\n{ name = \"a\";\n recipient_domains =\n \"d.example\"; } );");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  BOOST_REQUIRE(result.config->outbound_provenance.size() == 1U);
  BOOST_TEST(result.config->outbound_provenance.at(0).line_of("recipient_domains").value() == 6U);
  BOOST_TEST(!result.config->outbound_provenance.at(0).contains("cost"));
}

BOOST_AUTO_TEST_CASE(outbound_common_errors) {
  check_settings({
      {"", {".recipient_domains: is missing: the domains whose mail leaves this way: patterns, \"organization\", or \"*\" for all others"}},
      {"recipient_domains = [ \"organisation\", \"<>\", \"b..example\", \"u@d.example\", \"*.*\", \"localhost\" ];",
       {".recipient_domains[0]: \"organisation\": expected \"organization\" or a domain pattern (did you mean \"organization\"?)",
        ".recipient_domains[1]: \"<>\" is the null sender, and no recipient has that address: remove it",
        ".recipient_domains[2]: \"b..example\": the domain has an empty label",
        ".recipient_domains[3]: \"u@d.example\": expected a domain, not an address", ".recipient_domains[4]: \"*.*\": a wildcard may only stand..."}},
      {"recipient_domains = [ ];", {".recipient_domains: the list is empty: name at least one, or leave the setting out"}},
      {"recipient_domains = 5; enabled = 1; comment = 2; mode = \"audits\";",
       {".enabled: expected true or false without quotes, found a number", ".comment: expected a string in double quotes, found a number",
        ".mode: \"audits\" is not known here: expected \"enforce\" or \"audit\" (did you mean \"audit\"?)",
        ".recipient_domains: expected a string or a list of strings, found a number"}},
      {scope + "type = \"partner\"; smart_host = \"x\"; zzzzzz = 1;",
       {".type: unknown setting", ".smart_host: unknown setting (did you mean \"smart_hosts\"?)", ".zzzzzz: unknown setting"}},
      {scope + "cost = 0;", {".cost: must be 1 to 2147483647, found 0; the lowest cost wins, and the default is 1"}},
      {scope + "cost = \"1\";", {".cost: expected a whole number without quotes, found a string"}},
      {scope + "transport = \"\";", {".transport: \"\" is no service of master.cf: expected letters, digits, \".\", \"_\" or \"-\""}},
      {scope + "transport = \"smtp:mx\";", {".transport: \"smtp:mx\" is no service of master.cf..."}},
      {scope + "transport = \"..\";", {".transport: \"..\" is no service of master.cf..."}},
      {scope + "transport = \"" + std::string(129, 'a') + "\";", {".transport: ..."}},
  });
  check(with_maps,
        {{"outbound = { };", {"main.conf:4: error: outbound: expected a list ( { }, { } ), found a group { }"}},
         {"outbound = ( \"a\", { name = \"a b\"; recipient_domains = \"d.example\"; } );",
          {"main.conf:4: error: outbound[0]: expected a group { }, found a string",
           "main.conf:4: error: outbound[1].name: \"a b\" is no connector name: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\""}}});
}

BOOST_AUTO_TEST_CASE(smart_hosts) {
  BOOST_TEST(next_hop("MX.D.example.") == "mx.d.example");
  BOOST_TEST(next_hop("Bücher.example") == "xn--bcher-kva.example");
  BOOST_TEST(next_hop("[Bücher.example]:587") == "[xn--bcher-kva.example]:587");
  BOOST_TEST(next_hop("[192.0.2.1]") == "[192.0.2.1]");
  BOOST_TEST(next_hop("[2001:DB8:0::1]:65535") == "[2001:db8::1]:65535");
  BOOST_TEST(next_hop("[ipv6:2001:DB8::1]") == "[2001:db8::1]");
  BOOST_TEST(next_hop("[::ffff:192.0.2.1]") == "[192.0.2.1]");
  const auto c = outbound("{ name = \"a\"; " + scope + "smart_hosts = [ \"[192.0.2.1]:25\", \"[mx.example]\" ]; }");
  BOOST_TEST((c.smart_hosts.at(0).address == Ip::parse("192.0.2.1") && !c.smart_hosts.at(1).address));
}

BOOST_AUTO_TEST_CASE(smart_host_errors) {
  const auto wrong = [](const std::string& host, const std::string& why) {
    return Case{scope + "smart_hosts = \"" + host + "\";", {".smart_hosts: \"" + host + "\": " + why}};
  };
  check_settings({
      wrong("192.0.2.1", "an address stands in brackets: write \"[192.0.2.1]\""),
      wrong("2001:db8::1", "an address stands in brackets: write \"[2001:db8::1]\""),
      wrong("mx.example:25", "with a port the host stands in brackets, and its MX is not looked up: write \"[mx.example]:25\""),
      wrong("", "the domain is empty; expected host, [host] or [host]:port"),
      wrong("*.example", "the domain holds a character that no domain can have; expected host, [host] or [host]:port"),
      wrong("a.example,b.example", "the domain holds a character..."),
      wrong("a b", "the domain holds a character..."),
      wrong("192.0.2.256", "it ends like an address, and is none; expected host, [host] or [host]:port"),
      wrong("[192.0.2]", "neither an address nor a host name stands in the brackets: it ends like an address, and is none"),
      wrong("[]", "neither an address nor a host name stands in the brackets: the domain is empty"),
      wrong("[[mx.example]]", "expected nothing or a colon and a port behind the bracket"),
      wrong("[[mx.example]", "neither an address nor a host name stands in the brackets: the address literal is malformed"),
      wrong("[IPv6:192.0.2.1]", "what follows IPv6: is no IPv6 address"),
      wrong("[IPv6:x]", "what follows IPv6: is no IPv6 address"),
      wrong("[mx.example", "the bracket is never closed: expected [host] or [host]:port"),
      wrong("[mx.example]25", "expected nothing or a colon and a port behind the bracket"),
      wrong("[mx.example]:", "expected nothing or a colon and a port behind the bracket"),
      wrong("[mx.example]:0", "the port must be a number, 1 to 65535"),
      wrong("[mx.example]:025", "the port must be a number, 1 to 65535"),
      wrong("[mx.example]:65536", "the port must be a number, 1 to 65535"),
      wrong("[mx.example]:smtp", "the port must be a number, 1 to 65535"),
      wrong("[mx.example]:-1", "the port must be a number, 1 to 65535"),
  });
}

BOOST_AUTO_TEST_CASE(tls_errors) {
  check_settings({
      {scope + "tls = \"secure\";",
       {".tls: \"secure\" is not known here: expected \"none\", \"opportunistic\", \"encrypt\", \"verify\", \"dane\", ..."}},
      {scope + "tls = \"verfy\"; tls_domains = \"a.example\";", {".tls: \"verfy\" is not known here: ..."}},  // nothing more about what hangs on it
      {scope + "tls_domains = \"a.example\";", {".tls_domains: is for tls = \"verify\", and tls is not set"}},
      {scope + "tls = \"encrypt\"; tls_domains = \"a.example\";", {".tls_domains: is for tls = \"verify\", and tls is \"encrypt\""}},
      {scope + "tls = \"verify\"; tls_domains = [ \"*\", \"<>\", \"[192.0.2.1]\", \"a_\", \"a..b\" ];",
       {".tls_domains[0]: \"*\" is no certificate name: any certificate would do; name the next hop's, or use tls = \"encrypt\"",
        ".tls_domains[1]: \"<>\" is no certificate name: ...",
        ".tls_domains[2]: \"[192.0.2.1]\" is an address: verify compares names; pin the certificate with tls = \"fingerprint\"",
        ".tls_domains[4]: \"a..b\": the domain has an empty label"}},
      {scope + "tls = \"fingerprint\";", {".fingerprints: is missing: the SHA-256 fingerprints of the next hop's certificate or public key"}},
      {scope + "fingerprints = \"" + pin + "\";", {".fingerprints: is for tls = \"fingerprint\", and tls is not set"}},
      {scope + "tls = \"verify\"; fingerprints = \"" + pin + "\";", {".fingerprints: is for tls = \"fingerprint\", and tls is \"verify\""}},
      {scope + "min_tls_version = \"TLSv1.2\";",
       {".min_tls_version: needs tls: without it the MTA decides by itself whether to encrypt at all; add tls = \"encrypt\""}},
      {scope + "tls = \"none\"; min_tls_version = \"TLSv1.2\";",
       {".min_tls_version: demands a version of TLS, which tls = \"none\" turns off: remove one of the two"}},
      {scope + "tls = \"encrypt\"; min_tls_version = \"TLSv1.1\";", {".min_tls_version: \"TLSv1.1\" is not known here: ..."}},
  });
}

BOOST_AUTO_TEST_CASE(fingerprints) {
  auto bare = to_lower(pin);
  std::erase(bare, ':');
  const auto c = outbound("{ name = \"a\"; " + scope + "tls = \"fingerprint\"; fingerprints = [ \"" + bare + "\", \"" + to_lower(pin) + "\" ]; }");
  BOOST_TEST(c.fingerprints == (std::vector<std::string>{pin, pin}), boost::test_tools::per_element());
  for (const auto& wrong :
       {std::string("ab"), "A:B" + pin.substr(3), pin.substr(0, 59), pin + ":", pin + "0", bare + "0", bare.substr(1), bare.substr(1) + "g",
        ":" + pin.substr(0, 94), pin.substr(0, 94) + ":", std::string(95, ':'), "sha256:" + bare, bare.substr(2) + "::"})
    check_settings({{scope + "tls = \"fingerprint\"; fingerprints = \"" + wrong + "\";", {".fingerprints: ..."}}});
}

BOOST_AUTO_TEST_CASE(client_certificate_errors) {
  const std::string both = scope + "client_certificate = \"/dev/null\"; client_key = \"/dev/null\"; ";
  check_settings({
      {scope + "client_certificate = \"/dev/null\";", {".client_certificate: needs client_key beside it"}},
      {scope + "client_key = \"/dev/null\";", {".client_key: needs client_certificate beside it"}},
      {scope + "client_certificate = \"c.pem\"; client_key = \"/dev/nu ll\";",
       {".client_certificate: \"c.pem\": expected the full path of a file, beginning with / and without blanks, \"$\", \",\" and braces",
        ".client_key: \"/dev/nu ll\": expected the full path..."}},
      {scope + "client_certificate = \"/\"; client_key = \"/$x\";", {".client_certificate: \"/\": ...", ".client_key: \"/$x\": ..."}},
      {scope + "client_certificate = \"\"; client_key = \"/{x\";", {".client_certificate: \"\": ...", ".client_key: \"/{x\": ..."}},
      {both + "transport = \"smtp\";",
       {".transport: \"smtp\" serves other mail too, and would present the client_certificate to everybody: leave transport out (\"smtp-a\" is then "
        "made for this connector)"}},
      {both + "transport = \"relay\";", {".transport: \"relay\" serves other mail too..."}},
      {both + "transport = \"lmtp\";", {".transport: \"lmtp\" serves other mail too..."}},
      {both + "transport = \"own\";", {}},
      {scope + "transport = \"lmtp\"; tls = \"verify\";",
       {".transport: with \"lmtp\" the MTA never asks for tls: remove one of the two, or name a transport that runs its SMTP client"}},
      {scope + "transport = \"virtual\"; tls = \"none\";", {".transport: with \"virtual\" the MTA never asks..."}},
      {scope + "transport = \"relay\"; tls = \"verify\";", {}},
      {scope + "transport = \"lmtp\";", {}},
  });
}

BOOST_AUTO_TEST_CASE(when_values) {
  const auto c = outbound(R"({ name = "a"; smart_hosts = "[192.0.2.1]"; when = { sender_domains = [ "<>", ".us.example" ];
    header = { name = "X-Class"; matches = "^secret$"; }; }; })");
  BOOST_REQUIRE(c.when.has_value());
  BOOST_TEST((c.is_rule_scoped() && !c.has_recipient_scope() && c.when->connectors.empty() && c.when->sender_domains.size() == 2));
  BOOST_TEST(c.when->header.value().name == "X-Class");
  BOOST_TEST(c.when->header.value().pattern == "^secret$");
}

BOOST_AUTO_TEST_CASE(when_errors) {
  const std::string host = "smart_hosts = \"[192.0.2.1]\"; ";
  check_settings({
      {"when = { sender_domains = \"d.example\"; };",
       {".smart_hosts: is missing: a connector with `when` takes whole messages, and the MX of one recipient is no place for the others"}},
      {host + "when = { };", {".when: holds no condition: add connectors, sender_domains or header, or leave it out"}},
      {host + "when = ( );", {".when: expected a group { }, found a list ( )"}},
      {host + "when = { connectors = [ ]; sender_domains = [ \"a..b\" ]; headr = 1; };",
       {".when.connectors: the list is empty: name at least one, or leave the setting out", ".when.sender_domains[0]: \"a..b\": the domain has...",
        ".when.headr: unknown setting (did you mean \"header\"?)"}},
      {host + "when = { header = \"X-A\"; };", {".when.header: expected a group { }, found a string"}},
      {host + "when = { header = { }; };",
       {".when.header.name: is missing: the header's name", ".when.header.matches: is missing: an RE2 pattern; \"\" is found in every value"}},
      {host + "when = { header = { name = \"X A\"; matches = \"(\"; match = 1; }; };",
       {".when.header.match: unknown setting (did you mean \"matches\"?)",
        ".when.header.name: \"X A\" is no header name: printable ASCII without blanks and colon was expected",
        ".when.header.matches: \"(\" is no RE2 pattern: \"missing ): (\""}},
      {host + "when = { header = { name = \"x-connector\"; matches = \"a\"; }; };",
       {".when.header.name: \"x-connector\" belongs to our own family (headers.prefix), which is removed from all mail: this never holds"}},
      {host + "when = { header = { name = \"X-Connector-Route\"; matches = \"a\"; }; };", {".when.header.name: \"X-Connector-Route\" belongs..."}},
      {host + "when = { header = { name = \"X-Connectors\"; matches = \"a\"; }; };", {}},
      {host + "when = { header = { name = \"X-A\"; matches = \"(\\n\\x01\"; }; };",
       {".when.header.matches: \"(\\x0a\\x01\" is no RE2 pattern: \"missing ): (\\x0a\\x01\""}},
      {host + "when = { header = { name = \"X-A\"; matches = \"(?=a)\"; }; };", {".when.header.matches: \"(?=a)\" is no RE2 pattern: ..."}},
  });
}

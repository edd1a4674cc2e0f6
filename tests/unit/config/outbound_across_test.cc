// What is said about several outbound connectors together, and about what they refer to.
#define BOOST_TEST_DYN_LINK
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

namespace {

const std::string inbound_connectors =
    "inbound = ( { name = \"ex\"; type = \"on_premises\"; source_ips = \"192.0.2.1\"; }, { name = \"lax\"; type = \"partner\"; sender_domains = "
    "\"l.example\"; require_tls = true; },\n{ name = \"r\"; type = \"relay\"; source_ips = \"192.0.2.2\"; add_headers = ( { name = \"X-Added\"; "
    "value = \"y\"; } ); }, { name = \"off\"; type = \"device\"; enabled = false; source_ips = \"192.0.2.3\"; recipients = \"internal\"; } );\n";
/// Lines 1 to 5; connectors follow one a line, the first in line 6.
const std::string before = base + "maps = { };\n" + inbound_connectors + "outbound = (";

std::string entry(const std::string& name, const std::string& settings) { return "\n{ name = \"" + name + "\"; " + settings + " }"; }
std::string to(const std::string& domains, const std::string& more = "") { return "recipient_domains = " + domains + "; " + more; }

// Two connectors and all that is said, each line without "main.conf:".
Case pair(const std::string& a, const std::string& b, const Lines& expected = {}) {
  Case c{entry("a", a) + "," + entry("b", b), {}};
  for (const auto& e : expected) c.expected.push_back("main.conf:" + e);
  return c;
}
Case single(const std::string& a, const Lines& expected = {}) {
  Case c{entry("a", a), {}};
  for (const auto& e : expected) c.expected.push_back("main.conf:" + e);
  return c;
}
void check_outbound(const std::vector<Case>& cases) { check(before, cases, "\n);\n"); }

std::string tie(const std::string& what, int cost = 1) {
  return "8: error: outbound.b: ties with the outbound connector \"a\" (main.conf:7): both are about " + what + " and have the cost " +
         std::to_string(cost) + "; give one of them another cost or disable it";
}
const std::string beaten = ": can never be chosen: every domain it is about leaves by a connector of lower cost, such as ";

}  // namespace

BOOST_AUTO_TEST_CASE(outbound_ties) {
  check_outbound({
      pair(to("\"d.example\""), to("\"D.example.\""), {tie("\"d.example\"")}),
      pair(to("\"d.example\"", "cost = 4;"), to("[ \"e.example\", \"d.example\" ]", "cost = 4;"), {tie("\"d.example\"", 4)}),
      pair(to("\".d.example\""), to("\"d.example\""), {tie("\"d.example\"")}),
      pair(to("\".d.example\""), to("\"*.d.example\""), {tie("\"*.d.example\"")}),
      pair(to("\"*\""), to("\"*\""), {tie("\"*\"")}),
      pair(to("\"organization\""), to("\"organization\""), {tie("\"organization\"")}),
      pair(to("\"organization\""), to("\"us.example\""), {tie("\"us.example\"")}),
      pair(to("\"*.us.example\""), to("\"organization\""), {tie("\"*.us.example\"")}),
      pair(to("\"organization\""), to("\".us.example\""), {tie("\"us.example\"")}),
      pair(to("[ \"organization\", \".us.example\" ]"), to("\"e.example\"")),
      pair(to("\"organization\""), to("[ \"*\", \"x.us.example\" ]")),
      pair(to("\"d.example\""), to("\"*.d.example\"")),
      pair(to("\"*.d.example\""), to("\"*.e.d.example\"")),
      pair(to("[ \"d.example\", \"d.example\" ]"), to("\"e.example\"")),
      pair(to("\"d.example\"", "mode = \"audit\";"), to("\"d.example\"")),
      pair(to("\"d.example\"", "mode = \"audit\";"), to("\"d.example\"", "mode = \"audit\";"), {tie("\"d.example\"")}),
      pair(to("\"d.example\"", "enabled = false;"), to("\"d.example\"")),
      pair(to("\"d.example\"", "when = { sender_domains = \"*\"; }; smart_hosts = \"[192.0.2.9]\";"), to("\"d.example\"")),
  });
}

BOOST_AUTO_TEST_CASE(rules_of_equal_cost) {
  const auto rule = [](const std::string& domain, const std::string& more = "") {
    return "when = { sender_domains = \"" + domain + "\"; }; smart_hosts = \"[192.0.2.9]\"; " + more;
  };
  check_outbound({
      pair(
          rule("d.example"), rule("e.example"),
          {"8: error: outbound.b.cost: ties with the outbound connector \"a\" (main.conf:7): both have `when` and the cost 1, and a message may meet "
           "both; give one of them another cost"}),
      pair(rule("d.example", "cost = 2;"), rule("e.example")),
      pair(rule("d.example", "mode = \"audit\";"), rule("e.example")),
      pair(rule("d.example", "enabled = false;"), rule("e.example")),
  });
}

BOOST_AUTO_TEST_CASE(one_next_hop_has_one_tls) {
  const auto clash = [](const std::string& hop) {
    return "8: error: outbound.b.smart_hosts: the next hop \"" + hop + "\" is also that of the outbound connector \"a\" (main.conf:7), with other " +
           "TLS settings, and the MTA knows one for each next hop; make tls, tls_domains, fingerprints, min_tls_version and the client certificate " +
           "the same";
  };
  const auto first = [](const std::string& more) { return to("\"d.example\"", "smart_hosts = \"[mx.example]\"; " + more); };
  const auto second = [](const std::string& more) { return to("\"e.example\"", "smart_hosts = [ \"[o.example]\", \"[MX.example]\" ]; " + more); };
  const std::string certificate = "client_certificate = \"/dev/null\"; client_key = \"/dev/null\"; ";
  check_outbound({
      pair(first(""), second("")),
      pair(first("tls = \"encrypt\";"), second("tls = \"encrypt\"; transport = \"other\";")),
      pair(first("tls = \"encrypt\";"), second(""), {clash("[mx.example]")}),
      pair(first("tls = \"encrypt\";"), second("tls = \"encrypt\"; min_tls_version = \"TLSv1.2\";"), {clash("[mx.example]")}),
      pair(first("tls = \"verify\"; tls_domains = \"a.example\";"), second("tls = \"verify\";"), {clash("[mx.example]")}),
      pair(first("tls = \"verify\"; tls_domains = [ \"a.example\", \"b.example\" ];"),
           second("tls = \"verify\"; tls_domains = [ \"b.example\", \"a.example\" ];")),
      pair(first(certificate), second(""), {clash("[mx.example]")}),
      pair(first(certificate + "transport = \"t\";"), second(certificate + "transport = \"t\";")),
      pair(first("tls = \"encrypt\";"), second("mode = \"audit\";")),
      pair(first("tls = \"encrypt\";"), second("enabled = false;")),
      pair(first("tls = \"encrypt\";"), to("\"e.example\"", "smart_hosts = \"[mx.example]:25\";")),
      pair(first("tls = \"encrypt\";"), "when = { sender_domains = \"*\"; connectors = \"ex\"; }; smart_hosts = \"[mx.example]\";",
           {clash("[mx.example]")}),
      // One that differs twice is told once.
      pair(to("\"d.example\"", "tls = \"encrypt\"; smart_hosts = [ \"[a.example]\", \"[b.example]\" ];"),
           to("\"e.example\"", "smart_hosts = [ \"[a.example]\", \"[b.example]\" ];"), {clash("[a.example]")}),
  });
}

BOOST_AUTO_TEST_CASE(a_smart_host_that_is_also_a_domain_with_an_mx) {
  const auto clash = [](const std::string& line, const std::string& name, const std::string& other, int at) {
    return line + ": error: outbound." + name +
           ".smart_hosts: \"d.example\" is also a domain whose mail leaves to its MX by the outbound connector \"" + other +
           "\" (main.conf:" + std::to_string(at) + "), with other TLS settings, and the MTA knows one for each name; write \"[d.example]\", " +
           "or make tls and what belongs to it the same";
  };
  const auto host = [](const std::string& more) { return to("\"h.example\"", "smart_hosts = \"d.example\"; " + more); };
  check_outbound({
      pair(host(""), to("\"d.example\"", "tls = \"encrypt\";"), {clash("7", "a", "b", 8)}),
      pair(to("\"*.example\"", "tls = \"encrypt\";"), host(""), {clash("8", "b", "a", 7)}),
      pair(host("tls = \"encrypt\";"), to("\"*\""), {clash("7", "a", "b", 8)}),
      pair(host("tls = \"encrypt\";"), to("\"d.example\"", "tls = \"encrypt\";")),
      pair(host(""), to("\"d.example\"", "tls = \"encrypt\"; smart_hosts = \"[o.example]\";")),
      pair(host(""), to("\"*.d.example\"", "tls = \"encrypt\";")),
      pair(host(""), to("\"d.example\"", "tls = \"encrypt\"; mode = \"audit\";")),
      pair(to("\"h.example\"", "smart_hosts = \"[d.example]\";"), to("\"d.example\"", "tls = \"encrypt\";")),
      pair(to("\"h.example\"", "smart_hosts = \"[d.example]\";"), to("\"*\"", "tls = \"encrypt\";")),
      pair(to("\"h.example\"", "smart_hosts = \"mx.us.example\";"), to("\"*\"", "tls = \"encrypt\";")),  // `*` is not about our own domains
      pair(to("\"h.example\"", "smart_hosts = \"mx.us.example\";"), to("\"organization\"", "tls = \"encrypt\";"),
           {"7: error: outbound.a.smart_hosts: \"mx.us.example\" is also a domain whose..."}),
  });
}

BOOST_AUTO_TEST_CASE(one_transport_has_one_certificate) {
  const std::string one = "client_certificate = \"/dev/null\"; client_key = \"/dev/null\"; ",
                    other = "client_certificate = \"/dev/zero\"; client_key = \"/dev/null\"; ";
  const std::string clash =
      "\"t\" is also the transport of the outbound connector \"a\" (main.conf:7), with another client_certificate or client_key, and a transport has "
      "one; give one of them another transport";
  check_outbound({
      pair(to("\"d.example\"", one + "transport = \"t\";"), to("\"e.example\"", one + "transport = \"t\";")),
      pair(to("\"d.example\"", one + "transport = \"t\";"), to("\"e.example\"", other + "transport = \"t\";"),
           {"8: error: outbound.b.transport: " + clash}),
      pair(to("\"d.example\"", one + "transport = \"t\";"), to("\"e.example\"", "transport = \"t\";"), {"8: error: outbound.b.transport: " + clash}),
      pair(to("\"d.example\"", one), to("\"e.example\"", "transport = \"smtp-a\";"), {"8: error: outbound.b.transport: \"smtp-a\" is also..."}),
      pair(to("\"d.example\"", one), to("\"e.example\"", other)),
      pair(to("\"d.example\"", one), to("\"e.example\"")),
  });
}

BOOST_AUTO_TEST_CASE(what_when_refers_to) {
  const auto when = [](const std::string& what) { return "smart_hosts = \"[192.0.2.9]\"; when = { " + what + " };"; };
  check_outbound({
      single(when("connectors = [ \"ex\" ];")),
      single(when("connectors = [ \"ex\", \"r\", \"lax\", \"a\", \"xe\", \"zzzz\" ];"),
             {"7: error: outbound.a.when.connectors[1]: the inbound connector \"r\" (main.conf:5) is a relay, whose mail is not trusted: name "
              "on_premises, device or partner connectors",
              "7: error: outbound.a.when.connectors[2]: the inbound connector \"lax\" (main.conf:4) proves nobody's identity, so anyone could choose "
              "this route: it needs source_ips, certificates, auth_users or via",
              "7: error: outbound.a.when.connectors[3]: \"a\" is an outbound connector: when.connectors names inbound connectors",
              "7: error: outbound.a.when.connectors[4]: there is no inbound connector \"xe\" (did you mean \"ex\"?)",
              "7: error: outbound.a.when.connectors[5]: there is no inbound connector \"zzzz\""}),
      single(when("connectors = \"off\";"),
             {"7: warning: outbound.a.when.connectors: never holds: none of the connectors it names is enabled and in mode \"enforce\""}),
      single(when("connectors = [ \"off\", \"ex\" ];"),
             {"7: warning: outbound.a.when.connectors[0]: names \"off\", which is not enabled: no mail comes by it"}),
      single(when("header = { name = \"x-added\"; matches = \"y\"; };"),
             {"7: error: outbound.a.when.header.name: \"x-added\" is added by the inbound connector \"r\" (main.conf:5) and so removed from all mail "
              "that comes in: this never holds"}),
      single(when("header = { name = \"X-MS-Exchange-Organization-SCL\"; matches = \"y\"; };"),
             {"7: warning: outbound.a.when.header.name: never holds: \"X-MS-Exchange-Organization-SCL\" is removed (headers.strip)..."}),
  });
  const std::string ours = base +
                           "maps = { };\ninbound = ( { name = \"ex\"; type = \"on_premises\"; source_ips = \"192.0.2.1\"; accept_headers = true; " +
                           "}, { name = \"dev\"; type = \"device\"; source_ips = \"192.0.2.2\"; recipients = \"internal\"; }, { name = \"through\"; "
                           "type = \"partner\"; sender_domains = \"t.example\"; via = \"ex\"; } );\noutbound = ( ";
  const std::string header = "header = { name = \"X-MS-Exchange-Organization-SCL\"; matches = \"y\"; };";
  check(ours,
        {{entry("a", when("connectors = \"through\";")) + " );", {}},
         {entry("a", when(header)) + " );", {}},
         {entry("a", when(header + " connectors = \"ex\";")) + " );", {}},
         {entry("a", when(header + " connectors = \"dev\";")) + " );", {"main.conf:6: warning: outbound.a.when.header.name: never holds: ..."}}});
  // A name that may be in a file that could not be read is not called wrong.
  const Directory directory;
  directory.write("main.conf", base + "maps = { };\noutbound = ( " + entry("a", when("connectors = \"elsewhere\";")) + " );");
  directory.write("connectors.d/a.conf", "inbound = (");
  BOOST_TEST(directory.lines(directory.load()) == Lines{"connectors.d/a.conf:1: error: \"(\" is never closed"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(outbound_connectors_that_are_never_chosen) {
  const auto warning = [](const std::string& line, const std::string& name, const std::string& by, int at) {
    return line + ": warning: outbound." + name + beaten + "\"" + by + "\" (main.conf:" + std::to_string(at) + ")";
  };
  check_outbound({
      pair(to("\"*\""), to("\"*\"", "cost = 2;"), {warning("8", "b", "a", 7)}),
      pair(to("[ \"d.example\", \"*.d.example\" ]", "cost = 2;"), to("\".d.example\""), {warning("7", "a", "b", 8)}),
      pair(to("[ \"d.example\", \"e.example\" ]", "cost = 2;"), to("\"d.example\"")),
      pair(to("\".d.example\"", "cost = 2;"), to("\"d.example\"")),
      pair(to("\"organization\""), to("\"us.example\"", "cost = 2;"), {warning("8", "b", "a", 7)}),
      pair(to("\"organization\"", "cost = 2;"), to("\".us.example\""), {warning("7", "a", "b", 8)}),
      pair(to("\"organization\"", "cost = 2;"), to("\"*.us.example\"")),
      pair(to("\"organization\"", "cost = 2;"), to("\"organization\""), {warning("7", "a", "b", 8)}),
      pair(to("[ \"organization\", \"e.example\" ]", "cost = 2;"), to("\"organization\"")),
      pair(to("\"d.example\"", "mode = \"audit\";"), to("\"d.example\"", "cost = 2;")),
      pair(to("\"d.example\""), to("\"d.example\"", "cost = 2; mode = \"audit\";"), {warning("8", "b", "a", 7)}),
      pair(to("\"d.example\"", "mode = \"audit\";"), to("\"d.example\"", "cost = 2; mode = \"audit\";"), {warning("8", "b", "a", 7)}),
      pair(to("\"d.example\""), to("\"d.example\"", "cost = 2; enabled = false;")),
  });
}

BOOST_AUTO_TEST_CASE(risks_of_outbound_connectors) {
  check_outbound({
      single("when = { sender_domains = \"*\"; }; smart_hosts = [ \"[192.0.2.9]\", \"[gate.example]\" ];",
             {"7: warning: outbound.a.smart_hosts: mail that \"[gate.example]\" hands back is not recognised and could go there again, because a "
              "name is "
              "not looked up: give its address, such as \"[192.0.2.1]\", or name in when.connectors whose mail is meant"}),
      single("when = { connectors = \"ex\"; }; smart_hosts = \"[gate.example]\";"),
      single(
          to("\"*\"", "smart_hosts = \"[192.0.2.9]:587\"; tls = \"verify\";"),
          {"7: warning: outbound.a.tls: nothing will be delivered to \"[192.0.2.9]:587\": a certificate has no address to be compared with; say in "
           "tls_domains which names it must have"}),
      single(to("\"*\"", "smart_hosts = \"[192.0.2.9]:587\"; tls = \"verify\"; tls_domains = \"a.example\";")),
      single(to("\"*\"", "client_certificate = \"/dev/null\"; client_key = \"/dev/null\"; tls = \"none\";"),
             {"7: warning: outbound.a.client_certificate: is never presented: tls = \"none\" turns TLS off"}),
      single(to("\"*\"", "client_certificate = \"/nonexistent/c\"; client_key = \"/nonexistent/k\";"),
             {"7: warning: outbound.a.client_certificate: there is no file \"/nonexistent/c\": the MTA will not be able to deliver",
              "7: warning: outbound.a.client_key: there is no file \"/nonexistent/k\": the MTA will not be able to deliver"}),
  });
}

BOOST_AUTO_TEST_CASE(without_maps_nothing_steers_the_mta) {
  check(base + "outbound = (", {{entry("a", to("\"d.example\"")) + "," + entry("b", to("\"e.example\"")) + ");",
                                 {"main.conf:4: warning: outbound.a: has no effect, as no outbound connector has: the main file has no `maps`, so "
                                  "nothing tells the MTA where mail goes; add maps = { }; there, and see connectorctl postfix"}},
                                {entry("a", to("\"d.example\"", "mode = \"audit\";")) + ");", {}},
                                {entry("a", to("\"d.example\"", "enabled = false;")) + ");", {}}});
}

BOOST_AUTO_TEST_CASE(names_are_unique_among_both_kinds) {
  check_outbound({single(to("\"d.example\"")),
                  pair(to("\"d.example\""), to("\"e.example\"")),
                  {entry("ex", to("\"d.example\"")) + "," + entry("ex", to("\"e.example\"", "enabled = false;")),
                   {"main.conf:7: error: outbound.ex: the name \"ex\" is taken by the inbound connector in main.conf:4: names are unique",
                    "main.conf:8: error: outbound.ex: the name \"ex\" is taken by the inbound connector in main.conf:4: names are unique"}}});
}

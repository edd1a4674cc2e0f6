// What is said about several connectors together: names, via, ties, connectors nothing can select, and risky settings.
#define BOOST_TEST_DYN_LINK
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

namespace {

std::string grant(const std::string& name, const std::string& rest) { return "{ name = \"" + name + "\"; type = \"on_premises\"; " + rest + " }"; }
std::string partner(const std::string& name, const std::string& domains, const std::string& rest) {
  return "{ name = \"" + name + "\"; type = \"partner\"; sender_domains = " + domains + "; " + rest + " }";
}
std::string relay(const std::string& name, const std::string& source) {
  return "{ name = \"" + name + "\"; type = \"relay\"; source_ips = \"" + source + "\"; }";
}
std::string tie_error(const std::string& name, const std::string& with, const std::string& proof, int line = 4, int other = 3) {
  return "main.conf:" + std::to_string(line) + ": error: inbound." + name + ": could tie with the inbound connector \"" + with +
         "\" (main.conf:" + std::to_string(other) + "): the same " + proof +
         " would select both equally; keep them apart by listeners or by identity, or disable one";
}
const std::string both = "[ \"192.0.2.1\", \"2001:db8::1\" ]";

// Two grants, one a line.
Case pair(const std::string& a, const std::string& b, const std::string& proof = "") {
  return {grant("a", a) + ",\n" + grant("b", b), proof.empty() ? Lines{} : Lines{tie_error("b", "a", proof)}};
}

}  // namespace

BOOST_AUTO_TEST_CASE(via) {
  check_inbound({
      {partner("p", "\"*\"", "source_ips = " + both + "; check_header_from = \"off\";") + ",\n" +
           partner("q", "\"d.example\"", "via = [ \"p\", \"q\",\n \"P\", \"zzzz\" ];"),
       {"main.conf:4: error: inbound.q.via[1]: a connector cannot name itself: its own identity counts anyway",
        "main.conf:5: error: inbound.q.via[2]: there is no inbound connector \"P\" (did you mean \"p\"?)",
        "main.conf:5: error: inbound.q.via[3]: there is no inbound connector \"zzzz\""}},
      {partner("p", "\"*\"", "source_ips = " + both + "; via = \"q\";"), {"main.conf:3: error: inbound.p.via: there is no inbound connector \"q\""}},
      {partner("p", "\"*\"", "require_tls = true;") + ",\n" + partner("q", "\"d.example\"", "via = \"p\";"),
       {"main.conf:4: error: inbound.q.via: the inbound connector \"p\" (main.conf:3) has no identity to lend: it needs source_ips, certificates or "
        "auth_users"}},
      {partner("q", "\"d.example\"", "via = \"o\";") + " );\noutbound = ( { name = \"o\"; recipient_domains = \"d.example\"; enabled = false; }",
       {"main.conf:3: error: inbound.q.via: \"o\" is an outbound connector: via names inbound connectors"}},
      {partner("p", "\"*\"", "source_ips = " + both + "; enabled = false;") + ",\n" + partner("q", "\"d.example\"", "via = \"p\";"),
       {"main.conf:4: warning: inbound.q.via: has no effect: none of the connectors it names is enabled, so this partner's "
        "mail that comes through them is a violation"}},
      {grant("g", "source_ips = \"192.0.2.1\";") + ",\n" + partner("q", "\"d.example\"", "via = \"g\";"), {}},
      {grant("g", "source_ips = \"192.0.2.1\"; require_header = { name = \"X-Org\"; values = \"us\"; };") + ",\n" +
           partner("q", "\"d.example\"", "via = \"g\";"),
       {"main.conf:4: warning: inbound.q.via: names \"g\", which has require_header and shares its identity with others: this partner's mail that "
        "comes "
        "through it is a violation"}},
  });
  // A name that may be in a file that could not be read is not called wrong.
  const Directory directory;
  directory.write("main.conf", base + "inbound = ( " + partner("q", "\"d.example\"", "via = \"elsewhere\";") + " );");
  directory.write("connectors.d/a.conf", "inbound = (");
  BOOST_TEST(directory.lines(directory.load()) == Lines{"connectors.d/a.conf:1: error: \"(\" is never closed"}, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(names_are_unique) {
  check_inbound({
      {grant("a", "source_ips = \"192.0.2.1\";") + ",\n" + grant("b", "source_ips = \"192.0.2.2\";") + ",\n" +
           grant("a", "source_ips = \"192.0.2.3\"; enabled = false;"),
       {"main.conf:5: error: inbound.a: the name \"a\" is taken by the inbound connector in main.conf:3: names are unique"}},
      {grant("a", "source_ips = \"192.0.2.1\";") + ",\n" + grant("A", "source_ips = \"192.0.2.2\";"), {}},
  });
}

BOOST_AUTO_TEST_CASE(ties_by_source) {
  check_inbound({
      pair("source_ips = \"192.0.2.1\";", "source_ips = \"192.0.2.1\";", "source address"),
      pair("source_ips = \"192.0.2.1\";", "source_ips = \"192.0.2.1/32\";", "source address"),
      pair("source_ips = \"192.0.2.1\";", "source_ips = \"::ffff:192.0.2.1\";", "source address"),
      pair("source_ips = \"192.0.2.0/24\";", "source_ips = \"192.0.2.0-192.0.2.255\";", "source address"),
      pair("source_ips = \"192.0.2.0/24\";", "source_ips = \"192.0.2.0/25\";"),
      pair("source_ips = [ \"192.0.2.0/24\", \"192.0.2.0/25\" ];", "source_ips = \"192.0.2.0/24\";", "source address"),
      {grant("a", "source_ips = [ \"192.0.2.0/24\", \"192.0.2.0/25\", \"192.0.2.128/25\" ];") + ",\n" + grant("b", "source_ips = \"192.0.2.0/24\";"),
       {"main.conf:4: warning: inbound.b: can never be selected: for every address of its source_ips another connector is more specific, such as "
        "\"a\" (main.conf:3)"}},
  });
}

BOOST_AUTO_TEST_CASE(what_keeps_connectors_apart) {
  const std::string same = "source_ips = \"192.0.2.1\"; ";
  check_inbound({
      pair(same + "listeners = \"mx\";", same),
      pair(same + "listeners = \"mx\";", same + "listeners = \"relay\";"),
      pair(same + "listeners = \"mx\";", same + "listeners = [ \"relay\", \"mx\" ];", "source address"),
      pair(same + "mode = \"audit\"; max_recipients = 9;", same),
      pair(same + "mode = \"audit\";", same + "mode = \"audit\";", "source address"),
      pair(same + "enabled = false;", same),
      pair(same, same + "auth_users = \"u\";"),
      pair(same, same + "certificates = \"c.example\";"),
  });
}

BOOST_AUTO_TEST_CASE(ties_by_login_and_certificate) {
  check_inbound({
      pair("auth_users = [ \"u\", \"v\" ];", "auth_users = [ \"v\" ];", "login"),
      pair("auth_users = \"*\";", "auth_users = \"u\";"),
      pair("auth_users = \"*\";", "auth_users = \"*\";", "login"),
      pair("auth_users = \"u\"; source_ips = \"192.0.2.1\";", "auth_users = \"u\"; source_ips = \"192.0.2.2\";"),
      pair("auth_users = \"u\"; source_ips = \"192.0.2.1\";", "auth_users = \"u\"; source_ips = \"192.0.2.0/24\";", "login"),
      pair("certificates = \"c.example\";", "certificates = \"C.example.\";", "certificate"),
      pair("certificates = \"c.example\";", "certificates = \".c.example\";", "certificate"),
      pair("certificates = \"*.c.example\";", "certificates = \".c.example\";", "certificate"),
      pair("certificates = \"*.c.example\";", "certificates = \"x.c.example\";"),
      pair("certificates = \"*.c.example\";", "certificates = \"*.b.c.example\";"),
      pair("certificates = \"x.c.example\";", "certificates = \"y.c.example\";"),
      pair("certificates = \"c.example\"; certificate_issuers = \"A\";", "certificates = \"c.example\"; certificate_issuers = \"B\";"),
      pair("certificates = \"c.example\"; certificate_issuers = \"A\";", "certificates = \"c.example\";", "certificate"),
      pair("certificates = \"c.example\"; auth_users = \"u\";", "certificates = \"c.example\"; auth_users = \"v\";"),
      pair("certificates = \"c.example\"; auth_users = \"u\";", "certificates = \"c.example\"; auth_users = [ \"w\", \"u\" ];", "certificate"),
      pair("certificates = \"c.example\"; auth_users = \"*\";", "certificates = \"c.example\"; auth_users = \"v\";", "certificate"),
      pair("certificates = \"c.example\"; source_ips = \"192.0.2.0/24\";", "certificates = \"c.example\"; source_ips = \"192.0.3.0/24\";"),
      pair("certificates = \"c.example\"; source_ips = \"192.0.2.0/24\";", "certificates = \"c.example\"; source_ips = \"192.0.2.7\";",
           "certificate"),
      pair("certificates = \"c.example\"; source_ips = \"192.0.2.0/24\";", "certificates = \"c.example\"; auth_users = \"u\";", "certificate"),
  });
}

BOOST_AUTO_TEST_CASE(a_tie_hidden_among_incompatible_ones_is_found) {
  const std::string c = "certificates = \"c.example\"; ";
  check_inbound({
      {grant("a", c + "certificate_issuers = \"A\"; source_ips = \"192.0.2.0/28\";") + ",\n" +
           grant("b", c + "certificate_issuers = \"B\"; source_ips = \"192.0.2.16/28\";") + ",\n" +
           grant("c", c + "certificate_issuers = \"A\"; source_ips = \"192.0.2.0/24\";"),
       {tie_error("c", "a", "certificate", 5, 3)}},
      {grant("a", c + "auth_users = \"u\";") + ",\n" + grant("b", c + "auth_users = \"v\";") + ",\n" +
           grant("d", c + "auth_users = [ \"x\", \"v\" ];"),
       {tie_error("d", "b", "certificate", 5, 4)}},
      {grant("a", c + "auth_users = \"u\"; source_ips = \"192.0.2.1\";") + ",\n" + grant("b", c + "auth_users = \"v\"; source_ips = \"192.0.2.2\";") +
           ",\n" + grant("d", c + "source_ips = \"192.0.2.2\";"),
       {tie_error("d", "b", "certificate", 5, 4)}},
  });
}

BOOST_AUTO_TEST_CASE(partners_do_not_tie) {
  const std::string tls = partner("a", "\"d.example\"", "require_tls = true;") + ",\n";
  check_inbound({{tls + partner("b", "\"d.example\"", "require_tls = true; max_recipients = 9;"), {}}});
  // All that ask for no identity are asked: only one that demands exactly the same says nothing new.
  const Lines repeated{
      "main.conf:4: warning: inbound.b: can never be selected: \"a\" (main.conf:3) has the same identity and sender domains and stands before it"};
  check_inbound({{tls + partner("b", "\"d.example\"", "require_tls = true;"), repeated},
                 {tls + partner("b", "\"d.example\"", "require_tls = true; mode = \"audit\";"), repeated},
                 {partner("a", "\"d.example\"", "require_tls = true; mode = \"audit\";") + ",\n" +
                      partner("b", "\"d.example\"", "require_tls = true; mode = \"audit\";"),
                  repeated}});
}

BOOST_AUTO_TEST_CASE(unreachable) {
  const auto shadowed = [](const std::string& name, int line, const std::string& by, int other) {
    return "main.conf:" + std::to_string(line) + ": warning: inbound." + name +
           ": can never be selected: for every address of its source_ips another connector is more specific, such as \"" + by +
           "\" (main.conf:" + std::to_string(other) + ")";
  };
  const std::string halves = grant("x", "source_ips = \"192.0.2.0/25\";") + ",\n" + grant("y", "source_ips = \"192.0.2.128/25\";");
  check_inbound({
      {grant("a", "source_ips = \"192.0.2.0/24\";") + ",\n" + halves, {shadowed("a", 3, "y", 5)}},
      {grant("a", "source_ips = [ \"192.0.2.0/24\", \"192.0.3.1\" ];") + ",\n" + halves, {}},
      {grant("a", "source_ips = \"192.0.2.0/24\"; listeners = \"mx\";") + ",\n" + halves, {}},
      {grant("a", "source_ips = \"192.0.2.0/24\"; mode = \"audit\";") + ",\n" + halves, {shadowed("a", 3, "y", 5)}},
      {grant("a", "source_ips = \"192.0.2.0/24\";") + ",\n" + grant("x", "source_ips = \"192.0.2.0/25\"; mode = \"audit\";") + ",\n" +
           grant("y", "source_ips = \"192.0.2.128/25\";"),
       {}},
      {grant("a", "source_ips = \"192.0.2.0/24\"; enabled = false;") + ",\n" + halves, {}},
      {relay("a", "::/0") + ",\n" + relay("x", "::/1") + ",\n" + relay("y", "8000::/1"), {shadowed("a", 3, "y", 5)}},
      {relay("a", "::/0") + ",\n" + relay("x", "::/1"), {}},
      {relay("a", "0.0.0.0/0") + ",\n" + relay("x", "0.0.0.0/1") + ",\n" + relay("y", "::/0"), {}},
      {partner("p", "[ \"d.example\", \"e.example\" ]", "source_ips = " + both + ";") + ",\n" +
           partner("q", "\"d.example\"", "source_ips = " + both + "; require_tls = true;"),
       {"main.conf:4: warning: inbound.q: can never be selected: \"p\" (main.conf:3) has the same identity and sender domains and stands before it"}},
      {partner("p", "\"d.example\"", "source_ips = " + both + ";") + ",\n" +
           partner("q", "[ \"d.example\", \"e.example\" ]", "source_ips = " + both + ";"),
       {}},
      {partner("p", "\"d.example\"", "source_ips = " + both + "; mode = \"audit\";") + ",\n" +
           partner("q", "\"d.example\"", "source_ips = " + both + ";"),
       {"main.conf:3: warning: inbound.p: tries nothing: ..."}},
      {partner("p", "\"d.example\"", "source_ips = " + both + "; listeners = \"mx\";") + ",\n" +
           partner("q", "\"d.example\"", "source_ips = " + both + ";"),
       {}},
      {grant("g", "source_ips = [ \"192.0.2.0/24\", \"2001:db8::/32\" ];") + ",\n" + partner("q", "\"d.example\"", "source_ips = " + both + ";"),
       {"main.conf:4: warning: inbound.q.source_ips: no mail can ever meet this partner: all of its addresses belong to grants or exemptions, which "
        "come first"}},
      {grant("g", "source_ips = \"192.0.2.0/24\";") + ",\n" + partner("q", "\"d.example\"", "source_ips = " + both + ";"), {}},
      {grant("g", "source_ips = [ \"192.0.2.0/24\", \"2001:db8::/32\" ]; require_header = { name = \"X-Y\"; values = \"z\"; };") + ",\n" +
           partner("q", "\"d.example\"", "source_ips = " + both + ";"),
       {}},
      {grant("g", "source_ips = \"192.0.2.0/24\"; require_header = { name = \"X-Y\"; values = \"z\"; };") + ",\n" +
           grant("h", "source_ips = \"192.0.2.0/25\"; require_header = { name = \"X-Y\"; values = \"z\"; };") + ",\n" +
           grant("i", "source_ips = \"192.0.2.128/25\";"),
       {}},
      {grant("g", "source_ips = \"192.0.2.0/24\"; require_header = { name = \"X-Y\"; values = \"z\"; };") + ",\n" +
           grant("h", "source_ips = \"192.0.2.0/25\"; require_header = { name = \"X-Y\"; values = \"z\"; };") + ",\n" +
           grant("i", "source_ips = [ \"192.0.2.0/26\", \"192.0.2.64/26\", \"192.0.2.128/25\" ];"),
       {"main.conf:3: warning: inbound.g: can never be selected: for every address of its source_ips another connector is more specific, such as "
        "\"i\" "
        "(main.conf:5)",
        "main.conf:4: warning: inbound.h: can never be selected: for every address of its source_ips another connector is more specific, such as "
        "\"i\" "
        "(main.conf:5)"}},
  });
}

BOOST_AUTO_TEST_CASE(risks) {
  const auto shared = [](const std::string& where, const std::string& what, const std::string& who) {
    return "main.conf:3: warning: inbound.a." + where + ": \"" + what + "\" is shared by every customer of " + who +
           ": mail of any of them would count as ours; add require_header, or name something only our own servers have";
  };
  const auto device = [](const std::string& rest) { return "{ name = \"a\"; type = \"device\"; source_ips = \"192.0.2.1\";\n" + rest + " }"; };
  const std::string unbounded =
      "this device may send to any recipient without a rate limit: whoever takes it over can send spam as us; add rate_limit, set recipients = "
      "\"internal\" "
      "or name the addresses it needs";
  const std::string lock = partner("lock", "\"*\"", "source_ips = [ \"198.51.100.0/24\", \"2001:db8:1::/48\" ];") + ",\n";
  const auto no_via_of = [](const std::string& proof) {
    return Lines{"main.conf:4: warning: inbound.a." + proof +
                 ": has no via, while \"lock\" (main.conf:3) receives mail of every sender: this partner's mail that "
                 "comes through it will be a violation; add via = [ \"lock\" ]"};
  };
  const auto no_via = no_via_of("source_ips");
  check_inbound({
      {grant("a", "source_ips = \"192.0.2.1/24\";"),
       {"main.conf:3: warning: inbound.a.source_ips: \"192.0.2.1/24\" has host bits set: it counts as 192.0.2.0/24; write that"}},
      {grant("a", "certificates = \"mail.protection.outlook.com\";"), {shared("certificates", "mail.protection.outlook.com", "Microsoft 365")}},
      {grant("a", "certificates = \"*.google.com\";"), {shared("certificates", "*.google.com", "Google")}},
      {grant("a", "certificates = \"*.com\";"), {shared("certificates", "*.com", "Microsoft 365")}},
      {grant("a", "certificates = \"notoutlook.com\";"), {}},
      {grant("a", "source_ips = [ \"192.0.2.1\", \"40.92.0.0/15\" ];"), {shared("source_ips", "40.92.0.0/15", "Microsoft 365")}},
      {grant("a", "source_ips = \"2a00:1450:4001::1\";"), {shared("source_ips", "2a00:1450:4001::1", "Google")}},
      {grant("a", "source_ips = \"40.92.0.0/15\"; auth_users = \"u\";"), {}},
      {grant("a", "certificates = \"mail.protection.outlook.com\"; require_header = { name = \"X-OriginatorOrg\"; values = \"us.example\"; };"), {}},
      {"{ name = \"a\"; type = \"device\"; certificates = \"mail.protection.outlook.com\"; recipients = \"internal\"; }",
       {"main.conf:3: warning: inbound.a.certificates: \"mail.protection.outlook.com\" is shared by every customer of Microsoft 365: mail of any of "
        "them "
        "would count as ours; name something only our own servers have"}},
      {grant("a", "source_ips = \"40.92.0.0/15\"; enabled = false;"), {}},
      {partner("a", "\"*\"", "certificates = \"mail.protection.outlook.com\";"), {}},
      {device(""), {"main.conf:3: warning: inbound.a.recipients: " + unbounded}},
      {device("recipients = [ \"x@y.example\", \"*\" ];"), {"main.conf:4: warning: inbound.a.recipients: " + unbounded}},
      {device("recipients = \"any\";"), {"main.conf:4: warning: inbound.a.recipients: " + unbounded}},
      {device("recipients = \"x@y.example\";"), {}},
      {partner("a", "\"d.example\"", "source_ips = \"192.0.2.1\";"), {}},
      {partner("a", "\"d.example\"", "certificates = \"c.d.example\";"), {}},
      {lock + partner("a", "\"d.example\"", "source_ips = " + both + ";"), no_via},
      {lock + partner("a", "\"d.example\"", "source_ips = " + both + "; listeners = \"mx\";"), no_via},
      {lock + partner("a", "\"d.example\"", "source_ips = " + both + "; via = \"lock\";"), {}},
      {lock + partner("a", "\"d.example\"", "source_ips = [ \"198.51.100.7\", \"2001:db8:1::1\" ];"), {}},
      {lock + partner("a", "\"d.example\"", "certificates = \"c.d.example\";"), no_via_of("certificates")},
      {lock + partner("a", "\"d.example\"", "auth_users = \"u\";"), no_via_of("auth_users")},
      {partner("lock", "\"*\"", "certificates = \".provider.example\";") + ",\n" +
           partner("a", "\"d.example\"", "certificates = \"mx.provider.example\";"),
       {}},
      {partner("lock", "\"*\"", "source_ips = " + both + "; listeners = \"relay\";") + ",\n" +
           partner("a", "\"d.example\"", "source_ips = " + both + "; listeners = \"mx\";"),
       {}},
      {partner("lock", "\"*\"", "source_ips = [ \"198.51.100.0/24\", \"2001:db8:1::/48\" ]; listeners = \"relay\";") + ",\n" +
           partner("a", "\"d.example\"", "source_ips = " + both + ";"),
       no_via},
      {partner("lock", "\"*\"", "require_tls = true;") + ",\n" + partner("a", "\"d.example\"", "source_ips = " + both + ";"), {}},
  });
}

BOOST_AUTO_TEST_CASE(a_closed_listener_that_a_partner_keeps_open) {
  const std::string closed =
      "organization = { domains = [ \".us.example\" ]; };\nlisteners = ( { name = \"mx\"; }, { name = \"relay\"; closed = true; } );\n";
  const auto with = [&](const std::string& settings) {
    return closed + "inbound = (\n{ name = \"a\"; type = \"partner\"; sender_domains = \"d.example\"; " + settings + " } );\n";
  };
  check("", {{with("require_tls = true;"),
              {"main.conf:4: warning: inbound.a: asks nobody for an identity and names no listeners, so the closed listener \"relay\"..."}},
             {with("require_tls = true; listeners = \"mx\";"), {"main.conf:2: warning: listeners.relay: is closed to everyone: ..."}},
             {with("require_tls = true; mode = \"audit\";"), {"main.conf:2: warning: listeners.relay: is closed to everyone: ..."}},
             {with("certificates = \"c.d.example\";"), {}}});
}

// Warnings of check: what nobody can use, what tries nothing, what a lock stands behind. Each is said once, and not where it does not hold.
#define BOOST_TEST_DYN_LINK
#include <algorithm>

#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

namespace {

std::string connector(const std::string& name, const std::string& type, const std::string& rest) {
  return "{ name = \"" + name + "\"; type = \"" + type + "\"; " + rest + " }";
}
std::string grant(const std::string& name, const std::string& rest) { return connector(name, "on_premises", rest); }
std::string relay(const std::string& name, const std::string& rest) { return connector(name, "relay", rest); }
std::string partner(const std::string& name, const std::string& domains, const std::string& rest) {
  return connector(name, "partner", "sender_domains = " + domains + "; " + rest);
}
const std::string both = "[ \"192.0.2.1\", \"2001:db8::1\" ]";
const std::string ours = "organization = { domains = \".us.example\"; };\n";

}  // namespace

BOOST_AUTO_TEST_CASE(listeners_that_nobody_can_use) {
  const auto with = [](const std::string& inbound) {
    return ours + "listeners = (\n{ name = \"shut\"; closed = true; } );\ninbound = ( " + inbound + " );\n";
  };
  const Lines closed{
      "main.conf:3: warning: listeners.shut: is closed to everyone: no enabled connector in mode \"enforce\" is about it, so each client is "
      "refused at connect; name it in `listeners` of the connector whose peer shall use it"};
  check("", {{with(""), closed},
             {with(grant("a", "source_ips = \"192.0.2.1\";")), {}},
             {with(grant("a", "source_ips = \"192.0.2.1\"; listeners = \"shut\";")), {}},
             {with(grant("a", "source_ips = \"192.0.2.1\"; listeners = \"shut\"; enabled = false;")), closed},
             {with(grant("a", "source_ips = \"192.0.2.1\"; mode = \"audit\";")), closed},
             {with(partner("a", "\"d.example\"", "require_tls = true; listeners = \"shut\";")), {}},
             {with(grant("a", "source_ips = \"192.0.2.256\"; listeners = \"shut\";")), {"main.conf:4: error: inbound.a.source_ips: ..."}}});
}

BOOST_AUTO_TEST_CASE(words_without_a_dot) {
  const auto device = [](const std::string& rest) {
    return connector("d", "device", "source_ips = \"192.0.2.1\"; rate_limit = { messages = 9; per = \"1h\"; }; " + rest);
  };
  const auto said = [](const std::string& what) { return Lines{"main.conf:3: warning: inbound.d." + what}; };
  const std::string name = " has no dot, so it is a domain of that name: ";
  check_inbound({
      {device("senders = [ \"scanner\" ];"), said("senders: \"scanner\"" + name + "for an address write \"scanner@contoso.example\"")},
      {device("recipients = [ \"internal\", \"scanner\" ];"),
       said("recipients: \"scanner\"" + name + "for an address write \"scanner@contoso.example\"")},
      {device("recipients = \"organization\";"), said("recipients: \"organization\" is a word of outbound connectors: write \"internal\"")},
      {device("senders = \"organization\";"), said("senders: \"organization\"" + name + "...")},
      {device("senders = [ \"*\", \"<>\", \".com\", \"x.example\", \"scanner@printer\", \"[192.0.2.1]\" ];"), {}},
      {device("senders = \"scanner\"; enabled = false;"), {}},
      {connector("d", "partner", "require_tls = true; sender_domains = \"fabrikam\";"),
       said("sender_domains: \"fabrikam\"" + name + "write the whole domain, such as \"fabrikam.example\"")},
      {connector("d", "partner", "require_tls = true; sender_domains = [ \"*\", \"<>\", \".fabrikam.example\" ];"), {}},
  });
  check("", {{"organization = { domains = \"corp\"; };\ninbound = ( " + device("senders = \"corp\";") + " );\n", {}}});
}

BOOST_AUTO_TEST_CASE(trials_that_try_nothing) {
  const auto nothing = [](int line, const std::string& name, const std::string& twin, int at) {
    return Lines{"main.conf:" + std::to_string(line) + ": warning: inbound." + name + ": tries nothing: it differs from \"" + twin +
                 "\" (main.conf:" + std::to_string(at) +
                 ") in nothing that decides what becomes of mail, and audit shows nothing else; change it, or remove it"};
  };
  const auto pair = [](const std::string& enforced, const std::string& tried) {
    return grant("a", "source_ips = \"192.0.2.1\"; " + enforced) + ",\n" + grant("b", "source_ips = \"192.0.2.1\"; mode = \"audit\"; " + tried);
  };
  const std::string header = "require_header = { name = \"X-Y\"; values = ";
  check_inbound({
      {pair("", ""), nothing(4, "b", "a", 3)},
      {pair("", "trust = \"site\"; accept_headers = true; add_headers = ( { name = \"X-Y\"; value = \"z\"; } ); comment = \"try\";"),
       nothing(4, "b", "a", 3)},
      {pair("recipients = [ \"x.example\", \"y.example\" ];", "recipients = [ \"y.example\", \"x.example\" ];"), nothing(4, "b", "a", 3)},
      {pair("enabled = false;", ""), {}},
      {pair("", "require_tls = true;"), {}},
      {pair("", "min_tls_version = \"TLSv1.2\";"), {}},
      {pair("", "senders = \"x.example\";"), {}},
      {pair("", "recipients = \"internal\";"), {}},
      {pair("", "max_recipients = 5;"), {}},
      {pair("", "max_message_size = 5;"), {}},
      {pair("", "on_violation = \"tempfail\";"), {}},
      {pair("", "rate_limit = { messages = 1; per = \"1m\"; };"), {}},
      {pair("", header + "\"z\"; };"), {}},
      {pair(header + "\"z\"; };", header + "\"y\"; };"), {}},
      {pair("", "listeners = \"mx\";"), {}},
      {partner("a", "\"d.example\"", "mode = \"audit\"; source_ips = " + both + ";") + ",\n" +
           partner("b", "\"d.example\"", "source_ips = " + both + ";"),
       nothing(3, "a", "b", 4)},
      {partner("a", "\"d.example\"", "mode = \"audit\"; source_ips = " + both + "; check_header_from = \"enforce\";") + ",\n" +
           partner("b", "\"d.example\"", "source_ips = " + both + ";"),
       {}},
      {partner("a", "\"d.example\"", "source_ips = " + both + ";") + ",\n" +
           partner("b", "\"d.example\"", "mode = \"audit\"; require_tls = true; source_ips = " + both + ";"),
       {"main.conf:4: warning: inbound.b: can never be selected: \"a\" (main.conf:3) has the same identity and sender domains and stands before it"}},
  });
}

BOOST_AUTO_TEST_CASE(partners_without_identity_behind_a_lock) {
  const std::string lock = partner("lock", "\"*\"", "source_ips = " + both + ";") + ",\n";
  const std::string tls = partner("a", "\"d.example\"", "require_tls = true;");
  const Lines behind{
      "main.conf:4: warning: inbound.a: asks nobody for an identity, so mail of its domains must meet \"lock\" (main.conf:3) as well, which "
      "receives mail of every sender: what this partner sends us directly will be a violation there; add source_ips or certificates if it does, and "
      "via = [ \"lock\" ] if it sends through "
      "that"};
  check_inbound({
      {lock + tls, behind},
      {lock + partner("a", "\"d.example\"", "require_tls = true; listeners = \"mx\";"), behind},
      {lock + partner("a", "\"d.example\"", "via = \"lock\"; require_tls = true;"), {}},
      {partner("lock", "\"*\"", "source_ips = " + both + "; enabled = false;") + ",\n" + tls, {}},
      {partner("lock", "\"*\"", "require_tls = true;") + ",\n" + tls, {}},
      {partner("lock", "\"*\"", "source_ips = " + both + "; listeners = \"relay\";") + ",\n" +
           partner("a", "\"d.example\"", "require_tls = true; listeners = \"mx\";"),
       {}},
  });
}

BOOST_AUTO_TEST_CASE(via_with_dead_names) {
  const std::string lend = "source_ips = " + both + ";";
  const auto text = [&](const std::string& p, const std::string& q, const std::string& mode = "") {
    return partner("p", "\"p.example\"", lend + p) + ",\n" + partner("q", "\"q.example\"", "source_ips = [ \"192.0.2.2\", \"2001:db8::2\" ];" + q) +
           ",\n" + partner("r", "\"r.example\"", "via = [ \"p\",\n\"q\" ];" + mode);
  };
  const std::string dead = ", which is not enabled: this partner's mail that comes through it is a violation";
  check_inbound({
      {text("", ""), {}},
      {text("", "enabled = false;"), {"main.conf:6: warning: inbound.r.via[1]: names \"q\"" + dead}},
      {text("mode = \"audit\";", ""), {}},
      {text("mode = \"audit\";", "mode = \"audit\";"), {}},
      {text("mode = \"audit\";", "", "mode = \"audit\";"), {}},
      {text("enabled = false;", "", "mode = \"audit\";"), {"main.conf:5: warning: inbound.r.via[0]: names \"p\"" + dead}},
      {text("enabled = false;", "mode = \"audit\";"), {"main.conf:5: warning: inbound.r.via[0]: names \"p\"" + dead}},
      {text("enabled = false;", "enabled = false;"), {"main.conf:5: warning: inbound.r.via: has no effect: ..."}},
  });
}

BOOST_AUTO_TEST_CASE(via_does_not_stand_for_tls) {
  const auto text = [](const std::string& lock, const std::string& own) {
    return partner("lock", "\"*\"", "source_ips = " + both + "; " + lock) + ",\n" +
           partner("a", "\"d.example\"", "via = \"lock\"; source_ips = \"192.0.2.9\"; " + own);
  };
  const Lines clear{
      "main.conf:4: warning: inbound.a.via: names \"lock\", which takes mail in clear text, while this partner has require_tls: its mail that comes "
      "through \"lock\" in clear text is a violation; set require_tls = true there once all of its mail comes over TLS, or min_tls_version here if "
      "that is meant"};
  check_inbound({
      {text("", "require_tls = true;"), clear},
      {text("", "certificates = \"mx.d.example\";"), clear},
      {text("mode = \"audit\";", "require_tls = true;"), clear},
      {text("", ""), {}},
      {partner("lock", "\"*\"", "source_ips = " + both + ";") + ",\n" + partner("a", "\"d.example\"", "via = \"lock\"; require_tls = true;"), {}},
      {text("", "min_tls_version = \"TLSv1.2\";"), {}},
      {text("require_tls = true;", "require_tls = true;"), {}},
      {text("min_tls_version = \"TLSv1.2\";", "require_tls = true;"), {}},
      {text("certificates = \"c.example\";", "require_tls = true;"), {}},
      {text("enabled = false;", "require_tls = true;"), {"main.conf:4: warning: inbound.a.via: has no effect: ..."}},
  });
}

BOOST_AUTO_TEST_CASE(exemptions_for_shared_servers) {
  check_inbound({
      {relay("a", "certificates = \"mail.protection.outlook.com\";"),
       {"main.conf:3: warning: inbound.a.certificates: \"mail.protection.outlook.com\" is shared by every customer of Microsoft 365: mail of any of "
        "them would be "
        "exempt from every restriction; name something only that server has"}},
      {relay("a", "source_ips = \"192.0.2.1\";"), {}},
  });
}

BOOST_AUTO_TEST_CASE(partners_that_are_granted_already) {
  const auto taken = [](const std::string& setting, const std::string& what) {
    return Lines{"main.conf:4: warning: inbound.q." + setting + ": no mail can ever meet this partner: all of its " + what +
                 " belong to grants or exemptions, which come first"};
  };
  const auto pair = [](const std::string& granted, const std::string& own) {
    return grant("g", granted) + ",\n" + partner("q", "\"d.example\"", own);
  };
  check_inbound({
      {pair("certificates = \".d.example\";", "certificates = [ \"mx.d.example\", \"d.example\" ];"), taken("certificates", "certificates")},
      {pair("certificates = \"*.d.example\";", "certificates = \".mx.d.example\";"), taken("certificates", "certificates")},
      {pair("certificates = \"*.d.example\";", "certificates = \"*.d.example\";"), taken("certificates", "certificates")},
      {pair("certificates = \"*.d.example\";", "certificates = \".d.example\";"), {}},
      {pair("certificates = \"mx.d.example\";", "certificates = [ \"mx.d.example\", \"mx2.d.example\" ];"), {}},
      {pair("certificates = \"mx.d.example\"; certificate_issuers = \"CA\";", "certificates = \"mx.d.example\";"), {}},
      {pair("certificates = \"mx.d.example\"; auth_users = \"u\";", "certificates = \"mx.d.example\";"), {}},
      {pair("certificates = \"mx.d.example\"; source_ips = \"192.0.2.1\";", "certificates = \"mx.d.example\";"), {}},
      {pair("certificates = \"mx.d.example\"; listeners = \"mx\";", "certificates = \"mx.d.example\";"), {}},
      {pair("certificates = \"mx.d.example\"; mode = \"audit\";", "certificates = \"mx.d.example\";"), {}},
      {pair("certificates = \"mx.d.example\"; require_header = { name = \"X-Y\"; values = \"z\"; };", "certificates = \"mx.d.example\";"), {}},
      {pair("auth_users = [ \"u\", \"v\" ];", "auth_users = \"u\";"), taken("auth_users", "logins")},
      {pair("auth_users = \"*\";", "auth_users = [ \"u\", \"w\" ];"), taken("auth_users", "logins")},
      {pair("auth_users = \"u\";", "auth_users = [ \"u\", \"w\" ];"), {}},
      {pair("auth_users = \"u\"; source_ips = \"192.0.2.1\";", "auth_users = \"u\";"), {}},
  });
}

BOOST_AUTO_TEST_CASE(rules_that_take_nothing) {
  const auto rule = [](const std::string& name, const std::string& when, const std::string& more = "") {
    return "\n{ name = \"" + name + "\"; smart_hosts = \"[192.0.2.9]\"; when = { " + when + " }; " + more + " }";
  };
  const std::string start = "maps = { };\ninbound = ( " + grant("ex", "source_ips = \"192.0.2.1\";") + ", " +
                            grant("off", "source_ips = \"192.0.2.2\"; enabled = false;") + " );\noutbound = (";
  const std::string sender = "sender_domains = [ \"a.example\", \"b.example\" ];";
  const std::string repeated = ": can never be chosen: \"a\" (main.conf:5) asks the same of a message and has the lower cost";
  check(ours + start,
        {{rule("a", sender) + "," + rule("b", "sender_domains = [ \"b.example\", \"a.example\" ];", "cost = 2;"),
          {"main.conf:6: warning: outbound.b" + repeated}},
         {rule("a", sender) + "," + rule("b", sender, "cost = 2; mode = \"audit\";"), {"main.conf:6: warning: outbound.b" + repeated}},
         {rule("a", sender, "mode = \"audit\";") + "," + rule("b", sender, "cost = 2;"), {}},
         {rule("a", sender) + "," + rule("b", "sender_domains = \"a.example\";", "cost = 2;"), {}},
         {rule("a", sender) + "," + rule("b", sender, "cost = 2; recipient_domains = \"d.example\";"), {}},
         {rule("a", sender) + ",\n{ name = \"b\"; smart_hosts = \"[192.0.2.8]\"; cost = 2; when = { " + sender + " }; }", {}},
         {rule("a", "connectors = [ \"ex\", \"off\" ];"),
          {"main.conf:5: warning: outbound.a.when.connectors[1]: names \"off\", which is not enabled: no mail comes by it"}}},
        "\n);\n");
  const std::string nobody =
      "main.conf:4: warning: outbound.a: never holds: no on_premises or device connector is enabled and vouch is empty, so there is no "
      "mail that a rule may take; name the partners whose mail is meant in when.connectors";
  const auto trusting = [&](const std::string& vouch, const std::string& inbound) {
    return "organization = { domains = \".us.example\"; vouch = " + vouch + "; };\nmaps = { };\ninbound = ( " + inbound + " ); outbound = (" +
           rule("a", sender) + " );\n";
  };
  check("", {{trusting("[ ]", ""), {nobody}},
             {trusting("\"local\"", ""), {}},
             {trusting("[ ]", grant("ex", "source_ips = \"192.0.2.1\";")), {}},
             {trusting("[ ]", grant("ex", "source_ips = \"192.0.2.1\"; enabled = false;")), {nobody}}});
}

// Whoever meets a warning finds its beginning in the manual page, with what it means.
BOOST_AUTO_TEST_CASE(every_warning_can_be_looked_up) {
  std::ifstream in(fs::path(std::getenv("CM_SOURCE")) / "packaging/man/connectorctl.8");
  std::string page, line;
  while (std::getline(in, line)) page += line + ' ';
  for (const char* words : {"has host bits set",
                            "is shared by every customer of",
                            "has no dot, so it is a domain of that name",
                            "is a word of outbound connectors",
                            "this device may send to any recipient without a rate limit",
                            "has no via, while",
                            "asks nobody for an identity, so mail of its domains must meet",
                            "has no effect: none of the connectors it names",
                            "which is not enabled",
                            "which takes mail in clear text",
                            "which has require_header",
                            "refuses no client at connect",
                            "is closed to everyone",
                            "can never be selected",
                            "no mail can ever meet this partner",
                            "tries nothing",
                            "has no effect, as no outbound connector has",
                            "can never be chosen",
                            "never holds",
                            "hands back is not recognised",
                            "nothing will be delivered to",
                            "is never presented",
                            "there is no file",
                            "is not in the organization domains"})
    BOOST_TEST(page.find(words) != std::string::npos, words);
}

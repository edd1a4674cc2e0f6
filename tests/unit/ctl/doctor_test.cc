// doctor: on a sound machine it finds nothing; each thing that is broken is found as what it is, alone, and is gone once its own line is in.
#define BOOST_TEST_DYN_LINK
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <fstream>
#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

#include "doctor_findings.h"

using namespace cm;
using namespace cm::ctl;
using namespace cm::ctl::doctor;
using namespace cm::ctl::doctor::test;

namespace {

const std::string ours = "{ unix:connector-milter/milter.sock, connect_timeout=10s, default_action=tempfail }";

struct Broken {
  const char* finding;  // "SEVERITY:ID "
  std::function<void(Machine&)> breaks;
};

Service& filter_way_back(Machine& m) { return m.add("127.0.0.1:10025", "inet", "smtpd", {{"smtpd_milters", ""}, {"content_filter", ""}}); }

const Broken broken[] = {
    {"error:milter-missing ", [](auto& m) { set(m, "smtpd_milters", ""); }},
    {"error:milter-missing ", [](auto& m) { set(m, "smtpd_milters", "inet:127.0.0.1:11332"); }},
    {"error:milter-missing ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_milters", ""); }},
    {"error:milter-missing ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_milters", "unix:other.sock"); }},
    {"error:milter-missing ",
     [](auto& m) {
       m.at("smtp/inet") = {"smtpd", "pass", "smtpd", true, {{"milter_macro_daemon_name", "mx"}, {"smtpd_milters", ""}}};
     }},
    {"warning:milter-order ", [](auto& m) { m.main()["smtpd_milters"] = "inet:127.0.0.1:11332, " + ours; }},
    {"warning:milter-order ", [](auto& m) { m.main()["non_smtpd_milters"] = "inet:127.0.0.1:11332 " + ours; }},
    {"error:default-action ", [](auto& m) { set(m, "smtpd_milters", "{ unix:connector-milter/milter.sock, default_action=accept }"); }},
    {"error:default-action ", [](auto& m) { set(m, "smtpd_milters", "{ unix:connector-milter/milter.sock, { default_action = reject } }"); }},
    {"error:default-action ",
     [](auto& m) {
       set(m, "non_smtpd_milters", "unix:connector-milter/milter.sock");
       set(m, "milter_default_action", "quarantine");
     }},
    {"warning:default-action ", [](auto& m) { set(m, "smtpd_milters", "{ unix:connector-milter/milter.sock, default_action=yes }"); }},
    {"error:milter-protocol ", [](auto& m) { set(m, "milter_protocol", "2"); }},
    {"error:milter-protocol ", [](auto& m) { set(m, "smtpd_milters", "{ unix:connector-milter/milter.sock, protocol=4 }"); }},
    {"error:no-milters ", [](auto& m) { set_at(m, "smtp/inet", "receive_override_options", "no_address_mappings,no_milters"); }},
    {"error:no-milters ", [](auto& m) { set_at(m, "pickup/unix", "receive_override_options", "no_milters"); }},
    {"error:local-milter-missing ", [](auto& m) { set(m, "non_smtpd_milters", ""); }},
    {"error:milter-maps ", [](auto& m) { set(m, "smtpd_milter_maps", "inline:{{192.0.2.1 = DISABLE}}"); }},
    {"warning:milter-maps ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_milter_maps", "cidr:/etc/postfix/milters"); }},
    {"error:milter-maps ",
     [](auto& m) {
       set(m, "smtpd_milter_maps", "cidr:/etc/postfix/milters");
       m.seen.files["/etc/postfix/milters"] = "192.0.2.0/24 disable\n";
     }},
    {"error:proxy-filter ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_proxy_filter", "127.0.0.1:10024"); }},
    {"warning:reinjection-listener ", [](auto& m) { filter_way_back(m); }},
    {"warning:judged-twice ",
     [](auto& m) {
       set(m, "content_filter", "smtp:[127.0.0.1]:10024");
       filter_way_back(m).settings = {{"content_filter", ""}, {"milter_macro_daemon_name", "mx"}};
     }},
    {"error:macro-defaults ", [](auto& m) { set(m, "milter_macro_defaults", "auth_type=none, {cert_subject}=mail.fabrikam.example"); }},
    {"error:certificates-not-asked ", [](auto& m) { set(m, "smtpd_tls_ask_ccert", "no"); }},
    {"note:certificates-not-asked ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_tls_ask_ccert", "no"); }},
    {"error:tls-not-offered ", [](auto& m) { set(m, "smtpd_tls_security_level", "none"); }},
    {"note:tls-not-offered ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_tls_security_level", ""); }},
    {"error:server-certificate-missing ", [](auto& m) { set(m, "smtpd_tls_cert_file", ""); }},
    {"error:server-certificate-missing ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_tls_cert_file", "None"); }},
    {"error:client-ca-missing ", [](auto& m) { set(m, "smtpd_tls_CAfile", ""); }},
    {"warning:relay-clientcerts ",
     [](auto& m) {
       m.policy.inbound[0].certificates.clear();
       set(m, "smtpd_tls_CAfile", ""), set(m, "relay_clientcerts", "hash:/etc/postfix/clients");
       m.main()["smtpd_relay_restrictions"] = "permit_tls_clientcerts, " + m.main()["smtpd_relay_restrictions"];
     }},
    {"error:client-ca-missing ",
     [](auto& m) {
       set(m, "smtpd_tls_CAfile", "/etc/postfix/x.pem");
       m.seen.ca_stores["/etc/postfix/x.pem"] = {"No such file or directory", 0, false};
     }},
    {"warning:client-ca-web ", [](auto& m) { set(m, "tls_append_default_CA", "yes"); }},
    {"warning:client-ca-web ",
     [](auto& m) {
       set(m, "smtpd_tls_CApath", "/etc/ssl/certs");
       m.seen.ca_stores["/etc/ssl/certs"] = {"", 3, true};
     }},
    {"note:client-ca-web ",
     [](auto& m) {
       set(m, "smtpd_tls_CAfile", "/etc/postfix/many.pem");
       m.seen.ca_stores["/etc/postfix/many.pem"] = {"", 140, false};
       m.policy.inbound[0].certificate_issuers = {"Fabrikam CA"};
     }},
    {"warning:xclient ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_authorized_xclient_hosts", "127.0.0.1"); }},
    {"warning:proxy-protocol ", [](auto& m) { set(m, "smtpd_upstream_proxy_protocol", "haproxy"); }},
    {"warning:proxy-protocol ",
     [](auto& m) {
       m.add("smtpd", "pass", "smtpd", {{"milter_macro_daemon_name", "mx"}});
       m.add("25", "inet", "postscreen", {{"postscreen_upstream_proxy_protocol", "haproxy"}});
     }},
    {"error:bare-newline ", [](auto& m) { set(m, "smtpd_forbid_bare_newline", "no"); }},
    {"error:bare-newline ", [](auto& m) { set_at(m, "smtp/inet", "smtpd_forbid_bare_newline", "note"); }},
    {"error:bare-newline ",
     [](auto& m) {
       m.postfix().version = {3, 7, 8};
     }},
    {"warning:bare-newline-exclusions ", [](auto& m) { set(m, "smtpd_forbid_bare_newline_exclusions", "10.20.0.0/24"); }},
    {"warning:mynetworks ",
     [](auto& m) {
       set_at(m, "2501/inet", "smtpd_recipient_restrictions", "permit_mynetworks reject");
       set(m, "mynetworks", "127.0.0.0/8, 10.20.0.0/24, 10.0.0.0/8, hash:/etc/postfix/networks");
     }},
    {"warning:ipv6 ", [](auto& m) { set(m, "inet_protocols", "all"); }},
    {"error:listener-unknown ",
     [](auto& m) {
       m.policy.inbound[1].listeners = {"internal"};
       m.policy.listeners.push_back({"internal", false});
       m.add("25", "inet", "smtpd", {{"milter_macro_daemon_name", "mx"}});
     }},
    {"warning:listener-unknown ",
     [](auto& m) {
       m.policy.listeners.push_back({"other", false});
     }},
    {"warning:listener-undeclared ",
     [](auto& m) {
       m.add("587", "inet", "smtpd", {{"milter_macro_daemon_name", "submission"}});
     }},
    {"warning:listener-unnamed ", [](auto& m) { m.add("587", "inet", "smtpd"); }},
    {"warning:domain-not-ours ", [](auto& m) { set(m, "relay_domains", "wingtip.example, hash:/etc/postfix/relay"); }},
    {"note:domain-not-taken ", [](auto& m) { m.policy.organization.domains.push_back(domain("wingtip.example")); }},
    {"error:policy-missing ", [](auto& m) { set_at(m, "2501/inet", "smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination"); }},
    {"error:policy-missing ",
     [](auto& m) { m.main()["smtpd_relay_restrictions"] = "reject_unauth_destination, check_policy_service unix:connector-milter/policy.sock"; }},
    {"warning:policy-missing ",
     [](auto& m) {
       m.policy.inbound[2].mode = Mode::audit, m.need(), set(m, "mynetworks", "10.20.0.0/24");
       set_at(m, "2501/inet", "smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination");
     }},
    {"warning:policy-missing ",
     [](auto& m) {
       m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].listeners.clear(), m.need(), set(m, "mynetworks", "10.20.0.0/24");
       set(m, "smtpd_relay_restrictions", "permit_mynetworks, reject_unauth_destination"),
           m.at("2501/inet").settings.erase("smtpd_relay_restrictions");
     }},
    {"warning:relay-in-audit ", [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.apply(); }},
    {"warning:relay-in-audit ", [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.need(), set(m, "mynetworks", "10.20.0.0/24"); }},
    {"warning:relay-in-audit ",
     [](auto& m) {
       m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].recipients = {false, true, {*AddressPattern::parse("fabrikam.example")}};
       m.apply(), set(m, "mynetworks", "10.20.0.0/25");
     }},
    {"error:map-missing ", [](auto& m) { set(m, "transport_maps", "hash:/etc/postfix/transport"); }},
    {"error:map-missing ", [](auto& m) { set(m, "sender_dependent_default_transport_maps", ""); }},
    {"error:map-missing ", [](auto& m) { set_at(m, "smtp/unix", "smtp_tls_policy_maps", ""); }},
    {"error:map-missing ", [](auto& m) { set(m, "milter_header_checks", "socketmap:unix:connector-milter/maps.sock:transport"); }},
    {"warning:outbound-without-maps ", [](auto& m) { m.service.maps.reset(), m.need(); }},
    {"note:map-order ", [](auto& m) { m.main()["transport_maps"] = "hash:/etc/postfix/transport, " + m.main()["transport_maps"]; }},
    {"error:relayhost ", [](auto& m) { set(m, "relayhost", "[smtp.provider.example]"); }},
    {"error:fallback-relay ", [](auto& m) { set(m, "smtp_fallback_relay", "[smtp.provider.example]"); }},
    {"error:server-ca-missing ", [](auto& m) { set(m, "smtp_tls_CAfile", ""); }},
    {"error:dane-without-dnssec ",
     [](auto& m) {
       m.policy.outbound[0].tls = OutboundTls::dane_only;
       m.need();
     }},
    {"error:fingerprint-digest ",
     [](auto& m) {
       m.policy.outbound[0].tls = OutboundTls::fingerprint;
       m.need();
       set(m, "smtp_tls_fingerprint_digest", "md5");
     }},
    {"error:tls-required-header ",
     [](auto& m) {
       m.postfix().version = {3, 10, 1};
       m.need();
     }},
    {"error:transport-unknown ", [](auto& m) { m.policy.outbound[0].transport = "smtp-fabrikam"; }},
    {"error:service-missing ",
     [](auto& m) {
       auto& services = m.postfix().services;
       services.erase(std::find_if(services.begin(), services.end(), [](const auto& s) { return s.name == "cleanup-requeued"; }));
     }},
    {"warning:service-setting ", [](auto& m) { m.at("pickup/unix").settings.erase("cleanup_service_name"); }},
    {"warning:service-setting ", [](auto& m) { set_at(m, "cleanup-requeued/unix", "header_checks", "regexp:/etc/postfix/checks"); }},
    {"error:daemon-down ",
     [](auto& m) {
       m.seen.daemon.answer = DaemonState::Answer::no;
       m.seen.sockets[{"/etc/postfix", "unix:connector-milter/milter.sock", true}] = "Connection refused";
     }},
    {"note:daemon-not-asked ", [](auto& m) { m.seen.daemon.answer = DaemonState::Answer::not_allowed; }},
    {"note:daemon-not-asked ", [](auto& m) { m.seen.daemon.digest.reset(); }},
    {"warning:daemon-old-config ", [](auto& m) { m.seen.daemon.digest = "another"; }},
    {"error:daemon-restart-needed ",
     [](auto& m) {
       m.seen.daemon.sockets["policy"].clear();
       m.seen.daemon.digest = "another";
       m.seen.sockets[{"/etc/postfix", "unix:connector-milter/policy.sock", true}] = "No such file or directory";
     }},
    {"error:daemon-restart-needed ", [](auto& m) { m.seen.daemon.sockets["milter"] = "inet:8891@127.0.0.1"; }},
    {"warning:daemon-restart-needed ", [](auto& m) { m.seen.daemon.restart_needed = true; }},
    {"error:socket-unreachable ",
     [](auto& m) {
       m.seen.sockets[{"/etc/postfix", "unix:/run/c/milter.sock", true}] = "No such file or directory";
     }},
    {"note:sockets-not-tried ", [](auto& m) { m.seen.sockets_tried = false; }},
};

}  // namespace

BOOST_AUTO_TEST_SUITE(doctor_findings)

BOOST_AUTO_TEST_CASE(nothing_on_a_sound_machine) { BOOST_TEST(words(ids(sound_machine().findings())) == ""); }

BOOST_AUTO_TEST_CASE(what_is_broken_and_nothing_else) {
  int row = 0;
  for (const auto& [finding, breaks] : broken) {
    auto m = sound_machine();
    breaks(m);
    BOOST_TEST_INFO("row " << row++);
    BOOST_TEST(words(ids(m.findings())) == finding);
  }
}

BOOST_AUTO_TEST_CASE(a_finding_brings_the_line_that_mends_it) {
  int row = 0;
  for (const auto& [name, breaks] : broken) {
    auto m = sound_machine();
    breaks(m);
    const auto found = m.findings();
    BOOST_REQUIRE(!found.empty());
    BOOST_TEST(!found[0].line.empty());
    BOOST_TEST_INFO("row " << row++ << ": " << found[0].id << ": " << found[0].line);
    const bool exact = found[0].file.ends_with(".cf") && found[0].line.find("NAME") == std::string::npos && found[0].id != "map-order";
    if (!exact) continue;
    for (const auto& finding : found) m.mend(finding);
    const auto left = ids(m.findings());
    BOOST_TEST(!left.contains(found[0].id));
    BOOST_TEST(std::all_of(left.begin(), left.end(), [](const auto& finding) { return finding.second == "note"; }), words(left));
  }
}

// A row of a table is `| `id` | severities | meaning | cure |`.
BOOST_AUTO_TEST_CASE(the_guide_has_each_with_its_severities) {
  std::map<std::string, std::set<std::string>> found, told;
  for (const auto& row : broken) {
    const std::string_view text(row.finding);
    const auto colon = text.find(':');
    found[std::string(text.substr(colon + 1, text.size() - colon - 2))].insert(std::string(text.substr(0, colon)));
  }
  const char* source = ::getenv("CM_SOURCE");
  BOOST_REQUIRE(source);
  std::ifstream guide(source + std::string("/packaging/docs/doctor.md"));
  for (std::string line; std::getline(guide, line);) {
    if (!line.starts_with("| `")) continue;
    const auto end = line.find('`', 3);
    const auto bar = line.find(" |", end + 4);
    auto& severities = told[line.substr(3, end - 3)];
    for (const auto& severity : split(line.substr(end + 4, bar - end - 4))) severities.insert(severity);
  }
  for (const auto& [id, severities] : found) {
    BOOST_TEST(told.contains(id), id);
    BOOST_TEST(std::includes(told[id].begin(), told[id].end(), severities.begin(), severities.end()), id);
  }
  for (const auto& [id, severities] : told)
    BOOST_TEST((found[id] == severities || id == "proxy-filter" || id == "reinjection-listener" || id == "mynetworks"), id);
}

BOOST_AUTO_TEST_CASE(filters_and_what_comes_back) {
  auto m = sound_machine();
  set(m, "content_filter", "smtp:[127.0.0.1]:10024");
  filter_way_back(m);
  BOOST_TEST(words(ids(m.findings())) == "note:reinjection-listener ");
  m.at("127.0.0.1:10025/inet").settings["milter_macro_daemon_name"] = "mx";
  m.at("127.0.0.1:10025/inet").name = "10025";  // open to everybody
  BOOST_TEST(words(ids(m.findings())) == "error:milter-missing ");

  auto routed = sound_machine();  // an outbound connector takes mail to the filter
  filter_way_back(routed);
  routed.policy.outbound[2].smart_hosts = {{"[127.0.0.1]:10026", Ip::parse("127.0.0.1")}};
  BOOST_TEST(words(ids(routed.findings())) == "note:reinjection-listener ");

  auto proxied = sound_machine();
  set_at(proxied, "smtp/inet", "smtpd_proxy_filter", "127.0.0.1:10024");
  for (const auto& line : proxied.postfix().needed)
    if (line.place == PostfixLine::Place::without_milter && line.name == "header_checks")
      proxied.add("cleanup-no-milter", "unix", "cleanup", {{"header_checks", line.value}});
  filter_way_back(proxied).settings["cleanup_service_name"] = "cleanup-no-milter";
  BOOST_TEST(words(ids(proxied.findings())) == "note:proxy-filter note:reinjection-listener ");
}

// An action, where a line for main.cf would take the place of what is there.
BOOST_AUTO_TEST_CASE(what_is_added_to_a_list_is_an_action) {
  auto m = sound_machine();
  m.policy.organization.domains.push_back(domain("wingtip.example"));
  m.policy.listeners.push_back({"other", false});
  const auto found = m.findings();
  BOOST_REQUIRE(found.size() == 2U);
  BOOST_TEST(to_text(found, false)
                 .find("    -> -o milter_macro_daemon_name=other in master.cf, below the service of that listener, for example smtp/inet\n") !=
             std::string::npos);
  BOOST_TEST(found[1].line == "add wingtip.example to mydestination or virtual_mailbox_domains (mailboxes here) or relay_domains (elsewhere)");
  BOOST_TEST(found[1].file.empty());
}

BOOST_AUTO_TEST_CASE(one_cause_is_one_finding) {
  auto m = sound_machine();
  m.main()["smtpd_milters"] = "";
  const auto found = m.findings();
  BOOST_TEST(found.size() == 1U);
  BOOST_TEST(found[0].services == (std::vector<std::string>{"smtp/inet", "2501/inet"}), boost::test_tools::per_element());
  BOOST_TEST(found[0].line == "smtpd_milters = " + ours);
}

BOOST_AUTO_TEST_CASE(a_second_instance) {
  auto m = sound_machine();
  auto out = m.postfix();
  out.directory = "/etc/postfix-out";
  out.main["smtpd_milters"] = "";
  m.instances.push_back(std::move(out));
  const auto found = m.findings();
  BOOST_TEST(words(ids(found)) == "error:milter-missing ");
  BOOST_TEST(found[0].instance == "/etc/postfix-out");
  BOOST_TEST(to_text(found, true).find("error: milter-missing (/etc/postfix-out: smtp/inet, 2501/inet)\n") == 0U);
}

BOOST_AUTO_TEST_CASE(sockets_as_each_service_uses_them) {
  auto m = sound_machine();
  m.at("smtp/unix").chroot = false;
  const auto uses = sockets_to_try({m.policy, m.service, "digest", m.instances, {}});
  const std::vector<SocketUse> expected{{"/etc/postfix", "unix:connector-milter/milter.sock", true},
                                        {"/etc/postfix", "unix:connector-milter/policy.sock", true},
                                        {"/etc/postfix", "unix:connector-milter/maps.sock", true},
                                        {"/etc/postfix", "unix:connector-milter/maps.sock", false}};
  BOOST_TEST((uses == expected));
}

BOOST_AUTO_TEST_CASE(words_and_json) {
  auto m = sound_machine();
  m.main()["smtpd_tls_ask_ccert"] = "no";
  m.seen.sockets_tried = false;
  const auto found = m.findings();
  BOOST_TEST(to_text(found, false) ==
             "error: certificates-not-asked (smtp/inet, 2501/inet)\n"
             "    Clients are not asked for a certificate here, and fabrikam demands one.\n"
             "    main.cf: smtpd_tls_ask_ccert = yes\n"
             "note: sockets-not-tried\n"
             "    Whether Postfix's user reaches the sockets of the daemon was not tried: that takes root.\n"
             "    -> run this as root\n"
             "1 error, 0 warnings, 1 note\n");
  const auto json = nlohmann::json::parse(to_json(found));
  BOOST_TEST(json.size() == 2U);
  BOOST_TEST(json[0].dump() == R"({"file":"main.cf","id":"certificates-not-asked","instance":"/etc/postfix","line":"smtpd_tls_ask_ccert = yes",)"
                               R"("reason":"Clients are not asked for a certificate here, and fabrikam demands one",)"
                               R"("services":["smtp/inet","2501/inet"],"severity":"error"})");
  BOOST_TEST(json[1]["file"].is_null());
}

BOOST_AUTO_TEST_SUITE_END()

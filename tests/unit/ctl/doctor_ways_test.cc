// doctor: what is sound in another way is no finding, and what belongs together comes and goes together.
#define BOOST_TEST_DYN_LINK
#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <functional>

#include "doctor_findings.h"

using namespace cm;
using namespace cm::ctl::doctor;
using namespace cm::ctl::doctor::test;

BOOST_AUTO_TEST_SUITE(doctor_ways)

// Postfix asks at a socket only once the daemon listens there: told the other way round, all mail would be put off.
BOOST_AUTO_TEST_CASE(the_restart_comes_first) {
  const auto of = [](const std::vector<Finding>& findings, std::string_view id) {
    const auto it = std::find_if(findings.begin(), findings.end(), [&](const auto& finding) { return finding.id == id; });
    BOOST_REQUIRE(it != findings.end());
    return *it;
  };
  const std::string_view first = ". First restart the daemon: it does not listen there yet";
  auto m = sound_machine();
  set(m, "smtpd_relay_restrictions", "reject_unauth_destination"), set(m, "transport_maps", "");
  for (const auto& finding : m.findings()) BOOST_TEST(!finding.reason.ends_with(first));
  m.seen.daemon.sockets["policy"] = "";
  const auto found = m.findings();
  BOOST_TEST(found[0].id == "daemon-restart-needed");
  BOOST_TEST(found[0].reason.find(" the socket of policy that ") != std::string::npos);
  BOOST_TEST(found[0].line == "systemctl restart connector-milter, then postfix reload");
  BOOST_TEST(of(found, "policy-missing").reason.ends_with(first));
  BOOST_TEST(!of(found, "map-missing").reason.ends_with(first));
  m.seen.daemon.sockets["maps"] = "unix:/run/other.sock";
  BOOST_TEST(of(m.findings(), "daemon-restart-needed").reason.find(" the socket of maps and policy that ") != std::string::npos);
  BOOST_TEST(of(m.findings(), "map-missing").reason.ends_with(first));
  // An older daemon does not say where it listens.
  m.seen.daemon.sockets.clear();
  m.seen.sockets[{"/etc/postfix", "unix:connector-milter/policy.sock", true}] = "No such file or directory";
  BOOST_TEST(
      of(m.findings(), "socket-unreachable").line.starts_with("systemctl restart connector-milter, then postfix reload. If that does not help, put"));
}

BOOST_AUTO_TEST_CASE(as_sound_in_another_way) {
  const std::function<void(Machine&)> ways[] = {
      // The socket by its whole path, which is not chrooted; a milter behind ours.
      [](auto& m) {
        for (auto& service : m.postfix().services) service.chroot = false;
        set(m, "smtpd_milters", "local:/var/spool/postfix/connector-milter/milter.sock inet:127.0.0.1:11332");
      },
      [](auto& m) { set(m, "smtpd_milters", "unix:/connector-milter/milter.sock"); },  // as a chrooted process sees it
      [](auto& m) { set(m, "milter_macro_defaults", "auth_author=nobody"); },
      [](auto& m) { set(m, "milter_default_action", "accept"); },  // ours has its own
      [](auto& m) {
        m.service.milter.address = m.seen.daemon.sockets["milter"] = "inet:8891@127.0.0.1";
        set(m, "smtpd_milters", "inet:localhost:8891");
        set(m, "non_smtpd_milters", "inet:127.0.0.1:8891");
      },
      // mynetworks is in nobody's permissions, or within what is granted.
      [](auto& m) { set(m, "mynetworks", "10.0.0.0/8"); },
      [](auto& m) {
        set_at(m, "2501/inet", "smtpd_recipient_restrictions", "permit_mynetworks reject");
        m.policy.inbound[2].source_ips = {*Source::parse("10.20.0.0/25"), *Source::parse("10.20.0.128/25")};
        set(m, "mynetworks", "10.20.0.0/24 ![10.20.0.7] hash:/etc/postfix/networks");
      },
      // IPv6, but not here.
      [](auto& m) {
        set(m, "inet_protocols", "all");
        set(m, "inet_interfaces", "127.0.0.1, 192.0.2.1, [::1]");
        m.policy.inbound[1].source_ips.push_back(*Source::parse("2001:db8::/32"));
      },
      [](auto& m) { set_at(m, "smtp/inet", "smtpd_upstream_proxy_protocol", ""); },
      [](auto& m) {
        m.postfix().version = {3, 9, 1}, m.main()["smtpd_forbid_bare_newline"] = "normalize";
      },
      [](auto& m) { set(m, "relay_domains", "localhost.contoso.example, sub.contoso.example"); },
      [](auto& m) {
        set(m, "virtual_alias_domains", "hash:/etc/postfix/virtual"), m.policy.organization.domains.push_back(domain("wingtip.example"));
      },
      [](auto& m) { m.main()["transport_maps"] = "pipemap:{" + m.main()["transport_maps"] + ",inline:{a=b}}"; },
      [](auto& m) { m.main()["smtpd_relay_restrictions"] = "permit_mynetworks, " + m.main()["smtpd_relay_restrictions"]; },
      // The line while a grant is in audit, before and after it is enforced.
      [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.apply(), set(m, "mynetworks", "10.20.0.0/24"); },
      [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.apply(), m.policy.inbound[2].mode = Mode::enforce, m.need(); },
      // A grant in audit that asks for no relaying, whose clients an enforced one lets relay, or something of which nothing is known.
      [](auto& m) {
        m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].recipients = {false, true, {}}, m.apply();
      },
      [](auto& m) {
        m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].recipients = {false, false, {*AddressPattern::parse("a.contoso.example")}},
        m.apply();
      },
      [](auto& m) { m.policy.inbound.push_back(m.policy.inbound[2]), m.policy.inbound[2].mode = Mode::audit, m.need(); },
      [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].auth_users = {"*"}, m.apply(); },
      [](auto& m) {
        m.policy.inbound[2].mode = Mode::audit, m.apply();
        auto& list = m.at("2501/inet").settings["smtpd_relay_restrictions"];
        list = "check_client_access cidr:/etc/postfix/printers, " + list;
      },
      [](auto& m) { m.policy.inbound[2].mode = Mode::audit, m.apply(), set(m, "mynetworks", "127.0.0.0/8 hash:/etc/postfix/networks"); },
      [](auto& m) {  // it may go by another listener
        m.policy.inbound[2].mode = Mode::audit, m.policy.inbound[2].listeners.clear(), m.apply();
        set_at(m, "smtp/inet", "mynetworks", "10.20.0.0/24");
      },
      // A submission port with its own permissions, of which no grant is about the listener.
      [](auto& m) {
        m.add("587", "inet", "smtpd", {{"milter_macro_daemon_name", "mx"}, {"smtpd_relay_restrictions", "permit_sasl_authenticated,reject"}});
      },
      [](auto& m) { m.add("lmtp", "unix", "lmtp"), m.add("qmgr", "unix", "qmgr"); },
      // Certificates of another kind, and none where nobody demands TLS.
      [](auto& m) { set(m, "smtpd_tls_cert_file", ""), set(m, "smtpd_tls_eccert_file", "/etc/postfix/ec.pem"); },
      [](auto& m) {
        m.policy.inbound[0].listeners = {"mx"}, set(m, "smtpd_tls_cert_file", "");
        set_at(m, "smtp/inet", "smtpd_tls_chain_files", "/etc/postfix/chain.pem");
      },
      [](auto& m) { m.policy.inbound[0].enabled = false, set(m, "smtpd_tls_ask_ccert", "no"), set(m, "smtpd_tls_CAfile", ""); },
      // Fingerprints of certificates that are verified, or that nobody is asked for.
      [](auto& m) {
        set(m, "relay_clientcerts", "hash:/etc/postfix/clients");
        m.main()["smtpd_relay_restrictions"] = "permit_tls_clientcerts, " + m.main()["smtpd_relay_restrictions"];
      },
      [](auto& m) {
        m.policy.inbound[0].certificates.clear(), set(m, "smtpd_tls_CAfile", ""), set(m, "relay_clientcerts", "hash:/etc/postfix/clients");
        set(m, "smtpd_tls_ask_ccert", "no"), set(m, "smtpd_recipient_restrictions", "permit_tls_clientcerts, reject");
      },
  };
  int row = 0;
  for (const auto& way : ways) {
    auto m = sound_machine();
    way(m);
    BOOST_TEST_INFO("row " << row++);
    BOOST_TEST(words(ids(m.findings())) == "");
  }
}

// What belongs together comes at once, not the next only when the first is mended.
BOOST_AUTO_TEST_CASE(all_that_certificates_need_comes_in_one_round) {
  auto m = sound_machine();
  for (const auto* name : {"smtpd_tls_security_level", "smtpd_tls_cert_file", "smtpd_tls_ask_ccert", "smtpd_tls_CAfile"}) set(m, name, "");
  const auto found = m.findings();
  BOOST_TEST(words(ids(found)) == "error:certificates-not-asked error:client-ca-missing error:server-certificate-missing error:tls-not-offered ");
  for (const auto& finding : found) m.mend(finding);
  BOOST_TEST(words(ids(m.findings())) == "");

  // One listener without TLS is meant so, if another has it: nothing else is asked of it.
  auto two = sound_machine();
  for (const auto* name : {"smtpd_tls_security_level", "smtpd_tls_cert_file", "smtpd_tls_ask_ccert", "smtpd_tls_CAfile"})
    set_at(two, "smtp/inet", name, "");
  BOOST_TEST(words(ids(two.findings())) == "note:tls-not-offered ");

  // Without require_tls, too: a certificate takes TLS.
  auto lax = sound_machine();
  lax.policy.inbound[0].require_tls = false;
  set(lax, "smtpd_tls_security_level", "none"), set(lax, "smtpd_tls_CAfile", "");
  BOOST_TEST(words(ids(lax.findings())) == "error:client-ca-missing error:tls-not-offered ");
}

// One line for all grants in audit, as Postfix writes networks.
BOOST_AUTO_TEST_CASE(clients_of_grants_in_audit_go_back_into_mynetworks) {
  auto m = sound_machine();
  auto& printers = m.policy.inbound[2];
  printers.mode = Mode::audit;
  printers.source_ips = {*Source::parse("10.20.0.0/24"), *Source::parse("10.21.0.1-10.21.0.3"), *Source::parse("2001:db8::/32")};
  auto scanners = printers;
  scanners.name = "scanners";
  scanners.source_ips = {*Source::parse("10.22.0.1")};
  m.policy.inbound.push_back(scanners);
  m.apply(), set(m, "mynetworks", "127.0.0.0/8 10.21.0.1 10.21.0.2/31");
  const auto found = m.findings();
  BOOST_TEST(words(ids(found)) == "warning:relay-in-audit ");
  BOOST_TEST(found.at(0).line == "mynetworks = 127.0.0.0/8, 10.21.0.1, 10.21.0.2/31, 10.20.0.0/24, [2001:db8::]/32, 10.22.0.1/32");
  BOOST_TEST(found.at(0).reason ==
             "printers and scanners are in audit and permit nothing yet, and Postfix lets these clients relay neither: 10.20.0.0/24, "
             "[2001:db8::]/32 and 10.22.0.1/32");
  auto wide = m;
  wide.main()["mynetworks"] += " 10.99.0.0/16";
  const auto both = wide.findings();
  BOOST_TEST(words(ids(both)) == "warning:mynetworks warning:relay-in-audit ");
  for (const auto& finding : both) wide.mend(finding);
  BOOST_TEST(words(ids(wide.findings())) == "");
  m.mend(found.at(0));
  BOOST_TEST(words(ids(m.findings())) == "");
  set_at(m, "2501/inet", "smtpd_relay_restrictions", "check_policy_service unix:connector-milter/policy.sock, reject_unauth_destination");
  const auto without = m.findings();
  for (const auto& finding : without)
    if (finding.id == "relay-in-audit") BOOST_TEST(finding.file.empty());
}

BOOST_AUTO_TEST_SUITE_END()

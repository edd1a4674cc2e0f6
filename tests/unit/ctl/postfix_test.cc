// `connectorctl postfix`: each line is there exactly when the config needs it, and says what Postfix would read.
#define BOOST_TEST_DYN_LINK
#include "ctl/postfix.h"

#include <boost/test/unit_test.hpp>
#include <functional>
#include <nlohmann/json.hpp>
#include <set>

using namespace cm;
using namespace cm::ctl;
using nlohmann::json;

namespace {

using Names = std::set<std::string>;

DomainPattern domain(std::string_view text) { return *DomainPattern::parse(text); }

/// A config that can be changed, and what it needs.
struct Needs {
  PolicyData policy;
  config::Service service;
  PostfixHost host{{3, 7, 11}, "/var/spool/postfix"};

  Needs() {
    policy.organization.domains = {domain(".contoso.example")};
    policy.organization.vouch_authenticated = policy.organization.vouch_local = false;
  }
  InboundConnector& inbound(std::string name, Duty duty = Duty::device) {
    auto& c = policy.inbound.emplace_back();
    c.name = std::move(name);
    c.duty = duty;
    return c;
  }
  OutboundConnector& outbound(std::string name, std::string_view to) {
    auto& c = policy.outbound.emplace_back();
    c.name = std::move(name);
    c.recipient_domains = {domain(to)};
    return c;
  }
  void serve_maps() { service.maps = {"unix:/var/spool/postfix/connector-milter/maps.sock", "postfix", 0660}; }
  void serve_policy() { service.policy = {"unix:/var/spool/postfix/connector-milter/policy.sock", "postfix", 0660}; }

  [[nodiscard]] std::vector<PostfixLine> lines() const { return postfix_lines(policy, service, host); }
  /// The parameters of main.cf, an example with `?` behind it.
  [[nodiscard]] Names main() const {
    Names names;
    for (const auto& line : lines())
      if (line.place == PostfixLine::Place::main) BOOST_TEST(names.insert(line.name + (line.example ? "?" : "")).second);
    return names;
  }
  [[nodiscard]] std::string value(const std::string& name, const std::string& service_name = "") const {
    for (const auto& line : lines())
      if (line.name == name && line.service == service_name) return line.value;
    return "(none)";
  }
  [[nodiscard]] std::string reason(const std::string& name) const {
    for (const auto& line : lines())
      if (line.name == name) return line.reason;
    return "(none)";
  }
};

/// What `change` adds to (or takes from) what the config needed before.
Names added(Needs& needs, const std::function<void(Needs&)>& change) {
  const auto before = needs.main();
  change(needs);
  Names difference;
  for (const auto& name : needs.main())
    if (!before.contains(name)) difference.insert(name);
  for (const auto& name : before)
    if (!needs.main().contains(name)) difference.insert("-" + name);
  return difference;
}

const Names milters{"smtpd_milters", "non_smtpd_milters"};

}  // namespace

BOOST_AUTO_TEST_SUITE(postfix)

BOOST_FIXTURE_TEST_CASE(a_config_without_connectors_needs_the_milter_alone, Needs) {
  BOOST_TEST((main() == milters));
  BOOST_TEST(value("smtpd_milters") == "{ unix:connector-milter/milter.sock, connect_timeout=10s, default_action=tempfail }");
  BOOST_TEST(value("non_smtpd_milters") == value("smtpd_milters"));
}

BOOST_FIXTURE_TEST_CASE(who_is_trusted_is_protected_from_smuggled_mail, Needs) {
  const Names both{"smtpd_forbid_bare_newline", "smtpd_forbid_bare_newline_exclusions"};
  const Names tls{"smtpd_tls_security_level", "smtpd_tls_chain_files?"};
  Needs vouching, tls_only;
  BOOST_TEST((added(vouching, [](Needs& n) { n.policy.organization.vouch_authenticated = true; }) == both));
  BOOST_TEST((added(tls_only, [](Needs& n) { n.inbound("p", Duty::partner).require_tls = true; }) == tls));
  BOOST_TEST((added(*this, [](Needs& n) { n.inbound("d").auth_users = {"*"}; }) == both));
  BOOST_TEST(value("smtpd_forbid_bare_newline_exclusions").empty());
  const std::pair<PostfixVersion, const char*> versions[] = {{{3, 7, 10}, "normalize"}, {{3, 7, 9}, "yes"},    {{3, 8, 4}, "yes"},
                                                             {{3, 8, 5}, "normalize"},  {{3, 9, 0}, "(none)"}, {{3, 10, 1}, "(none)"}};
  for (const auto& [version, expected] : versions) {
    host.version = version;
    BOOST_TEST(value("smtpd_forbid_bare_newline") == expected);
    BOOST_TEST(main().contains("smtpd_forbid_bare_newline_exclusions"));
  }
  for (const PostfixVersion too_old : {PostfixVersion{3, 7, 8}, {3, 8, 3}, {3, 6, 20}}) {
    host.version = too_old;
    BOOST_TEST((main() == Names{"smtpd_milters", "non_smtpd_milters", "smtpd_forbid_bare_newline?"}));
    BOOST_TEST(reason("smtpd_forbid_bare_newline").find("update Postfix") != std::string::npos);
  }
}

BOOST_FIXTURE_TEST_CASE(certificates_are_asked_for_if_a_connector_looks_at_them, Needs) {
  auto& partner = inbound("p", Duty::partner);
  partner.source_ips = {*Source::parse("192.0.2.1")};
  BOOST_TEST((added(*this, [&](Needs&) { partner.require_tls = true; }) == Names{"smtpd_tls_security_level", "smtpd_tls_chain_files?"}));
  BOOST_TEST(value("smtpd_tls_security_level") == "may");
  BOOST_TEST(reason("smtpd_tls_security_level").starts_with("p: TLS is demanded, so it must be offered"));
  BOOST_TEST((added(*this, [&](Needs&) { partner.certificates = {domain("mail.p.example")}; }) == Names{"smtpd_tls_ask_ccert", "smtpd_tls_CAfile?"}));
  BOOST_TEST((added(*this, [&](Needs&) { partner.require_tls = false; }) == Names{}));
  BOOST_TEST((added(*this, [&](Needs&) { partner.mode = Mode::audit; }) == Names{}));
  BOOST_TEST((added(*this, [&](Needs&) { partner.enabled = false; }) ==
              Names{"-smtpd_tls_security_level", "-smtpd_tls_chain_files?", "-smtpd_tls_ask_ccert", "-smtpd_tls_CAfile?",
                    "-smtpd_forbid_bare_newline", "-smtpd_forbid_bare_newline_exclusions"}));
}

BOOST_FIXTURE_TEST_CASE(relaying_is_decided_where_there_is_a_policy_service_and_a_grant, Needs) {
  BOOST_TEST((added(*this, [](Needs& n) { n.serve_policy(); }) == Names{}));
  inbound("backup", Duty::relay).source_ips = {*Source::parse("192.0.2.1")};
  BOOST_TEST(!main().contains("mynetworks"));
  BOOST_TEST((added(*this, [](Needs& n) { n.inbound("printer").source_ips = {*Source::parse("192.0.2.2")}; }) ==
              Names{"smtpd_relay_restrictions", "mynetworks", "-smtpd_forbid_bare_newline_exclusions"}));
  BOOST_TEST(value("mynetworks").empty());
  BOOST_TEST(value("smtpd_relay_restrictions") ==
             "check_policy_service { unix:connector-milter/policy.sock, timeout=10s }, permit_sasl_authenticated, reject_unauth_destination");
  service.policy.reset();
  BOOST_TEST(!main().contains("smtpd_relay_restrictions"));
}

BOOST_FIXTURE_TEST_CASE(while_a_grant_is_in_audit_mynetworks_may_relay, Needs) {
  serve_policy();
  policy.listeners = {{"relay", false}};
  auto& printers = inbound("printers");
  printers.source_ips = {*Source::parse("192.0.2.2")};
  printers.listeners = {"relay"};
  const auto enforced = value("smtpd_relay_restrictions", "relay");
  // By default mynetworks is exempt from the check for bare newlines.
  BOOST_TEST(
      (added(*this, [&](Needs&) { printers.mode = Mode::audit; }) == Names{"-mynetworks", "mynetworks?", "smtpd_forbid_bare_newline_exclusions"}));
  BOOST_TEST(value("smtpd_relay_restrictions") ==
             "check_policy_service { unix:connector-milter/policy.sock, timeout=10s }, permit_sasl_authenticated, permit_mynetworks, "
             "reject_unauth_destination");
  BOOST_TEST(value("smtpd_relay_restrictions", "relay").find(", permit_mynetworks, reject_unauth_destination") != std::string::npos);
  const std::string words = "printers is in audit and permits nothing yet: keep permit_mynetworks until it is enforced";
  for (const auto* name : {"smtpd_relay_restrictions", "mynetworks"}) BOOST_TEST(reason(name).find(words) != std::string::npos);
  BOOST_TEST(to_text(lines()).find("\n#mynetworks =\n") != std::string::npos);
  policy.inbound.push_back(printers);
  policy.inbound.back().name = "scanners";
  BOOST_TEST(reason("mynetworks").find("printers and scanners are in audit and permit nothing yet: keep permit_mynetworks until they are") !=
             std::string::npos);
  policy.inbound.pop_back();
  policy.inbound[0].mode = Mode::enforce;
  BOOST_TEST(value("smtpd_relay_restrictions", "relay") == enforced);
}

BOOST_FIXTURE_TEST_CASE(a_listener_has_its_name_and_its_grants, Needs) {
  serve_policy();
  policy.listeners = {{"mx", true}, {"relay", false}, {"a$b", false}};
  inbound("printer").listeners = {"relay"};
  inbound("partner", Duty::partner).listeners = {"mx"};
  BOOST_TEST(value("milter_macro_daemon_name", "mx") == "mx");
  BOOST_TEST(value("milter_macro_daemon_name", "a$b") == "a$$b");
  BOOST_TEST(value("smtpd_relay_restrictions", "mx") == "(none)");
  BOOST_TEST(value("smtpd_relay_restrictions", "relay") ==
             "check_policy_service { unix:connector-milter/policy.sock, timeout=10s, policy_context=relay }, permit_sasl_authenticated, "
             "reject_unauth_destination");
  // There it comes before the printer, so there it must be seen.
  inbound("backup", Duty::relay).listeners = {"mx"};
  BOOST_TEST(value("smtpd_relay_restrictions", "mx") != "(none)");
  service.policy.reset();
  BOOST_TEST(value("smtpd_relay_restrictions", "relay") == "(none)");
}

BOOST_FIXTURE_TEST_CASE(maps_are_asked_where_a_connector_answers, Needs) {
  auto& c = outbound("to-d", "d.example");
  BOOST_TEST((main() == milters));  // no map service
  BOOST_TEST((added(*this, [](Needs& n) { n.serve_maps(); }) == Names{"transport_maps"}));
  BOOST_TEST(value("transport_maps") == "socketmap:unix:connector-milter/maps.sock:transport");
  BOOST_TEST((added(*this, [&](Needs&) { c.recipient_domains = {domain("*")}; }) ==
              Names{"-transport_maps", "sender_dependent_default_transport_maps", "relayhost", "sender_dependent_relayhost_maps"}));
  // Only a next hop in the answer comes before these.
  BOOST_TEST((added(*this, [&](Needs&) { c.smart_hosts = {{"[192.0.2.1]", {}}}; }) == Names{"-relayhost", "-sender_dependent_relayhost_maps"}));
  BOOST_TEST(value("sender_dependent_default_transport_maps") == "socketmap:unix:connector-milter/maps.sock:default_route");
  BOOST_TEST((added(*this, [&](Needs&) { c.organization = true; }) == Names{"transport_maps"}));
  BOOST_TEST(
      (added(*this, [&](Needs&) { c.when.emplace().connectors = {"printer"}; }) ==
       Names{"-transport_maps", "-sender_dependent_default_transport_maps", "milter_header_checks", "bounce_size_limit?", "smtp_fallback_relay"}));
  BOOST_TEST(value("milter_header_checks") == "socketmap:unix:connector-milter/maps.sock:route");
  // postsuper -r loses the FILTER: such mail is to wait.
  BOOST_TEST(value("", "cleanup-requeued/unix") == "cleanup-requeued unix n - - - 0 cleanup");
  BOOST_TEST(value("header_checks", "cleanup-requeued/unix") ==
             "regexp:{{/^X-Connector-Route[[:space:]]*:/ FILTER retry:4.3.0 requeued mail has lost its route}}");
  BOOST_TEST(value("mime_header_checks", "cleanup-requeued/unix").empty());
  BOOST_TEST(value("nested_header_checks", "cleanup-requeued/unix").empty());
  BOOST_TEST(value("cleanup_service_name", "pickup/unix") == "cleanup-requeued");
  const auto text = to_text(lines());
  BOOST_TEST(
      text.find(
          "\n# Service pickup/unix: Sends requeued mail there, and what local programs submit.\n#    -o cleanup_service_name=cleanup-requeued\n") !=
      std::string::npos);
  BOOST_TEST((added(*this, [&](Needs&) { c.enabled = false; }) == Names{"-milter_header_checks", "-bounce_size_limit?", "-smtp_fallback_relay"}));
  BOOST_TEST(value("cleanup_service_name", "pickup/unix") == "(none)");
}

BOOST_FIXTURE_TEST_CASE(outbound_tls_needs_what_its_level_needs, Needs) {
  serve_maps();
  host.version = {3, 10, 0};
  auto& c = outbound("to-d", "d.example");
  const auto level = [&](OutboundTls tls) {
    c.tls = OutboundTls::unset;
    return added(*this, [&](Needs&) { c.tls = tls; });
  };
  const std::string maps = "smtp_tls_policy_maps", no = "tls_required_enable", alone = "smtp_fallback_relay";
  BOOST_TEST((level(OutboundTls::none) == Names{maps}));
  BOOST_TEST((level(OutboundTls::opportunistic) == Names{maps}));
  BOOST_TEST((level(OutboundTls::encrypt) == Names{maps, no, alone}));
  BOOST_TEST((level(OutboundTls::verify) == Names{maps, no, alone, "smtp_tls_CAfile?"}));
  BOOST_TEST((level(OutboundTls::dane) == Names{maps, no, alone, "smtp_dns_support_level"}));
  BOOST_TEST((level(OutboundTls::dane_only) == Names{maps, no, alone, "smtp_dns_support_level"}));
  BOOST_TEST((level(OutboundTls::fingerprint) == Names{maps, no, alone, "smtp_tls_fingerprint_digest"}));
  BOOST_TEST(value("smtp_tls_fingerprint_digest") == "sha256");
  host.version = {3, 9, 9};
  BOOST_TEST((level(OutboundTls::encrypt) == Names{maps, alone}));
  service.maps.reset();
  BOOST_TEST((level(OutboundTls::verify) == Names{}));
}

BOOST_FIXTURE_TEST_CASE(our_own_certificate_has_a_transport, Needs) {
  auto& c = outbound("to-d", "d.example");
  c.transport = "smtp-to-d";
  c.client_certificate = "/etc/tls/a b.pem";
  c.client_key = "/etc/tls/$key.pem";
  policy.outbound.push_back(c);
  policy.outbound.back().name = "to-e";
  std::vector<PostfixLine> found;
  for (const auto& line : lines())
    if (line.service == "smtp-to-d/unix") found.push_back(line);
  BOOST_REQUIRE_EQUAL(found.size(), 4);  // once, though two connectors use it
  BOOST_TEST(found[0].value == "smtp-to-d unix - - - - - smtp");
  BOOST_TEST(value("smtp_tls_cert_file", "smtp-to-d/unix") == "/etc/tls/a b.pem");
  BOOST_TEST(value("smtp_tls_key_file", "smtp-to-d/unix") == "/etc/tls/$$key.pem");
  BOOST_TEST(value("smtp_tls_chain_files", "smtp-to-d/unix").empty());
  const auto text = to_text(found);
  BOOST_TEST(text.find("\nsmtp-to-d unix - - - - - smtp\n# ") != std::string::npos);
  BOOST_TEST(text.find("\n    -o { smtp_tls_cert_file = /etc/tls/a b.pem }\n") != std::string::npos);
  BOOST_TEST(text.find("\n    -o smtp_tls_key_file=/etc/tls/$$key.pem\n") != std::string::npos);
  BOOST_TEST(text.find("\n    -o smtp_tls_chain_files=\n") != std::string::npos);

  const auto level = [this] { return value("smtp_tls_security_level", "smtp-to-d/unix"); };
  auto &one = policy.outbound[0], &other = policy.outbound[1];
  one.tls = OutboundTls::verify;
  one.tls_domains = {domain("a.example"), domain("*.b.example")};
  one.min_tls_version = TlsVersion::tls1_2;
  BOOST_TEST(level() == "(none)");  // the other would be held to it
  other.tls = OutboundTls::encrypt;
  BOOST_TEST(level() == "encrypt");
  other = one;
  BOOST_TEST(level() == "secure");
  BOOST_TEST(value("smtp_tls_secure_cert_match", "smtp-to-d/unix") == "a.example:.b.example");
}

// A reload opens no socket.
BOOST_FIXTURE_TEST_CASE(services_are_asked_once_the_daemon_has_opened_them, Needs) {
  inbound("d").source_ips = {*Source::parse("10.0.0.0/8")};
  outbound("o", "x.example");
  serve_maps(), serve_policy();
  BOOST_TEST(reason("transport_maps").ends_with("; not before the daemon was restarted since maps was added to its config"));
  BOOST_TEST(reason("smtpd_relay_restrictions").ends_with("; not before the daemon was restarted since policy was added to its config"));
  BOOST_TEST(reason("smtpd_milters").find("restarted") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(sockets_as_postfix_reaches_them, Needs) {
  const auto address = [&](const char* text) {
    service.milter.address = text;
    return value("smtpd_milters").substr(2, value("smtpd_milters").find(',') - 2);
  };
  const auto warned = [&] { return reason("smtpd_milters").find("chroot") != std::string::npos; };
  BOOST_TEST(address("unix:/var/spool/postfix/connector-milter/../x.sock") == "unix:x.sock");
  BOOST_TEST(!warned());
  BOOST_TEST(address("unix:/run/connector-milter/milter.sock") == "unix:/run/connector-milter/milter.sock");
  BOOST_TEST(warned());
  BOOST_TEST(address("unix:/var/spool/postfix2/m.sock") == "unix:/var/spool/postfix2/m.sock");
  BOOST_TEST(address("unix:/srv/$m.sock") == "unix:/srv/$$m.sock");
  BOOST_TEST(address("inet:8891@127.0.0.1") == "inet:127.0.0.1:8891");
  BOOST_TEST(!warned());
  BOOST_TEST(address("inet:8891@::1") == "inet:[::1]:8891");
  BOOST_TEST(address("inet:8891@[::1]") == "inet:[::1]:8891");
  host.queue_directory = "/srv/queue/";
  BOOST_TEST(address("unix:/srv/queue/m.sock") == "unix:m.sock");
}

BOOST_FIXTURE_TEST_CASE(headers_are_removed_where_the_milter_is_not_asked, Needs) {
  policy.header_prefix = "X-Own";
  policy.strip_headers = {"X-A-*", "X-B.c"};
  inbound("p").add_headers = {{"X-Added", "1"}, {"Organization", "1"}};
  BOOST_TEST(value("header_checks", "cleanup-no-milter/unix") ==
             "regexp:{{/^X-Own[[:space:]]*:/ IGNORE}, {/^X-Own-/ IGNORE}, {/^X-A-/ IGNORE}, {/^X-B\\.c[[:space:]]*:/ IGNORE}, "
             "{/^X-Added[[:space:]]*:/ IGNORE}}");
  policy.strip_headers = {"X-{$/}\\"};
  BOOST_TEST(value("header_checks", "cleanup-no-milter/unix").find("{/^X-.$$\\/.\\\\[[:space:]]*:/ IGNORE}") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(what_must_be_placed_or_chosen_is_commented_out, Needs) {
  serve_policy();
  policy.listeners = {{"mx", false}};
  auto& c = inbound("printer");
  c.listeners = {"mx"};
  c.certificates = {domain("p.example")};
  const auto text = to_text(lines());
  std::size_t at = 0, settings = 0;
  while (at < text.size()) {
    const auto end = text.find('\n', at);
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.empty() || line[0] == '#') continue;
    BOOST_TEST(line.find(" =") != std::string::npos);
    BOOST_TEST(line[0] != ' ');
    ++settings;
  }
  BOOST_TEST(settings == 7);
  BOOST_TEST(text.find("\n#smtpd_tls_CAfile = /") != std::string::npos);
  BOOST_TEST(text.find("\nmynetworks =\n") != std::string::npos);
  BOOST_TEST(text.find("\n#    -o milter_macro_daemon_name=mx\n") != std::string::npos);
  BOOST_TEST(text.find("\n#    -o { smtpd_relay_restrictions = check_policy_service { ") != std::string::npos);
  BOOST_TEST(text.find("\n#cleanup-no-milter unix n - - - 0 cleanup\n") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(json_says_where_each_line_goes, Needs) {
  policy.listeners = {{"mx", false}};
  inbound("p").certificates = {domain("p.example")};
  auto& c = outbound("to-d", "d.example");
  c.transport = "t";
  c.client_certificate = c.client_key = "/k";
  const auto lines = json::parse(to_json(this->lines()));
  std::set<std::string> kinds;
  for (const auto& line : lines) {
    std::string keys;
    for (const auto& [key, value] : line.items()) keys += key + " ";
    kinds.insert(keys);
    BOOST_TEST((line["file"] == "main.cf") == !(line.contains("service") || line.contains("listener") || line.contains("without_milter")));
  }
  const std::set<std::string> expected{"file name reason value ",
                                       "example file name reason value ",
                                       "file reason service value ",
                                       "file name reason service value ",
                                       "file listener name reason value ",
                                       "file reason service value without_milter ",
                                       "file name reason service value without_milter ",
                                       "file name reason value without_milter "};
  BOOST_TEST((kinds == expected));
  BOOST_TEST(lines[0]["name"] == "smtpd_milters");
}

// What listens on loopback may be a content filter, which needs the tags, or a tunnel to somebody else: a choice.
BOOST_AUTO_TEST_CASE(tags_for_a_filter_on_this_machine) {
  Needs needs;
  needs.serve_maps();
  needs.service.signing_keys.push_back({"k", "/k", {}, ""});
  auto& filter = needs.outbound("filter", "*");
  filter.transport = "amavis";
  const auto is_a_choice = [&](const std::string& service) {
    for (const auto& line : needs.lines())
      if (line.service == service && line.name == "smtp_header_checks") return line.example;
    BOOST_FAIL("no line for " + service);
    return false;
  };
  BOOST_TEST(!is_a_choice("amavis/unix"));  // to the MX
  filter.smart_hosts = {{"[127.0.0.1]:10026", Ip::parse("127.0.0.1")}, {"[::1]:10026", Ip::parse("::1")}};
  BOOST_TEST(is_a_choice("amavis/unix"));
  BOOST_TEST(!is_a_choice("smtp/unix"));
  filter.smart_hosts.push_back({"[192.0.2.1]:10026", Ip::parse("192.0.2.1")});
  BOOST_TEST(!is_a_choice("amavis/unix"));
  filter.smart_hosts = {{"[filter.contoso.example]", {}}};
  BOOST_TEST(!is_a_choice("amavis/unix"));
}

BOOST_AUTO_TEST_CASE(tags_are_taken_off_mail_that_leaves) {
  Needs needs;
  needs.serve_maps();
  BOOST_TEST(needs.value("smtp_header_checks", "smtp/unix") == "(none)");
  needs.service.signing_keys.push_back({"k", "/k", {}, ""});
  const std::string strip = "regexp:{{/^X-Connector-Trust[[:space:]]*:/ IGNORE}}";
  BOOST_TEST(needs.value("smtp_header_checks", "smtp/unix") == strip);
  needs.policy.header_prefix = "X-Us";
  BOOST_TEST(needs.value("smtp_header_checks", "smtp/unix") == "regexp:{{/^X-Us-Trust[[:space:]]*:/ IGNORE}}");
  needs.policy.header_prefix = "X-Connector";
  auto& partner = needs.outbound("partner", ".fabrikam.example");
  partner.transport = "smtp-fabrikam";
  partner.client_certificate = partner.client_key = "/c";
  auto& off = needs.outbound("off", ".litware.example");
  off.transport = "smtp-litware";
  off.enabled = false;
  auto& exchange = needs.outbound("exchange", "x.example");
  exchange.recipient_domains.clear();
  exchange.organization = true;
  exchange.transport = "smtp-exchange";
  BOOST_TEST(needs.value("smtp_header_checks", "smtp-fabrikam/unix") == strip);
  BOOST_TEST(needs.value("smtp_header_checks", "smtp-litware/unix") == "(none)");
  BOOST_TEST(needs.value("smtp_header_checks", "smtp-exchange/unix") == "(none)");
  const auto smtp = [&] {
    for (const auto& line : needs.lines())
      if (line.service == "smtp/unix" && line.name == "smtp_header_checks") return line;
    return PostfixLine{};
  };
  BOOST_TEST(!smtp().example);
  // A line below a new service must stand below its own.
  auto& other = needs.outbound("other", "other.example");
  other.transport = "smtp-other";
  other.client_certificate = other.client_key = "/d";
  std::string last;
  for (const auto& line : needs.lines()) {
    if (line.place != PostfixLine::Place::service) continue;
    if (line.name.empty()) last = line.service;
    BOOST_TEST(line.service == last);
  }
  BOOST_TEST(needs.value("smtp_header_checks", "smtp-other/unix") == strip);
  needs.policy.outbound.pop_back();
  needs.policy.outbound.back().transport = "smtp";  // one way for both: the administrator must choose
  BOOST_TEST(smtp().example);
  BOOST_TEST(smtp().reason.find("Mail of exchange would lose them as well") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(versions) {
  const auto is = [](const char* text, PostfixVersion expected) {
    const auto parsed = PostfixVersion::parse(text);
    return parsed && *parsed == expected;
  };
  BOOST_TEST(is("3.7.11", {3, 7, 11}));
  BOOST_TEST(is("3.10", {3, 10, 0}));
  BOOST_TEST(is("3.11-20260101", {3, 11, 0}));
  BOOST_TEST(is("3.9.0-RC1", {3, 9, 0}));
  for (const auto* text : {"", "3", "x", "3.", "3.x", "3.7.", "3.7.11.2", "3.7 ", "-3.7", "99999999999.1"})
    BOOST_TEST(!PostfixVersion::parse(text).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

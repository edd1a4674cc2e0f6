// `connectorctl import`: exports in the shapes in which PowerShell writes them, judged by what `check` says of the result and by what
// becomes of mail that Exchange's connector would have refused.
#include <stdlib.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "run.h"

namespace fs = std::filesystem;
using namespace cm;
using nlohmann::json;

namespace {

/// An export, imported as a main file for contoso.example.
struct Imported {
  explicit Imported(const std::string& text, std::vector<std::string> domains = {".contoso.example"}) {
    char name[] = "import_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
    std::ofstream(path / "export.json") << text;
    std::vector<std::string> arguments{"import", "-c", (path / "none.conf").string(), (path / "export.json").string()};
    for (const auto& domain : domains) arguments.insert(arguments.end(), {"--domain", domain});
    result = run(arguments);
    std::ofstream(path / "main.conf") << result.out;
    arguments.emplace_back("--json");
    const auto as_json = run(arguments);
    if (!as_json.out.empty()) data = json::parse(as_json.out);
    BOOST_TEST(as_json.status == result.status);
  }
  ~Imported() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Imported(const Imported&) = delete;

  [[nodiscard]] Result ask(std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(), {"-c", (path / "main.conf").string()});
    return run(std::move(arguments));
  }
  [[nodiscard]] bool passes_check() const {
    const auto checked = ask({"check"});
    BOOST_TEST_INFO(checked.out << result.out);
    return checked.status == 0;
  }
  [[nodiscard]] json explain(std::vector<std::string> arguments) const {
    arguments.insert(arguments.begin(), {"explain", "--json"});
    const auto explained = ask(std::move(arguments));
    BOOST_REQUIRE_MESSAGE(!explained.out.empty(), explained.err);
    return json::parse(explained.out);
  }
  /// "accept", or the rule that refuses.
  [[nodiscard]] std::string outcome(const std::string& client, const std::string& from, const std::string& to,
                                    std::vector<std::string> more = {}) const {
    more.insert(more.end(), {"--client", client, "--from", from, "--to", to});
    const auto explained = explain(std::move(more));
    return explained["rule"].is_null() ? explained["action"].get<std::string>() : explained["rule"].get<std::string>();
  }
  [[nodiscard]] std::string outcome(const std::string& client, const std::string& from) const { return outcome(client, from, "u@contoso.example"); }
  [[nodiscard]] std::string level(const std::string& parameter) const {
    std::string found;
    for (const auto& remark : data["remarks"])
      if (remark["parameter"] == parameter && found != "error") found = remark["level"];
    return found;
  }

  fs::path path;
  Result result;
  json data;
};

json inbound(const json& more) {
  json object{{"Name", "X"},
              {"Enabled", true},
              {"ConnectorType", "Partner"},
              {"SenderDomains", {"smtp:fabrikam.example;1"}},
              {"SenderIPAddresses", json::array()},
              {"RestrictDomainsToIPAddresses", false},
              {"RestrictDomainsToCertificate", false},
              {"RequireTls", false},
              {"TlsSenderCertificateName", nullptr}};
  object.update(more);
  return object;
}
json outbound(const json& more) {
  json object{{"Name", "O"},
              {"Enabled", true},
              {"ConnectorType", "Partner"},
              {"RecipientDomains", {"fabrikam.example"}},
              {"UseMXRecord", true},
              {"SmartHosts", json::array()},
              {"TlsSettings", nullptr},
              {"TlsDomain", nullptr},
              {"MtaStsMode", "None"},
              {"SmtpDaneMode", "None"}};
  object.update(more);
  return object;
}
json receive(const json& more) {
  json object{{"Name", "R"},
              {"Enabled", true},
              {"Bindings", {"[::]:25", "0.0.0.0:25"}},
              {"RemoteIPRanges", {"192.0.2.0/24"}},
              {"AuthMechanism", "Tls"},
              {"PermissionGroups", "AnonymousUsers"},
              {"RequireTLS", false}};
  object.update(more);
  return object;
}
json send(const json& more) {
  json object{{"Name", "S"},
              {"Enabled", true},
              {"AddressSpaces", {"SMTP:fabrikam.example;1"}},
              {"DNSRoutingEnabled", true},
              {"SmartHosts", json::array()},
              {"Port", 25},
              {"RequireTLS", false},
              {"TlsAuthLevel", nullptr},
              {"MaxMessageSize", "Unlimited"},
              {"SmartHostAuthMechanism", "None"}};
  object.update(more);
  return object;
}

std::string guide() {
  const char* source = ::getenv("CM_SOURCE");
  std::ifstream in(std::string(source != nullptr ? source : ".") + "/packaging/docs/from-exchange.md");
  return {std::istreambuf_iterator<char>(in), {}};
}
bool is_own_business(const std::string& parameter) {
  return parameter == "MaxAcknowledgementDelay" || parameter == "Server" || parameter == "SourceRoutingGroup" ||
         parameter == "MaxInboundConnectionPercentagePerSource";
}

const std::vector<std::string> tls{"--tls", "TLSv1.3"};

}  // namespace

BOOST_AUTO_TEST_SUITE(import_of_exchange)

BOOST_AUTO_TEST_CASE(a_partner_by_address_refuses_other_addresses) {
  const Imported i(inbound({{"RestrictDomainsToIPAddresses", true}, {"SenderIPAddresses", {"203.0.113.1", "203.0.113.64/27"}}}).dump());
  BOOST_TEST(i.result.status == 0);
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.outcome("203.0.113.70", "a@fabrikam.example") == "accept");
  BOOST_TEST(i.outcome("203.0.113.2", "a@fabrikam.example") == "source");
  BOOST_TEST(i.outcome("203.0.113.2", "a@sub.fabrikam.example") == "accept");
}

BOOST_AUTO_TEST_CASE(a_wildcard_of_sender_domains_is_the_domain_too) {
  const Imported i(
      inbound({{"SenderDomains", "smtp:*.fabrikam.example;1"}, {"RestrictDomainsToIPAddresses", "True"}, {"SenderIPAddresses", "203.0.113.1"}})
          .dump());
  BOOST_TEST(i.outcome("192.0.2.1", "a@fabrikam.example") == "source");
  BOOST_TEST(i.outcome("192.0.2.1", "a@sub.fabrikam.example") == "source");
}

BOOST_AUTO_TEST_CASE(a_partner_by_certificate) {
  const Imported i(
      inbound({{"RestrictDomainsToCertificate", true}, {"TlsSenderCertificateName", "mail.fabrikam.example"}, {"RequireTls", true}}).dump());
  BOOST_TEST(i.passes_check());
  const auto with = [&](std::vector<std::string> more) {
    more.insert(more.end(), {"--tls", "TLSv1.3"});
    return i.outcome("192.0.2.1", "a@fabrikam.example", "u@contoso.example", more);
  };
  BOOST_TEST(with({"--cert-subject", "mail.fabrikam.example"}) == "accept");
  BOOST_TEST(with({"--cert-subject", "mail.evil.example"}) == "certificate");
  BOOST_TEST(with({"--cert-subject", "mail.fabrikam.example", "--cert-unverified"}) == "certificate");
  BOOST_TEST(with({}) == "certificate");
}

BOOST_AUTO_TEST_CASE(issuer_and_subject_of_a_certificate) {
  const Imported i(inbound({{"RestrictDomainsToCertificate", true},
                            {"TlsSenderCertificateName", "<I>C=US, O=\"Big, Inc.\", CN=\"Issuing, CA 1\"<S>CN=mail.fabrikam.example, O=F"}})
                       .dump());
  BOOST_TEST(has(i.result.out, R"(certificate_issuers = [ "Issuing, CA 1" ];)"));
  BOOST_TEST(has(i.result.out, R"(certificates = [ "mail.fabrikam.example" ];)"));
  const Imported none(inbound({{"RestrictDomainsToCertificate", true}, {"TlsSenderCertificateName", "<I>O=Big<S>O=F"}}).dump());
  BOOST_TEST(none.result.status == 1);
  BOOST_TEST(none.passes_check());
}

BOOST_AUTO_TEST_CASE(a_provider_lock_over_tls) {
  const Imported i(inbound({{"ConnectorType", 2},
                            {"SenderDomains", "smtp:*;1"},
                            {"RestrictDomainsToIPAddresses", true},
                            {"SenderIPAddresses", {{"value", {"198.51.100.0/24"}}, {"Count", 1}}},
                            {"RequireTls", true}})
                       .dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.outcome("198.51.100.1", "a@any.example", "u@contoso.example", tls) == "accept");
  BOOST_TEST(i.outcome("198.51.100.1", "a@any.example") == "tls");
  BOOST_TEST(i.outcome("192.0.2.1", "a@any.example", "u@contoso.example", tls) == "source");
}

BOOST_AUTO_TEST_CASE(tls_alone_and_nothing_at_all) {
  const Imported i(json::array({inbound({{"RequireTls", true}}), inbound({{"Name", "Y"}, {"SenderDomains", {"smtp:n.example;1"}}})}).dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.outcome("192.0.2.1", "a@fabrikam.example") == "tls");
  BOOST_TEST(i.outcome("192.0.2.1", "a@n.example") == "accept");
  BOOST_TEST(i.data["left_out"] == 1);
}

BOOST_AUTO_TEST_CASE(a_restriction_that_cannot_be_said_is_an_error) {
  for (const auto& more :
       {json{{"RestrictDomainsToIPAddresses", true}}, json{{"RestrictDomainsToCertificate", true}}, json{{"SenderDomains", json::array()}},
        json{{"SenderDomains", {"smtp:a.*.example;1"}}, {"RequireTls", true}}, json{{"ConnectorType", "Peer"}}, json{{"ConnectorType", nullptr}},
        json{{"ConnectorType", 3}}, json{{"RequireTls", "perhaps"}}, json{{"RestrictDomainsToIPAddresses", 7}},
        json{{"RestrictDomainsToIPAddresses", true}, {"SenderIPAddresses", {"x.y"}}},
        json{{"RequireTls", true}, {"SenderDomains", "smtp:*;1"}, {"SenderIPAddresses", "192.0.2.1"}}}) {
    const Imported i(inbound(more).dump());
    BOOST_TEST_CONTEXT(more.dump()) {
      BOOST_TEST(i.result.status == 1);
      BOOST_TEST(has(i.result.err, "error: "));
      BOOST_TEST(has(i.result.out, "# ERROR"));
      BOOST_TEST(i.passes_check());
      BOOST_TEST(i.data["in_force"] == 0);
    }
  }
}

BOOST_AUTO_TEST_CASE(what_is_switched_off_stays_off_and_is_no_error) {
  const Imported i(inbound({{"Enabled", false}, {"RestrictDomainsToIPAddresses", true}, {"SenderIPAddresses", {"nonsense"}}}).dump());
  BOOST_TEST(i.result.status == 0);
  BOOST_TEST(i.outcome("192.0.2.1", "a@fabrikam.example") == "accept");
  const Imported null(inbound({{"Enabled", 0}, {"RequireTls", true}}).dump());
  BOOST_TEST(has(null.result.out, "enabled = false;"));
}

BOOST_AUTO_TEST_CASE(own_servers_relay_by_certificate_of_ours_or_for_our_senders) {
  const json by_name{{"ConnectorType", "OnPremises"}, {"SenderDomains", {"smtp:*;1"}}, {"TlsSenderCertificateName", "mail.contoso.example"}};
  const Imported i(inbound(by_name).dump());
  BOOST_TEST(i.passes_check());
  const std::vector<std::string> proof{"--tls", "TLSv1.3", "--cert-subject", "mail.contoso.example"};
  BOOST_TEST(i.explain({"--client", "192.0.2.1", "--from", "x@any.example", "--to", "u@far.example", "--tls", "TLSv1.3", "--cert-subject",
                        "mail.contoso.example"})["connector"] == "x");
  auto foreign = by_name;
  foreign["TlsSenderCertificateName"] = "gw.provider.example";
  const Imported other(inbound(foreign).dump());
  BOOST_TEST(other.outcome("192.0.2.1", "x@any.example", "u@far.example", {"--tls", "TLSv1.3", "--cert-subject", "gw.provider.example"}) == "sender");
  for (const auto& more : {json{{"TlsSenderCertificateName", "mail.protection.outlook.com"}}, json{{"SenderIPAddresses", {"40.107.0.0/16"}}}}) {
    auto everybody = more;
    everybody["ConnectorType"] = 1;
    BOOST_TEST(Imported(inbound(everybody).dump()).data["in_force"] == 0);
  }
  const Imported address(inbound({{"ConnectorType", 1}, {"SenderIPAddresses", {"192.0.2.10"}}}).dump());
  BOOST_TEST(address.passes_check());
  BOOST_TEST(address.outcome("192.0.2.10", "x@contoso.example", "u@far.example") == "accept");
  BOOST_TEST(address.outcome("192.0.2.10", "x@any.example", "u@far.example") == "sender");
  BOOST_TEST(has(address.result.out, "trust = \"on-premises\""));
}

BOOST_AUTO_TEST_CASE(grants_are_withheld_while_our_domains_are_not_known) {
  const Imported i(inbound({{"ConnectorType", 1}, {"SenderIPAddresses", {"192.0.2.10"}}}).dump(), {});
  BOOST_TEST(i.result.status == 0);
  BOOST_TEST(has(i.result.out, "# organization = "));
  BOOST_TEST(i.data["disabled"] == 1);
  BOOST_TEST(has(i.result.err, "--domain"));
}

BOOST_AUTO_TEST_CASE(own_servers_other_settings) {
  const Imported i(inbound({{"ConnectorType", 1},
                            {"TlsSenderCertificateName", "mail.contoso.example"},
                            {"SenderIPAddresses", {"192.0.2.10"}},
                            {"SenderDomains", {"smtp:contoso.example;1"}},
                            {"AssociatedAcceptedDomains", {"pilot.contoso.example"}},
                            {"RestrictDomainsToIPAddresses", true},
                            {"CloudServicesMailEnabled", true},
                            {"TreatMessagesAsInternal", true}})
                       .dump());
  BOOST_TEST(i.passes_check());
  for (const auto* parameter : {"SenderIPAddresses", "SenderDomains", "AssociatedAcceptedDomains", "RestrictDomainsToIPAddresses",
                                "CloudServicesMailEnabled", "TreatMessagesAsInternal", "TlsSenderCertificateName"})
    BOOST_TEST(i.level(parameter) == "warning");
  BOOST_TEST(has(i.result.out, "accept_headers = true;"));
  BOOST_TEST(i.outcome("192.0.2.10", "a@contoso.example", "u@contoso.example", {"--tls", "TLSv1.3", "--cert-subject", "mail.contoso.example"}) ==
             "recipient");
  const Imported nobody(inbound({{"ConnectorType", 1}, {"TrustedOrganizations", {"woodgrove.example"}}}).dump());
  BOOST_TEST(nobody.data["left_out"] == 1);
  BOOST_TEST(nobody.level("TrustedOrganizations") == "warning");
}

BOOST_AUTO_TEST_CASE(outbound_tls) {
  const auto tls_of = [](const json& more) {
    const Imported i(outbound(more).dump());
    BOOST_TEST(i.passes_check());
    const auto at = i.result.out.find("\n    tls = \"");
    return at == std::string::npos ? "" : i.result.out.substr(at + 12, i.result.out.find('"', at + 12) - at - 12);
  };
  BOOST_TEST(tls_of(json::object()) == "opportunistic");
  BOOST_TEST(tls_of({{"SmtpDaneMode", "Opportunistic"}}) == "dane");
  BOOST_TEST(tls_of({{"SmtpDaneMode", "Mandatory"}}) == "dane_only");
  BOOST_TEST(tls_of({{"TlsSettings", "EncryptionOnly"}}) == "encrypt");
  BOOST_TEST(tls_of({{"TlsSettings", 1}}) == "encrypt");
  BOOST_TEST(tls_of({{"TlsSettings", "CertificateValidation"}}) == "verify");
  BOOST_TEST(tls_of({{"TlsSettings", 4}, {"TlsDomain", "*.fabrikam.example"}}) == "verify");
  const Imported both(outbound({{"TlsSettings", "DomainValidation"}, {"SmtpDaneMode", "Mandatory"}}).dump());
  BOOST_TEST(both.result.status == 1);
  const Imported unknown(outbound({{"TlsSettings", 9}}).dump());
  BOOST_TEST(unknown.result.status == 1);
  const Imported sts(outbound({{"MtaStsMode", "Opportunistic"}}).dump());
  BOOST_TEST(sts.level("MtaStsMode") == "warning");
}

BOOST_AUTO_TEST_CASE(outbound_next_hops) {
  const auto hosts = [](const json& smart_hosts) { return Imported(outbound({{"UseMXRecord", false}, {"SmartHosts", smart_hosts}}).dump()).result; };
  BOOST_TEST(has(hosts({"[192.0.2.1]", "gw.fabrikam.example", "192.0.2.2/32"}).out, R"([ "[192.0.2.1]", "gw.fabrikam.example", "[192.0.2.2]" ])"));
  BOOST_TEST(has(hosts("2001:db8::1,gw.fabrikam.example").out, R"([ "[2001:db8::1]", "gw.fabrikam.example" ])"));
  BOOST_TEST(hosts({"192.0.2.0/28"}).status == 1);
  BOOST_TEST(hosts(json::array()).status == 1);
  const Imported unused(outbound({{"SmartHosts", {"gw.fabrikam.example"}}}).dump());
  BOOST_TEST(!has(unused.result.out, "smart_hosts"));
  BOOST_TEST(unused.level("SmartHosts") == "warning");
}

BOOST_AUTO_TEST_CASE(outbound_recipients_and_costs) {
  const Imported i(
      json::array({outbound({{"AllAcceptedDomains", true}, {"RecipientDomains", nullptr}, {"UseMXRecord", false}, {"SmartHosts", "a.example"}}),
                   outbound({{"Name", "All"}, {"RouteAllMessagesViaOnPremises", true}, {"RecipientDomains", {"smtp:*;1"}}}),
                   outbound({{"Name", "Below"}, {"RecipientDomains", {"*.fabrikam.example"}}}),
                   outbound({{"Name", "Below 2"}, {"RecipientDomains", {"*.fabrikam.example"}}, {"TlsSettings", "EncryptionOnly"}}),
                   outbound({{"Name", "None"}, {"RecipientDomains", json::array()}})})
          .dump());
  BOOST_TEST(i.passes_check());
  const auto way = [&](const std::string& to) {
    return i.explain({"--local", "--from", "a@contoso.example", "--to", to})["recipients"][0]["outbound"];
  };
  BOOST_TEST(way("u@contoso.example") == "o");
  BOOST_TEST(way("u@far.example") == "all");
  BOOST_TEST(way("u@fabrikam.example") == "all");
  BOOST_TEST(way("u@x.fabrikam.example") == "below");
  BOOST_TEST(i.data["left_out"] == 1);
}

BOOST_AUTO_TEST_CASE(outbound_other_settings) {
  const Imported i(outbound({{"TestMode", true}, {"CloudServicesMailEnabled", true}, {"SenderRewritingEnabled", true}}).dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(has(i.result.out, "mode = \"audit\";"));
  BOOST_TEST(i.level("SenderRewritingEnabled") == "warning");
  const Imported rule(
      outbound({{"IsTransportRuleScoped", true}, {"UseMXRecord", false}, {"SmartHosts", "[192.0.2.77]"}, {"RecipientDomains", json::array()}})
          .dump());
  BOOST_TEST(rule.level("IsTransportRuleScoped") == "error");
  BOOST_TEST(rule.passes_check());
  BOOST_TEST(rule.data["disabled"] == 1);
}

BOOST_AUTO_TEST_CASE(two_demands_on_one_next_hop_are_an_error) {
  const Imported i(json::array({outbound({{"UseMXRecord", false}, {"SmartHosts", "gw.example"}, {"TlsSettings", "EncryptionOnly"}}),
                                outbound({{"Name", "P"},
                                          {"RecipientDomains", "n.example"},
                                          {"UseMXRecord", false},
                                          {"SmartHosts", "gw.example"},
                                          {"TlsSettings", "DomainValidation"},
                                          {"TlsDomain", "gw.example"}})})
                       .dump());
  BOOST_TEST(i.result.status == 1);
  BOOST_TEST(i.passes_check());
}

BOOST_AUTO_TEST_CASE(receive_connectors) {
  const Imported externally(
      receive({{"AuthMechanism", "Tls, ExternalAuthoritative"}, {"PermissionGroups", "ExchangeServers"}, {"RequireTLS", true}}).dump());
  BOOST_TEST(externally.passes_check());
  BOOST_TEST(externally.outcome("192.0.2.9", "x@any.example", "u@far.example", tls) == "accept");
  BOOST_TEST(externally.outcome("192.0.2.9", "x@any.example") == "tls");
  BOOST_TEST(externally.explain({"--client", "192.0.2.9", "--from", "a@b.example", "--to", "u@contoso.example", "--tls", "TLSv1.3"})["type"] ==
             "on_premises");
  const Imported world(receive({{"AuthMechanism", 33}, {"PermissionGroups", 4}, {"RemoteIPRanges", {"0.0.0.0-255.255.255.255"}}}).dump());
  BOOST_TEST(world.data["in_force"] == 0);
  const Imported odd(receive({{"AuthMechanism", 33}, {"PermissionGroups", 4}, {"Bindings", "10.0 .0.1\u00e4:25"}}).dump());
  BOOST_TEST(odd.passes_check());
  const Imported port(receive({{"AuthMechanism", 33}, {"PermissionGroups", 4}, {"Bindings", "0.0.0.0:2525"}}).dump());
  BOOST_TEST(port.passes_check());
  BOOST_TEST(port.explain({"--client", "192.0.2.9", "--from", "a@b.example", "--to", "u@contoso.example"})["connector"].is_null());
  BOOST_TEST(port.explain({"--client", "192.0.2.9", "--listener", "port-2525", "--from", "a@b.example", "--to", "u@contoso.example"})["connector"] ==
             "r");
}

BOOST_AUTO_TEST_CASE(anonymous_receive_connectors) {
  const auto everywhere =
      receive({{"Name", "Default"}, {"RemoteIPRanges", {"::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "0.0.0.0-255.255.255.255"}}});
  const Imported open(everywhere.dump());
  BOOST_TEST(open.data["left_out"] == 1);
  auto with_tls = everywhere;
  with_tls["RequireTLS"] = true;
  BOOST_TEST(Imported(with_tls.dump()).outcome("192.0.2.1", "a@b.example") == "tls");
  const auto narrow = receive({{"Name", "Printers"}, {"MaxMessageSize", "36 MB (37,748,736 bytes)"}, {"MaxRecipientsPerMessage", "200"}});
  const Imported lock(narrow.dump());
  BOOST_TEST(lock.passes_check());
  BOOST_TEST(lock.outcome("192.0.2.1", "a@b.example") == "accept");
  BOOST_TEST(lock.outcome("198.51.100.1", "a@b.example") == "source");
  BOOST_TEST(lock.outcome("192.0.2.1", "a@b.example", "u@contoso.example", {"--size", "37748737"}) == "size");
  BOOST_TEST(has(lock.result.out, "max_recipients = 200;"));
  const Imported device(json::array({narrow, everywhere}).dump());
  BOOST_TEST(device.passes_check());
  BOOST_TEST(device.data["disabled"] == 1);
  BOOST_TEST(has(device.result.out, "type = \"device\";"));
  auto demanding = narrow;
  demanding["RequireTLS"] = true;
  BOOST_TEST(Imported(json::array({demanding, everywhere}).dump()).result.status == 1);
}

BOOST_AUTO_TEST_CASE(rates) {
  const auto rate_of = [](const json& source, const json& limit) {
    const Imported i(receive({{"MessageRateLimit", limit}, {"MessageRateSource", source}}).dump());
    BOOST_TEST(i.passes_check());
    const auto at = i.result.out.find("rate_limit = ");
    return at == std::string::npos ? "" : i.result.out.substr(at + 13, i.result.out.find(';', i.result.out.find("key", at)) - at - 13);
  };
  BOOST_TEST(rate_of("IPAddress", "600") == "{ messages = 600; per = \"1m\"; key = \"source\"");
  BOOST_TEST(rate_of(1, 5) == "{ messages = 5; per = \"1m\"; key = \"source\"");
  BOOST_TEST(rate_of("User", 5) == "{ messages = 5; per = \"1m\"; key = \"sender\"");
  BOOST_TEST(rate_of("None", 5) == "");
  BOOST_TEST(rate_of("IPAddress", "Unlimited") == "");
  const Imported all(receive({{"MessageRateLimit", 5}, {"MessageRateSource", "All"}}).dump());
  BOOST_TEST(all.level("MessageRateSource") == "warning");
}

BOOST_AUTO_TEST_CASE(receive_connectors_that_become_none) {
  for (const auto& [groups, status] : std::vector<std::pair<json, int>>{
           {"ExchangeUsers", 0}, {"ExchangeServers, ExchangeLegacyServers", 0}, {"Partners", 0}, {"None", 1}, {"Custom", 0}, {"Everybody", 1}}) {
    const Imported i(receive({{"PermissionGroups", groups}, {"DomainSecureEnabled", true}}).dump());
    BOOST_TEST_CONTEXT(groups) {
      BOOST_TEST(i.result.status == status);
      BOOST_TEST(i.data["left_out"] == 1);
      BOOST_TEST(i.passes_check());
    }
  }
}

BOOST_AUTO_TEST_CASE(send_connectors) {
  const Imported i(
      json::array({send({{"AddressSpaces", {"SMTP:*.fabrikam.example;5", "smtp:*;10", "X400:c=us;1"}},
                         {"DNSRoutingEnabled", false},
                         {"SmartHosts", {"[192.0.2.5]"}},
                         {"Port", 587},
                         {"SmartHostAuthMechanism", "BasicAuthRequireTLS"},
                         {"MaxMessageSize", "35 MB (36,700,160 bytes)"},
                         {"TlsCertificateName", "<I>CN=CA<S>CN=mail.contoso.example"}}),
                   send({{"Name", "Own"}, {"AddressSpaces", {{{"Type", "SMTP"}, {"Address", "--"}, {"Cost", 1}}}}, {"IgnoreSTARTTLS", true}})})
          .dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.level("MaxMessageSize") == "warning");
  BOOST_TEST(i.level("TlsCertificateName") == "warning");
  BOOST_TEST(i.level("SmartHostAuthMechanism") == "warning");
  const auto to = [&](const std::string& address) {
    const auto explained = i.explain({"--local", "--from", "a@contoso.example", "--to", address});
    return explained["route"]["connector"].get<std::string>() + " " + explained["route"]["nexthop"].get<std::string>() + " " +
           explained["route"]["tls"].get<std::string>();
  };
  BOOST_TEST(to("u@fabrikam.example") == "s smtp:[192.0.2.5]:587 encrypt");
  BOOST_TEST(to("u@far.example") == "s-10 smtp:[192.0.2.5]:587 encrypt");
  BOOST_TEST(to("u@contoso.example") == "own smtp: none");
}

BOOST_AUTO_TEST_CASE(a_send_connector_linked_to_a_receive_connector) {
  const auto linked =
      send({{"LinkedReceiveConnector", "EX1\\R"}, {"AddressSpaces", nullptr}, {"DNSRoutingEnabled", false}, {"SmartHosts", "192.0.2.5"}});
  const Imported i(json::array({linked, receive({{"AuthMechanism", 33}, {"PermissionGroups", 4}})}).dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.explain({"--client", "192.0.2.9", "--from", "a@contoso.example", "--to", "u@far.example"})["route"]["connector"] == "s");
  BOOST_TEST(Imported(linked.dump()).result.status == 1);
}

// Every parameter of the cmdlets, with a value that asks for something.
BOOST_AUTO_TEST_CASE(every_parameter_is_known) {
  const std::vector<std::pair<json (*)(const json&), std::vector<std::string>>> all{
      {inbound,
       {"ConnectorSource", "Comment", "EFSkipLastIP", "EFSkipIPs", "EFUsers", "EFTestMode", "EFSkipMailGateway", "ScanAndDropRecipients",
        "ClientHostNames", "TrustedOrganizations", "AssociatedAcceptedDomains", "CloudServicesMailEnabled", "TreatMessagesAsInternal", "Identity"}},
      {outbound,
       {"ConnectorSource", "Comment", "IsValidated", "LastValidationTimestamp", "ValidationRecipients", "LinkForModifiedConnector",
        "AllAcceptedDomains", "RouteAllMessagesViaOnPremises", "SenderRewritingEnabled", "TestMode", "CloudServicesMailEnabled",
        "IsTransportRuleScoped"}},
      {receive,
       {"Comment",
        "MaxHeaderSize",
        "MaxInboundConnection",
        "MaxInboundConnectionPerSource",
        "MaxInboundConnectionPercentagePerSource",
        "ConnectionTimeout",
        "ConnectionInactivityTimeout",
        "TarpitInterval",
        "AuthTarpitInterval",
        "MaxProtocolErrors",
        "MaxLogonFailures",
        "MaxHopCount",
        "MaxLocalHopCount",
        "SizeEnabled",
        "RequireEHLODomain",
        "RejectReservedTopLevelRecipientDomains",
        "RejectReservedSecondLevelRecipientDomains",
        "RejectSingleLabelRecipientDomains",
        "DomainSecureEnabled",
        "TlsDomainCapabilities",
        "ProtocolLoggingLevel",
        "Fqdn",
        "Banner",
        "TlsCertificateName",
        "TransportRole",
        "DefaultDomain",
        "ExtendedProtectionPolicy",
        "MaxAcknowledgementDelay",
        "Server"}},
      {send,
       {"Comment", "Fqdn", "ForceHELO", "ErrorPolicies", "SmtpMaxMessagesPerConnection", "SourceIPAddress", "SourceTransportServers",
        "IsScopedConnector", "FrontendProxyEnabled", "ConnectionInactivityTimeOut", "DomainSecureEnabled", "TlsDomain", "IgnoreSTARTTLS",
        "UseExternalDNSServersEnabled", "ProtocolLoggingLevel", "CloudServicesMailEnabled", "HomeMTA", "SourceRoutingGroup",
        "AuthenticationCredential"}}};
  for (const auto& [make, parameters] : all) {
    json more{{"Frobnicate", "7"}, {"WhenChanged", "/Date(1700000000000)/"}, {"Guid", "0f"}, {"OrganizationId", {{"Name", "x"}}}};
    for (const auto& parameter : parameters) more[parameter] = parameter == "Comment" ? "c" : "true";
    const Imported i(make(more).dump());
    for (const auto& remark : i.data["remarks"]) {
      const bool unknown = has(remark["message"].get<std::string>(), "is not known to this version");
      BOOST_TEST(unknown == (remark["parameter"] == "Frobnicate"), remark.dump());
    }
    BOOST_TEST(i.level("Frobnicate") == "warning");
    // ... and told in the guide; some of them in one word.
    for (const auto& parameter : parameters)
      if (!parameter.starts_with("Reject") && !parameter.starts_with("MaxInboundConnectionPer"))
        BOOST_TEST((has(guide(), parameter) || is_own_business(parameter)), parameter);
  }
}

BOOST_AUTO_TEST_CASE(names_are_valid_and_unique) {
  const Imported i(json::array({inbound({{"Name", "Von Köln / A"}, {"RequireTls", true}}), inbound({{"Name", "von k ln (A)"}, {"RequireTls", true}}),
                                inbound({{"Name", "***"}, {"RequireTls", true}}), inbound({{"Name", std::string(90, 'a')}, {"RequireTls", true}}),
                                inbound({{"Name", std::string(99, 'a')}, {"RequireTls", true}})})
                       .dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.data["in_force"] == 5);
}

BOOST_AUTO_TEST_CASE(text_from_outside_stays_text) {
  const Imported i(
      inbound({{"Name", "x\n}; ); unmatched = \"accept\"; #"}, {"Comment", "a \"b\" \\ \n # c"}, {"RequireTls", true}, {"Odd\nKey", "v\n}"}}).dump());
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.data["in_force"] == 1);
}

BOOST_AUTO_TEST_CASE(files_of_windows_powershell) {
  const auto text = inbound({{"RequireTls", true}}).dump();
  std::string wide("\xff\xfe", 2);
  for (const char c : text) wide += std::string(1, c) + std::string(1, '\0');
  BOOST_TEST(Imported(wide).data["in_force"] == 1);
  BOOST_TEST(Imported("\xef\xbb\xbf" + text).data["in_force"] == 1);
  BOOST_TEST(Imported(text + "\r\n" + outbound(json::object()).dump() + "\r\n").data["in_force"] == 2);
}

BOOST_AUTO_TEST_CASE(what_is_no_export_is_refused) {
  for (const std::string text : {"", "{", "7", "[]", "null", "{\"a\": 1}", "[[[{\"a\": 1}]]]", "{\"Name\": \"x\"} trailing"}) {
    const Imported i(text);
    BOOST_TEST_CONTEXT(text) {
      BOOST_TEST(i.result.status == 1);
      BOOST_TEST(i.result.out.empty());
      BOOST_TEST(!i.result.err.empty());
    }
  }
  BOOST_TEST(Imported(std::string(100000, '[')).result.status == 1);
  BOOST_TEST(has(Imported("[\n  ?").result.err, "this is no JSON (line 2, column 3): export with"));
  BOOST_TEST(run({"import", "-c", "none", "no-such-file"}).status == 1);
  BOOST_TEST(run({"import"}).status == 2);
  BOOST_TEST(run({"import", "--domain", "a..b", "x"}).status == 2);
}

BOOST_AUTO_TEST_CASE(restrictions_can_be_tried_first) {
  const Imported i(
      json::array({inbound({{"RequireTls", true}}), inbound({{"Name", "All"}, {"SenderDomains", "smtp:*;1"}, {"RequireTls", true}})}).dump());
  BOOST_TEST(has(i.result.err, "2 restricting connectors are enforced from the next reload"));
  BOOST_TEST(has(i.result.err, "1 of them about mail of all senders"));
  BOOST_TEST(i.outcome("192.0.2.1", "a@fabrikam.example") == "tls");
  const auto tried = i.ask({"import", "--mode", "audit", "--domain", ".contoso.example", (i.path / "export.json").string()});
  BOOST_TEST(has(tried.err, "2 restricting connectors only logged"));
  std::ofstream(i.path / "main.conf") << tried.out;
  BOOST_TEST(i.passes_check());
  BOOST_TEST(i.outcome("192.0.2.1", "a@fabrikam.example") == "accept");
  BOOST_TEST(i.explain({"--client", "192.0.2.1", "--from", "a@fabrikam.example", "--to", "u@contoso.example"})["audit"]["rule"] == "tls");
  BOOST_TEST(i.ask({"import", "--mode", "try", "x"}).status == 2);
}

BOOST_AUTO_TEST_CASE(outbound_connectors_without_maps_are_told) {
  const auto text = outbound(json::object()).dump();
  BOOST_TEST(has(Imported(text, {}).result.err, "no effect until the main file has maps"));
  BOOST_TEST(!has(Imported(text).result.err, "no effect until"));
}

BOOST_AUTO_TEST_CASE(a_next_hop_without_a_name_cannot_be_verified) {
  const json by_address{{"UseMXRecord", false}, {"SmartHosts", {"[203.0.113.80]"}}, {"TlsSettings", "CertificateValidation"}};
  const Imported i(outbound(by_address).dump());
  BOOST_TEST(i.result.status == 1);
  BOOST_TEST(i.level("TlsSettings") == "error");
  BOOST_TEST(i.data["disabled"] == 1);
  auto named = by_address;
  named.update({{"TlsSettings", "DomainValidation"}, {"TlsDomain", "gw.fabrikam.example"}});
  BOOST_TEST(Imported(outbound(named).dump()).data["in_force"] == 1);
}

BOOST_AUTO_TEST_CASE(unknown_parameters_that_are_off_need_no_word) {
  const Imported i(inbound({{"RequireTls", true}, {"OffA", false}, {"OffB", nullptr}, {"OffC", ""}, {"OffD", json::array()}, {"On", true}}).dump());
  BOOST_TEST(!has(i.result.err, "Off"));
  BOOST_TEST(i.level("On") == "warning");
}

BOOST_AUTO_TEST_CASE(into_a_new_file_beside_a_config) {
  const Imported i(inbound({{"Name", "Known"}, {"ConnectorType", 1}, {"SenderIPAddresses", "192.0.2.10"}}).dump());
  std::ofstream(i.path / "beside.conf") << "organization = { domains = \".contoso.example\"; };\ninbound = ( { name = \"known\"; type = \"partner\"; "
                                           "sender_domains = \"n.example\"; require_tls = true; } );\n";
  fs::create_directory(i.path / "connectors.d");
  const auto target = (i.path / "connectors.d" / "exchange.conf").string();
  const std::vector<std::string> arguments{"import", "-c", (i.path / "beside.conf").string(), "--output", target, (i.path / "export.json").string()};
  const auto first = run(arguments);
  BOOST_TEST(first.status == 0);
  BOOST_TEST(first.out.empty());
  const auto checked = run({"check", "-c", (i.path / "beside.conf").string()});
  BOOST_TEST_INFO(checked.out);
  BOOST_TEST(checked.status == 0);
  BOOST_TEST(run({"show", "known-2", "-c", (i.path / "beside.conf").string()}).status == 0);
  const auto again = run(arguments);
  BOOST_TEST(again.status == 1);
  BOOST_TEST(has(again.err, "not overwritten"));
}

BOOST_AUTO_TEST_SUITE_END()

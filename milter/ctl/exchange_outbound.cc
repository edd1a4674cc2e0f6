// Get-OutboundConnector and Get-SendConnector: which recipients, which next hop, which TLS.
//
// The rule: a demand on the next hop is kept or made stricter. A connector that cannot be written as it was is an error, because without
// it its mail leaves another way.
#include <algorithm>
#include <map>

#include "ctl/exchange_carry.h"
#include "ctl/output.h"
#include "policy/ip.h"

namespace cm::ctl {
namespace {

constexpr EnumName tls_levels[] = {{"EncryptionOnly", 1}, {"CertificateValidation", 2}, {"DomainValidation", 4}};
constexpr unsigned encryption_only = 1, certificate_validation = 2, domain_validation = 4;
constexpr EnumName send_authentication_ways[] = {
    {"None", 1}, {"BasicAuth", 2}, {"BasicAuthRequireTLS", 4}, {"ExchangeServer", 8}, {"ExternalAuthoritative", 16}};
constexpr unsigned login = 2, login_with_tls = 4;
constexpr unsigned usual_port = 25;

// As it stands in smart_hosts; empty: a network, which is no next hop.
std::string smart_host(std::string text, unsigned port) {
  if (text.starts_with('[') && text.ends_with(']')) text = text.substr(1, text.size() - 2);
  if (const auto slash = text.find('/'); slash != std::string::npos) {
    const auto source = Source::parse(text);
    if (!source || source->first != source->last) return {};
    text.erase(slash);
  }
  if (port != usual_port) return "[" + text + "]:" + std::to_string(port);
  return Ip::parse(text) ? "[" + text + "]" : text;
}

// "[192.0.2.1]", "[192.0.2.1]:587".
bool is_address(std::string_view host) {
  if (!host.starts_with('[')) return false;
  return bool(Ip::parse(host.substr(1, std::min(host.find(']'), host.size()) - 1)));
}

}  // namespace

void Carrier::outbound() {
  common();
  static_cast<void>(in.text("ConnectorType"));
  const bool by_rule = in.flag("IsTransportRuleScoped");
  outbound_recipients();
  const bool by_mx = in.flag("UseMXRecord", !in.has("SmartHosts"));
  next_hop(by_mx, usual_port);
  const auto dane = to_lower(in.text("SmtpDaneMode"));
  const auto level = in.word("TlsSettings", tls_levels);
  if (dane == "mandatory" && level.value_or(0) <= encryption_only && by_mx)
    out.set("tls", config_string("dane_only"));
  else
    tls(level.value_or(0), dane == "opportunistic", by_mx);
  if (dane == "mandatory" && (level.value_or(0) > encryption_only || !by_mx))
    fail("SmtpDaneMode",
         "Mandatory cannot be demanded together with a CA's certificate or of a smart host: decide between tls = \"dane_only\" and "
         "\"verify\", then enable it");
  else if (!dane.empty() && dane != "mandatory" && dane != "opportunistic" && dane != "none")
    fail("SmtpDaneMode", "'" + dane + "' is no value that is known here: TLSA records may have been demanded; choose tls, then enable it");
  const auto sts = to_lower(in.text("MtaStsMode"));
  if (!sts.empty() && sts != "none" && by_mx && level.value_or(0) < certificate_validation && dane != "mandatory")
    warn("MtaStsMode",
         "MTA-STS policies are not looked up here: mail to a domain with mode \"enforce\" could leave unverified; give such domains a "
         "connector with tls = \"verify\"");
  if (by_rule) rule_scoped();
  if (in.flag("TestMode")) {
    out.set("mode", config_string("audit"));
    warn("TestMode", "becomes mode \"audit\": its mail is logged and leaves as if the connector were not there");
  }
  if (in.flag("CloudServicesMailEnabled"))
    warn("CloudServicesMailEnabled",
         "no headers are converted for the next hop: X-MS-Exchange-Organization headers leave as they are or were removed "
         "when the mail came in, and the other side takes the mail for a stranger's");
  if (in.flag("SenderRewritingEnabled"))
    warn("SenderRewritingEnabled", "senders are not rewritten here: forwarded mail may fail SPF at the next hop; run an SRS service beside Postfix");
}

void Carrier::outbound_recipients() {
  std::vector<std::string> domains;
  bool below = false;
  for (const auto& space : in.address_spaces("RecipientDomains")) {
    domains.push_back(space.domain);
    below = below || space.domain.starts_with("*.");
  }
  if (in.flag("AllAcceptedDomains")) domains.emplace_back("organization");
  if (in.flag("RouteAllMessagesViaOnPremises")) {
    if (std::find(domains.begin(), domains.end(), "*") == domains.end()) domains.emplace_back("*");
    warn("RouteAllMessagesViaOnPremises",
         "becomes \"*\": a connector with a more specific pattern, and what Postfix delivers itself, still goes its "
         "own way");
  }
  if (below) note("\"*.d\" is what is below d, as in RecipientDomains; write \".d\" if it is to be about d itself, too.");
  if (!domains.empty()) out.set("recipient_domains", list_of(domains));
  out.claims = domains;
  if (domains.empty() && !in.flag("IsTransportRuleScoped")) leave_out("RecipientDomains", "there are none: it is about no mail", false);
}

void Carrier::next_hop(bool by_mx, unsigned port) {
  const auto given = in.texts("SmartHosts");
  if (by_mx) {
    if (!given.empty()) warn("SmartHosts", "has no effect in Exchange while mail goes by MX records; left out");
    if (port != usual_port)
      fail("Port", "mail by MX records to port " + std::to_string(port) + " needs a transport of its own in master.cf (transport)");
    return;
  }
  std::vector<std::string> hosts;
  for (const auto& text : given) {
    for (std::size_t at = 0; at != std::string::npos;) {  // "a.example,b.example" is two
      const auto end = text.find(',', at);
      auto one = text.substr(at, end == std::string::npos ? end : end - at);
      at = end == std::string::npos ? end : end + 1;
      if (one.find_first_not_of(' ') != std::string::npos) one.erase(0, one.find_first_not_of(' '));
      if (one.empty()) continue;
      auto host = smart_host(one, port);
      if (host.empty())
        fail("SmartHosts", "'" + one + "' is a network: name the addresses of the next hops; until then its mail leaves another way");
      else
        hosts.push_back(std::move(host));
    }
  }
  hops_lack_names_ = !hosts.empty() && std::all_of(hosts.begin(), hosts.end(), is_address);
  if (!hosts.empty())
    out.set("smart_hosts", list_of(hosts));
  else if (out.state == ConnectorText::State::in_force)
    fail("SmartHosts", "there is none, and MX records are not to be used: Exchange delivers nothing; name the next hop");
}

void Carrier::tls(unsigned level, bool opportunistic_dane, bool by_mx) {
  if (level >= certificate_validation)
    verified(level, by_mx);
  else if (level == encryption_only)
    out.set("tls", config_string("encrypt"), "any certificate");
  else if (opportunistic_dane && by_mx)
    out.set("tls", config_string("dane"), "as the TLSA records say, else TLS if it is offered");
  else
    out.set("tls", config_string("opportunistic"), "as in Exchange: clear text if TLS is not offered");
  if (level == encryption_only && opportunistic_dane && by_mx)
    warn("SmtpDaneMode", "TLSA records are not looked at together with the demand of TLS: a server is not verified where Exchange would");
}

void Carrier::verified(unsigned level, bool by_mx) {
  out.set("tls", config_string("verify"));
  const auto name = in.text("TlsDomain");
  if (!name.empty() && level == domain_validation)
    out.set("tls_domains", list_of({name}));
  else if (hops_lack_names_)
    fail("TlsSettings",
         "Exchange takes any name that a CA vouches for, or none is given; here the certificate must name the next hop, and an address is no name: "
         "every mail would wait and come back; write the certificate's names into tls_domains, then enable it; until then its mail leaves "
         "another way");
  else if (level == certificate_validation)
    warn("TlsSettings",
         "CertificateValidation takes any name that a CA vouches for; here the name must be that of the next hop, or mail waits: name "
         "others in tls_domains");
  else if (!by_mx)
    warn("TlsDomain", "is missing: the certificate must name the smart host, or mail waits");
}

void Carrier::rule_scoped() {
  const auto header = "X-Exchange-Rule-" + out.name;
  out.set("when", "{ header = { name = " + config_string(header.substr(0, 70)) + "; matches = \"^yes$\"; }; }", "to be replaced");
  out.cost = ++around_.rules;
  fail("IsTransportRuleScoped",
       "the rule that chooses it is no part of the export: write its condition into `when` and enable it; until then that "
       "mail leaves as other mail does");
}

void Carrier::send() {
  common();
  const bool linked_to = in.has("LinkedReceiveConnector");
  std::map<unsigned, std::vector<std::string>> by_cost;
  for (const auto& space : in.address_spaces("AddressSpaces")) {
    if (space.type != "smtp") {
      warn("AddressSpaces", "'" + space.type + ":" + space.domain + "' is no SMTP address space; left out");
      continue;
    }
    const bool below = space.domain.starts_with("*.");
    by_cost[space.cost].push_back(space.domain == "--" ? "organization" : below ? space.domain.substr(1) : space.domain);
  }
  if (by_cost.empty() && !linked_to) leave_out("AddressSpaces", "there are none: it is about no mail", false);
  const bool by_mx = in.flag("DNSRoutingEnabled", !in.has("SmartHosts"));
  const auto port = in.number("Port");
  next_hop(by_mx, port == 0 ? usual_port : static_cast<unsigned>(std::min<std::uint64_t>(port, 65536)));
  const auto level = send_tls_level();
  if (in.flag("IgnoreSTARTTLS") && level == 0)
    out.set("tls", config_string("none"));
  else
    tls(level, false, by_mx);
  send_authentication();
  if (linked_to) linked();
  if (by_cost.empty()) return;
  // A cost is the connector's here and the address space's there: one entry a cost.
  const auto base = out;
  const auto entry = [&](ConnectorText connector, unsigned cost) {
    connector.settings.insert(connector.settings.begin(), {"recipient_domains", list_of(by_cost[cost]), ""});
    connector.claims = by_cost[cost];
    connector.cost = cost;
    return connector;
  };
  for (auto next = std::next(by_cost.begin()); next != by_cost.end(); ++next) {
    auto copy = base;
    copy.name = free_name(base.name + "-" + std::to_string(next->first), around_.names);
    copy.comments = {"SendConnector \"" + in.name() + "\" again: its address spaces of cost " + std::to_string(next->first) + "."};
    more.push_back(entry(std::move(copy), next->first));
  }
  out = entry(base, by_cost.begin()->first);
}

unsigned Carrier::send_tls_level() {
  auto level = in.word("TlsAuthLevel", tls_levels).value_or(0);
  const auto way = in.word("SmartHostAuthMechanism", send_authentication_ways).value_or(1);
  if (in.flag("RequireTLS") || (way & login_with_tls) != 0) level = std::max(level, encryption_only);
  if (in.flag("DomainSecureEnabled"))
    warn("DomainSecureEnabled",
         "the domains are in Get-TransportConfig (TLSSendDomainSecureList): give each a connector with tls = \"verify\" and "
         "client_certificate, or its mail leaves without mutual TLS");
  return level;
}

void Carrier::send_authentication() {
  const auto way = in.word("SmartHostAuthMechanism", send_authentication_ways).value_or(1);
  static_cast<void>(in.has("AuthenticationCredential"));
  if ((way & (login | login_with_tls)) != 0)
    warn("SmartHostAuthMechanism",
         "the password stays in Postfix: smtp_sasl_auth_enable and smtp_sasl_password_maps; without it the smart host refuses");
  else if (way > 1)
    warn("SmartHostAuthMechanism", "nothing here logs in the way Exchange servers do: the next hop takes the mail as a stranger's");
  if (in.has("TlsCertificateName"))
    warn("TlsCertificateName", "our own certificate '" + in.certificate("TlsCertificateName").subject +
                                   "' is no part of the export: set client_certificate and client_key, or a next hop that asks for it refuses");
  if (in.size("MaxMessageSize") != 0)
    warn("MaxMessageSize", "outbound connectors have no size limit here: larger mail leaves, too; message_size_limit of Postfix is for all mail");
  if (in.flag("CloudServicesMailEnabled"))
    warn("CloudServicesMailEnabled", "no headers are converted for the next hop: it takes the mail for a stranger's");
}

// Everything that came in by one receive connector leaves by this one.
void Carrier::linked() {
  auto name = in.text("LinkedReceiveConnector");
  if (const auto server = name.rfind('\\'); server != std::string::npos) name.erase(0, server + 1);
  std::vector<std::string> grants;  // a connector of that name on each server
  for (std::size_t i = 0; i < around_.receive_names.size(); ++i)
    if (around_.receive_names[i] == name) grants.push_back(around_.receive_grants[i]);
  if (grants.empty())
    return leave_out("LinkedReceiveConnector",
                     "'" + name + "' has become no connector here, so its mail cannot be told from other mail and leaves as that", true);
  out.set("when", "{ connectors = " + list_of(grants) + "; }");
  out.cost = ++around_.rules;
}

}  // namespace cm::ctl

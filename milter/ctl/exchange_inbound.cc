// Get-InboundConnector: Partner restricts, OnPremises grants, as here. Where the two differ, the stricter reading is written.
//
// Sources: Set-InboundConnector; how Exchange Online chooses among connectors: certificate name, then address and sender domain.
#include <algorithm>

#include "config/providers.h"
#include "ctl/exchange_carry.h"
#include "ctl/output.h"
#include "policy/ip.h"

namespace cm::ctl {
namespace {

constexpr EnumName connector_types[] = {{"OnPremises", 1}, {"Partner", 2}};
constexpr unsigned type_on_premises = 1;

bool is_star(const AddressSpace& space) { return space.domain == "*"; }

// Of senders "*.d" is d.example itself, too.
std::vector<std::string> sender_patterns(const std::vector<AddressSpace>& spaces) {
  std::vector<std::string> out;
  for (const auto& space : spaces) {
    auto pattern = space.domain.starts_with("*.") ? space.domain.substr(1) : space.domain;
    if (std::find(out.begin(), out.end(), pattern) == out.end()) out.push_back(std::move(pattern));
  }
  return out;
}

}  // namespace

void Carrier::inbound() {
  const auto type = in.word("ConnectorType", connector_types);
  common();
  if (!type || (*type != 1 && *type != 2))
    return leave_out("ConnectorType", "it is neither Partner nor OnPremises, so what it is for is not known: nothing of it is in force here", true);
  *type == type_on_premises ? on_premises() : partner();
}

void Carrier::set_certificate(const CertificateName& name, std::string_view parameter) {
  out.set("certificates", list_of({name.subject}));
  if (!name.issuer.empty()) out.set("certificate_issuers", list_of({name.issuer}));
  warn(parameter, "'" + name.subject +
                      "' is compared with the CN of the client certificate alone, which must be verified; Exchange takes its other names, too: a "
                      "peer whose CN is another is refused or not recognised");
}

void Carrier::partner() {
  out.set("type", config_string("partner"));
  const auto spaces = in.address_spaces("SenderDomains");
  const bool by_address = in.flag("RestrictDomainsToIPAddresses"), by_certificate = in.flag("RestrictDomainsToCertificate");
  const bool tls = in.flag("RequireTls", true);
  const auto sources = in.texts("SenderIPAddresses");
  const auto name = in.certificate("TlsSenderCertificateName");
  if (!in.has("RequireTls")) warn("RequireTls", "is not in the export; taken as true: mail in clear text is refused");
  if (spaces.empty()) return leave_out("SenderDomains", "there are none, so it is not known which mail it restricts", true);
  out.set("sender_domains", list_of(sender_patterns(spaces)));
  if (std::any_of(spaces.begin(), spaces.end(), [](const AddressSpace& s) { return s.domain.starts_with("*."); }))
    note("In SenderDomains \"*.d\" means d itself, too: written \".d\".");
  if (by_address && sources.empty())
    fail("SenderIPAddresses", "is empty while RestrictDomainsToIPAddresses is true: Exchange refuses all mail of these domains; name the addresses");
  if (by_address && !sources.empty()) out.set("source_ips", list_of(sources));
  if (by_certificate) partner_certificate();
  if (by_address && by_certificate)
    warn("RestrictDomainsToCertificate",
         "address and certificate must both hold here: mail that has but one of them is refused; for either make two connectors");
  if (tls) out.set("require_tls", "true");
  const bool unused = (!by_address && !sources.empty()) || (!by_certificate && !name.subject.empty());
  if (tls && unused && !by_address && !by_certificate && std::any_of(spaces.begin(), spaces.end(), is_star))
    fail("RequireTls",
         "Exchange demands TLS of the clients that SenderIPAddresses or TlsSenderCertificateName name; here a partner is about sender "
         "domains, and with \"*\" this would demand TLS of everybody; name the domains, then enable it");
  else if (unused)
    warn(!by_address && !sources.empty() ? "SenderIPAddresses" : "TlsSenderCertificateName",
         "has no effect in Exchange without its Restrict parameter and is left out: mail from elsewhere is not refused here either");
  if (!by_address && !by_certificate && !tls)
    leave_out("", "it restricts nothing: anyone may send, with or without TLS, and no connector is needed for that", false);
  if (in.has("AssociatedAcceptedDomains"))
    warn("AssociatedAcceptedDomains", "a partner's demands count for every recipient here: stricter, mail to your other domains is restricted, too");
  if (in.flag("CloudServicesMailEnabled") || in.flag("TreatMessagesAsInternal"))
    warn("CloudServicesMailEnabled", "a restriction makes no mail internal here; its X-MS-Exchange headers are removed");
}

void Carrier::partner_certificate() {
  const auto name = in.certificate("TlsSenderCertificateName");
  if (!name.subject.empty()) return set_certificate(name, "TlsSenderCertificateName");
  fail("TlsSenderCertificateName",
       "is missing while RestrictDomainsToCertificate is true: Exchange refuses all mail of these domains; name the certificate");
}

bool Carrier::is_ours(std::string_view host) const {
  if (host.starts_with("*.")) host.remove_prefix(2);
  const auto normal = normalise_domain(host);
  if (!normal) return false;
  for (std::string_view domain = *normal; !domain.empty(); domain = parent_domain(domain))
    for (const auto& own : around_.settings.domains)
      if (own.match(domain) != no_match) return true;
  return false;
}

// Who relays must be one of ours: by the name in its certificate, or by each sender.
void Carrier::grant_senders(bool by_certificate, const std::string& name) {
  if (around_.settings.domains.empty()) {
    withhold("", "your own domains are not known, so neither is whose mail it may grant; import it again with --domain");
  } else if (!by_certificate || !is_ours(name)) {
    std::vector<std::string> own;
    for (const auto& domain : around_.settings.domains) own.push_back(domain.to_string());
    out.set("senders", list_of(own));
    warn(by_certificate ? "TlsSenderCertificateName" : "SenderIPAddresses",
         std::string(by_certificate ? "the certificate's name is in none of your domains" : "by address") +
             ", so Exchange lets it relay for senders in your domains alone; mail with other senders, bounces among them, is refused here (rule "
             "sender); add \"<>\" to senders if it sends bounces to your own recipients");
  }
}

// What every tenant of a big provider has proves nothing about whose mail it is.
void Carrier::withhold_if_shared(const std::vector<std::string>& sources, const std::string& certificate) {
  std::string_view provider;
  if (const auto pattern = DomainPattern::parse(certificate); pattern && !certificate.empty()) provider = config::provider_of_certificate(*pattern);
  for (const auto& text : sources)
    if (const auto source = Source::parse(text); source && provider.empty() && certificate.empty()) provider = config::provider_of_source(*source);
  if (!provider.empty())
    withhold("",
             "every customer of " + std::string(provider) + " comes so, and all of their mail would be granted: add require_header, then enable it");
}

void Carrier::on_premises() {
  out.set("type", config_string("on_premises"));
  const auto sources = in.texts("SenderIPAddresses");
  const auto name = in.certificate("TlsSenderCertificateName");
  const auto spaces = in.address_spaces("SenderDomains");
  const bool by_certificate = !name.subject.empty();
  if (sources.empty() && !by_certificate) {
    leave_out("", "it names neither a certificate nor addresses, so nobody is granted anything by it", false);
  } else {
    if (by_certificate) set_certificate(name, "TlsSenderCertificateName");
    if (!sources.empty()) out.set("source_ips", list_of(sources));
    if (by_certificate && !sources.empty())
      warn("SenderIPAddresses", "address and certificate must both hold here; Exchange is content with one: a second connector is an alternative");
    grant_senders(by_certificate, name.subject);
    withhold_if_shared(sources, name.subject);
  }
  if (in.flag("RequireTls") || by_certificate) out.set("require_tls", "true");
  if (const auto limited = in.address_spaces("AssociatedAcceptedDomains"); !limited.empty()) {
    out.set("recipients", list_of(sender_patterns(limited)));
    warn(
        "AssociatedAcceptedDomains",
        "taken as the recipient domains that it is for: its mail to others is refused (rule recipient); where you meant sender domains, use senders");
  }
  if (std::any_of(spaces.begin(), spaces.end(), [](const AddressSpace& s) { return !is_star(s); }))
    warn("SenderDomains", "Exchange looks at it for partners alone, and so is it here: it limits nothing");
  if (in.flag("RestrictDomainsToIPAddresses") || in.flag("RestrictDomainsToCertificate"))
    warn("RestrictDomainsToIPAddresses",
         "an OnPremises connector refuses nobody else's mail, in Exchange or here: for that make a partner "
         "(connectorctl new provider)");
  out.set("trust", config_string("on-premises"), "Exchange does not call all of its mail internal");
  if (in.flag("CloudServicesMailEnabled") && by_certificate) {
    out.set("accept_headers", "true");
    warn("CloudServicesMailEnabled",
         "all X-MS-Exchange-Organization, -Forest and -CrossPremises headers of this peer are kept as they are; nothing is promoted, and its mail is "
         "not called internal: set trust = \"internal\" if all of it is yours, and none is what the internet sent to it");
  } else if (in.flag("CloudServicesMailEnabled")) {
    warn("CloudServicesMailEnabled", "its X-MS-Exchange headers are removed: an address does not prove enough to keep them");
  }
  if (in.flag("TreatMessagesAsInternal"))
    warn("TreatMessagesAsInternal",
         "Exchange calls its mail internal for senders in your domains, here it is \"on-premises\": later filters treat it "
         "as they are told to; set trust = \"internal\" if it sends for your domains alone");
}

}  // namespace cm::ctl

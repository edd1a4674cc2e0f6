// Parameters that are no connector's business here: what Exchange notes about an object, and what belongs to the mail server itself.
//
// A parameter that is in neither table and that no translation asked for is unknown, and is told by name.
#include <algorithm>

#include "ctl/exchange_carry.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

// Says nothing about mail.
constexpr std::string_view silent[] = {
    "AdminDisplayName", "CertificateSubject", "ConnectorSource", "ConnectorType", "DefaultDomain", "DistinguishedName", "ExchangeObjectId",
    "ExchangeVersion", "ExtendedProtectionPolicy", "FrontendProxyEnabled", "Guid", "HomeMTA", "HomeMtaServerId", "Id", "Identity", "IsSmtpConnector",
    "IsValid", "IsValidated", "LastValidationTimestamp", "LinkForModifiedConnector", "Name", "ObjectCategory", "ObjectClass", "ObjectId",
    "ObjectState", "OrganizationId", "OrganizationalUnitRoot", "OriginatingServer", "ProtocolLoggingLevel", "PSComputerName", "PSShowComputerName",
    "PSSourceJobInstanceId", "RunspaceId", "Server", "SmartHostsString", "SourceRoutingGroup", "TransportRole", "ValidationRecipients", "WhenChanged",
    "WhenChangedUTC", "WhenCreated", "WhenCreatedUTC", "ConnectedDomains", "MaxAcknowledgementDelay", "SourceTransportServers", "TlsDomain",
    // what a server announces, and Postfix announces by itself
    "AdvertiseClientSettings", "BareLinefeedRejectionEnabled", "BinaryMimeEnabled", "ChunkingEnabled", "DeliveryStatusNotificationEnabled",
    "EightBitMimeEnabled", "EnhancedStatusCodesEnabled", "LongAddressesEnabled", "OrarEnabled", "PipeliningEnabled", "ServiceDiscoveryFqdn",
    "SmtpUtf8Enabled", "SuppressXAnonymousTls", "EnableAuthGSSAPI", "LiveCredentialEnabled", "ProxyEnabled", "AuthTarpitInterval",
    // read by the translations, where there is something to read
    "AuthenticationCredential", "DomainSecureEnabled", "AssociatedAcceptedDomains", "CloudServicesMailEnabled", "SenderIPAddresses", "SenderDomains",
    "TlsSenderCertificateName", "Bindings", "RemoteIPRanges", "AuthMechanism", "PermissionGroups", "MaxMessageSize", "MaxRecipientsPerMessage",
    "MessageRateLimit", "MessageRateSource", "RequireTLS", "RecipientDomains", "SmartHosts", "SmtpDaneMode", "MtaStsMode", "TreatMessagesAsInternal",
    "TlsSettings", "ScopedConnector"};

struct Elsewhere {
  std::string_view parameter;
  std::string_view usual;  // values that ask for nothing, divided by blanks
  std::string_view what;   // follows
};
// The mail server's, once for all mail: told together, apart from what differs in a connector.
constexpr Elsewhere in_main_cf[] = {
    {"Banner", "", "the greeting is Postfix's: smtpd_banner"},
    {"ConnectionTimeout", "00:10:00 00:05:00", "a connection's length is Postfix's: smtpd_timeout is for one command"},
    {"ConnectionInactivityTimeout", "00:05:00 00:01:00 00:10:00", "the wait for a silent peer is Postfix's: smtpd_timeout, smtp_data_xfer_timeout"},
    {"MaxHeaderSize", "", "the size of headers is Postfix's: header_size_limit"},
    {"MaxHopCount", "60 30", "the limit on hops is Postfix's: hopcount_limit"},
    {"MaxLocalHopCount", "12 8 5", "the limit on hops is Postfix's: hopcount_limit"},
    {"MaxInboundConnection", "5000 Unlimited", "the number of connections is Postfix's: default_process_limit"},
    {"MaxInboundConnectionPerSource", "20 Unlimited", "connections of one client are Postfix's: smtpd_client_connection_count_limit"},
    {"MaxInboundConnectionPercentagePerSource", "2 100", "connections of one client are Postfix's: smtpd_client_connection_count_limit"},
    {"MaxLogonFailures", "3", "failed logins are Postfix's: smtpd_client_auth_rate_limit"},
    {"MaxProtocolErrors", "5", "the limit on errors is Postfix's: smtpd_hard_error_limit"},
    {"TarpitInterval", "00:00:05", "the delay after errors is Postfix's: smtpd_error_sleep_time"},
    {"RequireEHLODomain", "False", "HELO is Postfix's: smtpd_helo_required, reject_invalid_helo_hostname"},
    {"RejectReservedTopLevelRecipientDomains", "False", "recipients' domains are Postfix's: check_recipient_access"},
    {"RejectReservedSecondLevelRecipientDomains", "False", "recipients' domains are Postfix's: check_recipient_access"},
    {"RejectSingleLabelRecipientDomains", "False", "recipients' domains are Postfix's: reject_non_fqdn_recipient"},
    {"SizeEnabled", "Enabled EnabledWithoutValue 1 2 3", "SIZE is always announced: the limit is Postfix's message_size_limit"},
    {"ErrorPolicies", "Default 0", "what failures of the next hop count for is Postfix's: soft_bounce, smtp_delivery_status_filter"},
    {"ForceHELO", "False", "EHLO or HELO is Postfix's: smtp_always_send_ehlo"},
    {"SmtpMaxMessagesPerConnection", "20", "how connections are used again is Postfix's: smtp_connection_reuse_count_limit"},
    {"SourceIPAddress", "0.0.0.0 ::", "the address to send from is Postfix's: smtp_bind_address"},
    {"UseExternalDNSServersEnabled", "False", "the resolver is the machine's: resolv.conf"},
    // names of the machine and its certificates, whichever way the connector went
    {"Fqdn", "", "the name in HELO and greeting is Postfix's: myhostname, smtp_helo_name"},
    {"TlsCertificateName", "", "the server's certificate is Postfix's: smtpd_tls_chain_files"}};
constexpr Elsewhere elsewhere[] = {
    {"EFSkipLastIP", "False", "the address before the last hop is not looked for: later filters judge SPF by the provider's address"},
    {"EFSkipIPs", "", "the address before these hops is not looked for: later filters judge SPF by the provider's address"},
    {"EFUsers", "", "enhanced filtering is not done here, for nobody"},
    {"EFTestMode", "False", "enhanced filtering is not done here"},
    {"EFSkipMailGateway", "", "enhanced filtering is not done here"},
    {"ScanAndDropRecipients", "", "mail to these recipients is delivered here like other mail"},
    {"ClientHostNames", "", "names of clients are not looked at: its mail is judged by address and certificate"},
    {"TrustedOrganizations", "",
     "other tenants are not known here: their mail is a stranger's; name the headers and certificate in an on_premises "
     "connector"},
    {"IsScopedConnector", "False", "sites are not known here: the connector is for every server that has this config"}};

bool is_among(std::string_view list, std::string_view word) {
  while (!list.empty()) {
    const auto end = std::min(list.find(' '), list.size());
    if (equals_ignoring_case(list.substr(0, end), word)) return true;
    list.remove_prefix(std::min(end + 1, list.size()));
  }
  return false;
}

template <std::size_t N>
const Elsewhere* find(const Elsewhere (&table)[N], std::string_view parameter) {
  const auto* found = std::find_if(table, table + N, [&](const Elsewhere& e) { return equals_ignoring_case(e.parameter, parameter); });
  return found == table + N ? nullptr : found;
}

}  // namespace

void Carrier::finish() {
  for (const auto& [parameter, value] : in.rest()) {
    const bool known =
        std::any_of(std::begin(silent), std::end(silent), [p = std::string_view(parameter)](auto s) { return equals_ignoring_case(s, p); });
    const auto* of_main_cf = find(in_main_cf, parameter);
    const auto* other = of_main_cf != nullptr ? of_main_cf : find(elsewhere, parameter);
    if (known || parameter.starts_with('@')) continue;
    if (other != nullptr && is_among(other->usual, value)) continue;
    if (of_main_cf != nullptr)
      leave_to_main_cf(parameter, "(" + value + ") " + std::string(other->what));
    else if (other != nullptr)
      warn(parameter, "(" + value + ") " + std::string(other->what));
    else if (!equals_ignoring_case(value, "false"))  // switched off
      warn(parameter, "(" + value + ") is not known to this version: whatever it does in Exchange does not happen here");
  }
  // What could not be read could have been anything.
  for (const auto& problem : in.problems()) fail(problem.parameter, problem.message + ": what it demands is not known");
}

}  // namespace cm::ctl

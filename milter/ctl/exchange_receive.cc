// Get-ReceiveConnector: who may connect to an Exchange server, and what for. Most of them say what Postfix does by itself; what is left are
// servers that count as ours (ExternalAuthoritative), machines that may send anonymously, and locks that let only some addresses in.
//
// The rule: rights that the export does not show (Get-ADPermission) are never assumed.
#include <algorithm>

#include "ctl/exchange_carry.h"
#include "ctl/output.h"
#include "policy/ip.h"

namespace cm::ctl {
namespace {

constexpr EnumName groups[] = {{"None", 0},      {"AnonymousUsers", 1}, {"ExchangeUsers", 2}, {"ExchangeServers", 4}, {"ExchangeLegacyServers", 8},
                               {"Partners", 16}, {"Partner", 16},       {"Custom", 32}};
constexpr EnumName authentication[] = {
    {"None", 0}, {"Tls", 1}, {"Integrated", 2}, {"BasicAuth", 4}, {"BasicAuthRequireTLS", 8}, {"ExchangeServer", 16}, {"ExternalAuthoritative", 32}};
constexpr EnumName rate_sources[] = {{"None", 0}, {"IPAddress", 1}, {"User", 2}, {"All", 3}};
constexpr unsigned anonymous = 1, users = 2, partners = 16, custom = 32, externally_secured = 32;
constexpr unsigned mail_port = 25, by_address = 1, by_user = 2;

std::string listener_name(const Binding& binding) {
  const auto port = "port-" + std::to_string(binding.port);
  std::string name;
  for (const char c : binding.address)
    if (c > ' ' && c <= '~') name += c;
  return name.empty() ? port : name + "-" + port;
}

}  // namespace

std::vector<Binding> bindings_of(ExchangeObject& receive) {
  std::vector<Binding> out;
  for (const auto& text : receive.texts("Bindings")) {
    const auto colon = text.rfind(':');
    const auto address = text.substr(0, colon == std::string::npos ? 0 : colon);
    const auto digits = colon == std::string::npos ? text : text.substr(colon + 1);
    unsigned port = 0;
    for (const char c : digits)
      if (c >= '0' && c <= '9' && port < 65536) port = port * 10 + static_cast<unsigned>(c - '0');
    const bool any = address.empty() || address == "0.0.0.0" || address == "[::]" || address == "::";
    out.push_back({any ? "" : address, port});
  }
  return out;
}

bool is_open_to_all(ExchangeObject& receive) {
  for (const auto& text : receive.texts("RemoteIPRanges")) {
    const auto source = Source::parse(text);
    if (source && !source->first.v6 && source->first.bits == 0 && source->last.bits == 0xffffffffU) return true;
  }
  return false;
}

bool lets_anonymous_in(ExchangeObject& receive) { return (receive.word("PermissionGroups", groups).value_or(0) & anonymous) != 0; }

// Without `listeners` a connector holds on every port: more than Exchange granted, or more than it restricted.
void Carrier::set_listeners(bool grants) {
  std::vector<std::string> names;
  bool known = true;
  for (const auto& binding : bindings_of(in)) {
    if (binding.address.empty() && binding.port == mail_port) return;
    names.push_back(listener_name(binding));
    const auto& there = around_.settings.listeners;
    known = known && (around_.settings.whole || std::find(there.begin(), there.end(), names.back()) != there.end());
  }
  if (names.empty()) return;
  if (known) {
    out.set("listeners", list_of(names));
    if (around_.settings.whole) around_.listeners.insert(around_.listeners.end(), names.begin(), names.end());
    warn("Bindings", "holds for the listener of that name: give Postfix's service its {daemon_name} as connectorctl postfix prints it");
  } else if (grants) {
    withhold("Bindings",
             "the grant is for " + join(names, ", ") + " alone: declare that listener in the main file, add listeners here, then enable it");
  } else {
    warn("Bindings", "the restriction is for " + join(names, ", ") + " and holds for every listener here: stricter; narrow it with listeners");
  }
}

void Carrier::receive() {
  common();
  const auto who = in.word("PermissionGroups", groups);
  const auto how = in.word("AuthMechanism", authentication).value_or(0);
  const bool everywhere = is_open_to_all(in);
  if (!who && in.has("PermissionGroups"))
    return leave_out("PermissionGroups", "cannot be read, so who may send by it is not known: nothing of it is in force here", true);
  if ((how & externally_secured) != 0)
    receive_grant();
  else if ((who.value_or(0) & anonymous) != 0)
    receive_anonymous(everywhere);
  else if (who.value_or(0) == 0)
    leave_out("PermissionGroups",
              "nobody may send by it: Exchange refuses these clients, and nothing here refuses an address as such; use "
              "check_client_access of Postfix",
              !everywhere);
  else if ((who.value_or(0) & users) != 0)
    leave_out("PermissionGroups",
              "it is for logins: Postfix asks for them (smtpd_sasl_auth_enable, smtpd_tls_auth_only, permit_sasl_authenticated), "
              "and organization.vouch counts them as ours for senders in our domains; no connector is needed",
              false);
  else
    leave_out("PermissionGroups",
              "it is for Exchange servers that log in the way only they do: their mail is a stranger's here; make an on_premises "
              "connector with their certificate",
              false);
  if ((who.value_or(0) & partners) != 0 && in.flag("DomainSecureEnabled"))
    warn("DomainSecureEnabled",
         "the domains are in Get-TransportConfig (TLSReceiveDomainSecureList): without partner connectors with certificates "
         "for them their mail is not held to mutual TLS");
  if ((who.value_or(0) & custom) != 0)
    warn("PermissionGroups", "has custom rights, which the export does not show (Get-ADPermission): none are given here");
  if (in.has("TlsDomainCapabilities"))
    warn("TlsDomainCapabilities",
         "gives no peer any rights here: mail of the cloud tenant is a stranger's; connectorctl new hybrid makes its connector");
}

// ExternalAuthoritative: whoever may connect counts as one of ours.
void Carrier::receive_grant() {
  out.set("type", config_string("on_premises"));
  const auto ranges = in.texts("RemoteIPRanges");
  if (ranges.empty()) return leave_out("RemoteIPRanges", "there are none: nobody is granted anything by it", false);
  out.set("source_ips", list_of(ranges));
  if (is_open_to_all(in)) withhold("RemoteIPRanges", "everybody in the world would be one of our servers: name their addresses");
  withhold_if_shared(ranges, {});
  if (in.flag("RequireTLS")) out.set("require_tls", "true");
  set_listeners(true);
  note("ExternalAuthoritative: internal, may relay, and no size limit applies to it in Exchange either.");
  static_cast<void>(in.size("MaxMessageSize"));
  receive_limits();
  if (out.state != ConnectorText::State::in_force) return;
  around_.receive_names.push_back(in.name());
  around_.receive_grants.push_back(out.name);
}

void Carrier::receive_anonymous(bool everywhere) {
  const bool tls = in.flag("RequireTLS");
  const auto ranges = in.texts("RemoteIPRanges");
  const auto at = bindings_of(in);
  const bool overlaps = std::any_of(at.begin(), at.end(), [this](const Binding& b) { return around_.open_ports.contains(b.port); });
  if (everywhere && !tls) {
    leave_out("", "anyone may send to us: no connector is needed for that; its limits are Postfix's: message_size_limit, smtpd_recipient_limit",
              false);
  } else if (everywhere || !overlaps) {
    out.set("type", config_string("partner"));
    out.set("sender_domains", list_of({"*"}));
    if (!everywhere && ranges.empty())
      fail("RemoteIPRanges", "there are none: Exchange lets nobody in by it");
    else if (!everywhere)
      out.set("source_ips", list_of(ranges));
    if (tls) out.set("require_tls", "true");
    set_listeners(false);
    if (!everywhere)
      warn("RemoteIPRanges",
           "no other connector of the export lets strangers in on this port, so everybody else is refused here, as there; export all "
           "receive connectors if there are more");
  } else {
    out.set("type", config_string("device"));
    if (!ranges.empty()) out.set("source_ips", list_of(ranges));
    out.set("recipients", config_string("internal"), "\"any\" if it may relay in Exchange");
    if (tls)
      fail("RequireTLS", "TLS of these clients alone cannot be demanded without granting them anything: they may send in clear text, as others do");
    else
      withhold("RemoteIPRanges",
               "these clients may send anonymously, as others do; whether they may relay, too, is not in the export "
               "(Get-ADPermission: ms-Exch-SMTP-Accept-Any-Recipient): if so, set senders and recipients and enable it");
    set_listeners(true);
  }
  if (out.state != ConnectorText::State::left_out) {
    if (const auto bytes = in.size("MaxMessageSize"); bytes != 0) out.set("max_message_size", config_string(std::to_string(bytes)));
    receive_limits();
  }
}

void Carrier::receive_limits() {
  if (const auto most = in.number("MaxRecipientsPerMessage"); most != 0) out.set("max_recipients", std::to_string(most));
  const auto source = in.word("MessageRateSource", rate_sources);
  const auto rate = in.number("MessageRateLimit");
  if (rate == 0 || source.value_or(by_address) == 0) return;
  const bool counts_address = (source.value_or(by_address) & by_address) != 0;
  out.set("rate_limit",
          "{ messages = " + std::to_string(rate) + "; per = \"1m\"; key = " + config_string(counts_address ? "source" : "sender") + "; }");
  if ((source.value_or(0) & by_user) != 0)
    warn("MessageRateSource",
         std::string("mailboxes are not known here: messages are counted by ") + (counts_address ? "address" : "envelope sender"));
}

}  // namespace cm::ctl

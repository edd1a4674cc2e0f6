// What connectors know of a client's TLS is what Postfix offers, asks for and believes. Sources: TLS_README, postconf(5) smtpd_tls_*.
#include <algorithm>

#include "ctl/doctor/checks.h"
#include "policy/domain.h"

namespace cm::ctl::doctor {
namespace {

constexpr std::size_t many = 20;  // CAs: more than an organisation has partners is the web's

bool offers_tls(const Place& at) {
  const auto& level = at.instance->value(at.service, "smtpd_tls_security_level");
  if (at.instance->is_yes(at.service, "smtpd_tls_wrappermode")) return true;
  if (!level.empty()) return level != "none";
  return at.instance->is_yes(at.service, "smtpd_use_tls") || at.instance->is_yes(at.service, "smtpd_enforce_tls");
}

bool asks(const Place& at) {
  return offers_tls(at) && (at.instance->is_yes(at.service, "smtpd_tls_ask_ccert") || at.instance->is_yes(at.service, "smtpd_tls_req_ccert"));
}

constexpr const char* own_certificates[] = {"smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"};

bool has_certificate(const Place& at) {
  return std::any_of(std::begin(own_certificates), std::end(own_certificates), [&](const char* name) {
    const auto& value = at.instance->value(at.service, name);
    return !value.empty() && !equals_ignoring_case(value, "none");
  });
}

/// Enabled connectors that demand something, each with the listeners at which it is valid.
template <class Demands, class Meets, class Report>
void each_unmet(const Case& c, Demands demands, Meets meets, Report report) {
  for (const auto& connector : c.policy.inbound) {
    if (!connector.enabled || !demands(connector)) continue;
    auto places = listeners_of(c, connector);
    const auto first_met = std::stable_partition(places.begin(), places.end(), [&](const auto& place) { return !meets(place); });
    const bool nowhere = first_met == places.begin() + static_cast<std::ptrdiff_t>(places.size());
    places.erase(first_met, places.end());
    if (!places.empty()) report(connector, places, nowhere);
  }
}

bool demands_certificate(const InboundConnector& connector) { return !connector.certificates.empty(); }
bool demands_tls(const InboundConnector& connector) { return connector.require_tls; }

/// Where certificates of connectors are asked for.
std::vector<Place> asking(const Case& c) {
  std::vector<Place> out;
  for (const auto& connector : c.policy.inbound) {
    if (!connector.enabled || !demands_certificate(connector)) continue;
    for (const auto& place : listeners_of(c, connector))
      if (asks(place) && std::none_of(out.begin(), out.end(), [&](const auto& other) { return other.service == place.service; }))
        out.push_back(place);
  }
  return out;
}

constexpr const char* stores[] = {"smtpd_tls_CAfile", "smtpd_tls_CApath"};

void check_store(const Case& c, const Place& at, const char* parameter, bool pinned, Findings& out) {
  const auto& path = at.instance->value(at.service, parameter);
  const auto it = c.seen.ca_stores.find(path);
  if (path.empty() || it == c.seen.ca_stores.end()) return;
  const auto& store = it->second;
  if (!store.problem.empty()) {
    out.set(Severity::error, "client-ca-missing", *at.instance, *at.service, std::string(parameter) + " cannot be used: " + store.problem, parameter,
            "/etc/postfix/client-ca.pem");
  } else if (store.of_system || store.certificates > many) {
    out.set(pinned ? Severity::note : Severity::warning, "client-ca-web", *at.instance, *at.service,
            (store.of_system ? "The machine's store of CAs decides" : std::to_string(store.certificates) + " CAs decide") +
                std::string(" whose client certificates count: each can make one in any partner's name") +
                (pinned ? ", but every connector names its issuers" : ""),
            parameter, "/etc/postfix/client-ca.pem");
  }
}

}  // namespace

void check_tls_offered(const Case& c, Findings& out) {
  each_unmet(c, demands_tls, offers_tls, [&](const auto& connector, const auto& places, bool nowhere) {
    for (const auto& place : places)
      out.set(nowhere ? Severity::error : Severity::note, "tls-not-offered", *place.instance, *place.service,
              "No TLS is offered here, and " + connector.name + " demands it", "smtpd_tls_security_level", "may");
  });
}

// smtpd(8) then says so in its log, and offers no STARTTLS whatever the level is.
void check_server_certificate(const Case& c, Findings& out) {
  const auto demands = [](const InboundConnector& connector) { return demands_tls(connector) || demands_certificate(connector); };
  const auto offers = [](const Place& place) { return !offers_tls(place) || has_certificate(place); };
  each_unmet(c, demands, offers, [&](const auto& connector, const auto& places, bool) {
    for (const auto& place : places)
      out.set(Severity::error, "server-certificate-missing", *place.instance, *place.service,
              "Postfix has no certificate of its own, so it offers no TLS here, and " + connector.name + " demands it", "smtpd_tls_chain_files",
              "/etc/postfix/mx-key-and-chain.pem");
  });
}

void check_client_certificates(const Case& c, Findings& out) {
  const auto offered_but_not_asked = [](const Place& place) { return asks(place) || !offers_tls(place); };
  each_unmet(c, demands_certificate, offered_but_not_asked, [&](const auto& connector, const auto& places, bool) {
    const auto all = listeners_of(c, connector);
    const bool nowhere = std::none_of(all.begin(), all.end(), asks);
    for (const auto& place : places)
      out.set(nowhere ? Severity::error : Severity::note, "certificates-not-asked", *place.instance, *place.service,
              "Clients are not asked for a certificate here, and " + connector.name + " demands one", "smtpd_tls_ask_ccert", "yes");
  });
  const bool pinned = std::none_of(c.policy.inbound.begin(), c.policy.inbound.end(), [](const auto& connector) {
    return connector.enabled && demands_certificate(connector) && connector.certificate_issuers.empty();
  });
  for (const auto& place : asking(c)) {
    const auto& [instance, service] = place;
    if (instance->is_yes(service, "tls_append_default_CA"))
      out.set(pinned ? Severity::note : Severity::warning, "client-ca-web", *instance, *service,
              "The CAs of the whole web decide whose client certificates count, besides those you chose", "tls_append_default_CA", "no");
    else if (std::all_of(std::begin(stores), std::end(stores), [&](const char* name) { return instance->value(service, name).empty(); }))
      out.set(Severity::error, "client-ca-missing", *instance, *service,
              "No CA is named for client certificates, so none is believed and connectors see no name in it", "smtpd_tls_CAfile",
              "/etc/postfix/client-ca.pem");
    for (const auto* parameter : stores) check_store(c, place, parameter, pinned, out);
  }
}

std::vector<std::string> ca_stores_to_read(const Case& the_case) {
  std::vector<std::string> out;
  for (const auto& [instance, service] : asking(the_case))
    for (const auto* parameter : stores)
      if (const auto& path = instance->value(service, parameter); !path.empty() && std::find(out.begin(), out.end(), path) == out.end())
        out.push_back(path);
  return out;
}

}  // namespace cm::ctl::doctor

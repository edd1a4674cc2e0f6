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

// Whether or not TLS is offered: what else is missing shall not come out only once it is.
bool asks(const Place& at) {
  return at.instance->is_yes(at.service, "smtpd_tls_ask_ccert") || at.instance->is_yes(at.service, "smtpd_tls_req_ccert");
}

constexpr const char* own_certificates[] = {"smtpd_tls_chain_files", "smtpd_tls_cert_file", "smtpd_tls_eccert_file", "smtpd_tls_dcert_file"};

bool has_certificate(const Place& at) {
  return std::any_of(std::begin(own_certificates), std::end(own_certificates), [&](const char* name) {
    const auto& value = at.instance->value(at.service, name);
    return !value.empty() && !equals_ignoring_case(value, "none");
  });
}

bool demands_certificate(const InboundConnector& connector) { return !connector.certificates.empty(); }
bool demands_tls(const InboundConnector& connector) { return connector.require_tls || demands_certificate(connector); }

/// Those that are so; all of them if none is: then each lacks it.
template <class Is>
std::vector<Place> those_or_all(std::vector<Place> places, Is is) {
  std::vector<Place> out;
  std::copy_if(places.begin(), places.end(), std::back_inserter(out), is);
  return out.empty() ? places : out;
}

/// Where clients of this connector can have TLS, or should.
std::vector<Place> tls_places(const Case& c, const InboundConnector& connector) { return those_or_all(listeners_of(c, connector), offers_tls); }

/// Enabled connectors that demand something, each with those of its places that do not meet it.
template <class Demands, class Places, class Meets, class Report>
void each_unmet(const Case& c, Demands demands, Places places_of, Meets meets, Report report) {
  for (const auto& connector : c.policy.inbound) {
    if (!connector.enabled || !demands(connector)) continue;
    auto places = places_of(c, connector);
    const auto first_met = std::stable_partition(places.begin(), places.end(), [&](const auto& place) { return !meets(place); });
    const bool nowhere = first_met == places.begin() + static_cast<std::ptrdiff_t>(places.size());
    places.erase(first_met, places.end());
    if (!places.empty()) report(connector, places, nowhere);
  }
}

/// Where certificates of connectors are asked for, or should be.
std::vector<Place> asking(const Case& c) {
  std::vector<Place> out;
  for (const auto& connector : c.policy.inbound) {
    if (!connector.enabled || !demands_certificate(connector)) continue;
    for (const auto& place : those_or_all(tls_places(c, connector), asks))
      if (std::none_of(out.begin(), out.end(), [&](const auto& other) { return other.service == place.service; })) out.push_back(place);
  }
  return out;
}

constexpr const char* stores[] = {"smtpd_tls_CAfile", "smtpd_tls_CApath"};

bool names_ca(const Place& at) {
  return at.instance->is_yes(at.service, "tls_append_default_CA") ||
         std::any_of(std::begin(stores), std::end(stores), [&](const char* name) { return !at.instance->value(at.service, name).empty(); });
}

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
  each_unmet(c, demands_tls, listeners_of, offers_tls, [&](const auto& connector, const auto& places, bool nowhere) {
    for (const auto& place : places)
      out.set(nowhere ? Severity::error : Severity::note, "tls-not-offered", *place.instance, *place.service,
              "No TLS is offered here, and " + connector.name + " demands it", "smtpd_tls_security_level", "may");
  });
}

// smtpd(8) then says so in its log, and offers no STARTTLS whatever the level is.
void check_server_certificate(const Case& c, Findings& out) {
  each_unmet(c, demands_tls, tls_places, has_certificate, [&](const auto& connector, const auto& places, bool) {
    for (const auto& place : places)
      out.set(Severity::error, "server-certificate-missing", *place.instance, *place.service,
              "Postfix has no certificate of its own, so it offers no TLS here, and " + connector.name + " demands it", "smtpd_tls_chain_files",
              "/etc/postfix/mx-key-and-chain.pem");
  });
}

void check_client_certificates(const Case& c, Findings& out) {
  each_unmet(c, demands_certificate, tls_places, asks, [&](const auto& connector, const auto& places, bool nowhere) {
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
    else if (!names_ca(place))
      out.set(Severity::error, "client-ca-missing", *instance, *service,
              "No CA is named for client certificates, so none is believed and connectors see no name in it", "smtpd_tls_CAfile",
              "/etc/postfix/client-ca.pem");
    for (const auto* parameter : stores) check_store(c, place, parameter, pinned, out);
  }
}

// Postfix goes by the fingerprint alone; the milter is told of a certificate only if it was verified.
void check_fingerprints(const Case& c, Findings& out) {
  for (const auto& place : listeners(c)) {
    const auto& [instance, service] = place;
    const bool permits = contains(instance->value(service, "smtpd_relay_restrictions"), "permit_tls_clientcerts") ||
                         contains(instance->value(service, "smtpd_recipient_restrictions"), "permit_tls_clientcerts");
    if (!permits || instance->value(service, "relay_clientcerts").empty() || !offers_tls(place) || !asks(place) || names_ca(place)) continue;
    out.set(Severity::warning, "relay-clientcerts", *instance, *service,
            "Whoever has a certificate of relay_clientcerts may send through us to anybody (permit_tls_clientcerts), and no connector knows whose "
            "it is: no CA is named, so none is verified",
            "smtpd_tls_CAfile", "/etc/postfix/client-ca.pem");
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

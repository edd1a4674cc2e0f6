// The table of checks, and what their findings have in common.
#include <algorithm>

#include "ctl/doctor/checks.h"

namespace cm::ctl::doctor {
namespace {

using Check = void (*)(const Case&, Findings&);
constexpr Check checks[] = {
    check_daemon,
    check_sockets,
    check_listeners_ask,
    check_after_filters,
    check_milter_maps,
    check_local_mail,
    check_macros,
    check_tls_offered,
    check_server_certificate,
    check_client_certificates,
    check_fingerprints,
    check_claimed_addresses,
    check_smuggling,
    check_mynetworks,
    check_relay_in_audit,
    check_ipv6,
    check_listener_names,
    check_domains,
    check_relay,
    check_maps,
    check_outbound_settings,
    check_services,
};

/// A finding whose line has Postfix use a socket.
struct SocketFinding {
  std::string_view id, socket;
};
constexpr SocketFinding socket_findings[] = {
    {"milter-missing", "milter"},
    {"local-milter-missing", "milter"},
    {"policy-missing", "policy"},
    {"map-missing", "maps"},
};

// Whoever did it the other way round would put all mail off.
void put_restart_first(const Case& c, std::vector<Finding>& findings) {
  const auto names = sockets_to_come(c);
  for (auto& finding : findings)
    for (const auto& [id, socket] : socket_findings)
      if (finding.id == id && std::find(names.begin(), names.end(), socket) != names.end())
        finding.reason += ". First restart the daemon: it does not listen there yet";
}

}  // namespace

void Findings::set(Severity severity, std::string id, const Instance& instance, const Service& service, std::string reason, std::string_view name,
                   std::string_view value) {
  const bool in_master = service.settings.contains(name);
  add({severity,
       std::move(id),
       instance.directory,
       {service.entry()},
       std::move(reason),
       in_master ? "master.cf" : "main.cf",
       in_master ? master_option(name, value) : main_setting(name, value)});
}

void Findings::set_main(Severity severity, std::string id, const Instance& instance, std::string reason, std::string_view name,
                        std::string_view value) {
  add({severity, std::move(id), instance.directory, {}, std::move(reason), "main.cf", main_setting(name, value)});
}

std::vector<Finding> Findings::take() {
  std::vector<Finding> merged;
  for (auto& finding : all_) {
    const auto same = std::find_if(merged.begin(), merged.end(), [&](const auto& other) {
      return other.severity == finding.severity && other.id == finding.id && other.instance == finding.instance && other.reason == finding.reason &&
             other.file == finding.file && other.line == finding.line;
    });
    if (same == merged.end()) {
      merged.push_back(std::move(finding));
      continue;
    }
    for (auto& service : finding.services)
      if (std::find(same->services.begin(), same->services.end(), service) == same->services.end()) same->services.push_back(std::move(service));
  }
  std::stable_sort(merged.begin(), merged.end(), [](const auto& a, const auto& b) { return a.severity < b.severity; });
  return merged;
}

std::vector<Finding> examine(const Case& the_case) {
  Findings findings;
  for (const auto check : checks) check(the_case, findings);
  auto found = findings.take();
  put_restart_first(the_case, found);
  return found;
}

std::optional<MilterUse> our_milter(const Case& c, const Instance& instance, const Service& service, std::string_view name) {
  const auto entries = split(instance.value(&service, name));
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (auto endpoint = Endpoint::parse(entries[i]); is_ours(instance, service.chroot, endpoint.address, c.service.milter.address))
      return MilterUse{std::move(endpoint), i};
  return std::nullopt;
}

bool is_judged(const Case& c, const Instance& instance, const Service& smtpd) {
  return !contains(instance.value(&smtpd, "receive_override_options"), "no_milters") && our_milter(c, instance, smtpd, "smtpd_milters").has_value();
}

bool takes_mail_back(const Case& c, const Instance& instance, const Service& smtpd) {
  const bool set_here = smtpd.settings.contains("smtpd_milters") || smtpd.settings.contains("receive_override_options");
  return set_here && instance.is_local_only(smtpd) && !is_judged(c, instance, smtpd);
}

std::string needed_value(const Instance& instance, std::string_view name) {
  const auto* line = instance.needs(name);
  return line ? line->value : "";
}

std::vector<Place> listeners(const Case& c) {
  std::vector<Place> out;
  for (const auto& instance : c.instances)
    for (const auto* smtpd : instance.running("smtpd"))
      if (!takes_mail_back(c, instance, *smtpd)) out.push_back({&instance, smtpd});
  return out;
}

std::vector<Place> listeners_of(const Case& c, const InboundConnector& connector) {
  auto places = listeners(c);
  const auto is_another = [&](const Place& place) {
    const auto& name = place.instance->value(place.service, "milter_macro_daemon_name");
    return std::find(connector.listeners.begin(), connector.listeners.end(), name) == connector.listeners.end();
  };
  if (!connector.listeners.empty()) places.erase(std::remove_if(places.begin(), places.end(), is_another), places.end());
  return places;
}

}  // namespace cm::ctl::doctor

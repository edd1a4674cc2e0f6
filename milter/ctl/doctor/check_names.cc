// Names that both sides must know: listeners and domains. Sources: postconf(5) milter_macro_daemon_name, mydestination, relay_domains.
#include <algorithm>
#include <set>

#include "ctl/doctor/checks.h"
#include "policy/domain.h"

namespace cm::ctl::doctor {
namespace {

constexpr const char* daemon_name = "milter_macro_daemon_name";
constexpr const char* domain_lists[] = {"mydestination", "virtual_alias_domains", "virtual_mailbox_domains", "relay_domains"};

std::vector<std::string> connectors_at(const PolicyData& policy, const std::string& listener) {
  std::vector<std::string> names;
  for (const auto& connector : policy.inbound)
    if (connector.enabled && std::find(connector.listeners.begin(), connector.listeners.end(), listener) != connector.listeners.end())
      names.push_back(connector.name);
  return names;
}

/// Some connector is valid at some listeners only, or a listener is closed: a listener without a name escapes that.
bool names_matter(const PolicyData& policy) {
  return std::any_of(policy.listeners.begin(), policy.listeners.end(), [](const auto& listener) { return listener.closed; }) ||
         std::any_of(policy.inbound.begin(), policy.inbound.end(), [](const auto& c) { return c.enabled && !c.listeners.empty(); });
}

void check_service_name(const Case& c, const Place& at, Findings& out) {
  const auto& name = at.instance->value(at.service, daemon_name);
  const auto& known = c.policy.listeners;
  if (std::any_of(known.begin(), known.end(), [&](const auto& listener) { return listener.name == name; })) return;
  const bool named = name != at.instance->value(at.service, "myhostname");
  if (!named && !names_matter(c.policy)) return;
  std::vector<std::string> names;
  for (const auto& listener : known) names.push_back(listener.name);
  out.add({Severity::warning,
           named ? "listener-undeclared" : "listener-unnamed",
           at.instance->directory,
           {at.service->entry()},
           (named ? "The config declares no listener " + name : "This listener has no name of its own") +
               ": connectors that are valid at some listeners only do not judge what comes here",
           "master.cf",
           "-o " + std::string(daemon_name) + "=" + (names.size() == 1 ? names[0] : "NAME")});
}

/// Domains of one list; `whole` becomes false if a table holds more of them.
std::set<std::string> domains_of(const Instance& instance, const char* list, bool& whole) {
  std::set<std::string> out;
  for (const auto& entry : split(instance.value(nullptr, list))) {
    if (entry.starts_with('!') || entry.starts_with('[')) continue;
    if (entry.find(':') != std::string::npos || entry.find('/') != std::string::npos) {
      whole = false;
      continue;
    }
    if (const auto domain = normalise_domain(entry.starts_with('.') ? entry.substr(1) : entry)) out.insert(*domain);
  }
  return out;
}

bool is_ours(const PolicyData& policy, const std::string& domain) {
  return std::any_of(policy.organization.domains.begin(), policy.organization.domains.end(),
                     [&](const auto& p) { return p.match(domain) != no_match; });
}

}  // namespace

void check_listener_names(const Case& c, Findings& out) {
  const auto places = listeners(c);
  for (const auto& listener : c.policy.listeners) {
    const bool known =
        std::any_of(places.begin(), places.end(), [&](const auto& at) { return at.instance->value(at.service, daemon_name) == listener.name; });
    if (known) continue;
    const auto users = connectors_at(c.policy, listener.name);
    out.add({users.empty() && !listener.closed ? Severity::warning : Severity::error,
             "listener-unknown",
             "",
             {},
             "No smtpd service has the name " + listener.name + " (" + daemon_name + ")" + (listener.closed ? ", which shall be closed" : "") +
                 (users.empty() ? "" : "; there " + some_of(users) + " would be valid"),
             "",
             "-o " + std::string(daemon_name) + "=" + listener.name + " in master.cf, below the service of that listener, for example smtp/inet"});
  }
  if (c.policy.listeners.empty()) return;
  for (const auto& at : places) check_service_name(c, at, out);
}

void check_domains(const Case& c, Findings& out) {
  std::set<std::string> taken;
  bool whole = true;
  for (const auto& instance : c.instances) {
    const auto& host = instance.value(nullptr, "myhostname");
    for (const auto* list : domain_lists) {
      const auto domains = domains_of(instance, list, whole);
      taken.insert(domains.begin(), domains.end());
      for (const auto& domain : domains) {
        if (is_ours(c.policy, domain) || domain == "localhost" || domain.starts_with("localhost.") || equals_ignoring_case(domain, host)) continue;
        out.add({Severity::warning,
                 "domain-not-ours",
                 instance.directory,
                 {},
                 "Postfix takes mail for " + domain + " as ours (" + list + "), the connectors do not: it is outside for limits and protect",
                 "connector-milter.conf",
                 "organization.domains: add \"" + domain + "\""});
      }
    }
  }
  if (!whole || c.instances.empty()) return;
  for (const auto& pattern : c.policy.organization.domains) {
    if (pattern.kind == DomainPattern::Kind::below) continue;
    const bool some_below = std::any_of(taken.begin(), taken.end(), [&](const auto& domain) { return pattern.match(domain) != no_match; });
    if (!some_below)
      out.add({Severity::note,
               "domain-not-taken",
               "",
               {},
               "The connectors take " + pattern.domain + " as ours, and no Postfix here accepts mail for it",
               "",
               "add " + pattern.domain + " to mydestination or virtual_mailbox_domains (mailboxes here) or relay_domains (elsewhere)"});
  }
}

}  // namespace cm::ctl::doctor

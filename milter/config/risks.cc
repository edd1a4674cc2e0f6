// Warnings about settings that are valid and probably not what was meant. Each says what will happen and what to do.
#include <algorithm>
#include <unordered_map>

#include "config/checks.h"
#include "config/providers.h"

namespace cm::config {
namespace {

bool is_about_everyone(const InboundConnector& c) {
  return std::any_of(c.sender_domains.begin(), c.sender_domains.end(), [](const DomainPattern& p) { return p.kind == DomainPattern::Kind::any; });
}

void warn_of_shared_identity(const Draft& draft, Report& report) {
  const auto& c = draft.connector;
  if ((c.duty != Duty::on_premises && c.duty != Duty::device) || c.requires_header()) return;
  const auto warn = [&](const char* setting, const std::string& what, std::string_view provider) {
    report.warning(draft.origin_of(setting), draft.path() + "." + setting,
                   quote(what) + " is shared by every customer of " + std::string(provider) + ": mail of any of them would count as ours; " +
                       (c.duty == Duty::on_premises ? "add require_header, or name" : "name") + " something only our own servers have");
  };
  for (const auto& pattern : c.certificates)
    if (const auto provider = provider_of_certificate(pattern); !provider.empty()) return warn("certificates", pattern.to_string(), provider);
  if (!c.certificates.empty() || !c.auth_users.empty()) return;  // the address alone proves nothing here
  for (const auto& source : c.source_ips)
    if (const auto provider = provider_of_source(source); !provider.empty()) return warn("source_ips", source.text, provider);
}

void warn_of_missing_ipv6(const Draft& draft, Report& report) {
  const auto& c = draft.connector;
  if (!c.is_partner() || c.source_ips.empty()) return;
  if (std::none_of(c.source_ips.begin(), c.source_ips.end(), [](const Source& s) { return s.first.v6; }))
    report.warning(draft.origin_of("source_ips"), draft.path() + ".source_ips",
                   "holds IPv4 addresses alone: the partner's mail over IPv6 will not meet it; add the partner's IPv6 sources");
}

void warn_of_unbounded_device(const Draft& draft, Report& report) {
  const auto& c = draft.connector;
  if (c.duty != Duty::device || c.rate_limit) return;
  const bool any = c.recipients.any || std::any_of(c.recipients.patterns.begin(), c.recipients.patterns.end(), [](const AddressPattern& p) {
                     return p.local.empty() && p.domain.kind == DomainPattern::Kind::any;
                   });
  if (any)
    report.warning(draft.origin_of("recipients"), draft.path() + ".recipients",
                   "this device may send to any recipient without a rate limit: whoever takes it over can send spam as us; add rate_limit, "
                   "set recipients = \"internal\" or name the addresses it needs");
}

// Partners that claim mail of every sender: the filtering providers.
class Locks {
 public:
  explicit Locks(std::span<const Draft> inbound) {
    std::vector<Source> sources;
    for (const auto& draft : inbound) {
      const auto& c = draft.connector;
      if (!counts(draft) || !c.is_partner() || !c.demands_identity() || !is_about_everyone(c)) continue;
      if (c.listeners.empty()) by_listener_.emplace("", &draft);
      for (const auto& listener : c.listeners) by_listener_.emplace(listener, &draft);
      if (first_ == nullptr) first_ = &draft;
      sources.insert(sources.end(), c.source_ips.begin(), c.source_ips.end());
    }
    sources_ = SourceSet(sources);
  }
  void warn_of_missing_via(const Draft& draft, Report& report) const {
    const auto& c = draft.connector;
    if (!c.is_partner() || c.source_ips.empty() || !c.via.empty() || is_about_everyone(c)) return;
    const auto* lock = lock_before(c);
    if (lock == nullptr) return;
    // Its mail is known to come from the provider's addresses.
    if (std::any_of(c.source_ips.begin(), c.source_ips.end(),
                    [&](const Source& s) { return sources_.contains(s.first) || sources_.contains(s.last); }))
      return;
    report.warning(draft.origin_of("source_ips"), draft.path() + ".source_ips",
                   "has no via, while " + quote(lock->connector.name) + " (" + where(lock->connector.at) +
                       ") receives mail of every sender: this partner's mail that comes through it will be a violation; add via = [ " +
                       quote(lock->connector.name) + " ]");
  }

 private:
  [[nodiscard]] const Draft* lock_before(const InboundConnector& c) const {
    if (c.listeners.empty()) return first_;
    const auto everywhere = by_listener_.find("");
    if (everywhere != by_listener_.end()) return everywhere->second;
    for (const auto& listener : c.listeners)
      if (const auto found = by_listener_.find(listener); found != by_listener_.end()) return found->second;
    return nullptr;
  }
  SourceSet sources_;
  std::unordered_map<std::string, const Draft*> by_listener_;
  const Draft* first_ = nullptr;
};

// `lends`: whether the connector of that name is in force. A name that is not there is another check's business.
void warn_of_dead_via(const Draft& draft, const std::unordered_map<std::string_view, bool>& lends, Report& report) {
  if (draft.via.empty() || draft.connector.mode != Mode::enforce) return;
  const bool dead = std::all_of(draft.via.begin(), draft.via.end(), [&](const Draft::Named& v) {
    const auto found = lends.find(v.name);
    return found != lends.end() && !found->second;
  });
  if (dead)
    report.warning(
        draft.via.front().at, draft.path() + ".via",
        "has no effect: none of the connectors it names is enabled and in mode \"enforce\", so this partner's mail that comes through them is a "
        "violation");
}

// Whoever speaks TLS could be such a partner, so a closed listener turns nobody away at connect.
void warn_of_opened_listener(const Draft& draft, std::span<const Listener> listeners, Report& report) {
  const auto& c = draft.connector;
  if (!c.is_partner() || c.demands_identity() || c.mode != Mode::enforce || !c.listeners.empty()) return;
  const auto closed = std::find_if(listeners.begin(), listeners.end(), [](const Listener& l) { return l.closed; });
  if (closed == listeners.end()) return;
  report.warning(c.at, draft.path(),
                 "asks nobody for an identity and names no listeners, so the closed listener " + quote(closed->name) +
                     " refuses no client at connect; name the listeners that this partner uses");
}

}  // namespace

void warn_of_risks(std::span<const Draft> inbound, std::span<const Listener> listeners, Report& report) {
  const Locks locks(inbound);
  std::unordered_map<std::string_view, bool> lends;
  for (const auto& draft : inbound) lends.emplace(draft.connector.name, draft.connector.enabled && draft.connector.mode == Mode::enforce);
  for (const auto& draft : inbound) {
    if (!counts(draft)) continue;
    warn_of_shared_identity(draft, report);
    warn_of_missing_ipv6(draft, report);
    warn_of_unbounded_device(draft, report);
    locks.warn_of_missing_via(draft, report);
    warn_of_dead_via(draft, lends, report);
    warn_of_opened_listener(draft, listeners, report);
  }
}

}  // namespace cm::config

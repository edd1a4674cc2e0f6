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
  if (c.is_partner() || c.requires_header()) return;
  const std::string harm = c.duty == Duty::relay ? "mail of any of them would be exempt from every restriction; name something only that server has"
                           : c.duty == Duty::device
                               ? "mail of any of them would count as ours; name something only our own servers have"
                               : "mail of any of them would count as ours; add require_header, or name something only our own servers have";
  const auto warn = [&](const char* setting, const std::string& what, std::string_view provider) {
    report.warning(draft.origin_of(setting), draft.path() + "." + setting,
                   quote(what) + " is shared by every customer of " + std::string(provider) + ": " + harm);
  };
  for (const auto& pattern : c.certificates)
    if (const auto provider = provider_of_certificate(pattern); !provider.empty()) return warn("certificates", pattern.to_string(), provider);
  if (!c.certificates.empty() || !c.auth_users.empty()) return;  // the address alone proves nothing here
  for (const auto& source : c.source_ips) {
    const auto provider_at = [](const Ip& ip) { return provider_of_source({ip, ip, false, {}}); };
    if (c.duty == Duty::relay && (provider_at(source.first).empty() || provider_at(source.last).empty())) continue;  // exempts others, too
    if (const auto provider = provider_of_source(source); !provider.empty()) return warn("source_ips", source.text, provider);
  }
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

// A pattern of one label is a domain of that name, which is next to never what was meant.
class SingleLabels {
 public:
  SingleLabels(const Draft& draft, const DomainIndex& ours, Report& report) : draft_(draft), ours_(ours), report_(report) {}
  void warn() const {
    const auto& c = draft_.connector;
    for (const auto& pattern : c.senders.patterns) warn_of_address("senders", pattern);
    for (const auto& pattern : c.recipients.patterns) warn_of_address("recipients", pattern);
    for (const auto& pattern : c.sender_domains)
      if (is_single(pattern))
        say("sender_domains", pattern, domain_of_that_name + "write the whole domain, such as " + quote(pattern.domain + ".example"));
  }

 private:
  [[nodiscard]] bool is_single(const DomainPattern& p) const {
    return p.kind == DomainPattern::Kind::exact && !p.domain.starts_with('[') && p.domain.find('.') == std::string::npos &&
           ours_.match(p.domain) == no_match;
  }
  void warn_of_address(const char* setting, const AddressPattern& pattern) const {
    if (!pattern.local.empty() || !is_single(pattern.domain)) return;
    const bool outbound_word = setting == std::string_view("recipients") && pattern.domain.domain == "organization";
    say(setting, pattern.domain,
        outbound_word ? " is a word of outbound connectors: write \"internal\""
                      : domain_of_that_name + "for an address write " + quote(pattern.domain.domain + "@contoso.example"));
  }
  void say(const char* setting, const DomainPattern& pattern, const std::string& what) const {
    report_.warning(draft_.origin_of(setting), draft_.path() + "." + setting, quote(pattern.domain) + what);
  }
  inline static const std::string domain_of_that_name = " has no dot, so it is a domain of that name: ";
  const Draft& draft_;
  const DomainIndex& ours_;
  Report& report_;
};

// Bounces go to the new sender, and other domains' SPF records do not name us.
void warn_of_foreign_sender(const Draft& draft, const DomainIndex& ours, Report& report) {
  const auto& c = draft.connector;
  if (c.rewrite_sender.empty() || ours.match(std::string_view(c.rewrite_sender).substr(c.rewrite_sender.find('@') + 1)) != no_match) return;
  report.warning(draft.origin_of("rewrite_sender"), draft.path() + ".rewrite_sender",
                 quote(c.rewrite_sender) +
                     " is not in the organization domains: bounces of this device's mail will go there, and its domain's SPF "
                     "record may not name our servers; use an address of our own");
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
      for (const auto& pattern : c.certificates) certificates_.add(pattern, 0);
    }
    sources_ = SourceSet(sources);
  }
  void warn_of_missing_via(const Draft& draft, Report& report) const {
    const auto& c = draft.connector;
    if (!c.is_partner() || !c.has_identity() || !c.via.empty() || is_about_everyone(c)) return;
    const auto* lock = lock_before(c);
    if (lock == nullptr || comes_through(c)) return;
    const char* proof = !c.source_ips.empty() ? "source_ips" : !c.certificates.empty() ? "certificates" : "auth_users";
    report.warning(draft.origin_of(proof), draft.path() + "." + proof,
                   "has no via, while " + quote(lock->connector.name) + " (" + where(lock->connector.at) +
                       ") receives mail of every sender: this partner's mail that comes through it will be a violation; add via = [ " +
                       quote(lock->connector.name) + " ]");
  }
  void warn_of_missing_identity(const Draft& draft, Report& report) const {
    const auto& c = draft.connector;
    if (!c.is_partner() || c.demands_identity() || is_about_everyone(c)) return;
    const auto* lock = lock_before(c);
    if (lock != nullptr && (lock->connector.mode == Mode::enforce || c.mode == Mode::audit))
      report.warning(c.at, draft.path(),
                     "asks nobody for an identity, so mail of its domains must meet " + quote(lock->connector.name) + " (" +
                         where(lock->connector.at) +
                         ") as well, which receives mail of every sender: what this partner sends us directly will be a violation there; add "
                         "source_ips or certificates if it does, and via = [ " +
                         quote(lock->connector.name) + " ] if it sends through that");
  }

 private:
  // Its mail is known to come from the provider.
  [[nodiscard]] bool comes_through(const InboundConnector& c) const {
    return std::any_of(c.source_ips.begin(), c.source_ips.end(),
                       [&](const Source& s) { return sources_.contains(s.first) || sources_.contains(s.last); }) ||
           std::any_of(c.certificates.begin(), c.certificates.end(),
                       [&](const DomainPattern& p) { return certificates_.match(p.domain) != no_match; });
  }
  [[nodiscard]] const Draft* lock_before(const InboundConnector& c) const {
    if (c.listeners.empty()) return first_;
    const auto everywhere = by_listener_.find("");
    if (everywhere != by_listener_.end()) return everywhere->second;
    for (const auto& listener : c.listeners)
      if (const auto found = by_listener_.find(listener); found != by_listener_.end()) return found->second;
    return nullptr;
  }
  SourceSet sources_;
  DomainIndex certificates_;
  std::unordered_map<std::string, const Draft*> by_listener_;
  const Draft* first_ = nullptr;
};

// What a connector named in `via` is like. A name that is not there is another check's business.
using ByName = std::unordered_map<std::string_view, const InboundConnector*>;

// One in mode audit is being tried: its name is right for the day on which it is enforced.
bool will_lend(const InboundConnector& lender) { return lender.enabled && !lender.requires_header(); }

std::string why_dead(const InboundConnector& lender) {
  return lender.requires_header() ? "which has require_header and shares its identity with others" : "which is not enabled";
}

void warn_of_dead_via(const Draft& draft, const ByName& by_name, Report& report) {
  const auto dead = [&](const Draft::Named& v) {
    const auto found = by_name.find(v.name);
    return found != by_name.end() && !will_lend(*found->second);
  };
  const auto merely_off = [&](const Draft::Named& v) { return dead(v) && !by_name.at(v.name)->requires_header(); };
  if (!draft.via.empty() && std::all_of(draft.via.begin(), draft.via.end(), merely_off))
    return report.warning(draft.via.front().at, draft.path() + ".via",
                          "has no effect: none of the connectors it names is enabled, so this partner's mail that comes through them is a violation");
  for (const auto& v : draft.via)
    if (dead(v))
      report.warning(v.at, v.path,
                     "names " + quote(v.name) + ", " + why_dead(*by_name.at(v.name)) + ": this partner's mail that comes through it is a violation");
}

// `via` stands for the identity alone. Without an identity of its own, or with min_tls_version, it is said how mail is to come by whoever brings it.
void warn_of_clear_text_via(const Draft& draft, const ByName& by_name, Report& report) {
  const auto& c = draft.connector;
  if (!c.is_partner() || !c.has_identity() || !c.require_tls || c.min_tls_version != TlsVersion::none) return;
  for (const auto& v : draft.via) {
    const auto found = by_name.find(v.name);
    if (found == by_name.end() || !will_lend(*found->second) || found->second->demands_tls()) continue;
    report.warning(v.at, v.path,
                   "names " + quote(v.name) + ", which takes mail in clear text, while this partner has require_tls: its mail that comes through " +
                       quote(v.name) +
                       " in clear text is a violation; set require_tls = true there once all of its mail comes over TLS, or min_tls_version here if "
                       "that is meant");
  }
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

void warn_of_risks(std::span<const Draft> inbound, std::span<const Listener> listeners, const Organization& organization, Report& report) {
  DomainIndex ours;
  for (const auto& domain : organization.domains) ours.add(domain, 0);
  const Locks locks(inbound);
  ByName by_name;
  for (const auto& draft : inbound) by_name.emplace(draft.connector.name, &draft.connector);
  for (const auto& draft : inbound) {
    if (!counts(draft)) continue;
    warn_of_shared_identity(draft, report);
    warn_of_unbounded_device(draft, report);
    SingleLabels(draft, ours, report).warn();
    warn_of_foreign_sender(draft, ours, report);
    locks.warn_of_missing_via(draft, report);
    locks.warn_of_missing_identity(draft, report);
    warn_of_dead_via(draft, by_name, report);
    warn_of_clear_text_via(draft, by_name, report);
    warn_of_opened_listener(draft, listeners, report);
  }
}

}  // namespace cm::config

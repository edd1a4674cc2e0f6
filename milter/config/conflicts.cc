// Outbound connectors that contradict each other: the MTA could be told one thing or the other, and nothing says which.
//
// The rule: only enabled connectors of the same mode are compared, each connector is reported once a kind of conflict, at the later one.
#include <algorithm>
#include <tuple>
#include <unordered_set>

#include "config/checks.h"
#include "config/claims.h"

namespace cm::config {
namespace {

using Id = Claims::Id;
using Drafts = std::span<const OutboundDraft>;

std::string other(const OutboundDraft& draft) {
  return "the outbound connector " + quote(draft.connector.name) + " (" + where(draft.connector.at) + ")";
}

// What is demanded of the next hop, so written that equal demands are equal texts.
std::string demands_of(const OutboundConnector& c) {
  std::vector<std::string> names;
  names.reserve(c.tls_domains.size());
  for (const auto& p : c.tls_domains) names.push_back(p.to_string());
  auto pins = c.fingerprints;
  std::sort(names.begin(), names.end());
  std::sort(pins.begin(), pins.end());
  auto out = std::string(to_string(c.tls)) + std::to_string(static_cast<int>(c.min_tls_version));
  for (const auto* list : {&names, &pins}) {
    for (const auto& text : *list) out += '\n' + text;
    out += '\f';
  }
  if (!c.client_certificate.empty()) out += c.client_certificate + '\n' + c.client_key + '\n' + c.transport;
  return out;
}

// Something that only one connector, or several that agree, may use; `says` tells them apart.
struct Use {
  Mode mode;
  std::string key;
  Id id;
  bool operator<(const Use& o) const { return std::tie(mode, key, id) < std::tie(o.mode, o.key, o.id); }
};

class Conflicts {
 public:
  Conflicts(Drafts drafts, Report& report) : drafts_(drafts), report_(report) {}

  void ties(const Organization& organization) {
    std::unordered_set<Id> said;
    for (const auto mode : {Mode::enforce, Mode::audit}) {
      Claims(drafts_, organization, Claims::bit(mode)).each_tie([&](Id earlier, Id later, const Claims::Claim& claim) {
        if (!said.insert(later).second) return;
        const auto what = claim.kind == DomainPattern::Kind::null ? std::string("\"organization\"") : quote(claim.to_string());
        report_.error(drafts_[later].connector.at, drafts_[later].path(),
                      "ties with " + other(drafts_[earlier]) + ": both are about " + what + " and have the cost " +
                          std::to_string(drafts_[later].connector.cost) + "; give one of them another cost or disable it");
      });
    }
  }

  void rules_of_equal_cost() {
    each_clash(
        [](const OutboundConnector& c, auto&& use) {
          if (c.is_rule_scoped()) use(std::to_string(c.cost));
        },
        [](const OutboundConnector& c) { return c.name; },
        [&](const OutboundDraft& earlier, const OutboundDraft& later, const std::string& cost) {
          report_.error(later.origin_of("cost"), later.path() + ".cost",
                        "ties with " + other(earlier) + ": both have `when` and the cost " + cost +
                            ", and a message may meet both; give one of them another cost");
        });
  }

  void next_hops() {
    each_clash(
        [](const OutboundConnector& c, auto&& use) {
          for (const auto& host : c.smart_hosts) use(host.next_hop);
        },
        demands_of,
        [&](const OutboundDraft& earlier, const OutboundDraft& later, const std::string& hop) {
          report_.error(later.origin_of("smart_hosts"), later.path() + ".smart_hosts",
                        "the next hop " + quote(hop) + " is also that of " + other(earlier) +
                            ", with other TLS settings, and the MTA knows one for each next hop; make tls, tls_domains, fingerprints, "
                            "min_tls_version and the client certificate the same");
        });
  }

  void transports() {
    each_clash([](const OutboundConnector& c, auto&& use) { use(c.transport); },
               [](const OutboundConnector& c) { return c.client_certificate + '\n' + c.client_key; },
               [&](const OutboundDraft& earlier, const OutboundDraft& later, const std::string& transport) {
                 report_.error(later.origin_of("transport"), later.path() + ".transport",
                               quote(transport) + " is also the transport of " + other(earlier) +
                                   ", with another client_certificate or client_key, and a transport has one; give one of them another transport");
               });
  }

  // Postfix asks for the TLS of a smart host without brackets, and for that of a domain whose MX it looked up, under the same name.
  void names_of_mx(const Organization& organization) {
    for (const auto mode : {Mode::enforce, Mode::audit}) {
      const Claims claims(drafts_, organization, Claims::bit(mode));
      for (const auto& draft : drafts_) {
        if (!counts(draft) || draft.connector.mode != mode) continue;
        for (const auto& host : draft.connector.smart_hosts) {
          if (host.next_hop.front() == '[') continue;
          const auto id = claims.choose(host.next_hop);
          if (id == no_outbound || !drafts_[id].connector.smart_hosts.empty()) continue;
          if (demands_of(drafts_[id].connector) == demands_of(draft.connector)) continue;
          report_.error(draft.origin_of("smart_hosts"), draft.path() + ".smart_hosts",
                        quote(host.next_hop) + " is also a domain whose mail leaves to its MX by " + other(drafts_[id]) +
                            ", with other TLS settings, and the MTA knows one for each name; write " + quote("[" + host.next_hop + "]") +
                            ", or make tls and what belongs to it the same");
          break;
        }
      }
    }
  }

 private:
  // each_use(connector, use): calls use(text) for what it uses. Of those that use the same, the first must say the same as every other.
  template <class EachUse, class Says, class Tell>
  void each_clash(EachUse&& each_use, Says&& says, Tell&& tell) {
    std::vector<Use> uses;
    for (Id id = 0; id < drafts_.size(); ++id)
      if (counts(drafts_[id]))
        each_use(drafts_[id].connector, [&](std::string text) { uses.push_back({drafts_[id].connector.mode, std::move(text), id}); });
    std::sort(uses.begin(), uses.end());
    std::unordered_set<Id> told;
    for (auto first = uses.begin(), at = uses.begin(); at != uses.end(); ++at) {
      if (first->mode != at->mode || first->key != at->key) first = at;
      if (first->id == at->id || says(drafts_[first->id].connector) == says(drafts_[at->id].connector)) continue;
      if (told.insert(at->id).second) tell(drafts_[first->id], drafts_[at->id], at->key);
    }
  }

  Drafts drafts_;
  Report& report_;
};

}  // namespace

void check_conflicts(Drafts outbound, const Organization& organization, Report& report) {
  Conflicts conflicts(outbound, report);
  conflicts.ties(organization);
  conflicts.rules_of_equal_cost();
  conflicts.next_hops();
  conflicts.transports();
  conflicts.names_of_mx(organization);
}

}  // namespace cm::config

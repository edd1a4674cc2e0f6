// What Postfix believes of a client by itself: claimed addresses, mynetworks, line endings, the address family.
// Sources: XCLIENT_README, postconf(5) smtpd_upstream_proxy_protocol, smtpd_forbid_bare_newline, mynetworks.
#include <algorithm>

#include "ctl/doctor/checks.h"
#include "policy/domain.h"

namespace cm::ctl::doctor {
namespace {

bool is_grant(const InboundConnector& connector) { return connector.duty == Duty::on_premises || connector.duty == Duty::device; }

bool is_local(const Source& source) { return is_loopback(source.first.to_string()) && is_loopback(source.last.to_string()); }

/// All of `wanted` lies in one or several of `given`. Both ends count.
bool covered(const Source& wanted, std::vector<Source> given) {
  std::sort(given.begin(), given.end(), [](const auto& a, const auto& b) { return a.first.bits < b.first.bits; });
  auto next = wanted.first.bits;
  for (const auto& source : given) {
    if (source.first.v6 != wanted.first.v6 || source.last.bits < next || source.first.bits > next) continue;
    if (source.last.bits >= wanted.last.bits) return true;
    next = source.last.bits + 1;
  }
  return false;
}

std::string joined(const std::vector<std::string>& entries) {
  std::string out;
  for (const auto& entry : entries) out.append(out.empty() ? "" : ", ").append(entry);
  return out;
}

bool permits_mynetworks(const Instance& instance, const Service& smtpd) {
  return contains(instance.value(&smtpd, "smtpd_relay_restrictions"), "permit_mynetworks") ||
         contains(instance.value(&smtpd, "smtpd_recipient_restrictions"), "permit_mynetworks");
}

/// The entries of mynetworks: those that no grant is about, and the others.
struct Networks {
  std::vector<std::string> wide, kept;
};
Networks networks_of(const Place& at, const std::vector<Source>& granted) {
  Networks out;
  for (const auto& entry : split(at.instance->value(at.service, "mynetworks"))) {
    const auto network = networks(entry);  // none: a table, or an exception
    (network.empty() || is_local(network[0]) || covered(network[0], granted) ? out.kept : out.wide).push_back(entry);
  }
  return out;
}

std::vector<Source> granted_sources(const Case& c) {
  std::vector<Source> granted;
  for (const auto& connector : c.policy.inbound)
    if (connector.enabled && is_grant(connector)) granted.insert(granted.end(), connector.source_ips.begin(), connector.source_ips.end());
  return granted;
}

/// Whether permit_mynetworks has a say in who may relay, and nothing else has but logins and our policy service. nullopt: something has, or may
/// have.
std::optional<bool> only_mynetworks_permits(const Case& c, const Place& at) {
  bool asked = false;
  const auto entries = split(at.instance->value(at.service, "smtpd_relay_restrictions"));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const auto& entry = entries[i];
    if (entry == "reject_unauth_destination" || entry == "defer_unauth_destination" || entry == "reject" || entry == "defer") return asked;
    if (entry == "permit_mynetworks")
      asked = true;
    else if (entry == "check_policy_service" && i + 1 < entries.size() &&
             is_ours(*at.instance, at.service->chroot, Endpoint::parse(entries[i + 1]).address, c.service.policy->address))
      ++i;
    else if (entry != "permit_sasl_authenticated")
      return std::nullopt;
  }
  return std::nullopt;
}

/// A grant that lets its clients relay by their address alone, once it is enforced.
bool will_relay_by_address(const Case& c, const InboundConnector& connector) {
  const auto& limit = connector.recipients;
  const bool to_others =
      limit.any || std::any_of(limit.patterns.begin(), limit.patterns.end(), [&](const auto& pattern) {
        const auto& ours = c.policy.organization.domains;
        return std::none_of(ours.begin(), ours.end(), [&](const auto& domain) { return domain.match(pattern.domain.domain) != no_match; });
      });
  return connector.enabled && is_grant(connector) && to_others && !connector.source_ips.empty() && connector.certificates.empty() &&
         connector.auth_users.empty() && !connector.requires_header();
}

/// Those of its networks that may not relay here while it is in audit: neither by mynetworks nor by an enforced grant. nullopt: not plain.
std::optional<std::vector<Source>> lost_in_audit(const Case& c, const InboundConnector& connector, const Place& at) {
  const auto asked = only_mynetworks_permits(c, at);
  if (!asked) return std::nullopt;
  std::vector<Source> permitted, lost;
  for (const auto& entry : split(at.instance->value(at.service, "mynetworks"))) {
    const auto network = networks(entry);
    if (network.empty()) return std::nullopt;  // a table, or an exception
    if (*asked) permitted.push_back(network[0]);
  }
  for (const auto& other : c.policy.inbound)
    if (other.mode == Mode::enforce && will_relay_by_address(c, other))
      permitted.insert(permitted.end(), other.source_ips.begin(), other.source_ips.end());
  std::copy_if(connector.source_ips.begin(), connector.source_ips.end(), std::back_inserter(lost),
               [&](const auto& source) { return !covered(source, permitted); });
  return lost;
}

/// As mynetworks has them.
std::vector<std::string> written(const std::vector<Source>& sources) {
  std::vector<std::string> out;
  for (const auto& source : sources)
    for (const auto& network : source.decompose()) {
      const auto address = network.first.to_string();
      out.push_back((network.first.v6 ? "[" + address + "]" : address) + "/" + std::to_string(network.length));
    }
  return out;
}

/// What one listener withholds from grants in audit.
struct Withheld {
  Place at;
  std::vector<std::string> connectors, networks;
};

void report(const Case& c, const Withheld& lost, Findings& out) {
  constexpr std::size_t most_in_a_line = 16;
  const auto reason = some_of(lost.connectors) + (lost.connectors.size() == 1 ? " is in audit and permits" : " are in audit and permit") +
                      " nothing yet, and Postfix lets these clients relay neither: " + some_of(lost.networks);
  auto value = joined(networks_of(lost.at, granted_sources(c)).kept);  // the others are told of
  value.append(value.empty() ? "" : ", ").append(joined(lost.networks));
  if (only_mynetworks_permits(c, lost.at).value_or(false) && lost.networks.size() <= most_in_a_line)
    return out.set(Severity::warning, "relay-in-audit", *lost.at.instance, *lost.at.service, reason, "mynetworks", value);
  out.add({Severity::warning,
           "relay-in-audit",
           lost.at.instance->directory,
           {lost.at.service->entry()},
           reason,
           "",
           "add them to mynetworks, with permit_mynetworks first in smtpd_relay_restrictions, until the line mode is taken out"});
}

bool speaks_proxy_protocol(const Instance& instance, const Service& smtpd) {
  if (smtpd.type != "pass") return !instance.value(&smtpd, "smtpd_upstream_proxy_protocol").empty();
  const auto screens = instance.running("postscreen");
  return !screens.empty() && !instance.value(screens[0], "postscreen_upstream_proxy_protocol").empty();
}

// Source: RELEASE_NOTES of 3.7.9, 3.7.10, 3.8.4, 3.8.5 and 3.9.0.
bool can_forbid_bare_newline(const PostfixVersion& v) {
  return v >= PostfixVersion{3, 8, 4} || (v >= PostfixVersion{3, 7, 9} && v < PostfixVersion{3, 8, 0});
}

}  // namespace

void check_claimed_addresses(const Case& c, Findings& out) {
  const auto proves_by_tls =
      enabled_names(c.policy.inbound, [](const auto& connector) { return connector.require_tls || !connector.certificates.empty(); });
  const auto by_address = enabled_names(c.policy.inbound, [](const auto& connector) { return !connector.source_ips.empty(); });
  for (const auto& [instance, smtpd] : listeners(c)) {
    const auto& hosts = instance->value(smtpd, "smtpd_authorized_xclient_hosts");
    const auto list = split(hosts);
    const bool others = std::any_of(list.begin(), list.end(), [](const auto& host) {
      const auto network = networks(host);
      return !is_loopback(host) && (network.empty() || !is_local(network[0]));
    });
    if (!list.empty() && !proves_by_tls.empty())
      out.set(Severity::warning, "xclient", *instance, *smtpd,
              "A client of smtpd_authorized_xclient_hosts claims addresses and logins, but TLS and certificate stay its own: " +
                  some_of(proves_by_tls) + " would judge a mixture of two parties",
              "smtpd_authorized_xclient_hosts", "");
    else if (others && !by_address.empty())
      out.set(Severity::warning, "xclient", *instance, *smtpd,
              "Other machines may claim any client address here: what " + some_of(by_address) + " knows by address is only as sure as they are",
              "smtpd_authorized_xclient_hosts", "");
    if (speaks_proxy_protocol(*instance, *smtpd) && !by_address.empty() && !instance->is_local_only(*smtpd))
      out.add({Severity::warning,
               "proxy-protocol",
               instance->directory,
               {smtpd->entry()},
               "Whoever reaches this port may claim any client address by the PROXY protocol, and " + some_of(by_address) + " goes by it",
               "",
               "let the service listen on loopback or an inner address, and let nobody but the proxy connect"});
  }
}

void check_smuggling(const Case& c, Findings& out) {
  const bool trusts = c.policy.organization.vouch_authenticated ||
                      !enabled_names(c.policy.inbound, [](const auto& connector) { return connector.demands_identity(); }).empty();
  if (!trusts) return;
  for (const auto& [instance, smtpd] : listeners(c)) {
    const std::string reason = "A message smuggled into a session (bare line feeds) gets the trust of that session's client";
    if (!can_forbid_bare_newline(instance->version)) {
      out.add({Severity::error, "bare-newline", instance->directory, {}, reason + ", and this Postfix cannot prevent it", "", "update Postfix"});
      continue;
    }
    const auto value = to_lower(instance->value(smtpd, "smtpd_forbid_bare_newline"));
    if (value != "yes" && value != "normalize" && value != "reject") {
      const auto needed = needed_value(*instance, "smtpd_forbid_bare_newline");
      out.set(Severity::error, "bare-newline", *instance, *smtpd, reason, "smtpd_forbid_bare_newline", needed.empty() ? "normalize" : needed);
      continue;
    }
    const auto excluded = networks(instance->value(smtpd, "smtpd_forbid_bare_newline_exclusions"));
    if (!std::all_of(excluded.begin(), excluded.end(), is_local))
      out.set(Severity::warning, "bare-newline-exclusions", *instance, *smtpd, reason + ": some clients are excluded from what prevents it",
              "smtpd_forbid_bare_newline_exclusions", "");
  }
}

void check_mynetworks(const Case& c, Findings& out) {
  const auto granted = granted_sources(c);
  for (const auto& place : listeners(c)) {
    const auto& [instance, smtpd] = place;
    if (!permits_mynetworks(*instance, *smtpd)) continue;
    const auto [wide, kept] = networks_of(place, granted);
    if (wide.empty()) continue;
    out.set(granted.empty() ? Severity::note : Severity::warning, "mynetworks", *instance, *smtpd,
            "Clients in " + some_of(wide) + " may send through us to anybody (permit_mynetworks), and no connector grants them anything",
            "mynetworks", joined(kept));
  }
}

// Nobody took the clients away that a grant in audit has no say for yet, or they lose the mail that the trial is about.
void check_relay_in_audit(const Case& c, Findings& out) {
  if (!c.service.policy) return;
  std::vector<Withheld> withheld;
  for (const auto& connector : c.policy.inbound) {
    if (connector.mode != Mode::audit || !will_relay_by_address(c, connector)) continue;
    std::vector<std::pair<Place, std::vector<Source>>> places;
    for (const auto& place : listeners_of(c, connector)) {
      auto lost = lost_in_audit(c, connector, place);
      if (!lost || lost->empty()) {  // there is a way, or may be one
        places.clear();
        break;
      }
      places.emplace_back(place, std::move(*lost));
    }
    for (const auto& [place, lost] : places) {
      const auto same = std::find_if(withheld.begin(), withheld.end(), [&](const auto& other) { return other.at.service == place.service; });
      auto& here = same == withheld.end() ? withheld.emplace_back(Withheld{place, {}, {}}) : *same;
      here.connectors.push_back(connector.name);
      for (auto& network : written(lost)) here.networks.push_back(std::move(network));
    }
  }
  for (const auto& lost : withheld) report(c, lost, out);
}

void check_ipv6(const Case& c, Findings& out) {
  for (const auto& connector : c.policy.inbound) {
    if (!connector.enabled || !connector.is_partner() || connector.source_ips.empty()) continue;
    if (std::any_of(connector.source_ips.begin(), connector.source_ips.end(), [](const auto& source) { return source.first.v6; })) continue;
    for (const auto& [instance, smtpd] : listeners_of(c, connector))
      if (instance->takes_ipv6(*smtpd))
        out.add({Severity::warning,
                 "ipv6",
                 instance->directory,
                 {smtpd->entry()},
                 "Mail is taken over IPv6 here, and " + connector.name + " lists IPv4 addresses alone: the partner's mail over IPv6 is a violation",
                 connector.at.file + ":" + std::to_string(connector.at.line),
                 "add the partner's IPv6 addresses to source_ips of " + connector.name});
  }
}

}  // namespace cm::ctl::doctor

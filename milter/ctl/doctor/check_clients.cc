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

bool permits_mynetworks(const Instance& instance, const Service& smtpd) {
  return contains(instance.value(&smtpd, "smtpd_relay_restrictions"), "permit_mynetworks") ||
         contains(instance.value(&smtpd, "smtpd_recipient_restrictions"), "permit_mynetworks");
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
  std::vector<Source> granted;
  for (const auto& connector : c.policy.inbound)
    if (connector.enabled && is_grant(connector)) granted.insert(granted.end(), connector.source_ips.begin(), connector.source_ips.end());
  for (const auto& [instance, smtpd] : listeners(c)) {
    if (!permits_mynetworks(*instance, *smtpd)) continue;
    std::vector<std::string> wide, kept;
    for (const auto& entry : split(instance->value(smtpd, "mynetworks"))) {
      const auto network = networks(entry);  // none: a table, or an exception
      (network.empty() || is_local(network[0]) || covered(network[0], granted) ? kept : wide).push_back(entry);
    }
    if (wide.empty()) continue;
    std::string value;
    for (const auto& network : kept) value.append(value.empty() ? "" : ", ").append(network);
    out.set(granted.empty() ? Severity::note : Severity::warning, "mynetworks", *instance, *smtpd,
            "Clients in " + some_of(wide) + " may send through us to anybody (permit_mynetworks), and no connector grants them anything",
            "mynetworks", value);
  }
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

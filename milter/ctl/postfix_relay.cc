// A header is not known when a recipient is named, so the policy service never permits the mail of a connector with `require_header` to go to
// others: something else must let it through to the milter, which refuses at end of message what lacks the header.
//
// The rule: no more is let through than the connector's own identity covers, and never unasked: these lines are examples.
#include "ctl/postfix_relay.h"

namespace cm::ctl {
namespace {

constexpr std::size_t most_networks = 16;  // in one line

// A login is let through anyway. In mode audit the milter refuses nothing.
bool needs_way(const InboundConnector& c) {
  return c.enabled && c.mode == Mode::enforce && c.requires_header() && c.auth_users.empty() && (c.recipients.any || !c.recipients.patterns.empty());
}

std::string by_address(const InboundConnector& c) {
  std::string networks;
  std::size_t count = 0;
  for (const auto& source : c.source_ips)
    for (const auto& network : source.decompose())
      networks += (count++ == 0 ? "{" : ", {") + network.first.to_string() + "/" + std::to_string(network.length) + " permit}";
  // cidr_table(5): a line a network, as in the short form.
  return "check_client_access cidr:" + (count <= most_networks ? "{" + networks + "}" : "/etc/postfix/" + c.name + ".cidr");
}

}  // namespace

void add_relay_by_header(const PolicyData& policy, const RelayRestrictions& restrictions, std::vector<PostfixLine>& lines) {
  for (const auto& c : policy.inbound) {
    if (!needs_way(c)) continue;
    const bool by_certificate = !c.certificates.empty();
    const auto way = (by_certificate ? "permit_tls_clientcerts" : by_address(c)) + ", ";
    const auto reason =
        c.name +
        ": its require_header is not known when a recipient is named, so the policy service never permits its mail to others. "
        "This lets " +
        (by_certificate ? "the certificates in relay_clientcerts" : "its addresses") + " through to the milter, which refuses what lacks the header" +
        (by_certificate ? ", but only if Postfix verified the certificate: without a good smtpd_tls_CAfile whoever has it could relay" : "") +
        "; mail that the milter does not see could be relayed by everyone "
        "who shares them";
    const std::vector<std::string> everywhere{""};
    for (const auto& listener : c.listeners.empty() ? everywhere : c.listeners)
      lines.push_back({listener.empty() ? PostfixLine::Place::main : PostfixLine::Place::listener, listener, "smtpd_relay_restrictions",
                       restrictions(listener, way), reason, true});
    if (by_certificate)
      lines.push_back({PostfixLine::Place::main, "", "relay_clientcerts", "inline:{ {FINGERPRINT = " + c.name + "} }",
                       c.name + ": the fingerprint of each certificate that it presents, by smtpd_tls_fingerprint_digest", true});
  }
}

}  // namespace cm::ctl

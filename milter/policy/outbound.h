// An outbound connector as const data: how mail to some recipients leaves. What the config room writes and the engine (routing.h) reads.
//
// Nothing here decides anything. Meanings and defaults: connector-milter.conf(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/connector.h"
#include "policy/domain.h"
#include "policy/ip.h"

namespace cm {

/// What is demanded of the next hop; `unset`: whatever the MTA does by itself.
enum class OutboundTls : std::uint8_t { unset, none, opportunistic, encrypt, verify, dane, dane_only, fingerprint };

struct SmartHost {
  std::string next_hop;       // as the MTA is told: `mx.d.example`, `[mx.d.example]`, `[192.0.2.1]:587`; lower case, A-labels
  std::optional<Ip> address;  // if it is one
};

/// A header field that must be there: any instance, unfolded, in which the pattern is found.
struct HeaderCondition {
  std::string name;
  std::string pattern;  // RE2, valid (why_bad_pattern() in routing.h says nothing), unanchored, case-sensitive
};

/// `when`: all that are given must hold, and at least one is given.
struct When {
  std::vector<std::string> connectors;  // names of inbound connectors: on_premises, device, or a partner with identity
  std::vector<DomainPattern> sender_domains;
  std::optional<HeaderCondition> header;
};

struct OutboundConnector {
  std::string name;
  bool enabled = true;
  Mode mode = Mode::enforce;
  std::string comment;
  Origin at;

  std::vector<DomainPattern> recipient_domains;  // never `<>`; without those that "organization" stands for
  bool organization = false;                     // "organization" is among recipient_domains
  std::uint32_t cost = 1;
  std::vector<SmartHost> smart_hosts;  // empty: the MX of the recipient's domain
  std::string transport = "smtp";      // effective: `smtp-NAME` by default with client_certificate
  OutboundTls tls = OutboundTls::unset;
  std::vector<DomainPattern> tls_domains;  // verify only; exact, below or at_and_below; empty: the next hop
  std::vector<std::string> fingerprints;   // fingerprint only; "AB:CD:...", SHA-256
  TlsVersion min_tls_version = TlsVersion::none;
  std::string client_certificate, client_key;  // paths; both or neither
  std::optional<When> when;

  [[nodiscard]] bool is_rule_scoped() const { return when.has_value(); }
  [[nodiscard]] bool has_recipient_scope() const { return organization || !recipient_domains.empty(); }
};

using OutboundId = std::uint32_t;  // position in PolicyData::outbound
inline constexpr OutboundId no_outbound = ~0U;

constexpr std::string_view to_string(OutboundTls tls) {
  constexpr std::string_view names[] = {"unset", "none", "opportunistic", "encrypt", "verify", "dane", "dane_only", "fingerprint"};
  return names[static_cast<std::size_t>(tls)];
}

}  // namespace cm

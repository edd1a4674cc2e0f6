// An inbound connector as const data, with every effective value filled in: what the config room writes and the engine reads.
//
// Nothing here decides anything. Meanings and defaults: connector-milter.conf(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.h"
#include "policy/domain.h"
#include "policy/ip.h"
#include "policy/rate_limit.h"

namespace cm {

enum class Duty : std::uint8_t { on_premises, device, relay, partner };
enum class Mode : std::uint8_t { enforce, audit };
enum class OnViolation : std::uint8_t { reject, tempfail, quarantine, tag };
enum class Check : std::uint8_t { off, audit, enforce };  // `protect`, `check_header_from`

/// Ordered; `unknown` is TLS of a version we do not know and is older than every demand.
enum class TlsVersion : std::uint8_t { none, unknown, tls1_0, tls1_1, tls1_2, tls1_3 };

/// Where in the config something was set.
struct Origin {
  std::string file;
  unsigned line = 0;
};

/// `senders` or `recipients`. An address fits if `any`, or it is in the organization domains and `organization`, or a pattern meets it.
struct AddressLimit {
  bool any = true;
  bool organization = false;
  std::vector<AddressPattern> patterns;
};

struct AddedHeader {
  std::string name, value;
};

struct InboundConnector {
  std::string name;
  Duty duty = Duty::partner;
  bool enabled = true;
  Mode mode = Mode::enforce;
  std::string comment;
  Origin at;

  // scope
  std::vector<std::string> listeners;         // empty: any
  std::vector<DomainPattern> sender_domains;  // partner only
  // identity: all that are given must hold
  std::vector<Source> source_ips;
  std::vector<DomainPattern> certificates;
  std::vector<std::string> certificate_issuers;  // narrows certificates; compared exactly
  std::vector<std::string> auth_users;           // "*": any login; compared exactly
  std::vector<std::string> via;                  // partner only: names of inbound connectors
  // transport
  bool require_tls = false;  // effective: also true with certificates by default, and with min_tls_version
  TlsVersion min_tls_version = TlsVersion::none;
  std::string required_header;               // require_header, on_premises only: the field's name; empty: none
  std::vector<std::string> required_values;  // one of which it must say
  // limits
  AddressLimit senders, recipients;
  std::uint64_t max_message_size = 0;  // bytes; 0: none
  std::uint32_t max_recipients = 0;    // 0: none
  std::optional<RateLimit> rate_limit;
  // what becomes of the mail
  Check check_header_from = Check::off;  // partner only; default there is audit
  OnViolation on_violation = OnViolation::reject;
  std::string trust;                                 // first word of the trust header; empty for relay
  bool accept_headers = false, accept_tags = false;  // on_premises only; the session verifies tags
  std::vector<AddedHeader> add_headers;

  [[nodiscard]] bool is_partner() const { return duty == Duty::partner; }
  [[nodiscard]] bool has_identity() const { return !source_ips.empty() || !certificates.empty() || !auth_users.empty(); }
  [[nodiscard]] bool requires_header() const { return !required_header.empty(); }
  /// A partner without identity settings (and without `via`) judges TLS alone and never claims a message.
  [[nodiscard]] bool demands_identity() const { return has_identity() || !via.empty(); }
};

constexpr std::string_view to_string(Duty duty) {
  constexpr std::string_view names[] = {"on_premises", "device", "relay", "partner"};
  return names[static_cast<std::size_t>(duty)];
}
constexpr std::string_view to_string(Mode mode) { return mode == Mode::enforce ? "enforce" : "audit"; }
constexpr std::string_view to_string(OnViolation action) {
  constexpr std::string_view names[] = {"reject", "tempfail", "quarantine", "tag"};
  return names[static_cast<std::size_t>(action)];
}
constexpr std::string_view to_string(Check check) {
  constexpr std::string_view names[] = {"off", "audit", "enforce"};
  return names[static_cast<std::size_t>(check)];
}

}  // namespace cm

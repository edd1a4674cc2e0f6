// The kinds of values that settings of inbound connectors have (connector.h), and the words for them in the config.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.h"

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

/// `repair`: the header fields that mail is given if it lacks them.
struct Repair {
  bool date = false, message_id = false, from = false;
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

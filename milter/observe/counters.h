// What happened since the start, as numbers. Written by every session without locks, read by `connectorctl status`.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "policy/decision.h"

namespace cm::observe {

using Counter = std::atomic<std::uint64_t>;

inline constexpr std::size_t action_count = static_cast<std::size_t>(Action::reject) + 1;
inline constexpr std::size_t tls_version_count = static_cast<std::size_t>(TlsVersion::tls1_3) + 1;
inline constexpr std::size_t rule_count = static_cast<std::size_t>(Rule::rate) + 1;

/// Each counter is exact; two of them read one after the other may be of different moments.
struct Counters {
  Counter connections{0};
  Counter messages{0};                                    // MAIL commands
  Counter audit_differences{0};                           // messages that the audit connectors would have changed
  Counter internal_failures{0};                           // each is logged as an error; none ends in an acceptance
  Counter map_lookups{0};                                 // answered by the map service, found or not
  Counter policy_requests{0};                             // asked of the Postfix policy service
  Counter policy_permits{0};                              // of these, relaying allowed
  std::array<Counter, action_count> actions{};            // outcomes, as logged: accepted messages and each refusal
  std::array<Counter, rule_count> rules{};                // outcomes that a rule decided
  std::array<Counter, tls_version_count> tls_versions{};  // MAIL commands
  Counter& of(Action action) { return actions[static_cast<std::size_t>(action)]; }
  Counter& of(TlsVersion version) { return tls_versions[static_cast<std::size_t>(version)]; }
  Counter& of(Rule rule) { return rules[static_cast<std::size_t>(rule)]; }
};

inline void add(Counter& counter) { counter.fetch_add(1, std::memory_order_relaxed); }

}  // namespace cm::observe

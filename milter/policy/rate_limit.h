// `rate_limit` as const data: how many messages a peer may send in how long.
//
// The engine never counts. Whoever counts (session/rate.h) tells it in the facts whose bucket is empty.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cm {

/// A bucket of `messages` tokens that fills up again, evenly, within `seconds`.
struct RateLimit {
  enum class Key : std::uint8_t { source, connector, sender };  // what has a bucket of its own
  std::uint32_t messages = 1;                                   // 1 to limits::rate_messages
  std::uint32_t seconds = 1;                                    // 1 to limits::rate_seconds
  Key key = Key::source;
  friend bool operator==(const RateLimit&, const RateLimit&) = default;
};

constexpr std::string_view to_string(RateLimit::Key key) {
  constexpr std::string_view names[] = {"source", "connector", "sender"};
  return names[static_cast<std::size_t>(key)];
}

/// As it may be written in the config, in the largest unit that fits: "90s", "1m", "2h", "1d".
inline std::string duration_text(std::uint32_t seconds) {
  constexpr std::pair<std::uint32_t, char> units[] = {{86400, 'd'}, {3600, 'h'}, {60, 'm'}};
  for (const auto& [length, unit] : units)
    if (seconds % length == 0) return std::to_string(seconds / length) + unit;
  return std::to_string(seconds) + 's';
}

}  // namespace cm

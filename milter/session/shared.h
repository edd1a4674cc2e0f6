// What all sessions share.
#pragma once

#include <atomic>
#include <cstdint>
#include <ctime>
#include <functional>
#include <string_view>

#include "base/published.h"
#include "observe/tallies.h"
#include "seal/key.h"
#include "session/rate.h"

namespace cm::session {

/// Outlives every session.
struct Shared {
  const Published<Policy>& policy;
  observe::Counters& counters;
  std::function<void(std::string_view)> record;  // one log line an outcome; must not wait, must not throw
  std::atomic<bool> draining{false};             // no new messages
  std::atomic<int> in_flight{0};                 // messages between MAIL and the end of the answer to end of message
  const Published<seal::Keys>* keys = nullptr;   // null or empty: trust headers are not signed
  const observe::Tallies* tallies = nullptr;     // null: connectors are not counted
  RateLimits rates{};
  std::function<std::int64_t()> unix_time = [] { return static_cast<std::int64_t>(std::time(nullptr)); };
};

}  // namespace cm::session

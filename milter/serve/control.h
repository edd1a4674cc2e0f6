// The control service: `reload`, `status` and `stats` in, one JSON object out. Knows the words, not what is behind them.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "observe/tallies.h"

namespace cm::serve {

/// What the last attempt to read the configuration came to.
struct ReloadResult {
  bool ok = true;
  std::chrono::system_clock::time_point at;
  std::size_t connectors = 0;            // in force
  std::vector<std::string> diagnostics;  // rendered; errors and warnings
};

struct Status {
  std::string version;
  long pid = 0;
  std::string config_file{};  // absolute
  std::chrono::system_clock::time_point started{};
  std::chrono::seconds uptime{0};
  std::uint64_t policy_number = 0;               // of the policy in force: 1 at the start, one more with every load that took effect
  std::chrono::system_clock::time_point loaded;  // the policy in force
  std::string config;                            // digest of the config that it was made of
  std::size_t connectors = 0;
  std::vector<std::pair<std::string, std::string>> sockets{};  // name, address; those that are open, an empty address where there is none
  bool restart_needed = false;                                 // the config has other socket settings since
  ReloadResult last_reload;
  int in_flight = 0;
  std::uint64_t log_lines_dropped = 0;
};

/// One service for the control socket; call from one thread.
class Control {
 public:
  Control(std::function<ReloadResult()> reload, std::function<Status()> status, std::function<observe::Stats()> stats,
          const observe::Counters& counters);
  /// JSON: {"ok": true, ...}, or {"ok": false, "error": "..."} for what is no request.
  [[nodiscard]] std::string answer(std::string_view request) const;

 private:
  std::function<ReloadResult()> reload_;
  std::function<Status()> status_;
  std::function<observe::Stats()> stats_;
  const observe::Counters& counters_;
};

}  // namespace cm::serve

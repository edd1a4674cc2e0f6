// The log: syslog datagrams to facility mail, or lines on standard error. It never waits: what cannot be written now is counted and lost.
//
// Thread-safe: every line is one datagram or one write, and no lock is held while anything could wait. Lines hold escaped text only; see
// base/escape.h.
#pragma once

#include <sys/un.h>

#include <atomic>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace cm {

class Log {
 public:
  enum class Level : std::uint8_t { error, warning, info, debug };
  enum class Target : std::uint8_t { syslog, standard_error };

  /// `path`: the syslog datagram socket. It need not exist yet, and may be replaced while we run (a restarted syslog daemon).
  explicit Log(std::string_view name, std::string_view path = "/dev/log");

  void configure(Target target, Level level);
  [[nodiscard]] bool wants(Level level) const { return level <= level_.load(std::memory_order_relaxed); }
  /// One line, without newline; cut at 4000 bytes. Control characters become `?`.
  void write(Level level, std::string_view line) noexcept;
  void error(std::string_view line) noexcept { write(Level::error, line); }
  void warning(std::string_view line) noexcept { write(Level::warning, line); }
  void info(std::string_view line) noexcept { write(Level::info, line); }
  [[nodiscard]] std::uint64_t dropped() const { return dropped_.load(std::memory_order_relaxed); }

 private:
  [[nodiscard]] bool send_datagram(Level level, std::string_view line) const;

  std::string tag_;  // "name[pid]: "
  sockaddr_un address_{};
  Fd socket_;
  std::atomic<Level> level_{Level::info};
  std::atomic<Target> target_{Target::standard_error};
  std::atomic<std::uint64_t> dropped_{0};
};

}  // namespace cm

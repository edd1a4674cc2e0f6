// What is wrong with a config: where, what was seen, what was expected, what to do. A value, never an exception.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "policy/connector.h"

namespace cm::config {

struct Diagnostic {
  enum class Level : std::uint8_t { error, warning };
  Level level = Level::error;
  Origin at;            // line 0: a file or directory as a whole, of which nothing could be read
  std::string path;     // the setting: "inbound.fabrikam.source_ips[2]"; empty for a file as a whole
  std::string message;  // what was seen, what was expected, what to do

  /// FILE:LINE: error: PATH: MESSAGE; without LINE if that is 0
  [[nodiscard]] std::string to_string() const;
};
using Diagnostics = std::vector<Diagnostic>;

[[nodiscard]] std::size_t count(const Diagnostics& diagnostics, Diagnostic::Level level);

}  // namespace cm::config

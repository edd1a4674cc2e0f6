// A config text as a tree of values with true line numbers; or its one syntax error, reported.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include "config/report.h"
#include "config/scan.h"

namespace cm::config {

struct Node {
  enum class Kind : std::uint8_t { boolean, integer, real, string, group, array, list };
  Kind kind = Kind::group;
  bool boolean = false;
  std::int64_t integer = 0;
  unsigned name_line = 1;
  unsigned line = 1;
  std::string name;  // empty for list elements
  std::string text;  // of a string
  Remark problem;    // the value must not be used
  Remark doubt;
  std::vector<Node> children;

  [[nodiscard]] bool is_list() const { return kind == Kind::array || kind == Kind::list; }
  /// "a string", "a group { ... }": for messages.
  [[nodiscard]] const char* describe() const;
};

/// The root group. `file` is for the diagnostics. nullopt: exactly one error was reported.
std::optional<Node> parse_text(std::string_view text, const std::string& file, Report& report);

/// What to do about a file or directory that cannot be read, to stand behind why; empty if nothing is known.
std::string remedy_of(const std::error_code& error);

/// A whole regular file; on failure nullopt and the reason. Never follows anything that could block.
std::optional<std::string> read_file(const std::string& path, std::string& why);

}  // namespace cm::config

// Attribute lists (`NAME=VALUE` lines up to an empty one), as Postfix writes them to its policy servers: a codec, and what is in a list.
//
// Source: Postfix src/util/attr_print_plain.c. Values are taken as they are; there is no quoting, so a value cannot hold a line end.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/framing.h"

namespace cm::attribute_list {

/// The list at the start of `in`; the payload is its lines, each with its line end. `scanned` as in Framing.
Taken take(std::string_view in, std::size_t most, std::size_t& scanned);
/// `payload` is one line without its end, an answer such as `action=DUNNO`.
void append(std::string& out, std::string_view payload);

inline constexpr Framing framing{take, append};

/// The attributes of one list. Views into it.
class Attributes {
 public:
  /// nullopt if a line is no attribute, a name comes twice (one of them may be part of another value), or a value holds a NUL.
  static std::optional<Attributes> parse(std::string_view lines);
  /// nullopt if it is not there; present and empty is something else.
  [[nodiscard]] std::optional<std::string_view> find(std::string_view name) const;
  /// Empty if it is not there.
  [[nodiscard]] std::string_view operator[](std::string_view name) const { return find(name).value_or(std::string_view{}); }

 private:
  std::vector<std::pair<std::string_view, std::string_view>> entries_;  // by name
};

}  // namespace cm::attribute_list

// Untrusted text in log lines: what is not plain printable ASCII becomes \xHH, and what could be read as another field is quoted.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace cm {

/// Appends `value` to `line` so that it stays one field: as it is when it holds only printable ASCII without space, quote and
/// backslash, else in double quotes with `\"`, `\\` and `\xHH`. After `most` bytes of output `...` follows and the rest is left out.
void append_value(std::string& line, std::string_view value, std::size_t most);

/// The same, but always in quotes.
void append_quoted(std::string& line, std::string_view value, std::size_t most);

}  // namespace cm

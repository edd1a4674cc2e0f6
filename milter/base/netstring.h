// Netstrings (`LENGTH:BYTES,`) as a codec that touches no descriptor: bytes in, payloads out.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/framing.h"

namespace cm::netstring {

/// The netstring at the start of `in`. Malformed: no digits, a leading zero, a payload over `most` bytes, no final comma.
/// Malformed is known as soon as it can be: a length over `most` is never waited for.
Taken take(std::string_view in, std::size_t most);

void append(std::string& out, std::string_view payload);
std::string encode(std::string_view payload);

/// The length stands in front, so that there is nothing to remember between two calls.
inline constexpr Framing framing{[](std::string_view in, std::size_t most, std::size_t&) { return take(in, most); }, append};

}  // namespace cm::netstring

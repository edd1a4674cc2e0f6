// Netstrings (`LENGTH:BYTES,`) as a codec that touches no descriptor: bytes in, payloads out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cm::netstring {

struct Taken {
  enum class State : std::uint8_t { complete, incomplete, malformed } state = State::incomplete;
  std::string_view payload;  // into the input; only if complete
  std::size_t length = 0;    // bytes of input used; only if complete
};

/// The netstring at the start of `in`. Malformed: no digits, a leading zero, a payload over `most` bytes, no final comma.
/// Malformed is known as soon as it can be: a length over `most` is never waited for.
Taken take(std::string_view in, std::size_t most);

std::string encode(std::string_view payload);

}  // namespace cm::netstring

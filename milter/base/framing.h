// How requests stand in a stream of bytes: the interface of a codec. A codec touches no descriptor: bytes in, payloads out.
//
// The rule: taking a request costs time in proportion to its bytes, however many pieces they arrive in, and memory only for what has arrived.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace cm {

struct Taken {
  enum class State : std::uint8_t { complete, incomplete, malformed } state = State::incomplete;
  std::string_view payload;  // into the input; only if complete
  std::size_t length = 0;    // bytes of input used; only if complete
};

struct Framing {
  /// The request at the start of `in`; malformed if its payload would have over `most` bytes. `scanned` is 0 for a new request; for one
  /// that was incomplete, whose bytes must come first again, it is what the call before left there.
  Taken (*take)(std::string_view in, std::size_t most, std::size_t& scanned);
  /// Appends an answer to `out`.
  void (*append)(std::string& out, std::string_view payload);
};

}  // namespace cm

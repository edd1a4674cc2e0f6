// A short word for a text, to tell whether two are the same. FNV-1a of 64 bits: against mistakes, not against somebody who wants two texts
// with one word.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cm {

class Digest {
 public:
  /// The parts count one by one: "ab", "c" is not "a", "bc".
  void add(std::string_view part) {
    mix(std::to_string(part.size()) + ":");
    mix(part);
  }
  /// 16 hexadecimal digits.
  [[nodiscard]] std::string to_string() const {
    std::string out(16, '0');
    auto rest = state_;
    for (auto digit = out.rbegin(); digit != out.rend(); ++digit, rest >>= 4U) *digit = "0123456789abcdef"[rest & 0xfU];
    return out;
  }

 private:
  void mix(std::string_view bytes) {
    for (const char c : bytes) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

}  // namespace cm

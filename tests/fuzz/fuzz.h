// What every fuzz target is written with: FUZZ_TARGET, REQUIRE, and Bytes, which makes events out of a byte string.
//
// The same source is a libFuzzer target (tests/fuzz/run: clang, CM_LIBFUZZER) and an entry of the table that replay.cc walks (make check: g++).
// A target states properties; it must never depend on a clock, on randomness or on what ran before.
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#define REQUIRE(condition) ((condition) ? void() : cm::fuzz::fail(__FILE__, __LINE__, #condition))

namespace cm::fuzz {

[[noreturn]] inline void fail(const char* file, int line, const char* property) {
  std::fprintf(stderr, "%s:%d: property does not hold: %s\n", file, line, property);
  std::abort();
}

using Target = void (*)(std::string_view);
/// Keeps a target for replay.cc. Runs before main().
bool enlist(const char* name, Target target);

/// Reads numbers and texts from a byte string; past its end everything is 0 and empty.
class Bytes {
 public:
  explicit Bytes(std::string_view in) : rest_(in) {}
  [[nodiscard]] bool empty() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const auto value = static_cast<std::uint8_t>(rest_.front());
    rest_.remove_prefix(1);
    return value;
  }
  std::size_t below(std::size_t n) { return byte() % n; }
  template <class T, std::size_t N>
  const T& of(const T (&list)[N]) {
    return list[below(N)];
  }
  /// Up to the next line end or the end.
  std::string_view line() {
    const auto end = rest_.find('\n');
    const auto text = rest_.substr(0, end);
    rest_.remove_prefix(end == std::string_view::npos ? rest_.size() : end + 1);
    return text;
  }
  [[nodiscard]] std::string_view rest() const { return rest_; }

 private:
  std::string_view rest_;
};

/// Letters in the other case, ASCII alone.
inline std::string swap_case(std::string_view text) {
  std::string out(text);
  for (auto& c : out)
    if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z')) c = static_cast<char>(c ^ 0x20);
  return out;
}

inline bool is_printable(std::string_view text) {
  for (const char c : text)
    if (c < ' ' || c > '~') return false;
  return true;
}

}  // namespace cm::fuzz

#ifdef CM_LIBFUZZER
#define FUZZ_TARGET(name)                                                             \
  static void fuzz_##name(std::string_view in);                                       \
  extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) { \
    fuzz_##name({reinterpret_cast<const char*>(data), size});                         \
    return 0;                                                                         \
  }                                                                                   \
  static void fuzz_##name(std::string_view in)
#else
#define FUZZ_TARGET(name)                                                             \
  static void fuzz_##name(std::string_view in);                                       \
  [[maybe_unused]] static const bool enlisted = cm::fuzz::enlist(#name, fuzz_##name); \
  static void fuzz_##name(std::string_view in)
#endif

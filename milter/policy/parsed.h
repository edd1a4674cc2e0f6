// What a parser of ours returns: a value, or the reason in words why there is none.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace cm {

/// Exactly one of the two is meaningful: `value` if present, else `why` (one clause, no trailing full stop).
template <class T>
struct [[nodiscard]] Parsed {
  std::optional<T> value;
  std::string why;

  Parsed(T v) : value(std::move(v)) {}
  static Parsed error(std::string reason) { return Parsed(std::move(reason), 0); }

  explicit operator bool() const { return value.has_value(); }
  const T& operator*() const { return *value; }
  const T* operator->() const { return &*value; }

 private:
  Parsed(std::string reason, int) : why(std::move(reason)) {}
};

}  // namespace cm

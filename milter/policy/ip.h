// IP addresses, prefixes and ranges as values, and the question asked of many of them: "is this address in the set?".
//
// An IPv4-mapped IPv6 address is the IPv4 address it holds. IPv4 and IPv6 never meet: ::/0 holds no IPv4 client.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "policy/parsed.h"

namespace cm {

__extension__ typedef unsigned __int128 Bits128;

struct Ip {
  bool v6 = false;
  Bits128 bits = 0;  // IPv4 in the low 32 bits, host order

  /// Text as in RFC 4291 section 2.2 or dotted IPv4; no brackets, no zone.
  static std::optional<Ip> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] int width() const { return v6 ? 128 : 32; }
  friend bool operator==(const Ip&, const Ip&) = default;
};

/// A prefix; host bits of `first` are always zero.
struct Network {
  Ip first;
  int length = 0;  // 0..32 or 0..128
  [[nodiscard]] std::string to_string() const;
  [[nodiscard]] Bits128 last() const;
  friend bool operator==(const Network&, const Network&) = default;
};

/// One entry of `source_ips`: an address, a prefix or a range, kept as an inclusive range of one family.
struct Source {
  Ip first;
  Ip last;
  bool host_bits = false;  // the prefix was written with host bits set; they are masked here
  std::string text;        // as written

  static Parsed<Source> parse(std::string_view text);
  /// The fewest prefixes that make up exactly this range, ascending.
  [[nodiscard]] std::vector<Network> decompose() const;
  [[nodiscard]] bool contains(const Ip& ip) const;
};

/// Union of sources; contains() is a binary search. Immutable once built.
class SourceSet {
 public:
  SourceSet() = default;
  explicit SourceSet(const std::vector<Source>& sources);
  [[nodiscard]] bool contains(const Ip& ip) const;
  [[nodiscard]] bool intersects(const SourceSet& other) const;
  [[nodiscard]] bool empty() const { return v4_.empty() && v6_.empty(); }

 private:
  struct Range {
    Bits128 first, last;
  };
  std::vector<Range> v4_, v6_;  // sorted, disjoint
};

}  // namespace cm

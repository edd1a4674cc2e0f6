// Which of many prefixes hold this address, longest first?
//
// The rule: a lookup is a binary search through a flat array of first addresses, because a policy may hold hundreds of thousands of
// networks, and what a message costs is the cache lines it touches. Immutable once frozen.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "policy/ip.h"

namespace cm {

/// Prefix -> numbers. Lookup costs a binary search and then one step per prefix that holds the address.
class PrefixIndex {
 public:
  void add(const Network& network, std::uint32_t id) { added_.push_back({network, id}); }
  void freeze();  // sorts and links; call once, after the last add
  /// Calls f(id, prefix length) for every prefix that holds `ip`, longest first. Needs freeze().
  template <class F>
  void each_holding(const Ip& ip, F&& f) const {
    if (ip.v6)
      v6_.each_holding(ip.bits, f);
    else
      v4_.each_holding(static_cast<std::uint32_t>(ip.bits), f);
  }
  [[nodiscard]] bool holds(const Ip& ip) const { return ip.v6 ? v6_.holds(ip.bits) : v4_.holds(static_cast<std::uint32_t>(ip.bits)); }
  [[nodiscard]] bool empty() const { return v4_.first.empty() && v6_.first.empty(); }

 private:
  struct Added {
    Network network;
    std::uint32_t id;
  };
  // Of one address family. Kept small: the search touches `first` alone, and a policy may hold many networks.
  template <class Bits>
  struct Table {
    static constexpr std::uint32_t none = ~0U;
    struct Node {
      Bits last;
      std::uint32_t parent;
      std::uint32_t ids;  // where its own begin in `ids`; they end where the next node's begin
      std::uint8_t length;
    };
    std::vector<Bits> first;  // sorted
    std::vector<Node> nodes;  // parallel to `first`, and one more to end the last node's ids
    std::vector<std::uint32_t> ids;

    void build(std::span<const Added> sorted);
    [[nodiscard]] std::uint32_t find(Bits bits) const;
    [[nodiscard]] bool holds(Bits bits) const { return find(bits) != none; }
    template <class F>
    void each_holding(Bits bits, F&& f) const {
      for (auto at = find(bits); at != none; at = nodes[at].parent)
        for (auto id = nodes[at].ids; id != nodes[at + 1].ids; ++id) f(ids[id], int{nodes[at].length});
    }
  };
  std::vector<Added> added_;  // until freeze()
  Table<std::uint32_t> v4_;
  Table<Bits128> v6_;
};

}  // namespace cm

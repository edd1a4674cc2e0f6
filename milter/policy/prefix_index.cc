#include "policy/prefix_index.h"

#include <algorithm>
#include <tuple>

namespace cm {

void PrefixIndex::freeze() {
  const auto order = [](const Added& a, const Added& b) {
    const auto &x = a.network, &y = b.network;
    return std::tuple(x.first.v6, x.first.bits, x.length) < std::tuple(y.first.v6, y.first.bits, y.length);
  };
  std::stable_sort(added_.begin(), added_.end(), order);
  const auto v6 = std::find_if(added_.begin(), added_.end(), [](const Added& a) { return a.network.first.v6; });
  v4_.build({added_.begin(), v6});
  v6_.build({v6, added_.end()});
  std::vector<Added>().swap(added_);
}

// Prefixes either nest or are disjoint, so after sorting by start (wider first) the holder of a prefix is on a stack.
template <class Bits>
void PrefixIndex::Table<Bits>::build(std::span<const Added> sorted) {
  std::vector<std::uint32_t> open;
  for (const auto& [network, id] : sorted) {
    const auto begin = static_cast<Bits>(network.first.bits);
    if (!first.empty() && first.back() == begin && nodes.back().length == network.length) {
      if (ids.back() != id) ids.push_back(id);
      continue;
    }
    while (!open.empty() && nodes[open.back()].last < begin) open.pop_back();
    const auto parent = open.empty() ? none : open.back();
    open.push_back(static_cast<std::uint32_t>(first.size()));
    first.push_back(begin);
    nodes.push_back({static_cast<Bits>(network.last()), parent, static_cast<std::uint32_t>(ids.size()), static_cast<std::uint8_t>(network.length)});
    ids.push_back(id);
  }
  nodes.push_back({0, none, static_cast<std::uint32_t>(ids.size()), 0});
  first.shrink_to_fit();
  nodes.shrink_to_fit();
  ids.shrink_to_fit();
}

template <class Bits>
std::uint32_t PrefixIndex::Table<Bits>::find(Bits bits) const {
  const auto after = std::upper_bound(first.begin(), first.end(), bits);
  if (after == first.begin()) return none;
  auto at = static_cast<std::uint32_t>(after - first.begin() - 1);
  while (at != none && nodes[at].last < bits) at = nodes[at].parent;
  return at;
}

template struct PrefixIndex::Table<std::uint32_t>;
template struct PrefixIndex::Table<Bits128>;

}  // namespace cm

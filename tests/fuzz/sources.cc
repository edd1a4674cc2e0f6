// Addresses, prefixes and ranges: every line is one source; sets and indexes of them against the naive loop.
#include <algorithm>
#include <vector>

#include "fuzz.h"
#include "policy/ip.h"
#include "policy/prefix_index.h"

using namespace cm;

// Inside a wider IPv6 prefix only: as an address of its own it would be read as the IPv4 address it holds.
static bool is_mapped(const Ip& ip) { return ip.v6 && ip.bits >> 32 == 0xffff; }

static void check_ip(const Ip& ip) {
  REQUIRE(*Ip::parse(ip.to_string()) == ip);
  REQUIRE(ip.v6 || ip.bits >> 32 == 0);
  if (!ip.v6) REQUIRE(*Ip::parse("::ffff:" + ip.to_string()) == ip);
}

// Contiguous, aligned, from the first to the last address, and never two that one wider prefix could replace.
static void check_decomposition(const Source& source) {
  const auto networks = source.decompose();
  REQUIRE(!networks.empty() && networks.front().first == source.first && networks.back().last() == source.last.bits);
  for (std::size_t i = 0; i < networks.size(); ++i) {
    const auto& network = networks[i];
    REQUIRE(network.length >= 0 && network.length <= network.first.width());
    const auto as_source = Source::parse(network.to_string());
    if (!is_mapped(network.first))
      REQUIRE(as_source && !as_source->host_bits && as_source->first == network.first && as_source->last.bits == network.last());
    if (i == 0) continue;
    const auto& before = networks[i - 1];
    REQUIRE(before.last() + 1 == network.first.bits);
    if (before.length == network.length)
      REQUIRE((before.first.bits ^ before.last()) + 1 == (before.first.bits & ((before.first.bits ^ before.last()) + 1)));
  }
}

static Source parsed_again(const Source& source) { return *Source::parse(source.first.to_string() + "-" + source.last.to_string()).value; }

static void check_lookups(const std::vector<Source>& sources, const Ip& ip) {
  const bool naive = std::any_of(sources.begin(), sources.end(), [&](const Source& s) { return s.contains(ip); });
  REQUIRE(SourceSet(sources).contains(ip) == naive);
  PrefixIndex index;
  std::vector<int> lengths;
  for (std::uint32_t id = 0; id < sources.size(); ++id)
    for (const auto& network : sources[id].decompose()) {
      index.add(network, id);
      if (network.first.v6 == ip.v6 && network.first.bits <= ip.bits && ip.bits <= network.last()) lengths.push_back(network.length);
    }
  index.freeze();
  REQUIRE(index.holds(ip) == naive);
  int before = 129;
  std::vector<std::pair<int, std::uint32_t>> seen;
  index.each_holding(ip, [&](std::uint32_t id, int length) {
    REQUIRE(length <= before && sources[id].contains(ip));
    REQUIRE(std::find(lengths.begin(), lengths.end(), length) != lengths.end());
    REQUIRE(std::find(seen.begin(), seen.end(), std::pair(length, id)) == seen.end());
    seen.emplace_back(length, id);
    before = length;
  });
  for (std::uint32_t id = 0; id < sources.size(); ++id)
    REQUIRE(sources[id].contains(ip) == std::any_of(seen.begin(), seen.end(), [id](const auto& s) { return s.second == id; }));
}

FUZZ_TARGET(sources) {
  std::vector<Source> sources;
  std::vector<Ip> probes;
  for (fuzz::Bytes bytes(in); !bytes.empty() && sources.size() < 12;) {
    const auto text = bytes.line();
    const auto source = Source::parse(text);
    REQUIRE(bool(source) != !source.why.empty());
    if (!source) continue;
    REQUIRE(source->text == text && source->first.v6 == source->last.v6 && source->first.bits <= source->last.bits);
    if (!is_mapped(source->first) && !is_mapped(source->last)) {
      const auto again = parsed_again(*source);
      REQUIRE(again.first == source->first && again.last == source->last);
    }
    check_decomposition(*source);
    for (auto ip : {source->first, source->last}) {
      if (!is_mapped(ip)) check_ip(ip);
      for (const int step : {-1, 0, 1}) {
        Ip near = ip;
        near.bits += static_cast<Bits128>(step);
        if (!near.v6) near.bits &= 0xffffffffU;
        if (!is_mapped(near)) probes.push_back(near);
      }
    }
    sources.push_back(*source);
  }
  for (const auto& ip : probes) check_lookups(sources, ip);
  for (const auto& a : sources)
    for (const auto& b : sources) REQUIRE(SourceSet({a}).intersects(SourceSet({b})) == (a.contains(b.first) || b.contains(a.first)));
}

// Addresses, sources and the prefix index: text forms, masking, and the indexes against a plain loop.
#define BOOST_TEST_DYN_LINK
#include "policy/ip.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>
#include <random>

#include "policy/prefix_index.h"

namespace {

using namespace cm;

Ip ip(std::string_view text) {
  const auto parsed = Ip::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed, "not an address: " << text);
  return *parsed;
}

Source source(std::string_view text) {
  auto parsed = Source::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed, text << ": " << parsed.why);
  return *parsed;
}

std::vector<std::string> prefixes(std::string_view text) {
  std::vector<std::string> out;
  for (const auto& network : source(text).decompose()) out.push_back(network.to_string());
  return out;
}

BOOST_AUTO_TEST_SUITE(ip_values)

BOOST_AUTO_TEST_CASE(addresses_as_text) {
  BOOST_TEST(ip("192.0.2.1").to_string() == "192.0.2.1");
  BOOST_TEST(ip("2001:DB8:0::1").to_string() == "2001:db8::1");
  BOOST_TEST(ip("::").v6);
  BOOST_TEST(ip("255.255.255.255").to_string() == "255.255.255.255");
  for (const char* bad : {"", " ", "192.0.2", "192.0.2.256", "192.0.2.1 ", " 192.0.2.1", "192.0.2.01x", "0x7f.1", "[::1]", "fe80::1%eth0", "IPv6:::1",
                          "1:2:3:4:5:6:7:8:9", ":::", "unknown", "::ffff:192.0.2.256"})
    BOOST_TEST(!Ip::parse(bad), bad);
  for (std::size_t length = 40; length < 60; ++length) BOOST_TEST(!Ip::parse(std::string(length, '1')));
  BOOST_TEST(Ip::parse("ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255").has_value());  // the longest there is
  BOOST_TEST(!Ip::parse(std::string_view("192.0.2.1\0x", 11)));
}

BOOST_AUTO_TEST_CASE(ipv4_mapped_ipv6_is_ipv4) {
  BOOST_TEST((ip("::ffff:192.0.2.1") == ip("192.0.2.1")));
  BOOST_TEST((ip("::ffff:c000:201") == ip("192.0.2.1")));
  BOOST_TEST(!(ip("::192.0.2.1") == ip("192.0.2.1")));
  BOOST_TEST(source("::ffff:192.0.2.0/120").contains(ip("192.0.2.200")));
  BOOST_TEST(!Source::parse("::ffff:192.0.2.0/95"));
  BOOST_TEST(!source("::/0").contains(ip("192.0.2.1")));
  BOOST_TEST(!source("0.0.0.0/0").contains(ip("::1")));
}

BOOST_AUTO_TEST_CASE(prefixes_are_masked) {
  const auto masked = source("192.0.2.77/24");
  BOOST_TEST(masked.host_bits);
  BOOST_TEST((masked.first == ip("192.0.2.0")));
  BOOST_TEST((masked.last == ip("192.0.2.255")));
  BOOST_TEST(!source("192.0.2.0/24").host_bits);
  BOOST_TEST(!source("192.0.2.1").host_bits);
  BOOST_TEST(!source("192.0.2.1/32").host_bits);
  BOOST_TEST(source("192.0.2.1/0").contains(ip("255.255.255.255")));
  BOOST_TEST(source("2001:db8::1/0").contains(ip("ffff::")));
}

BOOST_AUTO_TEST_CASE(bad_sources_are_errors) {
  for (const char* bad : {"",
                          "/",
                          "/24",
                          "192.0.2.0/",
                          "192.0.2.0/33",
                          "192.0.2.0/-1",
                          "192.0.2.0/+8",
                          "192.0.2.0/ 8",
                          "192.0.2.0/8 ",
                          "192.0.2.0/8/8",
                          "192.0.2.0/99999999999",
                          "::/129",
                          "192.0.2.9-192.0.2.1",
                          "192.0.2.1-::1",
                          "-192.0.2.1",
                          "x-192.0.2.1",
                          "192.0.2.1-x",
                          "192.0.2.1-",
                          "-192.0.2.1",
                          "192.0.2.1-192.0.2.0/24",
                          "192.0.2.1-192.0.2.2-192.0.2.3",
                          "mx.example",
                          "192.0.2.*"})
    BOOST_TEST(!Source::parse(bad), bad);
}

BOOST_AUTO_TEST_CASE(ranges_decompose_into_the_fewest_prefixes) {
  using List = std::vector<std::string>;
  BOOST_TEST(prefixes("192.0.2.0-192.0.2.255") == List{"192.0.2.0/24"}, boost::test_tools::per_element());
  BOOST_TEST(prefixes("192.0.2.1-192.0.2.6") == (List{"192.0.2.1/32", "192.0.2.2/31", "192.0.2.4/31", "192.0.2.6/32"}),
             boost::test_tools::per_element());
  BOOST_TEST(prefixes("0.0.0.0-255.255.255.255") == List{"0.0.0.0/0"}, boost::test_tools::per_element());
  BOOST_TEST(prefixes("::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff") == List{"::/0"}, boost::test_tools::per_element());
  BOOST_TEST(prefixes("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff").size() == 128U);
  BOOST_TEST(prefixes("255.255.255.255") == List{"255.255.255.255/32"}, boost::test_tools::per_element());
}

// Random small ranges: the prefixes are aligned, ascending, gapless, and cover exactly the range.
BOOST_AUTO_TEST_CASE(decomposition_covers_exactly_the_range) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 20000; ++i) {
    Source range;
    const Bits128 a = random() % 4096, b = random() % 4096;
    const Bits128 top = i % 2 ? Bits128{0xffffffffU} - 4095 : Bits128{0};
    range.first = {false, top + std::min(a, b)};
    range.last = {false, top + std::max(a, b)};
    Bits128 next = range.first.bits;
    for (const auto& network : range.decompose()) {
      BOOST_REQUIRE((network.first.bits == next));
      BOOST_REQUIRE((network.first.bits % (network.last() - network.first.bits + 1) == 0));
      next = network.last() + 1;
    }
    BOOST_REQUIRE((next == range.last.bits + 1));
  }
}

Source random_source(std::mt19937_64& random) {
  const bool v6 = random() % 4 == 0;
  const Bits128 base = v6 ? static_cast<Bits128>(0x20010db8) << 96 : Bits128{0xc0000200U};
  Source out;
  const Bits128 a = random() % 64, length = random() % 16;
  out.first = {v6, base + a};
  out.last = {v6, base + a + length};
  return out;
}

BOOST_AUTO_TEST_CASE(source_set_agrees_with_a_loop) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 2000; ++i) {
    std::vector<Source> list(random() % 6), other(random() % 3);
    for (auto& s : list) s = random_source(random);
    for (auto& s : other) s = random_source(random);
    const SourceSet set(list), second(other);
    bool meet = false;
    for (const bool v6 : {false, true})
      for (Bits128 at = 0; at < 96; ++at) {
        const Ip client{v6, (v6 ? static_cast<Bits128>(0x20010db8) << 96 : Bits128{0xc0000200U}) + at - 8};
        const auto in = [&](const std::vector<Source>& sources) {
          return std::any_of(sources.begin(), sources.end(), [&](const Source& s) { return s.contains(client); });
        };
        BOOST_REQUIRE_EQUAL(set.contains(client), in(list));
        meet |= in(list) && in(other);
      }
    BOOST_REQUIRE_EQUAL(set.intersects(second), meet);
    BOOST_REQUIRE_EQUAL(second.intersects(set), meet);
    BOOST_REQUIRE_EQUAL(set.empty(), list.empty());
  }
}

BOOST_AUTO_TEST_CASE(prefix_index_agrees_with_a_loop) {
  std::mt19937_64 random(3);
  for (int i = 0; i < 2000; ++i) {
    PrefixIndex index;
    std::vector<std::pair<Network, std::uint32_t>> list;
    for (std::uint32_t id = 0; id < random() % 12; ++id)
      for (const auto& network : random_source(random).decompose()) list.emplace_back(network, id);
    if (random() % 3 == 0) list.emplace_back(Network{{false, 0}, 0}, 77);
    for (const auto& [network, id] : list) index.add(network, id);
    index.freeze();
    for (Bits128 at = 0; at < 96; ++at) {
      const Ip client{false, Bits128{0xc0000200U} + at - 8};
      std::vector<std::pair<int, std::uint32_t>> found, wanted;
      int before = 129;
      index.each_holding(client, [&](std::uint32_t id, int length) {
        BOOST_REQUIRE(length <= before);  // longest first
        before = length;
        found.emplace_back(length, id);
      });
      for (const auto& [network, id] : list)
        if (!network.first.v6 && network.first.bits <= client.bits && client.bits <= network.last()) wanted.emplace_back(network.length, id);
      std::sort(found.begin(), found.end());
      std::sort(wanted.begin(), wanted.end());
      BOOST_REQUIRE((found == wanted));
      BOOST_REQUIRE_EQUAL(index.holds(client), !wanted.empty());
    }
  }
}

BOOST_AUTO_TEST_CASE(empty_index_holds_nothing) {
  PrefixIndex index;
  index.freeze();
  BOOST_TEST(index.empty());
  BOOST_TEST(!index.holds(ip("192.0.2.1")));
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace

// Addresses and networks as values. No sockets here: inet_pton and inet_ntop only translate text.
#include "policy/ip.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace cm {
namespace {

Bits128 host_mask(int width, int length) {
  const int host = width - length;
  return host >= 128 ? ~Bits128{0} : (Bits128{1} << host) - 1;
}

Bits128 from_bytes(const unsigned char* bytes, int count) {
  Bits128 bits = 0;
  for (int i = 0; i < count; ++i) bits = bits << 8 | bytes[i];
  return bits;
}

int trailing_zeros(Bits128 bits, int width) {
  int n = 0;
  while (n < width && (bits >> n & 1) == 0) ++n;
  return n;
}

std::optional<int> parse_length(std::string_view text) {
  int value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

bool is_v4_mapped_text(std::string_view text, const Ip& ip) { return !ip.v6 && text.find(':') != std::string_view::npos; }

}  // namespace

std::optional<Ip> Ip::parse(std::string_view text) {
  std::array<char, INET6_ADDRSTRLEN + 1> buffer{};
  if (text.empty() || text.size() >= buffer.size() || text.find('\0') != std::string_view::npos) return std::nullopt;  // inet_pton stops at NUL
  std::copy(text.begin(), text.end(), buffer.begin());
  std::array<unsigned char, 16> bytes{};
  if (inet_pton(AF_INET, buffer.data(), bytes.data()) == 1) return Ip{false, from_bytes(bytes.data(), 4)};
  if (inet_pton(AF_INET6, buffer.data(), bytes.data()) != 1) return std::nullopt;
  const Bits128 bits = from_bytes(bytes.data(), 16);
  if (bits >> 32 == 0xffff) return Ip{false, bits & 0xffffffffU};
  return Ip{true, bits};
}

std::string Ip::to_string() const {
  std::array<char, INET6_ADDRSTRLEN> buffer{};
  if (!v6) {  // by hand: twice a message, and inet_ntop goes through sprintf
    auto* at = buffer.data();
    for (int shift = 24; shift >= 0; shift -= 8) {
      at = std::to_chars(at, buffer.data() + buffer.size(), static_cast<unsigned>(bits >> shift) & 255U).ptr;
      if (shift > 0) *at++ = '.';
    }
    return {buffer.data(), at};
  }
  std::array<unsigned char, 16> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<unsigned char>(bits >> (8 * (15 - i)));
  inet_ntop(AF_INET6, bytes.data(), buffer.data(), buffer.size());
  return buffer.data();
}

Bits128 Network::last() const { return first.bits | host_mask(first.width(), length); }

std::string Network::to_string() const { return first.to_string() + "/" + std::to_string(length); }

Parsed<Source> Source::parse(std::string_view text) {
  const auto bad = [&](std::string why) { return Parsed<Source>::error(std::move(why)); };
  Source source;
  source.text = text;
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto first = Ip::parse(text.substr(0, dash)), last = Ip::parse(text.substr(dash + 1));
    if (!first || !last) return bad("expected a range FIRST-LAST of two IP addresses");
    if (first->v6 != last->v6) return bad("a range needs two addresses of the same family");
    if (first->bits > last->bits) return bad("the range ends before it begins");
    source.first = *first;
    source.last = *last;
    return source;
  }
  const auto slash = text.find('/');
  const auto address_text = text.substr(0, slash);
  const auto ip = Ip::parse(address_text);
  if (!ip) return bad("expected an IP address, a prefix, a range FIRST-LAST or file:PATH");
  source.first = source.last = *ip;
  if (slash == std::string_view::npos) return source;
  auto length = parse_length(text.substr(slash + 1));
  if (length && is_v4_mapped_text(address_text, *ip)) length = *length < 96 ? std::nullopt : std::optional(*length - 96);
  if (!length || *length > ip->width())
    return bad(ip->v6 ? "the prefix length must be 0 to 128" : "the prefix length must be 0 to 32 (96 to 128 for an IPv4-mapped address)");
  const auto mask = host_mask(ip->width(), *length);
  source.host_bits = (ip->bits & mask) != 0;
  source.first.bits = ip->bits & ~mask;
  source.last.bits = source.first.bits | mask;
  return source;
}

std::vector<Network> Source::decompose() const {
  std::vector<Network> networks;
  const int width = first.width();
  for (Bits128 at = first.bits;;) {
    int host = trailing_zeros(at, width);
    while (host > 0 && (at | host_mask(width, width - host)) > last.bits) --host;
    const Network network{Ip{first.v6, at}, width - host};
    networks.push_back(network);
    if (network.last() >= last.bits) return networks;
    at = network.last() + 1;
  }
}

bool Source::contains(const Ip& ip) const { return ip.v6 == first.v6 && first.bits <= ip.bits && ip.bits <= last.bits; }

SourceSet::SourceSet(const std::vector<Source>& sources) {
  for (const auto& source : sources) (source.first.v6 ? v6_ : v4_).push_back({source.first.bits, source.last.bits});
  for (auto* ranges : {&v4_, &v6_}) {
    std::sort(ranges->begin(), ranges->end(), [](const Range& a, const Range& b) { return a.first < b.first; });
    std::vector<Range> merged;
    for (const auto& range : *ranges) {
      if (!merged.empty() && range.first <= merged.back().last)
        merged.back().last = std::max(merged.back().last, range.last);
      else
        merged.push_back(range);
    }
    *ranges = std::move(merged);
  }
}

bool SourceSet::contains(const Ip& ip) const {
  const auto& ranges = ip.v6 ? v6_ : v4_;
  auto after = std::upper_bound(ranges.begin(), ranges.end(), ip.bits, [](Bits128 bits, const Range& r) { return bits < r.first; });
  return after != ranges.begin() && ip.bits <= std::prev(after)->last;
}

bool SourceSet::intersects(const SourceSet& other) const {
  const auto meet = [](const std::vector<Range>& a, const std::vector<Range>& b) {
    for (std::size_t i = 0, j = 0; i < a.size() && j < b.size();) {
      if (a[i].last < b[j].first)
        ++i;
      else if (b[j].last < a[i].first)
        ++j;
      else
        return true;
    }
    return false;
  };
  return meet(v4_, other.v4_) || meet(v6_, other.v6_);
}

}  // namespace cm

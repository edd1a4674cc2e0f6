// Domain names and domain patterns: `d.example`, `*.d.example`, `.d.example`, `*`, `<>`.
//
// Both sides are normalised before they meet: lower case, no final dot, U-labels as A-labels (UTS 46 mapping, IDNA2008).
// A pattern's rank is that of the *configured* pattern: exact beats a longer wildcard beats a shorter one beats `*`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "policy/parsed.h"

namespace cm {

/// ASCII lower case; other bytes stay. Never depends on a locale.
std::string to_lower(std::string_view text);
bool equals_ignoring_case(std::string_view a, std::string_view b);

/// A domain in the one form in which domains are compared. Address literals (`[192.0.2.1]`) are kept as lower-case text.
Parsed<std::string> normalise_domain(std::string_view text);

/// "b.example" for "a.b.example"; empty for a single label.
std::string_view parent_domain(std::string_view domain);
int count_labels(std::string_view domain);

/// How specific a match is. Comparable across patterns; 0 is `*`, `no_match` is none.
using Rank = int;
inline constexpr Rank no_match = -1;
inline constexpr Rank any_rank = 0;
inline constexpr Rank exact_rank = 1000;  // wildcards rank by their number of labels, at most 127

struct DomainPattern {
  enum class Kind : std::uint8_t { any, null, exact, below, at_and_below };
  Kind kind = Kind::exact;
  std::string domain;  // normalised; empty for any and null

  static Parsed<DomainPattern> parse(std::string_view text);
  [[nodiscard]] std::string to_string() const;
  /// `domain` normalised; empty stands for an address without a domain and meets only `*`.
  [[nodiscard]] Rank match(std::string_view domain) const;
  [[nodiscard]] Rank match_null() const;
  friend bool operator==(const DomainPattern&, const DomainPattern&) = default;
};

/// Does a name presented in a certificate meet a configured name? `presented` as normalise_certificate_name() gives it.
Rank match_certificate(const DomainPattern& pattern, std::string_view presented);
/// Lower case, no final dot; empty if the text is no host name (with at most one leading `*.`) or too long: such a name meets nothing.
std::string normalise_certificate_name(std::string_view text);

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return std::hash<std::string_view>{}(s); }
};
template <class T>
using StringMap = std::unordered_map<std::string, T, StringHash, std::equal_to<>>;

/// Domain patterns -> numbers. A lookup costs one hash probe a label.
class DomainIndex {
 public:
  using Ids = std::vector<std::uint32_t>;
  void add(const DomainPattern& pattern, std::uint32_t id);
  [[nodiscard]] const Ids* exact(std::string_view domain) const { return find(exact_, domain); }
  /// Patterns `*.suffix` and `.suffix`; the caller walks the suffixes of a domain with parent_domain().
  [[nodiscard]] const Ids* below(std::string_view suffix) const { return find(below_, suffix); }
  [[nodiscard]] const Ids& any() const { return any_; }
  [[nodiscard]] const Ids& null() const { return null_; }
  /// The best rank any pattern gives `domain`.
  [[nodiscard]] Rank match(std::string_view domain) const;
  [[nodiscard]] bool meets_null() const { return !any_.empty() || !null_.empty(); }

 private:
  static const Ids* find(const StringMap<Ids>& map, std::string_view key) {
    const auto it = map.find(key);
    return it == map.end() ? nullptr : &it->second;
  }
  StringMap<Ids> exact_, below_;
  Ids any_, null_;
};

}  // namespace cm

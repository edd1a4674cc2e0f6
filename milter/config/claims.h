// Which outbound connectors claim which recipient domains, for the checks: the cheapest of a pattern, of a domain, and those that tie.
//
// Answers as the engine's choose_outbound() does, but over connectors that were just read, and in n log n for all of them together.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "config/outbound.h"
#include "policy/policy.h"

namespace cm::config {

/// Borrows everything it is given. Disabled, rule-scoped and unsound connectors claim nothing.
class Claims {
 public:
  using Id = std::uint32_t;  // position among the drafts
  using Modes = unsigned;
  static constexpr Modes bit(Mode mode) { return 1U << static_cast<unsigned>(mode); }
  static constexpr Modes every_mode = ~0U;

  struct Claim {
    DomainPattern::Kind kind;  // any, exact or below; `.d.example` makes two
    std::string_view domain;
    std::uint32_t cost;
    Id id;
    [[nodiscard]] std::string to_string() const { return DomainPattern{kind, std::string(domain)}.to_string(); }
  };

  Claims(std::span<const OutboundDraft> drafts, const Organization& organization, Modes modes);

  /// The connector that takes mail for this domain, normalised; no_outbound if there is none.
  [[nodiscard]] Id choose(std::string_view domain) const;
  /// A connector that takes everything this one claims, for a lower cost; no_outbound if something is left for it.
  [[nodiscard]] Id beats(Id id) const;

  /// Calls f(earlier id, later id, what both claim) for claims of two connectors that are equally specific and cost the same.
  template <class F>
  void each_tie(F&& f) const {
    for (std::size_t i = 0; i < claims_.size(); ++i) {
      const auto& c = claims_[i];
      if (i > 0 && same_pattern(claims_[i - 1], c) && claims_[i - 1].cost == c.cost && claims_[i - 1].id != c.id) f(claims_[i - 1].id, c.id, c);
      if (const auto at = whole_.find(c.cost); at != whole_.end() && at->second != c.id && is_ours(c))
        f(std::min(at->second, c.id), std::max(at->second, c.id), c);
    }
    for (const auto& [first, second] : whole_ties_) f(first, second, Claim{DomainPattern::Kind::null, {}, 0, second});
  }

 private:
  static bool same_pattern(const Claim& a, const Claim& b) { return a.kind == b.kind && a.domain == b.domain; }
  static std::vector<Claim> claims_of(const std::vector<DomainPattern>& patterns, std::uint32_t cost, Id id);
  static const Claim* find(const std::vector<Claim>& sorted, DomainPattern::Kind kind, std::string_view domain);
  [[nodiscard]] bool is_ours(const Claim& claim) const { return find(ours_, claim.kind, claim.domain) != nullptr; }
  /// The cheapest of exactly this pattern, "organization" included.
  [[nodiscard]] std::optional<Claim> cheapest(DomainPattern::Kind kind, std::string_view domain) const;
  [[nodiscard]] Id whole_beats(std::uint32_t cost) const;

  std::span<const OutboundDraft> drafts_;
  std::vector<Claim> claims_;                    // sorted; without those of "organization"
  std::vector<Claim> ours_;                      // what "organization" stands for, sorted
  std::unordered_map<std::uint32_t, Id> whole_;  // "organization" by cost: the first of each
  std::vector<std::pair<Id, Id>> whole_ties_;
  std::optional<Claim> cheapest_whole_;             // of "organization"
  std::optional<std::uint32_t> dearest_elsewhere_;  // the most that patterns alone ask for some domain of ours; none: not all are covered
  Id dearest_id_ = no_outbound;
};

}  // namespace cm::config

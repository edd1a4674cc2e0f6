// Claims in one sorted list; "organization" stands beside it, or many connectors times many domains would be written out.
#include "config/claims.h"

#include <algorithm>
#include <tuple>

#include "config/checks.h"

namespace cm::config {
namespace {

using Kind = DomainPattern::Kind;

auto key(const Claims::Claim& c) { return std::tie(c.kind, c.domain, c.cost, c.id); }

}  // namespace

std::vector<Claims::Claim> Claims::claims_of(const std::vector<DomainPattern>& patterns, std::uint32_t cost, Id id) {
  std::vector<Claim> out;
  for (const auto& p : patterns) {
    const bool both = p.kind == Kind::at_and_below;
    out.push_back({both ? Kind::exact : p.kind, p.domain, cost, id});
    if (both) out.push_back({Kind::below, p.domain, cost, id});
  }
  return out;
}

Claims::Claims(std::span<const OutboundDraft> drafts, const Organization& organization, Modes modes) : drafts_(drafts) {
  const auto sort = [](std::vector<Claim>& claims) {
    std::sort(claims.begin(), claims.end(), [](const Claim& a, const Claim& b) { return key(a) < key(b); });
  };
  ours_ = claims_of(organization.domains, 0, no_outbound);
  sort(ours_);
  for (Id id = 0; id < drafts.size(); ++id) {
    const auto& c = drafts[id].connector;
    if (!counts(drafts[id]) || c.is_rule_scoped() || (modes & bit(c.mode)) == 0) continue;
    const auto claims = claims_of(c.recipient_domains, c.cost, id);
    claims_.insert(claims_.end(), claims.begin(), claims.end());
    if (!c.organization) continue;
    if (const auto [first, is_new] = whole_.emplace(c.cost, id); !is_new) whole_ties_.emplace_back(first->second, id);
    if (!cheapest_whole_ || c.cost < cheapest_whole_->cost) cheapest_whole_ = Claim{Kind::null, {}, c.cost, id};
  }
  sort(claims_);
  for (const auto& ours : ours_) {
    const auto* elsewhere = find(claims_, ours.kind, ours.domain);
    if (elsewhere == nullptr) {
      dearest_elsewhere_.reset();
      break;
    }
    if (!dearest_elsewhere_ || elsewhere->cost > *dearest_elsewhere_) {
      dearest_elsewhere_ = elsewhere->cost;
      dearest_id_ = elsewhere->id;
    }
  }
}

const Claims::Claim* Claims::find(const std::vector<Claim>& sorted, Kind kind, std::string_view domain) {
  const auto at = std::lower_bound(sorted.begin(), sorted.end(), std::tie(kind, domain),
                                   [](const Claim& c, const auto& wanted) { return std::tie(c.kind, c.domain) < wanted; });
  return at != sorted.end() && at->kind == kind && at->domain == domain ? &*at : nullptr;
}

std::optional<Claims::Claim> Claims::cheapest(Kind kind, std::string_view domain) const {
  const auto* found = find(claims_, kind, domain);
  auto out = found != nullptr ? std::optional(*found) : std::nullopt;
  if (cheapest_whole_ && (!out || cheapest_whole_->cost < out->cost) && find(ours_, kind, domain) != nullptr) out = cheapest_whole_;
  return out;
}

Claims::Id Claims::choose(std::string_view domain) const {
  if (domain.empty()) return no_outbound;
  if (const auto found = cheapest(Kind::exact, domain)) return found->id;
  bool ours = find(ours_, Kind::exact, domain) != nullptr;
  for (auto suffix = parent_domain(domain); !suffix.empty(); suffix = parent_domain(suffix)) {
    if (const auto found = cheapest(Kind::below, suffix)) return found->id;
    ours = ours || find(ours_, Kind::below, suffix) != nullptr;
  }
  const auto any = cheapest(Kind::any, {});
  return any && !ours ? any->id : no_outbound;
}

Claims::Id Claims::whole_beats(std::uint32_t cost) const {
  if (cheapest_whole_ && cheapest_whole_->cost < cost) return cheapest_whole_->id;
  return dearest_elsewhere_ && *dearest_elsewhere_ < cost ? dearest_id_ : no_outbound;
}

Claims::Id Claims::beats(Id id) const {
  const auto& c = drafts_[id].connector;
  Id winner = c.organization ? whole_beats(c.cost) : no_outbound;
  if (c.organization && winner == no_outbound) return no_outbound;
  for (const auto& claim : claims_of(c.recipient_domains, c.cost, id)) {
    const auto best = cheapest(claim.kind, claim.domain);
    if (!best || best->cost >= c.cost) return no_outbound;
    winner = best->id;
  }
  return winner;
}

}  // namespace cm::config

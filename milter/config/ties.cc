// Two grants or exemptions tie if some client would give both the same place in the order of attribution: the same kind of listener
// naming, the same strongest proof, an equally specific pattern, and nothing else in their identities that keeps them apart.
//
// Connectors are compared only with those that share a pattern and a listener, and among these only where sources and logins can meet.
// Two sibling certificate names that only a presented wildcard would both meet are no tie: nobody could configure them otherwise.
#include <algorithm>
#include <map>
#include <tuple>
#include <unordered_map>

#include "config/checks.h"

namespace cm::config {
namespace {

using Id = std::uint32_t;
enum class Proof : std::uint8_t { source, login, certificate };

Proof strongest(const InboundConnector& c) {
  return !c.certificates.empty() ? Proof::certificate : !c.auth_users.empty() ? Proof::login : Proof::source;
}
bool any_login(const InboundConnector& c) {
  return c.auth_users.empty() || std::find(c.auth_users.begin(), c.auth_users.end(), "*") != c.auth_users.end();
}

bool share(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  auto left = a, right = b;
  std::sort(left.begin(), left.end());
  std::sort(right.begin(), right.end());
  std::vector<std::string> both;
  std::set_intersection(left.begin(), left.end(), right.begin(), right.end(), std::back_inserter(both));
  return !both.empty();
}

// Can one client hold both identities? Pattern and login are known to allow it: only those that share them are brought together.
bool compatible(const InboundConnector& a, const InboundConnector& b) {
  if (!a.certificates.empty() && !a.certificate_issuers.empty() && !b.certificate_issuers.empty() &&
      !share(a.certificate_issuers, b.certificate_issuers))
    return false;
  return a.source_ips.empty() || b.source_ips.empty() || SourceSet(a.source_ips).intersects(SourceSet(b.source_ips));
}

// Is there a client of `network` for which neither has a longer prefix?
bool meet_in(const Network& network, const InboundConnector& a, const InboundConnector& b) {
  std::vector<Network> longer;
  for (const auto* c : {&a, &b})
    for (const auto& source : c->source_ips)
      for (const auto& n : source.decompose())
        if (n.first.v6 == network.first.v6 && n.length > network.length && n.first.bits >= network.first.bits && n.last() <= network.last())
          longer.push_back(n);
  std::sort(longer.begin(), longer.end(), [](const Network& x, const Network& y) { return x.first.bits < y.first.bits; });
  Bits128 next = network.first.bits;
  for (const auto& n : longer) {
    if (n.first.bits > next) return true;
    if (n.last() >= network.last()) return false;
    next = std::max(next, n.last() + 1);
  }
  return true;
}

// Members of a bucket, so filed that a newcomer meets only those whose sources can meet its own.
class Filing {
 public:
  /// Calls stops(id) until it says true; true if it did.
  template <class F>
  bool each_that_may_meet(const InboundConnector& c, F&& stops) const {
    const auto any = [&](const std::vector<Id>& ids) { return std::any_of(ids.begin(), ids.end(), stops); };
    if (c.source_ips.empty()) return any(all_);
    return any(sourceless_) || any(crowded_) ||
           std::any_of(c.source_ips.begin(), c.source_ips.end(), [&](const Source& s) { return each_overlapping(s, stops); });
  }
  void add(const InboundConnector& c, Id id) {
    all_.push_back(id);
    if (c.source_ips.empty()) sourceless_.push_back(id);
    for (const auto& s : c.source_ips) {
      if (!each_overlapping(s, [](Id) { return true; }))
        ranges_.emplace(Key{s.first.v6, s.first.bits}, Held{s.last.bits, id});
      else if (crowded_.empty() || crowded_.back() != id)
        crowded_.push_back(id);
    }
  }

 private:
  using Key = std::pair<bool, Bits128>;
  struct Held {
    Bits128 last;
    Id id;
  };
  template <class F>
  bool each_overlapping(const Source& s, F&& stops) const {
    for (auto at = ranges_.upper_bound(Key{s.first.v6, s.last.bits}); at != ranges_.begin();) {
      --at;
      if (at->first.first != s.first.v6 || at->second.last < s.first.bits) return false;
      if (stops(at->second.id)) return true;
    }
    return false;
  }
  std::vector<Id> all_, sourceless_, crowded_;
  std::map<Key, Held> ranges_;  // disjoint: what overlaps one of them is crowded
};

class Ties {
 public:
  Ties(std::span<const Draft> drafts, Report& report) : drafts_(drafts), report_(report), reported_(drafts.size()) {}

  void run() {
    for (Id id = 0; id < drafts_.size(); ++id)
      if (counts(drafts_[id]) && !connector(id).is_partner()) file(id);
    std::sort(entries_.begin(), entries_.end());
    for (auto first = entries_.begin(); first != entries_.end();) {
      const auto last = std::find_if(first, entries_.end(), [&](const Entry& e) { return !e.same_bucket(*first); });
      if (last - first > 1) check_bucket({first, last});
      first = last;
    }
  }

 private:
  struct Entry {
    std::uint32_t group;  // mode, proof and listener
    bool v6;
    int length;
    Bits128 pattern;  // of a network its first address, else the number of an interned text
    Id id;
    [[nodiscard]] auto key() const { return std::tie(group, v6, length, pattern); }
    [[nodiscard]] bool same_bucket(const Entry& other) const { return key() == other.key(); }
    bool operator<(const Entry& other) const { return key() != other.key() ? key() < other.key() : id < other.id; }
  };

  [[nodiscard]] const InboundConnector& connector(Id id) const { return drafts_[id].connector; }
  std::uint32_t intern(const std::string& text) { return numbers_.emplace(text, static_cast<std::uint32_t>(numbers_.size())).first->second; }

  void file(Id id) {
    const auto& c = connector(id);
    const auto proof = strongest(c);
    const std::string kind = std::string(to_string(c.mode)) + static_cast<char>('0' + static_cast<int>(proof)) + " ";
    const std::vector<std::string> everywhere = {""};
    for (const auto& listener : c.listeners.empty() ? everywhere : c.listeners) {
      const auto group = intern(kind + listener);
      if (proof == Proof::source) {
        for (const auto& source : c.source_ips)
          for (const auto& n : source.decompose()) entries_.push_back({group, n.first.v6, n.length, n.first.bits, id});
      } else if (proof == Proof::login) {
        for (const auto& login : c.auth_users) entries_.push_back({group, false, 0, intern("login " + login), id});
      } else {
        for (const auto& p : c.certificates) file_certificate(p, group, id);
      }
    }
  }
  void file_certificate(const DomainPattern& p, std::uint32_t group, Id id) {
    if (p.kind != DomainPattern::Kind::below) entries_.push_back({group, false, 0, intern("name " + p.domain), id});
    if (p.kind != DomainPattern::Kind::exact) entries_.push_back({group, false, 1, intern("below " + p.domain), id});
  }

  void check_bucket(std::span<const Entry> members) {
    if (strongest(connector(members.front().id)) == Proof::source) return check_networks(members);
    std::unordered_map<std::string, Filing> by_login;
    Filing any, all;
    for (const auto& member : members) {
      const auto& c = connector(member.id);
      const auto tie = [&](Id other) { return report_tie(other, member.id); };
      if (any_login(c)) {
        all.each_that_may_meet(c, tie);
        any.add(c, member.id);
      } else {
        any.each_that_may_meet(c, tie);
        for (const auto& login : c.auth_users) {
          by_login[login].each_that_may_meet(c, tie);
          by_login[login].add(c, member.id);
        }
      }
      all.add(c, member.id);
    }
  }

  void check_networks(std::span<const Entry> members) {
    const auto& first = members.front();
    const Network network{{first.v6, first.pattern}, first.length};
    for (std::size_t i = 1; i < members.size(); ++i)
      for (std::size_t j = 0; j < i && !reported_[members[i].id]; ++j)
        if (members[i].id != members[j].id && meet_in(network, connector(members[j].id), connector(members[i].id)))
          report_tie(members[j].id, members[i].id);
  }

  // True if nothing more is to be said about `later`.
  bool report_tie(Id earlier, Id later) {
    if (reported_[later]) return true;
    if (earlier == later || !compatible(connector(earlier), connector(later))) return false;
    reported_[later] = true;
    constexpr const char* proofs[] = {"source address", "login", "certificate"};
    const auto& other = drafts_[earlier];
    report_.error(drafts_[later].connector.at, drafts_[later].path(),
                  "could tie with the inbound connector " + quote(other.connector.name) + " (" + where(other.connector.at) + "): the same " +
                      proofs[static_cast<std::size_t>(strongest(connector(later)))] +
                      " would select both equally; keep them apart by listeners or by identity, or disable one");
    return true;
  }

  std::span<const Draft> drafts_;
  Report& report_;
  std::vector<bool> reported_;
  std::vector<Entry> entries_;
  std::unordered_map<std::string, std::uint32_t> numbers_;
};

}  // namespace

void check_ties(std::span<const Draft> inbound, Report& report) { Ties(inbound, report).run(); }

}  // namespace cm::config

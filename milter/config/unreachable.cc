// Connectors that nothing can ever select. Only what is certain is warned about: a false alarm teaches people to ignore all of them.
#include <algorithm>
#include <map>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "config/checks.h"

namespace cm::config {
namespace {

using Id = std::uint32_t;

bool by_source_alone(const InboundConnector& c) { return !c.source_ips.empty() && c.certificates.empty() && c.auth_users.empty(); }

// Grants and exemptions known by source alone: the longest prefix wins, so one whose prefixes are wholly filled by longer ones of others
// never does.
class Shadowed {
 public:
  Shadowed(std::span<const Draft> drafts, Pass pass) : drafts_(drafts), pass_(pass), wins_(drafts.size()), rival_(drafts.size(), no_connector) {
    for (Id id = 0; id < drafts_.size(); ++id)
      if (takes_part(id)) file(id);
    for (auto& [listener, nodes] : nodes_) settle(nodes);
  }
  void warn(Report& report) const {
    for (Id id = 0; id < drafts_.size(); ++id) {
      const auto& c = drafts_[id].connector;
      if (!takes_part(id) || wins_[id] || (pass_ == Pass::audit) != (c.mode == Mode::audit) || rival_[id] == no_connector) continue;
      const auto& rival = drafts_[rival_[id]].connector;
      report.warning(c.at, drafts_[id].path(),
                     "can never be selected: for every address of its source_ips another connector is more specific, such as " + quote(rival.name) +
                         " (" + where(rival.at) + ")");
    }
  }

 private:
  struct Node {
    Network network;
    Id id;
  };
  struct Open {
    Network network;
    std::vector<Id> ids;
    Bits128 filled = 0;  // by the longer prefixes directly inside; 2^128 is 0
    Id inside = no_connector;
  };

  [[nodiscard]] bool takes_part(Id id) const {
    const auto& c = drafts_[id].connector;
    return counts(drafts_[id]) && !c.is_partner() && by_source_alone(c) && (pass_ == Pass::audit || c.mode == Mode::enforce);
  }
  void file(Id id) {
    const auto& c = drafts_[id].connector;
    for (const auto& source : c.source_ips)
      for (const auto& network : source.decompose()) {
        if (c.listeners.empty()) nodes_[""].push_back({network, id});
        for (const auto& listener : c.listeners) nodes_[listener].push_back({network, id});
      }
  }

  // Prefixes nest or are disjoint: sorted by start, wider first, those that hold the next one are on a stack.
  void settle(std::vector<Node>& nodes) {
    std::sort(nodes.begin(), nodes.end(), [](const Node& a, const Node& b) {
      return std::tie(a.network.first.v6, a.network.first.bits, a.network.length, a.id) <
             std::tie(b.network.first.v6, b.network.first.bits, b.network.length, b.id);
    });
    std::vector<Open> open;
    for (const auto& node : nodes) {
      if (!open.empty() && open.back().network == node.network) {
        open.back().ids.push_back(node.id);
        continue;
      }
      while (!open.empty() && !holds(open.back().network, node.network)) close(open);
      open.push_back({node.network, {node.id}});
    }
    while (!open.empty()) close(open);
  }
  static bool holds(const Network& outer, const Network& inner) { return outer.first.v6 == inner.first.v6 && inner.first.bits <= outer.last(); }
  void close(std::vector<Open>& open) {
    const auto done = std::move(open.back());
    open.pop_back();
    const Bits128 size = done.network.last() - done.network.first.bits + 1;
    const bool full = done.inside != no_connector && done.filled == size;
    for (const auto id : done.ids) {
      if (!full) wins_[id] = true;
      if (full) rival_[id] = done.inside;
    }
    if (open.empty()) return;
    // One with require_header leaves what lacks the header to the others.
    const auto winner = std::find_if(done.ids.begin(), done.ids.end(), [this](Id id) { return !drafts_[id].connector.requires_header(); });
    open.back().filled += winner != done.ids.end() ? size : done.filled;
    if (winner != done.ids.end() || done.inside != no_connector) open.back().inside = winner != done.ids.end() ? *winner : done.inside;
  }

  std::span<const Draft> drafts_;
  Pass pass_;
  std::vector<bool> wins_;
  std::vector<Id> rival_;
  std::map<std::string, std::vector<Node>> nodes_;  // by listener
};

std::string joined(std::vector<std::string> texts) {
  std::sort(texts.begin(), texts.end());
  std::string out;
  for (const auto& text : texts) out += text + '\n';
  return out + '\f';
}

// Partners with the same identity and listeners: of those with the same sender pattern the first claims everything. Of those without an identity
// all are asked, so only what is the same altogether is a repetition. One in mode audit stands behind enforced ones, too.
void warn_of_repeated_partners(std::span<const Draft> inbound, Report& report) {
  std::unordered_map<std::string, const Draft*> first;
  for (const auto& draft : inbound) {
    const auto& c = draft.connector;
    if (!counts(draft) || !c.is_partner()) continue;
    std::vector<std::string> sources, certificates;
    for (const auto& s : c.source_ips) sources.push_back(s.first.to_string() + '-' + s.last.to_string());
    for (const auto& p : c.certificates) certificates.push_back(p.to_string());
    const std::string who = !c.demands_identity() ? effect(c)
                                                  : joined(c.listeners) + joined(std::move(sources)) + joined(std::move(certificates)) +
                                                        joined(c.certificate_issuers) + joined(c.auth_users) + joined(c.via);
    const Draft* before = nullptr;
    bool all = true;
    for (const auto& p : c.sender_domains) {
      const auto enforced = first.find("enforce" + who + p.to_string());
      const bool is_behind = c.mode == Mode::audit && enforced != first.end();
      const auto known = is_behind ? enforced : first.emplace(std::string(to_string(c.mode)) + who + p.to_string(), &draft).first;
      if (known->second == &draft)
        all = false;
      else
        before = known->second;
    }
    if (all && before != nullptr)
      report.warning(c.at, draft.path(),
                     "can never be selected: " + quote(before->connector.name) + " (" + where(before->connector.at) +
                         ") has the same identity and sender domains and stands before it");
  }
}

// Ranges of one family that hold whole sources.
class Cover {
 public:
  explicit Cover(std::vector<Source> sources) {
    std::sort(sources.begin(), sources.end(),
              [](const Source& a, const Source& b) { return std::tie(a.first.v6, a.first.bits) < std::tie(b.first.v6, b.first.bits); });
    for (auto& s : sources) {
      const bool joins =
          !merged_.empty() && merged_.back().first.v6 == s.first.v6 && (s.first.bits == 0 || s.first.bits - 1 <= merged_.back().last.bits);
      if (joins)
        merged_.back().last.bits = std::max(merged_.back().last.bits, s.last.bits);
      else
        merged_.push_back(std::move(s));
    }
  }
  [[nodiscard]] bool holds(const Source& s) const {
    const auto after = std::upper_bound(merged_.begin(), merged_.end(), s, [](const Source& a, const Source& b) {
      return std::tie(a.first.v6, a.first.bits) < std::tie(b.first.v6, b.first.bits);
    });
    return after != merged_.begin() && std::prev(after)->contains(s.first) && std::prev(after)->contains(s.last);
  }

 private:
  std::vector<Source> merged_;
};

// What is enough to be a grant or an exemption, whatever else a client proves.
class Granted {
 public:
  explicit Granted(std::span<const Draft> inbound) : cover_(sources(inbound)) {
    for (const auto& draft : inbound) {
      const auto& c = draft.connector;
      if (!decides(draft) || !c.source_ips.empty()) continue;
      if (c.auth_users.empty() && c.certificate_issuers.empty())
        for (const auto& p : c.certificates) certificates_.add(p, 0);
      if (c.certificates.empty()) logins_.insert(c.auth_users.begin(), c.auth_users.end());
    }
  }
  /// The setting of this partner by whose every value it would be one of them; null if there is none.
  [[nodiscard]] const char* setting(const InboundConnector& c) const {
    const auto all = [](const auto& values, auto&& holds) { return !values.empty() && std::all_of(values.begin(), values.end(), holds); };
    if (all(c.source_ips, [this](const Source& s) { return cover_.holds(s); })) return "source_ips";
    if (all(c.certificates, [this](const DomainPattern& p) { return holds(p); })) return "certificates";
    const auto known = [this](const std::string& login) { return logins_.contains("*") || logins_.contains(login); };
    return all(c.auth_users, known) ? "auth_users" : nullptr;
  }

 private:
  static bool decides(const Draft& draft) {
    const auto& c = draft.connector;
    return counts(draft) && !c.is_partner() && c.mode == Mode::enforce && c.listeners.empty() && !c.requires_header();
  }
  static std::vector<Source> sources(std::span<const Draft> inbound) {
    std::vector<Source> out;
    for (const auto& draft : inbound)
      if (decides(draft) && by_source_alone(draft.connector))
        out.insert(out.end(), draft.connector.source_ips.begin(), draft.connector.source_ips.end());
    return out;
  }
  // Every name that meets `p` meets one of theirs.
  [[nodiscard]] bool holds(const DomainPattern& p) const {
    const bool itself = certificates_.match(p.domain) != no_match;
    if (p.kind == DomainPattern::Kind::exact) return itself;
    bool below = false;
    for (std::string_view suffix = p.domain; !suffix.empty() && !below; suffix = parent_domain(suffix))
      below = certificates_.below(suffix) != nullptr;
    return below && (itself || p.kind == DomainPattern::Kind::below);
  }

  Cover cover_;
  DomainIndex certificates_;
  std::unordered_set<std::string> logins_;
};

// Grants and exemptions are asked first.
void warn_of_granted_partners(std::span<const Draft> inbound, Report& report) {
  const Granted granted(inbound);
  for (const auto& draft : inbound) {
    const auto& c = draft.connector;
    if (!counts(draft) || !c.is_partner() || !c.via.empty()) continue;
    if (const auto* setting = granted.setting(c))
      report.warning(draft.origin_of(setting), draft.path() + "." + setting,
                     "no mail can ever meet this partner: " +
                         std::string(setting == std::string_view("source_ips")     ? "all of its addresses belong"
                                     : setting == std::string_view("certificates") ? "all of its certificates belong"
                                                                                   : "all of its logins belong") +
                         " to grants or exemptions, which come first");
  }
}

}  // namespace

void warn_of_unreachable(std::span<const Draft> inbound, Report& report) {
  Shadowed(inbound, Pass::enforced).warn(report);
  Shadowed(inbound, Pass::audit).warn(report);
  warn_of_repeated_partners(inbound, report);
  warn_of_granted_partners(inbound, report);
}

}  // namespace cm::config

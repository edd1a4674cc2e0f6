// Attribution: which connector a message hits. The order of the whole product stands in attribute(), at the end of this file:
//
//   1. grants and exemptions, by identity alone      the chosen one's demands are judged, nothing else is
//   2. vouched mail                                  logged-in users and local submission
//   3. partners, by sender scope                     from the most specific pattern down: restrictions
//   4. protect                                       our own domains, used by somebody nobody vouches for
//   5. unmatched                                     no partner had this mail in its scope
//
// The rule: a restriction never makes mail internal, and only proof of identity ends the search for broader restrictions.
#include <algorithm>
#include <tuple>

#include "policy/decide.h"
#include "policy/demands.h"

namespace cm {
namespace {

using IdList = boost::container::small_vector<ConnectorId, 8>;

bool seen(const IdList& ids, ConnectorId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

// Everything a connector demands except who the recipients are and what the content is.
void judge_demands(const Case& c, ConnectorId id, bool identity_is_proven, Attribution& a) {
  auto& violations = a.violations;
  if (!identity_is_proven) {
    const auto& connector = c.connector(id);
    if (!source_holds(c, id) || !connector.has_identity()) violate(c, violations, id, Rule::source);
    if (!login_holds(c, id)) violate(c, violations, id, Rule::auth);
    if (!certificate_holds(c, id)) violate(c, violations, id, Rule::certificate);
  }
  if (!tls_holds(c, id)) violate(c, violations, id, Rule::tls);
  if (!fits_limit(c.policy, c.connector(id).senders, c.compiled(id).senders.get(), c.sender.envelope)) violate(c, violations, id, Rule::sender);
  const auto limit = c.connector(id).max_message_size;
  if (limit != 0 && c.sender.declared_size && *c.sender.declared_size > limit) violate(c, violations, id, Rule::size);
  a.judged.push_back(id);
}

// --- 1. grants and exemptions ---------------------------------------------------------------------------------------------------

// In order of precedence; the last makes an audit connector win over the enforced one it stands beside.
using Precedence = std::tuple<bool /*names the listener*/, Proof, Rank, bool /*audit*/>;

bool choose_grant(const Case& c, Attribution& a) {
  std::optional<Precedence> best;
  c.policy.index().grants.each_candidate(c.connection, c.sender, [&](ConnectorId id, Proof proof, Rank rank) {
    if (!c.is_asked(id) || !identity_holds(c, id)) return;
    const auto& connector = c.connector(id);
    const Precedence precedence{!connector.listeners.empty(), proof, rank, connector.mode == Mode::audit};
    if (best && (precedence < *best || (precedence == *best && id >= a.connector))) return;
    best = precedence;
    a.connector = id;
  });
  if (!best) return false;
  a.proven = true;
  a.asks_header_from = false;
  judge_demands(c, a.connector, true, a);
  if (a.violations.empty()) c.note(a.connector, Outcome::selected, Because::identity_holds);
  return true;
}

// --- 2. vouched mail ------------------------------------------------------------------------------------------------------------

bool is_ours(const Policy& policy, const Envelope& envelope) { return policy.is_ours(envelope.argument) && policy.is_ours(envelope.resolved); }

bool vouch(const Case& c, Attribution& a) {
  const auto& organization = c.policy.data().organization;
  const auto& envelope = c.sender.envelope;
  if (organization.vouch_authenticated && !c.sender.login.empty() && (envelope.argument.is_null() || is_ours(c.policy, envelope)))
    a.vouched = Vouched::authenticated;
  else if (organization.vouch_local && c.connection.local)
    a.vouched = Vouched::local;
  else
    return false;
  a.proven = is_ours(c.policy, envelope);
  a.asks_header_from = false;
  c.note(no_connector, Outcome::selected, a.vouched == Vouched::local ? Because::vouched_local : Because::vouched_login);
  return true;
}

// --- 3. partners ----------------------------------------------------------------------------------------------------------------

// Partners level by level, for the envelope sender or for a header From domain.
class PartnerSearch {
 public:
  enum class For : std::uint8_t { envelope_sender, header_from };

  PartnerSearch(const Case& c, For purpose, Attribution& result) : case_(c), purpose_(purpose), result_(result) {}

  void search(std::string_view domain, std::string_view other_domain, bool null_sender);

  bool in_scope = false;          // some partner had the mail in its scope
  bool ended_by_refusal = false;  // an unmet identity demand refuses
  bool claimed = false;           // by the resulting connector

 private:
  bool judge_level(IdList& level);
  void judge_one(ConnectorId id, bool identity_is_proven, Because because);
  void collect(const Ids* ids, IdList& level) const;
  void collect_proven(IdList& level) const;
  [[nodiscard]] bool concerns(ConnectorId id) const;

  const Case& case_;
  For purpose_;
  Attribution& result_;
  IdList visited_;
};

bool PartnerSearch::concerns(ConnectorId id) const {
  if (!case_.is_asked(id)) return false;
  if (purpose_ == For::envelope_sender) return true;
  const auto check = case_.connector(id).check_header_from;
  return check == Check::enforce || (check == Check::audit && case_.pass == Pass::audit);
}

void PartnerSearch::collect(const Ids* ids, IdList& level) const {
  if (!ids) return;
  for (const auto id : *ids)
    if (concerns(id) && !seen(visited_, id)) level.push_back(id);
}

// The null sender belongs to whoever proves to be a partner.
void PartnerSearch::collect_proven(IdList& level) const {
  case_.policy.index().partners.each_candidate(case_.connection, case_.sender, [&](ConnectorId id, Proof, Rank) {
    if (concerns(id) && identity_holds(case_, id)) level.push_back(id);
  });
}

void PartnerSearch::judge_one(ConnectorId id, bool identity_is_proven, Because because) {
  if (purpose_ == For::header_from) {
    const bool met = tls_holds(case_, id) && (identity_is_proven || !case_.connector(id).demands_identity());
    if (!met) violate(case_, result_.violations, id, Rule::header_from);
    return;
  }
  const auto before = result_.violations.size();
  judge_demands(case_, id, identity_is_proven || !case_.connector(id).demands_identity(), result_);
  if (result_.violations.size() == before) case_.note(id, identity_is_proven ? Outcome::selected : Outcome::passed, because);
}

// True if the search ends here.
bool PartnerSearch::judge_level(IdList& level) {
  const auto before = [&](ConnectorId a, ConnectorId b) {
    return std::tuple(case_.connector(a).listeners.empty(), a) < std::tuple(case_.connector(b).listeners.empty(), b);
  };
  std::sort(level.begin(), level.end(), before);
  level.erase(std::unique(level.begin(), level.end()), level.end());
  in_scope |= !level.empty();
  visited_.insert(visited_.end(), level.begin(), level.end());

  for (const auto id : level) {
    if (case_.connector(id).demands_identity()) continue;
    judge_one(id, false, Because::demands_met);
    if (result_.connector == no_connector) result_.connector = id;
  }
  for (const auto id : level) {
    if (!case_.connector(id).demands_identity()) continue;
    const bool own = identity_holds(case_, id);
    if (!own && !via_holds(case_, id)) continue;
    judge_one(id, true, own ? Because::identity_holds : Because::via_holds);
    result_.connector = id;
    result_.proven = true;
    claimed = true;
    return true;
  }
  const auto first = std::find_if(level.begin(), level.end(), [&](ConnectorId id) { return case_.connector(id).demands_identity(); });
  if (first == level.end()) return false;
  judge_one(*first, false, Because::rule_unmet);
  ended_by_refusal = is_refusal(action_of(case_.connector(*first), Rule::source));
  return ended_by_refusal;
}

// The suffix of `domain` with exactly `labels` labels that is a proper one; empty if there is none.
std::string_view suffix_with(std::string_view domain, int labels) {
  if (domain.empty() || domain.front() == '[') return {};
  for (auto suffix = parent_domain(domain); !suffix.empty(); suffix = parent_domain(suffix))
    if (count_labels(suffix) == labels) return suffix;
  return {};
}

void PartnerSearch::search(std::string_view domain, std::string_view other_domain, bool null_sender) {
  const auto& scopes = case_.policy.index().scopes;
  if (other_domain == domain) other_domain = {};
  IdList level;
  for (const auto name : {domain, other_domain})
    if (!name.empty()) collect(scopes.exact(name), level);
  if (null_sender) {
    collect(&scopes.null(), level);
    collect_proven(level);
  }
  if (judge_level(level)) return;
  for (int labels = std::max(count_labels(domain), count_labels(other_domain)) - 1; labels > 0; --labels) {
    level.clear();
    for (const auto name : {domain, other_domain})
      if (const auto suffix = suffix_with(name, labels); !suffix.empty()) collect(scopes.below(suffix), level);
    if (!level.empty() && judge_level(level)) return;
  }
  if (purpose_ == For::header_from) return;  // not through `*`
  level.clear();
  collect(&scopes.any(), level);
  judge_level(level);
}

// --- 4. and 5. ------------------------------------------------------------------------------------------------------------------

// Does the partner that claimed the mail name this domain, other than by `*`?
bool names_domain(const Case& c, ConnectorId claimed, std::string_view domain) {
  if (claimed == no_connector) return false;
  const auto& patterns = c.connector(claimed).sender_domains;
  return std::any_of(patterns.begin(), patterns.end(), [domain](const DomainPattern& p) { return p.match(domain) > any_rank; });
}

// The MTA will complete it with a domain of ours, or has done so and the result is too long to be read.
bool is_incomplete(const Address& resolved) { return !resolved.is_valid() || (!resolved.is_null() && resolved.domain.empty()); }

bool is_protected(const Case& c, ConnectorId claimed) {
  const auto protect = c.policy.data().organization.protect;
  if (protect != Check::enforce && !(protect == Check::audit && c.pass == Pass::audit)) return false;
  const auto& [argument, resolved] = c.sender.envelope;
  const auto is_unclaimed = [&](const Address& address) { return c.policy.is_ours(address) && !names_domain(c, claimed, address.domain); };
  return is_unclaimed(argument) || is_unclaimed(resolved) || is_incomplete(resolved);
}

bool rejects_unmatched(const Case& c) {
  return c.policy.data().reject_unmatched || (c.policy.is_closed(c.connection.listener) && !c.connection.local);
}

void restrict(const Case& c, Attribution& a) {
  PartnerSearch partners(c, PartnerSearch::For::envelope_sender, a);
  const auto& [argument, resolved] = c.sender.envelope;
  partners.search(argument.domain, resolved.domain, argument.is_null());
  if (partners.ended_by_refusal) return;
  if (is_protected(c, partners.claimed ? a.connector : no_connector))
    violate(c, a.violations, no_connector, Rule::protect);
  else if (!partners.in_scope && rejects_unmatched(c))
    violate(c, a.violations, no_connector, Rule::unmatched);
  else if (!partners.in_scope)
    c.note(no_connector, Outcome::passed, Because::nothing_in_scope);
}

}  // namespace

Attribution attribute(const Policy& policy, const Connection& connection, const Sender& sender, Pass pass, Steps* steps,
                      std::vector<ConnectorId> without) {
  Attribution a;
  a.without = std::move(without);
  const Case c{policy, connection, sender, pass, steps, a.without};
  if (!a.without.empty() && is_refused_at_connect(policy, connection, pass, a.without)) {
    violate(c, a.violations, no_connector, Rule::closed);
    return a;
  }
  if (!choose_grant(c, a) && !vouch(c, a)) restrict(c, a);
  sort_by_rule(a.violations);
  return a;
}

void judge_header_from(const Policy& policy, const Connection& connection, const Sender& sender, const HeaderFrom& from, Pass pass,
                       const Attribution& attribution, Violations& violations, Steps* steps) {
  if (!attribution.asks_header_from || from.kind == HeaderFrom::Kind::absent) return;
  const Case c{policy, connection, sender, pass, steps, attribution.without};
  if (from.kind == HeaderFrom::Kind::parsed) {
    Attribution found;
    for (const auto& domain : from.domains) PartnerSearch(c, PartnerSearch::For::header_from, found).search(domain, {}, false);
    for (const auto& violation : found.violations) add_violation(violations, violation);
    return;
  }
  const auto in_force = [&](ConnectorId id) {
    const auto check = c.connector(id).check_header_from;
    return c.is_asked(id) && (check == Check::enforce || (check == Check::audit && pass == Pass::audit));
  };
  const auto& asking = policy.index().header_from;  // gravest first
  const auto who = std::find_if(asking.begin(), asking.end(), in_force);
  if (who != asking.end()) violate(c, violations, *who, Rule::header_from);
}

namespace {

bool is_open_for(const ClosedListener& listener, const std::optional<Ip>& client, std::span<const ConnectorId> without) {
  const auto exists = [&](ConnectorId id) { return !contains(without, id); };
  if (std::any_of(listener.anyone.begin(), listener.anyone.end(), exists)) return true;
  if (!client || without.empty()) return client && listener.networks.holds(*client);
  bool open = false;
  listener.networks.each_holding(*client, [&](ConnectorId id, int) { open = open || exists(id); });
  return open;
}

}  // namespace

bool is_refused_at_connect(const Policy& policy, const Connection& connection, Pass pass, std::span<const ConnectorId> without) {
  if (connection.local || !policy.is_closed(connection.listener)) return false;
  if (pass == Pass::enforced)
    return !is_open_for(policy.index().closed.find(std::string_view(connection.listener))->second, connection.client, without);
  for (ConnectorId id = 0; id < policy.data().inbound.size(); ++id) {
    const auto& connector = policy.connector(id);
    if (takes_part(connector, pass) && !contains(without, id) && fits_listener(connector, connection.listener) &&
        could_accept(policy.data(), policy.index(), id, connection.client, pass, without))
      return false;
  }
  return true;
}

}  // namespace cm

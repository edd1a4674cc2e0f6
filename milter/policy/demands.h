// What a connector demands, one small function a demand: does it hold for this message? Private to the policy room.
#pragma once

#include <algorithm>
#include <span>

#include "policy/decision.h"
#include "policy/index.h"

namespace cm {

inline bool contains(std::span<const ConnectorId> ids, ConnectorId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

/// One message under one policy in one pass, as the functions of the engine hand it around. Borrows everything.
struct Case {
  const Policy& policy;
  const Connection& connection;
  const Sender& sender;
  Pass pass;
  Steps* steps = nullptr;                     // null: nobody asked why
  std::span<const ConnectorId> without = {};  // as if they did not exist

  [[nodiscard]] const InboundConnector& connector(ConnectorId id) const { return policy.connector(id); }
  [[nodiscard]] const Compiled& compiled(ConnectorId id) const { return policy.index().compiled[id]; }
  [[nodiscard]] bool exists(ConnectorId id) const { return takes_part(connector(id), pass) && !contains(without, id); }
  [[nodiscard]] bool is_asked(ConnectorId id) const { return exists(id) && fits_listener(connector(id), connection.listener); }
  void note(ConnectorId id, Outcome outcome, Because because, Rule rule = Rule::none) const {
    if (steps) steps->push_back({id, outcome, because, rule});
  }
};

// Identity settings: true if not given.
bool source_holds(const Case& c, ConnectorId id);
bool login_holds(const Case& c, ConnectorId id);
bool certificate_holds(const Case& c, ConnectorId id);
/// Identity settings are given and all hold.
bool identity_holds(const Case& c, ConnectorId id);
/// A connector named in `via` takes part and its identity holds.
bool via_holds(const Case& c, ConnectorId id);

/// Could this connector accept mail from `client`, whatever else it may still prove? `without`: as in Case.
bool could_accept(const PolicyData& data, const PolicyIndex& index, ConnectorId id, const std::optional<Ip>& client, Pass pass,
                  std::span<const ConnectorId> without);

bool tls_holds(const Case& c, ConnectorId id);
/// Both argument and resolved address fit the limit.
bool fits_limit(const Policy& policy, const AddressLimit& limit, const AddressSet* patterns, const Envelope& envelope);

/// What `on_violation` makes of a violation of `rule`; limits on size, count and rate have their own.
Action action_of(const InboundConnector& connector, Rule rule);

/// A refusal beats quarantine beats tag, then the order of Rule.
bool decides_before(const Violation& a, const Violation& b);
/// By Rule; among equals the one that decides first.
void sort_by_rule(Violations& violations);
/// Adds a violation unless the same rule of the same connector is there already (then false).
bool add_violation(Violations& violations, const Violation& violation);
/// Adds it and, if it is new, notes the step.
void violate(const Case& c, Violations& violations, ConnectorId id, Rule rule);

}  // namespace cm

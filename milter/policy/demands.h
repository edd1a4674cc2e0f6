// What a connector demands, one small function a demand: does it hold for this message? Private to the policy room.
#pragma once

#include "policy/decision.h"
#include "policy/index.h"

namespace cm {

/// One message under one policy in one pass, as the functions of the engine hand it around. Borrows everything.
struct Case {
  const Policy& policy;
  const Connection& connection;
  const Sender& sender;
  Pass pass;
  Steps* steps = nullptr;  // null: nobody asked why

  [[nodiscard]] const InboundConnector& connector(ConnectorId id) const { return policy.connector(id); }
  [[nodiscard]] const Compiled& compiled(ConnectorId id) const { return policy.index().compiled[id]; }
  [[nodiscard]] bool is_asked(ConnectorId id) const { return takes_part(connector(id), pass) && fits_listener(connector(id), connection.listener); }
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

// The oracle for how mail leaves: SPEC 3.8, the two headers of 3.7 that it writes and what the maps of 4 are told, written down naively.
//
// As in reference.h: nothing of the engine is called, every question is a loop over all connectors, and no mail is ever handled with it.
#pragma once

#include <string>
#include <vector>

#include "reference.h"

namespace cm::reference {

/// A header field of a message: its name alone, its value as it came, which may be folded.
struct HeaderField {
  std::string name, value;
};

/// The choice for one domain; `level` as in reference.h, unmet if no connector is about it.
struct Leaving {
  OutboundId id = no_outbound;
  int level = unmet;
};

Leaving leaving(const PolicyData& policy, const std::string& domain, Pass pass);
OutboundId provider(const PolicyData& policy);
/// All enforced connectors that have this smart host: what demands they make of it is the same (a rule of the config).
std::vector<OutboundId> with_next_hop(const PolicyData& policy, const std::string& next_hop);
OutboundId enforced_rule(const PolicyData& policy, const std::string& name);
std::string transport_entry(const OutboundConnector& connector);
std::string tls_policy_entry(const OutboundConnector& connector);

/// The enabled rule-scoped connectors whose `when.header` these fields meet, ascending.
std::vector<OutboundId> header_rules(const PolicyData& policy, const std::vector<HeaderField>& fields);

/// The enabled inbound connectors whose `require_header` these fields meet, ascending.
std::vector<ConnectorId> required_headers_met(const PolicyData& policy, const std::vector<HeaderField>& fields);

/// Fills in outbound and route of a decision that is otherwise complete.
void choose_ways(const Case& c, const Finding& finding, Decision& d);
/// Of the first recipient that an outbound connector in mode audit would take.
OutboundId tried_way(const Case& enforced, const Finding& finding, const Decision& d);
OutboundId way_of_all(const Decision& d);
/// X-Connector-Outbound and X-Connector-Route, as `Name: value`.
std::vector<std::string> routing_headers(const PolicyData& policy, const Decision& d);

}  // namespace cm::reference

// What can only be judged with every connector at hand. Each check is n log n in all connectors together, never pairwise.
#pragma once

#include <span>
#include <vector>

#include "config/outbound.h"
#include "policy/policy.h"

namespace cm::config {

/// Names are unique among inbound and outbound connectors of all files.
void check_names(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, Report& report);

/// `via` names inbound connectors that have identity settings. `complete`: every file was read, so a name not found is wrong.
void check_via(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, bool complete, Report& report);

/// `when.connectors` names inbound connectors that prove who the peer is (`complete` as above), `when.header` and `require_header` a field
/// that may be there.
void check_when(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, bool complete, Report& report);

/// Enabled grants and exemptions of the same mode whose place in the order of attribution could be equal for some client.
void check_ties(std::span<const Draft> inbound, Report& report);

/// Warnings: connectors that nothing can ever select.
void warn_of_unreachable(std::span<const Draft> inbound, Report& report);

/// Warnings: listeners that nobody may use.
void warn_of_listeners(std::span<const Draft> inbound, std::span<const Listener> listeners, Report& report);

/// Warnings: connectors in mode audit that would change nothing.
void warn_of_trials(std::span<const Draft> inbound, Report& report);

/// Warnings: settings that are valid and probably not what was meant.
void warn_of_risks(std::span<const Draft> inbound, std::span<const Listener> listeners, const Organization& organization, Report& report);

/// Outbound connectors of which the MTA could be told one thing or the other: equal cost, one next hop or transport with two kinds of TLS.
void check_conflicts(std::span<const OutboundDraft> outbound, const Organization& organization, Report& report);

/// Warnings: outbound connectors that nothing will use, or that are probably not what was meant. `has_maps`: of the main file, if it was read.
void warn_of_outbound_risks(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, const PolicyData& policy, bool has_maps,
                            Report& report);

/// What decides what becomes of mail: two connectors with equal texts treat every message alike.
std::string effect(const InboundConnector& connector);
/// "FILE:LINE" of another connector, for a message.
std::string where(const Origin& at);
/// Enabled, without errors, and so to be compared with others.
template <class AnyDraft>
bool counts(const AnyDraft& draft) {
  return draft.sound && draft.named && draft.connector.enabled;
}

}  // namespace cm::config

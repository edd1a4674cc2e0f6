// One step of the way to a decision, as data: connector, outcome, reason. Put into words by render_step() (render.h).
#pragma once

#include <cstdint>
#include <vector>

#include "policy/violation.h"

namespace cm {

enum class Outcome : std::uint8_t { selected, not_selected, violated, passed };

/// Why a step came out as it did. render_step() (render.h) puts it into words, together with the facts.
enum class Because : std::uint8_t {
  disabled,
  audit_only,
  other_listener,
  other_source,
  no_login,
  other_login,
  no_certificate,
  unverified_certificate,
  other_certificate,
  other_issuer,
  weaker_proof,
  sender_out_of_scope,
  search_ended,
  grant_applies,
  vouched_applies,
  refused_before,
  identity_holds,
  via_holds,
  demands_met,
  vouched_login,
  vouched_local,
  rule_unmet,
  nothing_in_scope,
  header_unmet,
};

struct Step {
  ConnectorId connector = no_connector;
  Outcome outcome = Outcome::not_selected;
  Because because = Because::disabled;
  Rule rule = Rule::none;  // for violated
  friend bool operator==(const Step&, const Step&) = default;
};
using Steps = std::vector<Step>;

}  // namespace cm

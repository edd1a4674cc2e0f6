// What the session tells the milter edge to do after a step.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "policy/render.h"
#include "session/edits.h"
#include "session/in_flight.h"
#include "session/rate.h"

namespace cm::session {

/// What there is to say of a message once the MTA has taken its edits.
struct Accepted {
  RecipientDecision verdict;
  bool audit_differs = false;
  std::string log_line;
  std::vector<std::shared_ptr<observe::Counter>> counts{};  // of its connectors
  std::vector<RateLimits::Token> tokens{};                  // given back if it comes to nothing
};

/// What is said of a message that no connector is about.
struct PlainRefusal {
  int code;
  const char *xcode, *text;
  Rule rule = Rule::none;
};

/// To proceed, or a reply that refuses; at end of message to proceed means: perform the edits, then accept.
struct Answer {
  std::optional<Reply> refusal{};
  std::vector<MtaAction> edits{};
  InFlight hold{};      // keep until the edits are sent
  Accepted accepted{};  // at end of message, without a refusal
};

}  // namespace cm::session

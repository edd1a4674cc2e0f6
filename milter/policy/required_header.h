// What a message's header fields say about `require_header`: gathered as they pass, a fact at end of message (Content::header_met).
#pragma once

#include <string_view>

#include "policy/facts.h"
#include "policy/policy.h"

namespace cm {

/// One more field of the message: keeps `header_met` the inbound connectors whose `require_header` the fields so far meet. Every field of the name
/// has to: who adds a field of ours to one that says something else gains nothing. `name` without blanks around it; `value` may be folded. Costs
/// a hash probe or two.
void note_required_header(const Policy& policy, std::string_view name, std::string_view value, Content& content);

}  // namespace cm

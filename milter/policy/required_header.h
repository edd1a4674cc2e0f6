// What a message's header fields say about `require_header`: gathered as they pass, a fact at end of message (Content::header_met).
#pragma once

#include <string_view>
#include <vector>

#include "policy/policy.h"

namespace cm {

/// Adds to `met` the inbound connectors whose `require_header` this field meets, each once. `name` without blanks around it; `value` may be
/// folded. Costs a hash probe or two.
void note_required_header(const Policy& policy, std::string_view name, std::string_view value, std::vector<ConnectorId>& met);

}  // namespace cm

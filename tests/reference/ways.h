// How mail leaves, asked of the engine outside decide(): the functions that the maps, the session and the headers call, against the oracle.
#pragma once

#include <string>
#include <vector>

#include "generate.h"
#include "outbound.h"

namespace cm::reference {

/// What maps would be told for random keys; what differs, in words, or empty.
std::string untold(const Policy& policy, Dice& dice);
/// note_header() over the fields of a message.
std::string unnoted(const Policy& policy, const std::vector<HeaderField>& fields);
/// X-Connector-Outbound and X-Connector-Route among the rendered header fields, and common_outbound(). `decision` is the engine's.
std::string unwritten(const Policy& policy, const Facts& facts, const Decision& decision);

/// explain_outbound(): a step for every connector, selected where it takes a recipient. `decision` is the engine's.
std::string unexplained(const Policy& policy, const Facts& facts, const Decision& decision);

}  // namespace cm::reference

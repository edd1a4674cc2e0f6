// `rate_limit` of an inbound connector, and durations.
#pragma once

#include <optional>

#include "config/reader.h"
#include "policy/rate_limit.h"

namespace cm::config {

/// `rate_limit` of the connector that `connector` reads; nullopt if absent or wrong (then it is reported).
std::optional<RateLimit> read_rate_limit(Group& connector);

/// "30s", "1m", "1h", "1d" -> seconds, 1 to limits::rate_seconds; an error names what was expected.
Parsed<std::uint32_t> parse_duration(std::string_view text);

}  // namespace cm::config

// What a message gets from the moment and the place of its receipt, for fields that it lacks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/repair.h"

namespace cm::session {

/// RFC 5322 section 3.3, in UTC: "Sun, 22 Nov 2026 10:00:00 +0000". `unix_time`: seconds since 1970, up to the year 9999.
std::string message_date(std::int64_t unix_time);

/// `host`: the MTA's name as it says it; what is no host name gives way to `home`, a domain of ours.
Receipt receipt(std::string_view trace_id, std::int64_t unix_time, std::string_view host, const std::string& home);

}  // namespace cm::session

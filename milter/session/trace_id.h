// A name for one message: 12 random characters of [a-z2-7], the same in the log, the reply and the headers.
#pragma once

#include <string>

namespace cm::session {

/// 60 bits from the kernel. Throws std::system_error if the kernel has none (then the message is a tempfail).
std::string make_trace_id();

}  // namespace cm::session

// Listening unix sockets: bound safely, never stolen from a live daemon, given to the right group.
#pragma once

#include <string>
#include <string_view>

#include "base/fd.h"
#include "policy/parsed.h"

namespace cm::serve {

/// Why `path` cannot be ours: too long, not a socket, or a live daemon answers there. Empty: free, or a stale socket that may be replaced.
[[nodiscard]] std::string why_not_free(const std::string& path);

/// Binds and listens, replacing a stale socket; nobody but us can connect until give_to_group(). Non-blocking, close-on-exec.
Parsed<Fd> listen_unix(const std::string& path, int backlog);

/// Sets group (empty: as it is) and mode of a socket file. Returns what went wrong, or an empty string.
[[nodiscard]] std::string give_to_group(const std::string& path, const std::string& group, unsigned mode);

}  // namespace cm::serve

// One question to the running daemon over its control socket: a netstring each way.
#pragma once

#include <string>
#include <string_view>

#include "policy/parsed.h"

namespace cm::ctl {

/// The payload of the daemon's answer; an error (it cannot be reached, or what answered is not the daemon) names the path.
/// `path` is a unix stream socket. Waits at most 30 seconds, for a reload may read long lists.
Parsed<std::string> ask(const std::string& path, std::string_view request);

}  // namespace cm::ctl

// The edge to libmilter: the only file that calls smfi_*. C callbacks in, session events out; answers in, smfi calls out.
//
// libmilter holds one filter and one listener per process, in static state: everything here can be used once. It never accepts what it
// could not judge: any failure in a callback is answered with a tempfail.
#pragma once

#include <functional>
#include <string>

#include "base/log.h"
#include "session/session.h"

namespace cm::session {

struct MilterOptions {
  std::string address;  // "unix:PATH" or "inet:PORT@HOST"
  int backlog = 512;
  int timeout = 7210;  // seconds that an idle MTA connection may stay open; libmilter's default, longer than any SMTP timeout
};

/// Registers the filter and binds its socket (a stale unix socket is replaced: make sure before that nobody is behind it).
/// Returns what went wrong in words, or an empty string. `shared` and `log` must live until the process ends.
[[nodiscard]] std::string open_milter(const MilterOptions& options, Shared& shared, Log& log);

/// Serves until libmilter stops, which without a signal it never should. Call on a thread of its own with all signals blocked.
int run_milter();

}  // namespace cm::session

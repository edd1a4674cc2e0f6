// Trace ids from getrandom(2): unique across restarts and machines without any state.
#include "session/trace_id.h"

#include <sys/random.h>

#include <cerrno>
#include <cstdint>
#include <system_error>

#include "policy/render.h"

namespace cm::session {

std::string make_trace_id() {
  std::uint64_t bits = 0;
  ssize_t got = 0;
  do got = ::getrandom(&bits, sizeof bits, 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(sizeof bits)) throw std::system_error(errno, std::generic_category(), "getrandom");
  std::string id(trace_id_length, 'a');
  for (auto& c : id) {
    c = "abcdefghijklmnopqrstuvwxyz234567"[bits & 31];
    bits >>= 5;
  }
  return id;
}

}  // namespace cm::session

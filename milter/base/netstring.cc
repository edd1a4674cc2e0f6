// Netstring codec. Never allocates on what a peer merely announces.
#include "base/netstring.h"

namespace cm::netstring {

Taken take(std::string_view in, std::size_t most) {
  const Taken malformed{Taken::State::malformed, {}, 0};
  std::size_t size = 0, at = 0;
  while (at < in.size() && in[at] >= '0' && in[at] <= '9') {
    size = size * 10 + static_cast<std::size_t>(in[at++] - '0');
    if (size > most || (at == 2 && in[0] == '0')) return malformed;
  }
  if (at == in.size()) return {};
  if (at == 0 || in[at] != ':') return malformed;
  ++at;
  if (in.size() - at < size + 1) return {};
  if (in[at + size] != ',') return malformed;
  return {Taken::State::complete, in.substr(at, size), at + size + 1};
}

void append(std::string& out, std::string_view payload) {
  out += std::to_string(payload.size());
  out += ':';
  out += payload;
  out += ',';
}

std::string encode(std::string_view payload) {
  std::string out;
  out.reserve(payload.size() + 24);
  append(out, payload);
  return out;
}

}  // namespace cm::netstring

// Netstrings and the requests of the control socket.
#include "serve/control.h"

#include <nlohmann/json.hpp>

#include "base/netstring.h"
#include "fuzz.h"

using namespace cm;
using State = Taken::State;

static void check_answer(std::string_view request) {
  const observe::Counters counters;
  const serve::Control control(
      [request] {
        return serve::ReloadResult{false, {}, 3, {std::string(request)}};
      },
      [] { return serve::Status{}; },
      [request] {
        return observe::Stats{{{.name = std::string(request), .type = "partner"}}, {{"c", false, "sender", std::string(request), 1, 2, 3}}};
      },
      counters);
  const auto answer = nlohmann::json::parse(control.answer(request));
  REQUIRE(answer.at("ok").get<bool>() == (request == "status" || request == "stats"));
}

FUZZ_TARGET(control) {
  constexpr std::size_t most = 300;
  const auto taken = netstring::take(in, most);
  REQUIRE(netstring::take(netstring::encode(in), in.size()).payload == in);
  check_answer(in);
  if (taken.state == State::complete) {
    REQUIRE(taken.payload.size() <= most && netstring::encode(taken.payload) == in.substr(0, taken.length));
    check_answer(taken.payload);
  }
  // What is known does not change when more arrives, and is known as early as can be.
  bool decided = false;
  for (std::size_t length = 0; length <= in.size() && length < most + 8; ++length) {
    const auto part = netstring::take(in.substr(0, length), most);
    if (decided) REQUIRE(part.state == taken.state);
    if (part.state == State::complete) REQUIRE(part.length == taken.length && length >= part.length);
    decided = decided || part.state != State::incomplete;
  }
}

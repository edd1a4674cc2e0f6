// Synthetic policies of any size, and messages that meet their connectors in no order a cache could foresee.
//
// The rule: what a message costs must not depend on how many connectors there are, so every size holds the same mixture: half devices
// by source network, a quarter partners with certificates, a quarter partners behind a provider lock. Same seed, same data.
#pragma once

#include <vector>

#include "policy/facts.h"
#include "policy/policy.h"

namespace cm::perf {

/// What a message is decided by.
enum class Meets : std::uint8_t { grant, certificate, via, lock };
inline constexpr Meets all_meets[] = {Meets::grant, Meets::certificate, Meets::via, Meets::lock};

constexpr const char* to_string(Meets meets) {
  constexpr const char* names[] = {"grant by source", "partner by certificate", "partner via provider", "refused by provider lock"};
  return names[static_cast<std::size_t>(meets)];
}

/// `connectors` at least 8.
PolicyData make_policy(std::size_t connectors);
/// `count` messages for that policy, one recipient each, all with content.
std::vector<Facts> make_messages(std::size_t connectors, Meets meets, std::size_t count);

}  // namespace cm::perf

// Random policies and messages over a tiny alphabet, so that connectors meet, nest, tie and contradict each other all the time.
//
// Same seed, same pairs, on every machine: only our own arithmetic on mt19937_64, no library distribution.
#pragma once

#include <cstdint>
#include <optional>
#include <random>
#include <string_view>
#include <vector>

#include "outbound.h"
#include "policy/facts.h"
#include "policy/policy.h"

namespace cm::reference {

class Dice {
 public:
  explicit Dice(std::uint64_t seed) : engine_(seed) {}
  /// Thrown by a fuzzer: one byte a throw, and always 0 once they are used up. Borrows.
  explicit Dice(std::string_view throws) : throws_(throws) {}
  std::size_t below(std::size_t n) {
    if (!throws_) return static_cast<std::size_t>(engine_() % n);
    if (throws_->empty()) return 0;
    const auto thrown = static_cast<std::uint8_t>(throws_->front());
    throws_->remove_prefix(1);
    return thrown % n;
  }
  bool percent(unsigned p) { return below(100) < p; }
  template <class T, std::size_t N>
  const T& of(const T (&list)[N]) {
    return list[below(N)];
  }

 private:
  std::mt19937_64 engine_;
  std::optional<std::string_view> throws_;
};

PolicyData random_policy(Dice& dice);
/// A message for this policy: a null argument resolves to null, there is no certificate without TLS, local mail has no login.
Facts random_facts(Dice& dice, const PolicyData& policy);
/// Outbound connectors for a policy that is otherwise complete; thrown last, for a fuzzer's throws keep their meaning in what is older.
std::vector<OutboundConnector> random_outbound(Dice& dice, const PolicyData& policy);
/// Gives some on_premises connectors a `require_header`. Thrown after all else as well, and so is what makes a message ask for it: fields
/// that may meet it, and often no recipient elsewhere.
void require_headers(Dice& dice, PolicyData& policy);
void random_origin(Dice& dice, const PolicyData& policy, Facts& facts, std::vector<HeaderField>& fields);
/// The fields of a message in which rules look; the facts about the header From are thrown apart.
std::vector<HeaderField> random_header(Dice& dice, const PolicyData& policy);

}  // namespace cm::reference

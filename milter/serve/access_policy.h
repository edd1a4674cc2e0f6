// The Postfix policy service for smtpd_relay_restrictions: may this client relay to this recipient? The engine answers, over the facts that
// Postfix gives to a policy server.
//
// The rule: `permit` only where an enforced grant (on_premises, device) covers the message and no demand or limit of it is unmet. Whatever is
// missing, odd, or merely allowed elsewhere (partners, relays, vouched mail, audit) is DUNNO: the restrictions that follow decide.
// Source: Postfix SMTPD_POLICY_README, src/smtpd/smtpd_check.c (check_policy_service).
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <string>
#include <string_view>

#include "base/published.h"
#include "observe/counters.h"
#include "policy/policy.h"

namespace cm::serve {

/// Thread-safe. Everything given must outlive it.
class AccessPolicy {
 public:
  /// `report` takes one printable line for every internal failure, and one for the first request of each kind that cannot be understood.
  AccessPolicy(const Published<Policy>& policy, observe::Counters& counters, std::function<void(std::string_view)> report);

  /// `request` holds the lines of an attribute list; the answer is `action=ACTION`.
  [[nodiscard]] std::string answer(std::string_view request) const;

  static constexpr const char* dunno = "action=DUNNO";

 private:
  enum class Oddity : std::uint8_t { malformed, incomplete, other_state };
  void report_once(Oddity oddity, std::string_view line) const;
  [[nodiscard]] bool may_relay(std::string_view request) const;

  const Published<Policy>& policy_;
  observe::Counters& counters_;
  std::function<void(std::string_view)> report_;
  mutable std::array<std::atomic<bool>, 3> reported_{};  // by Oddity
};

}  // namespace cm::serve

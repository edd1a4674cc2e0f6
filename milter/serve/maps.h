// What the MTA's tables are told: socketmap requests in, answers out, from the policy in force.
//
// The rule: every answer comes from policy/routing.h, so that the maps, the milter's headers and `explain` cannot disagree; nothing here
// decides. Never an empty OK, never silence: what is no request gets PERM, an internal failure TEMP.
// Source: socketmap_table(5), Postfix src/util/dict_sockmap.c; the keys are those of transport(5), postconf(5) and header_checks(5).
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/published.h"
#include "observe/counters.h"
#include "policy/policy.h"

namespace cm::serve {

/// Thread-safe. Everything given must outlive it.
class Maps {
 public:
  /// `report` takes one line a failure, printable.
  Maps(const Published<Policy>& policy, observe::Counters& counters, std::function<void(std::string_view)> report);

  /// `request` is `MAP KEY`; the answer starts with `OK `, `NOTFOUND `, `TEMP ` or `PERM `. Each request is answered from one policy.
  [[nodiscard]] std::string answer(std::string_view request) const;

  /// Before another policy takes the place of `old`; from one thread at a time. Mail that a rule of `old` took keeps its next hop in the
  /// MTA's queue: where no connector has that smart host any more, its TLS demands must not be forgotten with it, so mail for it waits
  /// (TEMP) until a connector has it again or the daemon is started anew.
  void retire(const Policy& old);

  static constexpr const char* malformed = "PERM malformed request: expected a netstring with the name of a map, a space and a key";

 private:
  const Published<Policy>& policy_;
  observe::Counters& counters_;
  std::function<void(std::string_view)> report_;
  Published<StringMap<bool>> retired_{std::make_shared<const StringMap<bool>>()};  // smart hosts that a rule had, some of them still
};

}  // namespace cm::serve

// Rules, what is done about one that is not met, and where.
#pragma once

#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <string_view>

#include "policy/policy.h"

namespace cm {

/// In the order in which one is chosen for the reply when several fail.
enum class Rule : std::uint8_t {
  none,
  closed,
  syntax,
  source,
  auth,
  tls,
  certificate,
  sender,
  protect,
  header_from,
  header,
  unmatched,
  recipient,
  recipients,
  size,
  rate
};
/// In rising order of severity; reject and tempfail are both refusals.
enum class Action : std::uint8_t { accept, tag, quarantine, tempfail, reject };
enum class Stage : std::uint8_t { none, connect, mail, rcpt, eom };
enum class Vouched : std::uint8_t { no, authenticated, local };

constexpr bool is_refusal(Action action) { return action >= Action::tempfail; }

/// One unmet demand. `connector` is no_connector for closed, syntax, protect and unmatched.
struct Violation {
  Rule rule = Rule::none;
  ConnectorId connector = no_connector;
  Action action = Action::accept;
  friend bool operator==(const Violation&, const Violation&) = default;
};
using Violations = boost::container::small_vector<Violation, 4>;

constexpr std::string_view to_string(Rule rule) {
  constexpr std::string_view names[] = {"none",    "closed",      "syntax", "source",    "auth",      "tls",        "certificate", "sender",
                                        "protect", "header_from", "header", "unmatched", "recipient", "recipients", "size",        "rate"};
  return names[static_cast<std::size_t>(rule)];
}
constexpr std::string_view to_string(Action action) {
  constexpr std::string_view names[] = {"accept", "tag", "quarantine", "tempfail", "reject"};
  return names[static_cast<std::size_t>(action)];
}

}  // namespace cm

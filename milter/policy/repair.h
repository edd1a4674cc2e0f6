// What `repair` and `rewrite_sender` make of a device's mail: which header fields it is given, and who sent it from then on. Pure.
//
// The rule: only what is missing is added. A field that is there without a value (blanks, or `<>`) says nothing and counts as missing;
// one that says something stays as it is, however odd: what a device claims is not ours to correct.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/limits.h"

namespace cm {

/// The fields that can be missing, in the order in which they are added.
inline constexpr std::array<std::string_view, 3> repairable{"Date", "Message-ID", "From"};

/// What one message has of them.
class SeenFields {
 public:
  /// `name` in any case, without blanks around it; other names are ignored.
  void see(std::string_view name, std::string_view value);
  /// No field of this name, or none that says anything (over limits::removable_headers of them stay: cleaning up would take too long).
  /// `field` is an index into `repairable`.
  [[nodiscard]] bool lacks(std::size_t field) const { return !said_[field] && instances_[field] <= limits::removable_headers; }
  [[nodiscard]] std::size_t instances(std::size_t field) const { return instances_[field]; }

 private:
  std::array<std::size_t, repairable.size()> instances_{};
  std::array<bool, repairable.size()> said_{};
};

/// What is known once a message has been received. Plain text of ours.
struct Receipt {
  std::string date;  // as in a Date field
  std::string id;    // unique: the left part of a Message-ID
  std::string host;  // the name of the mail server
};

/// A field that the message gets in place of so many empty ones of that name.
struct RepairedField {
  std::string name, value;
  std::size_t instances = 0;
};

/// The envelope sender that a decided message leaves with: the one of `rewrite_sender`, or as the MTA resolved it.
Address leaving_sender(const Policy& policy, const Sender& sender, const Decision& decision);
/// Whether that is another one than it came with.
bool is_sender_rewritten(const Policy& policy, const Decision& decision);

/// What `repair` adds; nothing unless the message met all that its connector demands.
std::vector<RepairedField> repairs(const Policy& policy, const Sender& sender, const Decision& decision, const SeenFields& seen,
                                   const Receipt& receipt);

}  // namespace cm

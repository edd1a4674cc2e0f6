// What is done to an accepted message: a list of actions, made here from the headers that were seen and the decision, performed elsewhere.
//
// Deletions come first and from the highest instance of a name down to the first: Postfix renumbers after each deletion, Sendmail
// does not, and this order is right for both. Own headers go in at the very top, so that whoever reads the first one reads ours.
//
// A missing field is asked for as a change of its first instance, not as an insertion: Postfix adds such fields by itself for some of
// its clients (always_add_missing_headers, local_header_rewrite_clients) without showing them, and a second one would stand beside them.
// An MTA that finds none to change adds it at the end of the header.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/limits.h"
#include "policy/policy.h"
#include "policy/repair.h"

namespace cm::session {

struct MtaAction {
  enum class Kind : std::uint8_t { delete_header, insert_header, change_header, change_sender, quarantine } kind = Kind::delete_header;
  std::string name;   // of the header field; for change_sender the new one, in <>
  std::string value;  // of the header field; for change_sender its arguments (`RET=`, `ENVID=`), for quarantine the reason
  int index = 0;      // delete: the instance of that name, from 1; insert: the position in the whole header, from 0
  friend bool operator==(const MtaAction&, const MtaAction&) = default;
};

/// The header fields of one message that may have to go. Only names that the policy removes are remembered.
class RemovableHeaders {
 public:
  /// `name` as the MTA gives it; case and white space before the colon do not matter.
  void see(const Policy& policy, std::string_view name);
  /// More instances than limits::removable_headers: the message must be refused, it cannot be cleaned in reasonable time.
  [[nodiscard]] bool too_many() const { return total_ > limits::removable_headers; }

  struct Name {
    std::string name;  // in the spelling first seen, without white space
    int instances = 0;
    bool own = false;  // else of `headers.strip`
  };
  [[nodiscard]] std::span<const Name> names() const { return names_; }

 private:
  std::vector<Name> names_;
  std::size_t total_ = 0;
};

/// `added` in the order in which they shall stand. Throws std::invalid_argument if a field of ours holds CR, LF or NUL.
std::vector<MtaAction> plan_edits(const RemovableHeaders& seen, const Policy& policy, const Decision& decision, const std::vector<AddedHeader>& added,
                                  std::string_view trace_id);

/// Each gives the message exactly one field of that name. Throws as above.
void plan_repairs(const std::vector<RepairedField>& repaired, std::vector<MtaAction>& actions);
/// `arguments`: what MAIL said about delivery status notifications; empty: nothing.
MtaAction change_sender(const Address& sender, const std::string& arguments);

}  // namespace cm::session

// Decision + what the message has -> what it is given. Knows no MTA: what is missing is told by the caller.
#include "policy/repair.h"

#include <algorithm>

#include "policy/text.h"

namespace cm {
namespace {

constexpr bool Repair::*const wanted[] = {&Repair::date, &Repair::message_id, &Repair::from};  // as in `repairable`
static_assert(std::size(wanted) == repairable.size());

// A local part without its quotes, as it was spelt: Address keeps it in lower case.
std::string spelling(const Address& address) {
  const auto spelt = std::string_view(address.text).substr(0, address.text.rfind('@'));
  std::string out;
  for (std::size_t at = 0; at < spelt.size(); ++at) {
    if (spelt[at] == '"') continue;
    if (spelt[at] == '\\' && ++at == spelt.size()) break;
    out += spelt[at];
  }
  if (!equals_ignoring_case(out, address.local)) out = address.local;
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; }, '?');  // they have no place in a header field
  return out;
}

std::string author(const Address& sender, const std::string& host) {
  if (sender.kind != Address::Kind::mailbox) return "MAILER-DAEMON@" + host;  // the null sender, or one that nobody understands
  return text::quote_local(spelling(sender)) + "@" + (sender.domain.empty() ? host : sender.domain);
}

// What the device says is better spelt than what the MTA made of it, if it is the same address.
const Address& spelt_sender(const Envelope& sender) {
  const bool same = sender.argument.local == sender.resolved.local && sender.argument.domain == sender.resolved.domain;
  return same || !sender.resolved.is_valid() ? sender.argument : sender.resolved;
}

}  // namespace

void SeenFields::see(std::string_view name, std::string_view value) {
  for (std::size_t i = 0; i < repairable.size(); ++i) {
    if (!equals_ignoring_case(name, repairable[i])) continue;
    ++instances_[i];
    const auto said = text::trim(value);
    said_[i] = said_[i] || !(said.empty() || (said.starts_with('<') && text::trim(said.substr(1)) == ">"));
  }
}

bool is_sender_rewritten(const Policy& policy, const Decision& decision) {
  return decision.marked && !policy.connector(decision.connector).rewrite_sender.empty();
}

Address leaving_sender(const Policy& policy, const Sender& sender, const Decision& decision) {
  return is_sender_rewritten(policy, decision) ? Address::from_resolved(policy.connector(decision.connector).rewrite_sender)
                                               : sender.envelope.resolved;
}

std::vector<RepairedField> repairs(const Policy& policy, const Sender& sender, const Decision& decision, const SeenFields& seen,
                                   const Receipt& receipt) {
  std::vector<RepairedField> out;
  if (!decision.marked) return out;
  const auto& repair = policy.connector(decision.connector).repair;
  const bool rewritten = is_sender_rewritten(policy, decision);
  const auto value = [&](std::size_t field) {
    if (field == 0) return receipt.date;
    if (field == 1) return "<" + receipt.id + "@" + receipt.host + ">";
    return "<" + author(rewritten ? leaving_sender(policy, sender, decision) : spelt_sender(sender.envelope), receipt.host) + ">";
  };
  for (std::size_t field = 0; field < std::size(wanted); ++field)
    if (repair.*wanted[field] && seen.lacks(field)) out.push_back({std::string(repairable[field]), value(field), seen.instances(field)});
  return out;
}

}  // namespace cm

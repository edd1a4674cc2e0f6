// One outcome as one log line. The order of the fields is part of the contract; absent values are left out; untrusted text is
// quoted and escaped (base/escape.h), and the line is bounded whatever the peer sent.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/render.h"

namespace cm::observe {

/// Views and pointers only: valid while the message is. `action` and `trace_id` are always given, and `connection`.
struct Record {
  const Policy* policy = nullptr;
  const Connection* connection = nullptr;
  const Sender* sender = nullptr;  // null: refused at connect
  std::string_view queue_id{};     // empty: NOQUEUE
  RecipientDecision verdict{};
  const std::string* recipient = nullptr;  // the refused one, else the first
  std::size_t recipients = 0;              // accepted; 0: left out
  std::optional<std::uint64_t> size{};     // bytes
  std::string_view message_id{};
  const Decision* accepted = nullptr;  // how an accepted message leaves
  const std::optional<AuditDifference>* audit = nullptr;
  const Reply* reply = nullptr;  // of a refusal
  std::string_view trace_id{};
};

std::string render(const Record& record);

}  // namespace cm::observe

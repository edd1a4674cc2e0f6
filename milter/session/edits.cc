// Headers seen + decision -> MTA actions. Pure.
#include "session/edits.h"

#include <algorithm>
#include <stdexcept>

#include "policy/domain.h"

namespace cm::session {
namespace {

std::string_view trim_end(std::string_view name) {
  while (!name.empty() && (name.back() == ' ' || name.back() == '\t')) name.remove_suffix(1);
  return name;
}

// The reason as the MTA logs it; trusted text only.
std::string quarantine_reason(const Policy& policy, const Decision& decision, std::string_view trace_id) {
  std::string reason;
  if (decision.connector != no_connector) reason = "connector " + policy.connector(decision.connector).name + ": ";
  reason += to_string(decision.rule);
  reason += " [";
  reason += trace_id;
  reason += ']';
  return reason;
}

void require_one_line(std::string_view text) {
  if (std::any_of(text.begin(), text.end(), [](char c) { return c == '\r' || c == '\n' || c == '\0'; }))
    throw std::invalid_argument("a header field of our own holds a line break or NUL");
}

}  // namespace

void RemovableHeaders::see(const Policy& policy, std::string_view name) {
  name = trim_end(name);
  const bool own = policy.is_own_header(name);
  if (!own && !policy.is_stripped_header(name)) return;
  if (++total_ > limits::removable_headers) return;
  const auto known = std::find_if(names_.begin(), names_.end(), [&](const Name& n) { return equals_ignoring_case(n.name, name); });
  if (known != names_.end())
    ++known->instances;
  else
    names_.push_back({std::string(name), 1, own});
}

std::vector<MtaAction> plan_edits(const RemovableHeaders& seen, const Policy& policy, const Decision& decision, const std::vector<AddedHeader>& added,
                                  std::string_view trace_id) {
  std::vector<MtaAction> actions;
  for (const auto& header : seen.names()) {
    if (!header.own && decision.keeps_headers) continue;
    for (int instance = header.instances; instance > 0; --instance) actions.push_back({MtaAction::Kind::delete_header, header.name, {}, instance});
  }
  for (auto header = added.rbegin(); header != added.rend(); ++header) {  // each goes above the one before it
    require_one_line(header->name);
    require_one_line(header->value);
    actions.push_back({MtaAction::Kind::insert_header, header->name, header->value, 0});
  }
  if (decision.action == Action::quarantine) actions.push_back({MtaAction::Kind::quarantine, {}, quarantine_reason(policy, decision, trace_id), 0});
  return actions;
}

void plan_repairs(const std::vector<RepairedField>& repaired, std::vector<MtaAction>& actions) {
  for (const auto& field : repaired) {
    require_one_line(field.value);
    for (auto instance = static_cast<int>(field.instances); instance > 1; --instance)
      actions.push_back({MtaAction::Kind::delete_header, field.name, {}, instance});
    actions.push_back({MtaAction::Kind::change_header, field.name, field.value, 1});
  }
}

MtaAction change_sender(const Address& sender, const std::string& arguments) {
  return {MtaAction::Kind::change_sender, "<" + sender.text + ">", arguments, 0};
}

}  // namespace cm::session

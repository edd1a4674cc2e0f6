// Names of connectors, and references by name.
#include <unordered_map>

#include "config/checks.h"

namespace cm::config {
namespace {

// The unknown name's nearest among many: the cost is kept off the common path by looking only when something is wrong, and only so often.
constexpr int most_suggestions = 20;

// Never the connector itself, which may not be named.
std::string did_you_mean_other(std::string_view given, std::string_view self, std::vector<std::string_view> names) {
  std::erase(names, self);
  return did_you_mean(given, names);
}

std::string check_target(const Draft& draft, const Draft::Named& via, const Draft& target) {
  if (&target == &draft || via.name == draft.connector.name) return "a connector cannot name itself: its own identity counts anyway";
  const bool identity =
      target.provenance.contains("source_ips") || target.provenance.contains("certificates") || target.provenance.contains("auth_users");
  if (identity) return {};
  return "the inbound connector " + quote(via.name) + " (" + where(target.connector.at) +
         ") has no identity to lend: it needs source_ips, certificates or auth_users";
}

}  // namespace

std::string where(const Origin& at) { return at.file + ":" + std::to_string(at.line); }

void check_names(std::span<const Draft> inbound, std::span<const OutboundName> outbound, Report& report) {
  struct First {
    const char* list;
    const Origin* at;
  };
  std::unordered_map<std::string_view, First> seen;
  const auto check = [&](const std::string& name, const Origin& at, const char* list) {
    const auto [first, is_new] = seen.emplace(name, First{list, &at});
    if (is_new) return;
    report.error(
        at, std::string(list) + "." + name,
        "the name " + quote(name) + " is taken by the " + first->second.list + " connector in " + where(*first->second.at) + ": names are unique");
  };
  for (const auto& draft : inbound)
    if (draft.named) check(draft.connector.name, draft.connector.at, "inbound");
  for (const auto& entry : outbound) check(entry.name, entry.at, "outbound");
}

void check_via(std::span<const Draft> inbound, std::span<const OutboundName> outbound, bool complete, Report& report) {
  std::unordered_map<std::string_view, const Draft*> drafts;
  std::vector<std::string_view> names;
  for (const auto& draft : inbound)
    if (draft.named && drafts.emplace(draft.connector.name, &draft).second) names.push_back(draft.connector.name);
  int suggestions = 0;
  for (const auto& draft : inbound) {
    for (const auto& via : draft.via) {
      const auto target = drafts.find(via.name);
      if (target != drafts.end()) {
        if (auto why = check_target(draft, via, *target->second); !why.empty()) report.error(via.at, via.path, std::move(why));
        continue;
      }
      bool is_outbound = false;
      for (const auto& entry : outbound) is_outbound = is_outbound || entry.name == via.name;
      if (is_outbound)
        report.error(via.at, via.path, quote(via.name) + " is an outbound connector: via names inbound connectors");
      else if (complete)
        report.error(via.at, via.path,
                     "there is no inbound connector " + quote(via.name) +
                         (suggestions++ < most_suggestions ? did_you_mean_other(via.name, draft.connector.name, names) : ""));
    }
  }
}

}  // namespace cm::config

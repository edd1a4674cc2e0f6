// Names of connectors, and references by name.
#include <algorithm>
#include <unordered_map>
#include <unordered_set>

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

constexpr const char* identity_settings[] = {"source_ips", "certificates", "auth_users"};
bool has_identity(const Draft& draft) {
  return std::any_of(std::begin(identity_settings), std::end(identity_settings), [&](const char* s) { return draft.provenance.contains(s); });
}

std::string check_lender(const Draft& draft, const Draft::Named& via, const Draft& target) {
  if (&target == &draft || via.name == draft.connector.name) return "a connector cannot name itself: its own identity counts anyway";
  if (has_identity(target)) return {};
  return "the inbound connector " + quote(via.name) + " (" + where(target.connector.at) +
         ") has no identity to lend: it needs source_ips, certificates or auth_users";
}

std::string check_source(const Draft::Named& named, const Draft& target) {
  const auto who = "the inbound connector " + quote(named.name) + " (" + where(target.connector.at) + ") ";
  if (target.connector.duty == Duty::relay) return who + "is a relay, whose mail is not trusted: name on_premises, device or partner connectors";
  if (has_identity(target) || target.provenance.contains("via")) return {};
  return who + "proves nobody's identity, so anyone could choose this route: it needs source_ips, certificates, auth_users or via";
}

// A field that begins with X- and that some connector adds is removed from everything that comes in.
void check_asked_headers(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, Report& report) {
  std::unordered_map<std::string, const Draft*> adds;
  for (const auto& draft : inbound)
    for (const auto& header : draft.connector.add_headers)
      if (auto name = to_lower(header.name); name.starts_with("x-")) adds.emplace(std::move(name), &draft);
  const auto check = [&](const std::string& name, const Origin& at, const std::string& path, const char* consequence) {
    if (const auto found = adds.find(to_lower(name)); found != adds.end())
      report.error(at, path,
                   quote(name) + " is added by the inbound connector " + quote(found->second->connector.name) + " (" +
                       where(found->second->connector.at) + ") and so removed from all mail that comes in: " + consequence);
  };
  for (const auto& draft : inbound)
    if (draft.connector.requires_header())
      check(draft.connector.required_header, draft.required_header_at, draft.path() + ".require_header.name",
            "ask for a field that only the peer sets");
  for (const auto& draft : outbound)
    if (draft.connector.when && draft.connector.when->header)
      check(draft.connector.when->header->name, draft.header_at, (draft.named ? draft.path() : std::string("outbound")) + ".when.header.name",
            "this never holds");
}

// Inbound connectors by name, for the settings that refer to them.
class Names {
 public:
  Names(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, bool complete, Report& report)
      : complete_(complete), report_(report) {
    for (const auto& draft : inbound)
      if (draft.named && drafts_.emplace(draft.connector.name, &draft).second) names_.push_back(draft.connector.name);
    for (const auto& draft : outbound)
      if (draft.named) outbound_.insert(draft.connector.name);
  }
  /// Null: reported, or it may be in a file that could not be read. `setting` and `self` are for the message.
  const Draft* find(const Draft::Named& named, const char* setting, std::string_view self) {
    if (const auto found = drafts_.find(named.name); found != drafts_.end()) return found->second;
    if (outbound_.contains(named.name))
      report_.error(named.at, named.path, quote(named.name) + " is an outbound connector: " + setting + " names inbound connectors");
    else if (complete_)
      report_.error(named.at, named.path,
                    "there is no inbound connector " + quote(named.name) +
                        (suggestions_++ < most_suggestions ? did_you_mean_other(named.name, self, names_) : ""));
    return nullptr;
  }

 private:
  bool complete_;
  Report& report_;
  std::unordered_map<std::string_view, const Draft*> drafts_;
  std::unordered_set<std::string_view> outbound_;
  std::vector<std::string_view> names_;
  int suggestions_ = 0;
};

}  // namespace

std::string where(const Origin& at) { return at.file + ":" + std::to_string(at.line); }

void check_names(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, Report& report) {
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
  for (const auto& draft : outbound)
    if (draft.named) check(draft.connector.name, draft.connector.at, "outbound");
}

void check_via(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, bool complete, Report& report) {
  Names names(inbound, outbound, complete, report);
  for (const auto& draft : inbound)
    for (const auto& via : draft.via)
      if (const auto* target = names.find(via, "via", draft.connector.name))
        if (auto why = check_lender(draft, via, *target); !why.empty()) report.error(via.at, via.path, std::move(why));
}

void check_when(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, bool complete, Report& report) {
  Names names(inbound, outbound, complete, report);
  for (const auto& draft : outbound)
    for (const auto& named : draft.when_connectors)
      if (const auto* target = names.find(named, "when.connectors", ""))
        if (auto why = check_source(named, *target); !why.empty()) report.error(named.at, named.path, std::move(why));
  check_asked_headers(inbound, outbound, report);
}

}  // namespace cm::config

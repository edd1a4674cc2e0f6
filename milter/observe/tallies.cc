// Tables of counters are replaced as a whole and never edited; the counters in them are shared by the old table and the new.
#include "observe/tallies.h"

#include <algorithm>

namespace cm::observe {

void Tallies::keep(const PolicyData& policy) {
  const auto old = table_.get();
  auto next = std::make_shared<Table>();
  next->reserve(policy.inbound.size() + policy.outbound.size());
  const auto add = [&](const std::string& name) {
    const auto known = old ? old->find(std::string_view(name)) : Table::const_iterator{};
    next->emplace(name, old && known != old->end() ? known->second : std::make_shared<Tally>());
  };
  for (const auto& connector : policy.inbound) add(connector.name);
  for (const auto& connector : policy.outbound) add(connector.name);
  table_.set(std::move(next));
  generation_.fetch_add(1, std::memory_order_release);  // after the table: a view that sees it gets a table as new, or newer
}

std::shared_ptr<Tally> Tallies::View::find(std::string_view name) {
  if (tallies_ == nullptr) return nullptr;
  if (const auto now = tallies_->generation_.load(std::memory_order_acquire); now != seen_) {
    table_ = tallies_->table();
    seen_ = now;
  }
  const auto found = table_->find(name);
  return found == table_->end() ? nullptr : found->second;
}

bool ConnectorCount::any() const {
  return sent != 0 || audit_differences != 0 || std::any_of(actions.begin(), actions.end(), [](auto n) { return n != 0; });
}

std::vector<ConnectorCount> count_connectors(const PolicyData& policy, const Tallies& tallies) {
  std::vector<ConnectorCount> out;
  const auto table = tallies.table();
  const auto count = [&](const std::string& name, std::string_view type) {
    auto& row = out.emplace_back();
    row.name = name;
    row.type = type;
    const auto found = table->find(std::string_view(name));
    if (found == table->end()) return;
    const auto& tally = *found->second;
    for (std::size_t i = 0; i < action_count; ++i) row.actions[i] = tally.actions[i].load();
    row.audit_differences = tally.audit_differences.load();
    row.sent = tally.sent.load();
  };
  for (const auto& connector : policy.inbound) count(connector.name, to_string(connector.duty));
  for (const auto& connector : policy.outbound) count(connector.name, "outbound");
  return out;
}

}  // namespace cm::observe

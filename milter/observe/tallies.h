// What became of the mail of each connector since the start, by its name: counts outlive a reload as long as the name does.
//
// The rule: counting takes no lock. A session looks names up in a view of its own, which is renewed only after a reload; memory is bounded
// by the connectors of the policy in force (and of views that were not asked since).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/published.h"
#include "observe/counters.h"

namespace cm::observe {

/// Of one connector. A line of cache of its own: connectors are counted by several threads at once.
struct alignas(64) Tally {
  std::array<Counter, action_count> actions{};  // inbound: outcomes, as logged
  Counter audit_differences{0};                 // inbound: messages that enforcing it would have changed
  Counter sent{0};                              // outbound: accepted messages with a recipient that leaves by it
  Counter& of(Action action) { return actions[static_cast<std::size_t>(action)]; }
};

/// Thread-safe; keep() from one thread at a time.
class Tallies {
 public:
  explicit Tallies(const PolicyData& policy) { keep(policy); }
  /// The names of a new policy: the others are forgotten.
  void keep(const PolicyData& policy);

  using Table = StringMap<std::shared_ptr<Tally>>;
  [[nodiscard]] std::shared_ptr<const Table> table() const { return table_.get(); }

  /// For one thread at a time. Without tallies it finds nothing.
  class View {
   public:
    explicit View(const Tallies* tallies) : tallies_(tallies) {}
    /// Null: no connector in force has this name.
    [[nodiscard]] std::shared_ptr<Tally> find(std::string_view name);

   private:
    const Tallies* tallies_;
    std::uint64_t seen_ = 0;
    std::shared_ptr<const Table> table_;
  };

 private:
  Published<Table> table_;
  std::atomic<std::uint64_t> generation_{0};
};

/// A connector in `connectorctl stats`.
struct ConnectorCount {
  std::string name;
  std::string type;  // of an inbound connector; "outbound"
  std::array<std::uint64_t, action_count> actions{};
  std::uint64_t audit_differences = 0, sent = 0;
  [[nodiscard]] bool any() const;
};

/// Of every connector of the policy, in configured order.
std::vector<ConnectorCount> count_connectors(const PolicyData& policy, const Tallies& tallies);

/// A rate limit's bucket. `value`: untrusted if it is a sender; empty for the connector as a whole.
struct RateUse {
  std::string connector;
  bool audit = false;
  std::string key;  // source, sender, connector; others: the bucket of those that none was left for
  std::string value;
  double used = 0;  // messages, up to `messages`
  std::uint32_t messages = 0, seconds = 0;
};

/// What `connectorctl stats` asks for beside the counters.
struct Stats {
  std::vector<ConnectorCount> connectors;
  std::vector<RateUse> rates;  // the most used first
};

}  // namespace cm::observe

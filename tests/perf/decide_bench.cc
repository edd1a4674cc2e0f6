// What a decision costs at 10, 1,000 and 100,000 connectors, beside the naive oracle (a loop over all of them) at 10 and 1,000.
//
// `allocations` counts calls of operator new for each message. Deliberation runs MAIL, one RCPT and end of message, and its figures
// hold the copy of the sender's facts, which a session moves. Checks that every message meets what it is meant to meet.
#include <benchmark/benchmark.h>

#include <map>

#include "allocations.h"
#include "policies.h"
#include "policy/decide.h"
#include "reference/reference.h"

namespace {

using namespace cm;
using perf::Meets;

// A few messages again and again find all they need in the processor's caches; many find next to nothing of a large policy there.
constexpr std::int64_t warm = 16, cold = 4096;

const Policy& policy_of(std::size_t connectors) {
  static std::map<std::size_t, std::unique_ptr<const Policy>> policies;
  auto& policy = policies[connectors];
  if (!policy) policy = std::make_unique<const Policy>(perf::make_policy(connectors));
  return *policy;
}

struct Subject {
  explicit Subject(const benchmark::State& state)
      : connectors(static_cast<std::size_t>(state.range(0))),
        policy(policy_of(connectors)),
        messages(perf::make_messages(connectors, static_cast<Meets>(state.range(1)), static_cast<std::size_t>(state.range(2)))) {}

  const Facts& next() { return messages[at++ & (messages.size() - 1)]; }

  std::size_t connectors;
  const Policy& policy;
  std::vector<Facts> messages;
  std::size_t at = 0;
};

// Runs `one` for message after message; stops if a decision is not the one the message was made for.
template <class One>
void measure(benchmark::State& state, One&& one) {
  Subject subject(state);
  const auto meets = static_cast<Meets>(state.range(1));
  state.SetLabel(perf::to_string(meets));
  for (const auto& message : subject.messages) {
    const auto decision = decide(subject.policy, message);
    if (is_refusal(decision.action) != (meets == Meets::lock) || (meets != Meets::lock && !decision.proven))
      return state.SkipWithError("a message does not meet what it was made for");
  }
  const auto before = perf::allocations();
  for (auto _ : state) one(subject.policy, subject.next());
  state.counters["allocations"] = benchmark::Counter(static_cast<double>(perf::allocations() - before), benchmark::Counter::kAvgIterations);
}

void attribution(benchmark::State& state) {
  measure(state, [](const Policy& policy, const Facts& facts) {
    benchmark::DoNotOptimize(attribute(policy, facts.connection, facts.sender, Pass::enforced, nullptr));
  });
}

void deliberation(benchmark::State& state) {
  measure(state, [](const Policy& policy, const Facts& facts) {
    Deliberation whole(policy, facts.connection);
    benchmark::DoNotOptimize(whole.mail(facts.sender));
    benchmark::DoNotOptimize(whole.rcpt(facts.recipients.front()));
    benchmark::DoNotOptimize(whole.end(facts.content));
  });
}

void oracle(benchmark::State& state) {
  measure(state, [](const Policy& policy, const Facts& facts) { benchmark::DoNotOptimize(reference::reference_decide(policy.data(), facts)); });
}

void each(benchmark::internal::Benchmark* b, std::initializer_list<std::int64_t> sizes) {
  b->ArgNames({"connectors", "meets", "messages"});
  for (const auto messages : {warm, cold})
    for (const auto size : sizes)
      for (const auto meets : perf::all_meets) b->Args({size, static_cast<std::int64_t>(meets), messages});
}

BENCHMARK(attribution)->Apply([](auto* b) { each(b, {10, 1000, 100000}); });
BENCHMARK(deliberation)->Apply([](auto* b) { each(b, {10, 1000, 100000}); });
BENCHMARK(oracle)->Apply([](auto* b) { each(b, {10, 1000}); });

}  // namespace

BENCHMARK_MAIN();

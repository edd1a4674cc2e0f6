// `explain`: the config is read afresh; the daemon is not asked and need not run.
#include <algorithm>

#include "ctl/command.h"
#include "ctl/explain.h"
#include "ctl/loading.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

// A forgotten --listener is the usual reason why an expected connector does not show up.
bool lacks_listener(const Policy& policy, const Question& question) {
  const auto& inbound = policy.data().inbound;
  return !question.listener && !question.local && std::any_of(inbound.begin(), inbound.end(), [](const auto& c) { return !c.listeners.empty(); });
}

// Without --header nothing is known of the header, and what a connector asks of it counts as there.
const std::string* untested_header(const Policy& policy, const Facts& facts, const Explanation& explanation) {
  if (facts.content || !explanation.connector) return nullptr;
  const auto& inbound = policy.data().inbound;
  const auto found = std::find_if(inbound.begin(), inbound.end(), [&](const auto& c) { return c.name == *explanation.connector; });
  return found != inbound.end() && found->requires_header() ? &found->required_header : nullptr;
}

}  // namespace

int explain_message(const Context& context, const Question& question, const std::string& expect) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto facts = make_facts(config->policy, question);
  if (!facts) {
    context.err << "connectorctl: explain: " << safe(facts.why) << "\n";
    return wrong_usage;
  }
  const auto explanation = explain(config->policy, question, *facts, config->service.policy.has_value());
  context.out << (context.json ? to_json(explanation) : to_text(explanation));
  if (!context.json && lacks_listener(config->policy, question))
    context.err << "connectorctl: note: connectors that name listeners were left out: say --listener NAME to ask about one\n";
  if (const auto* name = untested_header(config->policy, *facts, explanation); name && !context.json)
    context.err << "connectorctl: note: the message was taken to have the " << *name << " field that connector " << *explanation.connector
                << " requires: say --header '" << *name << ": VALUE' to ask about one\n";
  if (expect.empty() || expect == explanation.action) return success;
  context.err << "connectorctl: expected " << expect << ", the message gets " << explanation.action << "\n";
  return bad;
}

}  // namespace cm::ctl

// `explain`: the config is read afresh; the daemon is not asked and need not run.
#include "ctl/command.h"
#include "ctl/explain.h"
#include "ctl/loading.h"
#include "ctl/output.h"

namespace cm::ctl {

int explain_message(const Context& context, const Question& question, const std::string& expect) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto facts = make_facts(config->policy, question);
  if (!facts) {
    context.err << "connectorctl: explain: " << safe(facts.why) << "\n";
    return wrong_usage;
  }
  const auto explanation = explain(config->policy, question, *facts);
  context.out << (context.json ? to_json(explanation) : to_text(explanation));
  if (expect.empty() || expect == explanation.action) return success;
  context.err << "connectorctl: expected " << expect << ", the message gets " << explanation.action << "\n";
  return bad;
}

}  // namespace cm::ctl

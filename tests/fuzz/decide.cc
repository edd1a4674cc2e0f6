// Policies and messages thrown byte by byte (tests/reference/generate.h): the engine against the oracle, and what the words for a decision
// must keep to whatever was decided.
#include "policy/decide.h"

#include <algorithm>

#include "fuzz.h"
#include "policy/render.h"
#include "reference/describe.h"
#include "reference/generate.h"
#include "reference/reference.h"
#include "reference/steps.h"
#include "reference/ways.h"

using namespace cm;

// Empty stands for recipients of whom none has a connector.
static std::vector<OutboundId> ways(const Decision& d) { return d.outbound.empty() ? std::vector(d.recipients.size(), no_outbound) : d.outbound; }

static void require_equal(const PolicyData& data, const Facts& facts, const Decision& a, const Decision& b) {
  const bool equal = a.action == b.action && a.stage == b.stage && a.rule == b.rule && a.connector == b.connector && a.vouched == b.vouched &&
                     a.proven == b.proven && a.marked == b.marked && a.keeps_headers == b.keeps_headers && a.violations == b.violations &&
                     a.recipients == b.recipients && a.audit == b.audit && ways(a) == ways(b) && a.route == b.route &&
                     a.audit_outbound == b.audit_outbound && a.without == b.without;
  if (!equal)
    std::fprintf(stderr, "%s%s  one: %s\n  other: %s\n", reference::describe(data).c_str(), reference::describe(facts).c_str(),
                 reference::describe(a).c_str(), reference::describe(b).c_str());
  REQUIRE(equal);
}

// "Audit changes nothing": without what is only tried, the same decision.
static void check_audit(PolicyData data, const Facts& facts, Decision decision) {
  for (auto& connector : data.inbound) {
    if (connector.mode == Mode::audit) connector.enabled = false;
    if (connector.check_header_from == Check::audit) connector.check_header_from = Check::off;
  }
  for (auto& connector : data.outbound)
    if (connector.mode == Mode::audit) connector.enabled = false;
  if (data.organization.protect == Check::audit) data.organization.protect = Check::off;
  decision.audit.reset();
  decision.audit_outbound = no_outbound;
  require_equal(data, facts, decide(Policy(data), facts), decision);
}

static void check_ways(const Policy& policy, const Facts& facts, const Decision& decision, const std::vector<reference::HeaderField>& fields,
                       reference::Dice& dice) {
  for (const auto& wrong : {reference::untold(policy, dice), reference::unnoted(policy, fields), reference::unwritten(policy, facts, decision),
                            reference::unexplained(policy, facts, decision)}) {
    if (!wrong.empty()) std::fprintf(stderr, "%s\n%s", wrong.c_str(), reference::describe(policy.data()).c_str());
    REQUIRE(wrong.empty());
  }
}

static void check_words(const Policy& policy, const Facts& facts, const Decision& decision) {
  const auto steps = complete_steps(policy, facts, decision);
  const auto wrong = reference::untruth(policy.data(), facts, decision, steps);
  if (!wrong.empty())
    std::fprintf(stderr, "%s\n%s%s%s\n", wrong.c_str(), reference::describe(policy.data()).c_str(), reference::describe(facts).c_str(),
                 reference::describe(decision).c_str());
  REQUIRE(wrong.empty());
  for (const auto& step : steps) {
    const auto words = render_step(policy, facts, step);
    REQUIRE(!words.empty() && words != "nothing" && fuzz::is_printable(words));
  }
  for (const auto& header : render_headers(policy, facts.connection, facts.sender, decision, "aaaabbbbcccc")) {
    REQUIRE(!is_refusal(decision.action));
    REQUIRE(fuzz::is_printable(header.name) && fuzz::is_printable(header.value));
  }
  for (std::size_t i = 0; i < decision.recipients.size(); ++i) {
    if (!is_refusal(decision.recipients[i].action)) continue;
    const auto reply = render_reply(policy, facts.connection, facts.sender, decision.recipients[i], &facts.recipients[i], "aaaabbbbcccc");
    REQUIRE(fuzz::is_printable(reply.text) && reply.text.size() <= 400 && reply.xcode[0] == '0' + reply.code / 100);
    REQUIRE(reply.code / 100 == 4 || reply.code / 100 == 5);
  }
}

FUZZ_TARGET(decide) {
  reference::Dice dice(in);
  auto data = reference::random_policy(dice);
  auto facts = reference::random_facts(dice, data);
  data.outbound = reference::random_outbound(dice, data);
  auto fields = reference::random_header(dice, data);
  reference::require_headers(dice, data);
  reference::random_origin(dice, data, facts, fields);
  if (facts.content) {
    facts.content->header_rules = reference::header_rules(data, fields);
    facts.content->header_met = reference::required_headers_met(data, fields);
  }
  const Policy policy(data);
  const auto decision = decide(policy, facts);
  require_equal(data, facts, decision, reference::reference_decide(data, facts));
  REQUIRE(is_refusal(decision.action) ==
          std::none_of(decision.recipients.begin(), decision.recipients.end(), [](const auto& r) { return !is_refusal(r.action); }));
  check_audit(data, facts, decision);
  check_words(policy, facts, decision);
  check_ways(policy, facts, decision, fields, dice);
}

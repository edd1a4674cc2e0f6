// The indexed engine against the naive oracle, on random policies and messages; and a check that the run is worth something: every
// rule, action and stage must turn up often.
//
// Environment: CM_SEED (any number; default fixed), CM_PAIRS (default 200000). A mismatch is shrunk before it is printed.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE reference
#include <boost/test/unit_test.hpp>
#include <cstdlib>
#include <functional>
#include <map>

#include "describe.h"
#include "generate.h"
#include "policy/decide.h"
#include "policy/render.h"
#include "reference.h"
#include "steps.h"
#include "ways.h"

namespace {

using namespace cm;
using namespace cm::reference;

constexpr std::size_t messages_per_policy = 6;
constexpr std::size_t shown_of_a_kind = 2, kinds_shown = 20;

std::uint64_t setting(const char* name, std::uint64_t fallback) {
  const char* text = std::getenv(name);
  return text != nullptr ? std::strtoull(text, nullptr, 10) : fallback;
}

// Empty stands for recipients of whom none has a connector.
std::vector<OutboundId> ways(const Decision& d) { return d.outbound.empty() ? std::vector(d.recipients.size(), no_outbound) : d.outbound; }

// Which parts of two decisions differ, in words; empty if none. Steps are explanation, not decision.
std::string difference(const Decision& a, const Decision& b) {
  std::string out;
  const auto part = [&out](const char* name, bool equal) {
    if (!equal) out += std::string(" ") + name;
  };
  part("action", a.action == b.action);
  part("stage", a.stage == b.stage);
  part("rule", a.rule == b.rule);
  part("connector", a.connector == b.connector);
  part("vouched", a.vouched == b.vouched);
  part("proven", a.proven == b.proven);
  part("marked", a.marked == b.marked);
  part("keeps_headers", a.keeps_headers == b.keeps_headers);
  part("violations", a.violations == b.violations);
  part("recipients", a.recipients == b.recipients);
  part("audit", a.audit == b.audit);
  part("outbound", ways(a) == ways(b));
  part("route", a.route == b.route);
  part("audit_outbound", a.audit_outbound == b.audit_outbound);
  part("without", a.without == b.without);
  return out;
}

std::string difference(const PolicyData& policy, const Facts& facts) {
  return difference(decide(Policy(policy), facts), reference_decide(policy, facts));
}

// A connector is dropped by disabling it, so that the numbers in both decisions keep their meaning.
using Reductions = std::vector<std::function<void(PolicyData&, Facts&)>>;

void reduce_connectors(const PolicyData& policy, Reductions& out) {
  for (std::size_t i = 0; i < policy.inbound.size(); ++i) {
    const auto on = [&out, i](auto change) {
      out.emplace_back([i, change](PolicyData& p, Facts&) {
        if (i < p.inbound.size()) change(p.inbound[i]);
      });
    };
    out.emplace_back([i](PolicyData& p, Facts&) {
      if (i + 1 == p.inbound.size()) p.inbound.pop_back();
    });
    on([](InboundConnector& c) { c.enabled = false; });
    on([](InboundConnector& c) { c.mode = Mode::enforce; });
    on([](InboundConnector& c) { c.listeners.clear(); });
    on([](InboundConnector& c) {
      if (c.sender_domains.size() > 1) c.sender_domains.pop_back();
    });
    on([](InboundConnector& c) {
      if (c.sender_domains.size() > 1) c.sender_domains.erase(c.sender_domains.begin());
    });
    on([](InboundConnector& c) {
      if (c.source_ips.size() > 1) c.source_ips.pop_back();
    });
    on([](InboundConnector& c) { c.max_message_size = 0; });
    on([](InboundConnector& c) { c.max_recipients = 0; });
    on([](InboundConnector& c) { c.min_tls_version = TlsVersion::none; });
    on([](InboundConnector& c) { c.certificate_issuers.clear(); });
    on([](InboundConnector& c) { c.senders = {}; });
    on([](InboundConnector& c) { c.recipients = {}; });
    on([](InboundConnector& c) {
      if (c.has_identity()) c.via.clear();
    });
    on([](InboundConnector& c) { c.accept_headers = false; });
    on([](InboundConnector& c) {
      c.required_header.clear();
      c.required_values.clear();
    });
    on([](InboundConnector& c) { c.check_header_from = Check::off; });
    on([](InboundConnector& c) { c.on_violation = OnViolation::reject; });
  }
}

void reduce_outbound(const PolicyData& policy, Reductions& out) {
  for (std::size_t i = 0; i < policy.outbound.size(); ++i) {
    const auto on = [&out, i](auto change) {
      out.emplace_back([i, change](PolicyData& p, Facts&) {
        if (i < p.outbound.size()) change(p.outbound[i]);
      });
    };
    on([](OutboundConnector& c) { c.enabled = false; });
    on([](OutboundConnector& c) {
      if (c.when) c.recipient_domains.clear();
    });
    on([](OutboundConnector& c) {
      if (c.recipient_domains.size() > 1) c.recipient_domains.pop_back();
    });
    on([](OutboundConnector& c) {
      if (c.recipient_domains.size() > 1) c.recipient_domains.erase(c.recipient_domains.begin());
    });
    on([](OutboundConnector& c) { c.organization = false; });
    on([](OutboundConnector& c) {
      if (c.when && (c.when->header || !c.when->connectors.empty())) c.when->sender_domains.clear();
    });
    on([](OutboundConnector& c) {
      if (c.when && (c.when->header || !c.when->sender_domains.empty())) c.when->connectors.clear();
    });
    on([](OutboundConnector& c) { c.smart_hosts.resize(std::min<std::size_t>(c.smart_hosts.size(), 1)); });
  }
}

void reduce_message(const Facts& facts, Reductions& out) {
  for (std::size_t i = facts.recipients.size(); i-- > 1;)
    out.emplace_back([i](PolicyData&, Facts& f) {
      if (i < f.recipients.size()) f.recipients.erase(f.recipients.begin() + static_cast<std::ptrdiff_t>(i));
    });
  out.emplace_back([](PolicyData&, Facts& f) {
    if (f.recipients.size() > 1) f.recipients.erase(f.recipients.begin());
  });
  out.emplace_back([](PolicyData&, Facts& f) { f.content.reset(); });
  out.emplace_back([](PolicyData&, Facts& f) {
    if (f.content) f.content->size.reset();
  });
  out.emplace_back([](PolicyData&, Facts& f) {
    if (f.content) f.content->from = {};
  });
  out.emplace_back([](PolicyData&, Facts& f) {
    if (f.content) f.content->malformed_header = false;
  });
  out.emplace_back([](PolicyData&, Facts& f) {
    if (f.content) f.content->header_met.clear();
  });
  out.emplace_back([](PolicyData&, Facts& f) { f.sender.declared_size.reset(); });
  out.emplace_back([](PolicyData&, Facts& f) { f.sender.rates_exceeded.clear(); });
  out.emplace_back([](PolicyData&, Facts& f) { f.sender.login.clear(); });
  out.emplace_back([](PolicyData&, Facts& f) { f.sender.tls = {}; });
  out.emplace_back([](PolicyData&, Facts& f) { f.connection.local = false; });
  out.emplace_back([](PolicyData& p, Facts&) { p.organization.protect = Check::off; });
  out.emplace_back([](PolicyData& p, Facts&) { p.reject_unmatched = false; });
}

void shrink(PolicyData& policy, Facts& facts) {
  const auto same_parts = difference(policy, facts);
  Reductions reductions;
  reduce_connectors(policy, reductions);
  reduce_outbound(policy, reductions);
  reduce_message(facts, reductions);
  for (int round = 0; round < 4; ++round)
    for (const auto& reduce : reductions) {
      auto smaller = policy;
      auto shorter = facts;
      reduce(smaller, shorter);
      if (difference(smaller, shorter) != same_parts) continue;
      policy = std::move(smaller);
      facts = std::move(shorter);
    }
}

void report(PolicyData policy, Facts facts) {
  shrink(policy, facts);
  BOOST_ERROR("the engine and the oracle differ\n"
              << describe(policy) << describe(facts) << "  engine: " << describe(decide(Policy(policy), facts))
              << "\n  oracle: " << describe(reference_decide(policy, facts)));
}

// Asked of every so manieth message: it is linear in the connectors, and twice.
constexpr std::uint64_t explained_every = 5;

void check_steps(const Policy& policy, const Facts& facts, const Decision& decision) {
  const auto steps = complete_steps(policy, facts, decision);
  const auto wrong = untruth(policy.data(), facts, decision, steps);
  if (!wrong.empty()) BOOST_ERROR(wrong << "\n" << describe(policy.data()) << describe(facts) << "  decision: " << describe(decision));
}

// Beside the decision itself: what the maps are told, which rules a header meets, what header fields say.
void check_ways(const Policy& policy, const Facts& facts, const Decision& decision, const std::vector<HeaderField>& fields, Dice& dice) {
  for (const auto& wrong : {untold(policy, dice), unnoted(policy, fields), unwritten(policy, facts, decision), unexplained(policy, facts, decision)})
    if (!wrong.empty()) BOOST_ERROR(wrong << "\n" << describe(policy.data()) << describe(facts) << "  decision: " << describe(decision));
}

struct Counts {
  std::map<std::string, std::size_t> seen;

  void add(const Decision& d) {
    constexpr const char* stages[] = {"none", "connect", "mail", "rcpt", "eom"};
    constexpr const char* voucher[] = {"no", "authenticated", "local"};
    ++seen["action " + std::string(to_string(d.action))];
    ++seen["rule " + std::string(to_string(d.rule))];
    ++seen["stage " + std::string(stages[static_cast<std::size_t>(d.stage)])];
    ++seen["vouched " + std::string(voucher[static_cast<std::size_t>(d.vouched)])];
    for (const auto& r : d.recipients) ++seen["recipient " + std::string(to_string(r.rule))];
    for (const auto& v : d.violations) ++seen["violation " + std::string(to_string(v.rule))];
    if (d.audit) ++seen["audit " + std::string(to_string(d.audit->action))];
    if (d.proven) ++seen["proven"];
    if (d.marked) ++seen["marked"];
    if (d.keeps_headers) ++seen["keeps_headers"];
    if (!d.without.empty()) add_anew(d);
  }

  // Judged as if a connector did not exist.
  void add_anew(const Decision& d) {
    ++seen["anew " + std::string(to_string(d.action))];
    if (is_refusal(d.action)) ++seen["anew rule " + std::string(to_string(d.rule))];
    if (d.without.size() > 1) ++seen["anew twice"];
    if (d.vouched != Vouched::no) ++seen["anew vouched"];
    if (d.proven && d.connector != no_connector) ++seen["anew proven"];
    if (d.route != no_outbound) ++seen["anew by rule"];
    if (d.audit) ++seen["anew audit"];
    if (std::any_of(d.recipients.begin(), d.recipients.end(), [&](const auto& r) { return r.action != d.recipients[0].action; }))
      ++seen["anew after a refused recipient"];
  }

  void add_ways(const PolicyData& policy, const Facts& facts, const Decision& d) {
    constexpr const char* levels[] = {"by *", "by a wildcard", "by name"};
    for (std::size_t i = 0; i < d.recipients.size() && d.route == no_outbound; ++i) {
      if (d.outbound.empty() || d.outbound[i] == no_outbound) continue;
      const int level = leaving(policy, facts.recipients[i].resolved.domain, Pass::enforced).level;
      ++seen[std::string("outbound ") + levels[level == any_level ? 0 : level == exact_level ? 2 : 1]];
    }
    const auto common = way_of_all(d);
    if (common == no_outbound && std::count(d.outbound.begin(), d.outbound.end(), no_outbound) < static_cast<std::ptrdiff_t>(d.outbound.size()))
      ++seen["several ways"];
    if (common != no_outbound && d.route == no_outbound && d.recipients.size() > 1) ++seen["one way"];
    if (d.audit_outbound != no_outbound) ++seen["audit_outbound"];
    if (d.audit_outbound != no_outbound && policy.outbound[d.audit_outbound].when) ++seen["audit_outbound by rule"];
    if (d.route != no_outbound) add_rule(policy, d);
  }

  void add_rule(const PolicyData& policy, const Decision& d) {
    const auto& rule = policy.outbound[d.route];
    const bool partner = d.rule == Rule::none && d.connector != no_connector && policy.inbound[d.connector].is_partner();
    ++seen[d.vouched != Vouched::no ? "rule for vouched mail" : partner ? "rule for a partner" : "rule for a grant"];
    if (rule.when->header) ++seen[rule.when->header->name.starts_with("X-MS") ? "rule by kept header" : "rule by header"];
    if (!rule.when->sender_domains.empty()) ++seen["rule by sender"];
    if (!rule.when->connectors.empty()) ++seen["rule by connector"];
    if (rule.has_recipient_scope()) ++seen["rule with recipient_domains"];
  }
};

constexpr const char* expected[] = {"action accept",
                                    "action tag",
                                    "action quarantine",
                                    "action tempfail",
                                    "action reject",
                                    "stage none",
                                    "stage connect",
                                    "stage mail",
                                    "stage rcpt",
                                    "stage eom",
                                    "rule none",
                                    "rule closed",
                                    "rule syntax",
                                    "rule source",
                                    "rule auth",
                                    "rule tls",
                                    "rule certificate",
                                    "rule sender",
                                    "rule protect",
                                    "rule header_from",
                                    "rule header",
                                    "anew accept",
                                    "anew reject",
                                    "rule unmatched",
                                    "rule recipient",
                                    "recipient recipients",
                                    "rule size",
                                    "rule rate",
                                    "audit accept",
                                    "audit tag",
                                    "audit quarantine",
                                    "audit tempfail",
                                    "audit reject",
                                    "vouched authenticated",
                                    "vouched local",
                                    "proven",
                                    "marked",
                                    "keeps_headers",
                                    "outbound by *",
                                    "outbound by a wildcard",
                                    "outbound by name",
                                    "several ways",
                                    "one way",
                                    "audit_outbound",
                                    "audit_outbound by rule",
                                    "rule for vouched mail",
                                    "rule for a partner",
                                    "rule for a grant",
                                    "rule by header",
                                    "rule by sender",
                                    "rule by connector",
                                    "rule with recipient_domains"};

constexpr const char* rare[] = {"anew tag",   "anew tempfail",    "anew quarantine",      "anew vouched", "anew proven",
                                "anew audit", "anew rule closed", "anew rule recipients", "anew by rule", "anew after a refused recipient"};

BOOST_AUTO_TEST_CASE(engine_decides_as_the_contract_says) {
  const auto pairs = setting("CM_PAIRS", 200000);
  Dice dice(setting("CM_SEED", 20260101));
  Counts counts;
  std::map<std::string, std::size_t> mismatches;
  for (std::uint64_t done = 0; done < pairs;) {
    auto data = random_policy(dice);
    data.outbound = random_outbound(dice, data);
    require_headers(dice, data);
    const Policy policy(data);
    for (std::size_t i = 0; i < messages_per_policy && done < pairs; ++i, ++done) {
      auto facts = random_facts(dice, data);
      auto fields = random_header(dice, data);
      random_origin(dice, data, facts, fields);
      if (facts.content) {
        facts.content->header_rules = header_rules(data, fields);
        facts.content->header_met = required_headers_met(data, fields);
      }
      const auto wanted = reference_decide(data, facts);
      counts.add(wanted);
      counts.add_ways(data, facts, wanted);
      const auto decision = decide(policy, facts);
      check_ways(policy, facts, decision, fields, dice);
      if (done % explained_every == 0) check_steps(policy, facts, decision);
      const auto parts = difference(decision, wanted);
      if (!parts.empty() && ++mismatches[parts] <= shown_of_a_kind && mismatches.size() <= kinds_shown) report(data, facts);
    }
  }
  for (const auto& [parts, n] : mismatches) BOOST_ERROR(n << " of " << pairs << " decisions differ in" << parts);
  for (const char* what : expected)
    BOOST_CHECK_MESSAGE(counts.seen[what] >= pairs / 1000, what << " turned up only " << counts.seen[what] << " times in " << pairs << " messages");
  for (const char* what : rare)
    BOOST_CHECK_MESSAGE(counts.seen[what] >= pairs / 20000, what << " turned up only " << counts.seen[what] << " times in " << pairs << " messages");
  BOOST_CHECK_MESSAGE(counts.seen["rule by kept header"] >= pairs / 20000, "accept_headers let too few rules hold");
  for (const auto& [what, n] : counts.seen) BOOST_TEST_MESSAGE(what << ": " << n);
}

}  // namespace

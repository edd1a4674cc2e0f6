// Asks the engine and the oracle the same question; every key is one that a map may be asked.
#include "ways.h"

#include <algorithm>

#include "policy/render.h"
#include "policy/required_header.h"
#include "policy/routing.h"

namespace cm::reference {
namespace {

constexpr const char* domains[] = {"us.example",    "sub.us.example",  "x.sub.us.example", "a.example", "b.a.example",
                                   "c.b.a.example", "d.c.b.a.example", "d.example",        "example",   "elsewhere.test",
                                   "[192.0.2.1]",   "xa.example",      "gw.test",          ""};
constexpr const char* next_hops[] = {
    "[192.0.2.1]", "[192.0.2.1]:587",  "GW.test",       "gw.test:25", "[GW.TEST]", "[mx.test]:2525", "[mx.test]", "[mx2.test]",
    "[192.0.2.3]", "[2001:DB8::1]:25", "[2001:db8::1]", "a.example",  ""};
constexpr const char* names[] = {"o0", "o1", "o2", "o3", "O1", "c0", "o", ""};

std::string name(OutboundId id) { return id == no_outbound ? "none" : "o" + std::to_string(id); }

std::string differ(const std::string& question, const std::string& engine, const std::string& oracle) {
  return engine == oracle ? std::string() : question + ": engine " + engine + ", oracle " + oracle;
}

std::string choice_differs(const Policy& policy, const char* domain, Pass pass) {
  const auto engine = choose_outbound(policy, domain, pass);
  const auto oracle = leaving(policy.data(), domain, pass);
  // Ranks say the same as levels: -1 none, 0 `*`, labels of a wildcard, 1000 exact.
  return differ(std::string("choose_outbound ") + domain + (pass == Pass::audit ? " in the audit pass" : ""),
                name(engine.id) + " rank " + std::to_string(engine.rank), name(oracle.id) + " rank " + std::to_string(oracle.level));
}

std::string next_hop_differs(const Policy& policy, const char* next_hop) {
  const auto engine = outbound_by_next_hop(policy, next_hop);
  const auto oracle = with_next_hop(policy.data(), next_hop);
  if (engine == no_outbound ? oracle.empty() : std::find(oracle.begin(), oracle.end(), engine) != oracle.end()) return {};
  return differ(std::string("outbound_by_next_hop ") + next_hop, name(engine), "one of " + std::to_string(oracle.size()));
}

std::string entries_differ(const OutboundConnector& connector) {
  const auto transport = differ("transport_of " + connector.name, transport_of(connector), transport_entry(connector));
  return !transport.empty() ? transport : differ("tls_policy_of " + connector.name, tls_policy_of(connector), tls_policy_entry(connector));
}

std::string required_differs(const Policy& policy, const std::vector<HeaderField>& fields) {
  Content content;
  for (const auto& field : fields) note_required_header(policy, field.name, field.value, content);
  auto& met = content.header_met;
  std::sort(met.begin(), met.end());
  return met == required_headers_met(policy.data(), fields) ? std::string() : "note_required_header differs";
}

}  // namespace

std::string untold(const Policy& policy, Dice& dice) {
  const char* rule = dice.of(names);
  auto wrong = choice_differs(policy, dice.of(domains), dice.percent(30) ? Pass::audit : Pass::enforced);
  if (wrong.empty()) wrong = next_hop_differs(policy, dice.of(next_hops));
  if (wrong.empty()) wrong = differ(std::string("rule_by_name ") + rule, name(rule_by_name(policy, rule)), name(enforced_rule(policy.data(), rule)));
  if (wrong.empty()) wrong = differ("default_outbound", name(default_outbound(policy)), name(provider(policy.data())));
  for (const auto& connector : policy.data().outbound)
    if (wrong.empty()) wrong = entries_differ(connector);
  return wrong;
}

std::string unnoted(const Policy& policy, const std::vector<HeaderField>& fields) {
  std::vector<OutboundId> held;
  std::string words;
  for (const auto& field : fields) {
    note_header(policy, field.name, field.value, held);
    words += " [" + field.name + ": " + field.value + "]";
  }
  std::sort(held.begin(), held.end());
  std::string engine, oracle;
  for (const auto id : held) engine += name(id) + " ";
  for (const auto id : header_rules(policy.data(), fields)) oracle += name(id) + " ";
  const auto wrong = differ("note_header" + words, engine, oracle);
  return !wrong.empty() ? wrong : required_differs(policy, fields);
}

std::string unwritten(const Policy& policy, const Facts& facts, const Decision& decision) {
  auto wrong = differ("common_outbound", name(common_outbound(decision)), name(way_of_all(decision)));
  const auto& prefix = policy.data().header_prefix;
  std::string engine, oracle;
  for (const auto& header : render_headers(policy, facts.connection, facts.sender, decision, "aaaabbbbcccc"))
    if (header.name == prefix + "-Outbound" || header.name == prefix + "-Route") engine += header.name + ": " + header.value + "\n";
  for (const auto& header : routing_headers(policy.data(), decision)) oracle += header + "\n";
  return !wrong.empty() ? wrong : differ("headers", engine, oracle);
}

std::string unexplained(const Policy& policy, const Facts& facts, const Decision& decision) {
  const auto steps = explain_outbound(policy, facts, decision);
  std::string engine, oracle;
  for (const auto& step : steps) engine += name(step.connector) + (step.outcome == Outcome::selected ? " selected " : " not selected ");
  for (OutboundId id = 0; id < policy.data().outbound.size(); ++id) {
    const bool taken = std::find(decision.outbound.begin(), decision.outbound.end(), id) != decision.outbound.end();
    oracle += name(id) + (taken ? " selected " : " not selected ");
  }
  for (const auto& step : steps)
    if (step.because.empty()) return "explain_outbound says nothing of " + name(step.connector);
  return differ("explain_outbound", engine, oracle);
}

}  // namespace cm::reference

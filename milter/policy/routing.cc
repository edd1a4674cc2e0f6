// The choice of outbound connectors. The index finds who is concerned; the functions here say who is chosen.
#include "policy/routing.h"

#include <re2/re2.h>

#include <algorithm>

#include "policy/outbound_index.h"
#include "policy/text.h"

namespace cm {
namespace {

using Ids = OutboundIndex::Ids;

re2::RE2::Options pattern_options() {
  re2::RE2::Options options;
  options.set_log_errors(false);
  return options;
}

// In the audit pass a connector in mode audit is tried in the place of the enforced one that it ties with.
bool goes_before(const OutboundConnector& a, const OutboundConnector& b) {
  if (a.cost != b.cost) return a.cost < b.cost;
  return a.mode == Mode::audit && b.mode == Mode::enforce;
}

void keep_better(const Policy& policy, OutboundId id, Pass pass, OutboundId& best) {
  if (!takes_part(policy.outbound(id), pass)) return;
  if (best == no_outbound || goes_before(policy.outbound(id), policy.outbound(best))) best = id;
}

// Calls f(ids, rank) from the most specific pattern of `index` that meets `domain` down; f returns whether to go on.
template <class F>
void walk(const Policy& policy, const DomainIndex& index, std::string_view domain, F&& f) {
  if (domain.empty()) return;
  if (const auto* ids = index.exact(domain); ids && !f(*ids, exact_rank)) return;
  if (domain.front() != '[')
    for (auto suffix = parent_domain(domain); !suffix.empty(); suffix = parent_domain(suffix))
      if (const auto* ids = index.below(suffix); ids && !f(*ids, count_labels(suffix))) return;
  if (policy.our_domains().match(domain) == no_match) f(index.any(), any_rank);
}

void add_once(std::vector<OutboundId>& ids, OutboundId id) {
  if (std::find(ids.begin(), ids.end(), id) == ids.end()) ids.push_back(id);
}

bool contains(const std::vector<OutboundId>& ids, OutboundId id) { return std::find(ids.begin(), ids.end(), id) != ids.end(); }

// Bytes that are no UTF-8 would hide the whole text from RE2.
std::string readable_line(std::string_view value) {
  auto out = text::unfold(value);
  if (!text::is_utf8(out))
    std::replace_if(
        out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) >= 0x80; }, '?');
  return out;
}

// A stranger never says where mail goes, nor does an exempted relay, nor a partner that proved nothing.
RuleGap trust_gap(const Policy& policy, const Attribution& attribution, OutboundId id) {
  const bool any = policy.outbound(id).when->connectors.empty();
  if (attribution.vouched != Vouched::no) return any ? RuleGap::none : RuleGap::other_connector;
  if (attribution.connector == no_connector) return RuleGap::not_trusted;
  const auto& named = policy.outbound_index().rules[id].connectors;
  const bool is_named = std::binary_search(named.begin(), named.end(), attribution.connector);
  switch (policy.connector(attribution.connector).duty) {
    case Duty::on_premises:
    case Duty::device: return any || is_named ? RuleGap::none : RuleGap::other_connector;
    case Duty::partner: return is_named && attribution.proven ? RuleGap::none : RuleGap::not_trusted;
    case Duty::relay: break;
  }
  return RuleGap::not_trusted;
}

bool sender_fits(const std::vector<DomainPattern>& patterns, const Envelope& sender) {
  if (patterns.empty()) return true;
  return std::any_of(patterns.begin(), patterns.end(), [&](const DomainPattern& p) {
    if (sender.argument.is_null()) return p.match_null() != no_match;
    return p.match(sender.argument.domain) != no_match || p.match(sender.resolved.domain) != no_match;
  });
}

bool is_from_own_smart_host(const OutboundConnector& connector, const Connection& connection) {
  if (!connection.client || connection.local) return false;
  return std::any_of(connector.smart_hosts.begin(), connector.smart_hosts.end(),
                     [&](const SmartHost& host) { return host.address && *host.address == *connection.client; });
}

// Calls f(ids) for the rules that may concern the message: those of its connector, of its sender, of its headers.
template <class F>
void each_candidate(const OutboundIndex& index, const RuleFacts& facts, F&& f) {
  if (const auto it = index.rules_by_connector.find(facts.attribution.connector); it != index.rules_by_connector.end()) f(it->second);
  const auto& by_sender = index.rules_by_sender;
  const auto& [argument, resolved] = facts.sender.envelope;
  if (argument.is_null()) f(by_sender.null());
  f(by_sender.any());
  for (const std::string_view domain : {std::string_view(argument.domain), std::string_view(resolved.domain)}) {
    if (domain.empty()) continue;
    if (const auto* ids = by_sender.exact(domain)) f(*ids);
    if (domain.front() == '[') continue;
    for (auto suffix = parent_domain(domain); !suffix.empty(); suffix = parent_domain(suffix))
      if (const auto* ids = by_sender.below(suffix)) f(*ids);
  }
  f(facts.header_rules);
}

bool is_for_any_domain(const OutboundConnector& c) {
  return std::any_of(c.recipient_domains.begin(), c.recipient_domains.end(),
                     [](const DomainPattern& p) { return p.kind == DomainPattern::Kind::any; });
}

void keep_cheaper(const PolicyData& data, OutboundId id, OutboundId& best) {
  if (best == no_outbound || goes_before(data.outbound[id], data.outbound[best])) best = id;
}

// Every rule is filed where each_candidate() finds it by one of its conditions.
void file_rule(OutboundIndex& index, const PolicyData& data, const StringMap<ConnectorId>& inbound, OutboundId id) {
  const auto& c = data.outbound[id];
  auto& rule = index.rules[id];
  index.has_rules = true;
  if (c.mode == Mode::enforce) index.rules_by_name.emplace(c.name, id);
  for (const auto& pattern : c.recipient_domains) index.rule_recipients.add(pattern, id);
  if (c.organization)
    for (const auto& pattern : data.organization.domains) index.rule_recipients.add(pattern, id);
  for (const auto& name : c.when->connectors)
    if (const auto it = inbound.find(std::string_view(name)); it != inbound.end()) rule.connectors.push_back(it->second);
  std::sort(rule.connectors.begin(), rule.connectors.end());
  if (c.when->header) {
    rule.pattern = std::make_shared<const re2::RE2>(c.when->header->pattern, pattern_options());
    index.header_rules[to_lower(c.when->header->name)].push_back(id);
  }
  if (!c.when->connectors.empty())
    for (const auto connector : rule.connectors) index.rules_by_connector[connector].push_back(id);
  else
    for (const auto& pattern : c.when->sender_domains) index.rules_by_sender.add(pattern, id);
}

}  // namespace

std::unique_ptr<const OutboundIndex> OutboundIndex::build(const PolicyData& data) {
  auto index = std::make_unique<OutboundIndex>();
  StringMap<ConnectorId> inbound;
  for (ConnectorId id = 0; id < data.inbound.size(); ++id) inbound.emplace(data.inbound[id].name, id);
  index->rules.resize(data.outbound.size());
  OutboundId for_organization[] = {no_outbound, no_outbound};  // by mode; filing every such connector under every domain would multiply
  for (OutboundId id = 0; id < data.outbound.size(); ++id) {
    const auto& c = data.outbound[id];
    if (!c.enabled) continue;
    index->has_audit |= c.mode == Mode::audit;
    if (c.mode == Mode::enforce)
      for (const auto& host : c.smart_hosts) index->smart_hosts.emplace(host.next_hop, id);
    if (c.is_rule_scoped()) {
      file_rule(*index, data, inbound, id);
      continue;
    }
    for (const auto& pattern : c.recipient_domains) index->scopes.add(pattern, id);
    if (c.organization) keep_cheaper(data, id, for_organization[c.mode == Mode::audit]);
    if (c.mode == Mode::enforce && is_for_any_domain(c)) keep_cheaper(data, id, index->default_route);
  }
  for (const auto id : for_organization)
    if (id != no_outbound)
      for (const auto& pattern : data.organization.domains) index->scopes.add(pattern, id);
  return index;
}

OutboundChoice choose_outbound(const Policy& policy, std::string_view domain, Pass pass) {
  OutboundChoice choice;
  walk(policy, policy.outbound_index().scopes, domain, [&](const Ids& ids, Rank rank) {
    for (const auto id : ids) keep_better(policy, id, pass, choice.id);
    if (choice.id != no_outbound) choice.rank = rank;
    return choice.id == no_outbound;
  });
  return choice;
}

OutboundId default_outbound(const Policy& policy) { return policy.outbound_index().default_route; }

OutboundId outbound_by_next_hop(const Policy& policy, std::string_view next_hop) {
  const auto& hosts = policy.outbound_index().smart_hosts;
  const auto it = hosts.find(to_lower(next_hop));
  return it == hosts.end() ? no_outbound : it->second;
}

OutboundId rule_by_name(const Policy& policy, std::string_view name) {
  const auto& rules = policy.outbound_index().rules_by_name;
  const auto it = rules.find(name);
  return it == rules.end() ? no_outbound : it->second;
}

std::string why_bad_pattern(std::string_view pattern) {
  const re2::RE2 compiled(re2::StringPiece(pattern.data(), pattern.size()), pattern_options());
  return compiled.ok() ? std::string() : compiled.error();
}

void note_header(const Policy& policy, std::string_view name, std::string_view value, std::vector<OutboundId>& held) {
  const auto& index = policy.outbound_index();
  if (index.header_rules.empty()) return;
  const auto it = index.header_rules.find(to_lower(name));
  if (it == index.header_rules.end()) return;
  const auto line = readable_line(value);
  for (const auto id : it->second)
    if (!contains(held, id) && re2::RE2::PartialMatch(line, *index.rules[id].pattern)) held.push_back(id);
}

void Routing::rcpt(const Envelope& recipient, bool accepted) {
  const std::string_view domain = recipient.resolved.domain;
  outbound_.push_back(accepted ? choose_outbound(policy_, domain, pass_).id : no_outbound);
  accepted_.push_back(accepted);
  if (!accepted || !policy_.outbound_index().has_rules) return;
  walk(policy_, policy_.outbound_index().rule_recipients, domain, [&](const Ids& ids, Rank) {
    for (const auto id : ids) add_once(in_recipient_scope_, id);
    return true;
  });
}

RuleGap Routing::gap(const RuleFacts& facts, OutboundId id) const {
  const auto& connector = policy_.outbound(id);
  const auto& when = *connector.when;
  if (const auto gap = trust_gap(policy_, facts.attribution, id); gap != RuleGap::none) return gap;
  if (is_from_own_smart_host(connector, facts.connection)) return RuleGap::own_smart_host;
  if (!sender_fits(when.sender_domains, facts.sender.envelope)) return RuleGap::other_sender;
  if (when.header && !contains(facts.header_rules, id)) return RuleGap::no_header;
  if (when.header && policy_.is_stripped_header(when.header->name) && !facts.kept_headers) return RuleGap::removed_header;
  if (connector.has_recipient_scope() && !contains(in_recipient_scope_, id)) return RuleGap::no_recipient;
  return RuleGap::none;
}

void Routing::end(const RuleFacts& facts) {
  if (!policy_.outbound_index().has_rules) return;
  each_candidate(policy_.outbound_index(), facts, [&](const Ids& ids) {
    for (const auto id : ids)
      if (takes_part(policy_.outbound(id), pass_) && gap(facts, id) == RuleGap::none) keep_better(policy_, id, pass_, rule_);
  });
  if (rule_ == no_outbound) return;
  for (std::size_t i = 0; i < outbound_.size(); ++i)
    if (accepted_[i]) outbound_[i] = rule_;
}

OutboundId common_outbound(const Decision& decision) {
  OutboundId common = no_outbound;
  for (std::size_t i = 0; i < decision.outbound.size(); ++i) {
    if (is_refusal(decision.recipients[i].action)) continue;
    if (decision.outbound[i] == no_outbound || (common != no_outbound && common != decision.outbound[i])) return no_outbound;
    common = decision.outbound[i];
  }
  return common;
}

}  // namespace cm

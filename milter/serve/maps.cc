// The four maps, one small function each, and the table of their names.
//
// Postfix sends keys as it has them: in any case, quoted or not, with an address extension, with a final dot. Only the domain counts, and it
// is normalised here; a key that makes no sense is not found. The key is never part of an answer.
#include "serve/maps.h"

#include <algorithm>

#include "policy/routing.h"
#include "policy/text.h"

namespace cm::serve {
namespace {

const std::string not_found = "NOTFOUND ";

// transport_maps: recipients, the sender too, and `*`, which would take local recipients along if it were found. What only a `*` connector
// covers is left to default_route for the same reason.
std::string transport(const Policy& policy, std::string_view key) {
  const auto at = key.rfind('@');
  if (at == std::string_view::npos) return not_found;
  const auto domain = normalise_domain(key.substr(at + 1));
  if (!domain) return not_found;
  const auto choice = choose_outbound(policy, *domain);
  return choice.id == no_outbound || choice.rank <= any_rank ? not_found : "OK " + transport_of(policy.outbound(choice.id));
}

// sender_dependent_default_transport_maps: asked with the sender, and the same for every one.
std::string default_route(const Policy& policy, std::string_view) {
  const auto id = default_outbound(policy);
  return id == no_outbound ? not_found : "OK " + transport_of(policy.outbound(id));
}

// smtp_tls_policy_maps: the next hop, or the domain whose MX it is; then Postfix asks for `.parent`, which is answered for already.
std::string tls_policy(const Policy& policy, std::string_view key) {
  auto id = outbound_by_next_hop(policy, key);
  if (id == no_outbound && !key.starts_with('.')) {
    if (const auto domain = normalise_domain(key)) id = choose_outbound(policy, *domain).id;
    if (id != no_outbound && !policy.outbound(id).smart_hosts.empty()) id = no_outbound;
  }
  const auto demanded = id == no_outbound ? std::string() : tls_policy_of(policy.outbound(id));
  return demanded.empty() ? not_found : "OK " + demanded;
}

// milter_header_checks: every field that a milter adds, as one line. A connector that is gone must not mean ordinary delivery.
std::string route(const Policy& policy, std::string_view key) {
  const auto colon = key.find(':');
  const auto name = text::trim(key.substr(0, colon));
  const auto& prefix = policy.data().header_prefix;
  if (colon == std::string_view::npos || name.size() < prefix.size() || !equals_ignoring_case(name.substr(0, prefix.size()), prefix) ||
      !equals_ignoring_case(name.substr(prefix.size()), "-Route"))
    return not_found;
  const auto id = rule_by_name(policy, text::trim(key.substr(colon + 1)));
  if (id == no_outbound) return "TEMP the header names no rule-scoped outbound connector of the configuration in force";
  return "OK FILTER " + transport_of(policy.outbound(id));
}

struct Map {
  std::string_view name;
  std::string (*answer)(const Policy&, std::string_view key);
};
constexpr Map maps[] = {{"transport", transport}, {"default_route", default_route}, {"tls_policy", tls_policy}, {"route", route}};

std::string look_up(const Policy& policy, const StringMap<bool>& retired, std::string_view request) {
  const auto space = request.find(' ');
  if (space == std::string_view::npos) return Maps::malformed;
  const auto map = std::find_if(std::begin(maps), std::end(maps), [&](const Map& m) { return m.name == request.substr(0, space); });
  if (map == std::end(maps)) return "PERM no such map: there are transport, default_route, tls_policy and route";
  const auto key = request.substr(space + 1);
  auto answer = map->answer(policy, key);
  if (map->answer == tls_policy && answer == not_found && retired.contains(to_lower(key)) && outbound_by_next_hop(policy, key) == no_outbound)
    return "TEMP this next hop was a rule's until the configuration changed: give a connector that smart host, or start connector-milter anew";
  return answer;
}

}  // namespace

Maps::Maps(const Published<Policy>& policy, observe::Counters& counters, std::function<void(std::string_view)> report)
    : policy_(policy), counters_(counters), report_(std::move(report)) {}

std::string Maps::answer(std::string_view request) const {
  observe::add(counters_.map_lookups);
  try {
    const auto policy = policy_.get();
    return look_up(*policy, *retired_.get(), request);
  } catch (const std::exception& e) {
    observe::add(counters_.internal_failures);
    report_("a map request could not be answered:");  // two lines: there may be no memory to join them
    report_(e.what());
  }
  return "TEMP internal failure";
}

void Maps::retire(const Policy& old) {
  auto retired = std::make_shared<StringMap<bool>>(*retired_.get());
  for (const auto& connector : old.data().outbound) {
    if (!connector.enabled || connector.mode != Mode::enforce || !connector.is_rule_scoped() || tls_policy_of(connector).empty()) continue;
    for (const auto& host : connector.smart_hosts) (*retired)[host.next_hop] = true;
  }
  retired_.set(std::move(retired));
}

}  // namespace cm::serve

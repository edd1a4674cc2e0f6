// Warnings about outbound connectors: what nothing will ever use, and what is valid and probably not what was meant.
#include <algorithm>
#include <unordered_map>

#include "config/checks.h"
#include "config/claims.h"

namespace cm::config {
namespace {

bool is_enforced(const OutboundDraft& draft) { return counts(draft) && draft.connector.mode == Mode::enforce; }

void warn_of_missing_maps(std::span<const OutboundDraft> outbound, Report& report) {
  const auto first = std::find_if(outbound.begin(), outbound.end(), is_enforced);
  if (first == outbound.end()) return;
  report.warning(first->connector.at, first->path(),
                 "has no effect, as no outbound connector has: the main file has no `maps`, so nothing tells the MTA where mail goes; add "
                 "maps = { }; there, and see connectorctl postfix");
}

void warn_of_unreachable(std::span<const OutboundDraft> outbound, const Organization& organization, Report& report) {
  const Claims enforced(outbound, organization, Claims::bit(Mode::enforce)), all(outbound, organization, Claims::every_mode);
  for (Claims::Id id = 0; id < outbound.size(); ++id) {
    const auto& draft = outbound[id];
    if (!counts(draft) || draft.connector.is_rule_scoped()) continue;
    const auto winner = (draft.connector.mode == Mode::enforce ? enforced : all).beats(id);
    if (winner == no_outbound) continue;
    const auto& other = outbound[winner].connector;
    report.warning(draft.connector.at, draft.path(),
                   "can never be chosen: every domain it is about leaves by a connector of lower cost, such as " + quote(other.name) + " (" +
                       where(other.at) + ")");
  }
}

// What the rules ask of inbound connectors and of the headers that are removed.
class Rules {
 public:
  Rules(std::span<const Draft> inbound, const PolicyData& policy, Report& report) : policy_(policy), report_(report) {
    for (const auto& draft : inbound) {
      inbound_.emplace(draft.connector.name, &draft.connector);
      keeps_headers_ = keeps_headers_ || (draft.connector.enabled && draft.connector.accept_headers);
      const bool grants = draft.connector.duty == Duty::on_premises || draft.connector.duty == Duty::device;
      trusts_ = trusts_ || (grants && draft.connector.enabled);
    }
  }
  void warn(const OutboundDraft& draft) const {
    const auto& c = draft.connector;
    if (c.when->connectors.empty()) warn_of_unknown_address(draft);
    if (c.when->connectors.empty() && !trusts_ && !policy_.organization.vouch_authenticated && !policy_.organization.vouch_local)
      report_.warning(c.at, draft.path(),
                      "never holds: no on_premises or device connector is enabled and vouch is empty, so there is no mail that a rule may take; name "
                      "the partners whose mail is meant in when.connectors");
    if (!c.when->connectors.empty() && c.mode == Mode::enforce && none_of(c, [](const InboundConnector& i) { return i.mode == Mode::enforce; }))
      report_.warning(draft.when_connectors.front().at, draft.path() + ".when.connectors",
                      "never holds: none of the connectors it names is enabled and in mode \"enforce\"");
    else
      warn_of_dead_connectors(draft);
    if (c.when->header && is_stripped(c.when->header->name) && !may_keep_headers(c))
      report_.warning(
          draft.header_at, draft.path() + ".when.header.name",
          "never holds: " + quote(c.when->header->name) +
              " is removed (headers.strip) from all mail that this connector may take; no inbound connector with accept_headers hands it in");
  }

 private:
  void warn_of_dead_connectors(const OutboundDraft& draft) const {
    for (const auto& named : draft.when_connectors) {
      const auto found = inbound_.find(named.name);
      if (found != inbound_.end() && !found->second->enabled)
        report_.warning(named.at, named.path, "names " + quote(named.name) + ", which is not enabled: no mail comes by it");
    }
  }
  void warn_of_unknown_address(const OutboundDraft& draft) const {
    const auto& hosts = draft.connector.smart_hosts;
    const auto by_name = std::find_if(hosts.begin(), hosts.end(), [](const SmartHost& h) { return !h.address; });
    if (by_name == hosts.end()) return;
    report_.warning(draft.origin_of("smart_hosts"), draft.path() + ".smart_hosts",
                    "mail that " + quote(by_name->next_hop) +
                        " hands back is not recognised and could go there again, because a name is not looked up: give its address, such as "
                        "\"[192.0.2.1]\", or name in when.connectors whose mail is meant");
  }
  template <class F>
  [[nodiscard]] bool none_of(const OutboundConnector& c, F&& fits) const {
    return std::none_of(c.when->connectors.begin(), c.when->connectors.end(), [&](const std::string& name) {
      const auto found = inbound_.find(name);
      return found == inbound_.end() || (found->second->enabled && fits(*found->second));  // not there: another check's business
    });
  }
  [[nodiscard]] bool may_keep_headers(const OutboundConnector& c) const {
    if (c.when->connectors.empty()) return keeps_headers_;
    return !none_of(c, [](const InboundConnector& i) { return i.accept_headers; });
  }
  [[nodiscard]] bool is_stripped(std::string_view name) const {
    return std::any_of(policy_.strip_headers.begin(), policy_.strip_headers.end(), [&](std::string_view pattern) {
      if (!pattern.ends_with('*')) return equals_ignoring_case(pattern, name);
      pattern.remove_suffix(1);
      return equals_ignoring_case(pattern, name.substr(0, pattern.size()));
    });
  }

  const PolicyData& policy_;
  Report& report_;
  std::unordered_map<std::string_view, const InboundConnector*> inbound_;
  bool keeps_headers_ = false, trusts_ = false;
};

std::string patterns(const std::vector<DomainPattern>& list) {
  std::vector<std::string> texts;
  texts.reserve(list.size());
  for (const auto& pattern : list) texts.push_back(pattern.to_string());
  std::sort(texts.begin(), texts.end());
  std::string out;
  for (const auto& text : texts) out += text + '\n';
  return out + '\f';
}

// What a rule asks of a message; of its smart hosts only what keeps it from taking mail: their addresses.
std::string question(const OutboundConnector& c) {
  auto connectors = c.when->connectors;
  std::sort(connectors.begin(), connectors.end());
  std::string out;
  for (const auto& name : connectors) out += name + '\n';
  out += '\f' + patterns(c.when->sender_domains) + patterns(c.recipient_domains) + (c.organization ? "o" : "");
  if (c.when->header) out += to_lower(c.when->header->name) + ':' + c.when->header->pattern;
  out += '\f';
  for (const auto& host : c.smart_hosts)
    if (host.address) out += host.address->to_string() + '\n';
  return out;
}

// Of rules that ask the same the cheapest takes every message.
void warn_of_repeated_rules(std::span<const OutboundDraft> outbound, Report& report) {
  std::unordered_map<std::string, const OutboundDraft*> cheapest;
  for (const auto& draft : outbound) {
    if (!is_enforced(draft) || !draft.connector.is_rule_scoped()) continue;
    auto& known = cheapest[question(draft.connector)];
    if (known == nullptr || draft.connector.cost < known->connector.cost) known = &draft;
  }
  for (const auto& draft : outbound) {
    if (!counts(draft) || !draft.connector.is_rule_scoped()) continue;
    const auto found = cheapest.find(question(draft.connector));
    if (found != cheapest.end() && found->second->connector.cost < draft.connector.cost)
      report.warning(draft.connector.at, draft.path(),
                     "can never be chosen: " + quote(found->second->connector.name) + " (" + where(found->second->connector.at) +
                         ") asks the same of a message and has the lower cost");
  }
}

void warn_of_unmet_tls(const OutboundDraft& draft, Report& report) {
  const auto& c = draft.connector;
  if (c.tls == OutboundTls::verify && c.tls_domains.empty()) {
    const auto host = std::find_if(c.smart_hosts.begin(), c.smart_hosts.end(), [](const SmartHost& h) { return h.address.has_value(); });
    if (host != c.smart_hosts.end())
      report.warning(draft.origin_of("tls"), draft.path() + ".tls",
                     "nothing will be delivered to " + quote(host->next_hop) +
                         ": a certificate has no address to be compared with; say in tls_domains which names it must have");
  }
  if (c.tls == OutboundTls::none && !c.client_certificate.empty())
    report.warning(draft.origin_of("client_certificate"), draft.path() + ".client_certificate", "is never presented: tls = \"none\" turns TLS off");
}

// The daemon's user may not read a key, or its directory: only what is known not to be there is worth a word.
void warn_of_missing_file(const OutboundDraft& draft, const char* setting, const std::string& path, Report& report) {
  std::error_code error;
  if (!path.empty() && std::filesystem::status(path, error).type() == std::filesystem::file_type::not_found)
    report.warning(draft.origin_of(setting), draft.path() + "." + setting,
                   "there is no file " + quote(path, path_bytes) + ": the MTA will not be able to deliver");
}

}  // namespace

void warn_of_outbound_risks(std::span<const Draft> inbound, std::span<const OutboundDraft> outbound, const PolicyData& policy, bool has_maps,
                            Report& report) {
  if (!has_maps) warn_of_missing_maps(outbound, report);
  warn_of_unreachable(outbound, policy.organization, report);
  warn_of_repeated_rules(outbound, report);
  const Rules rules(inbound, policy, report);
  for (const auto& draft : outbound) {
    if (!counts(draft)) continue;
    if (draft.connector.is_rule_scoped()) rules.warn(draft);
    warn_of_unmet_tls(draft, report);
    warn_of_missing_file(draft, "client_certificate", draft.connector.client_certificate, report);
    warn_of_missing_file(draft, "client_key", draft.connector.client_key, report);
  }
}

}  // namespace cm::config

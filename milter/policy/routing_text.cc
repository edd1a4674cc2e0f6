// Outbound connectors in words: for the MTA's maps, and for whoever asks why a message leaves as it does.
#include <algorithm>

#include "policy/decide.h"
#include "policy/outbound_index.h"
#include "policy/routing.h"

namespace cm {
namespace {

template <class Items, class Text>
std::string joined(const Items& items, std::string_view separator, Text&& text) {
  std::string out;
  for (const auto& item : items) {
    if (!out.empty()) out += separator;
    out += text(item);
  }
  return out;
}

// A leading dot means the names below it there (postconf(5), smtp_tls_secure_cert_match).
std::string as_match(const DomainPattern& pattern) {
  if (pattern.kind == DomainPattern::Kind::exact) return pattern.domain;
  const auto below = "." + pattern.domain;
  return pattern.kind == DomainPattern::Kind::below ? below : pattern.domain + ":" + below;
}

std::string level_of(const OutboundConnector& c) {
  switch (c.tls) {
    case OutboundTls::unset: break;
    case OutboundTls::none: return "none";
    case OutboundTls::opportunistic: return "may";
    case OutboundTls::encrypt: return "encrypt";
    case OutboundTls::verify: return c.tls_domains.empty() ? "secure" : "secure match=" + joined(c.tls_domains, ":", as_match);
    case OutboundTls::dane: return "dane";
    case OutboundTls::dane_only: return "dane-only";
    case OutboundTls::fingerprint: return "fingerprint match=" + joined(c.fingerprints, "|", [](const std::string& pin) { return pin; });
  }
  return {};
}

// The audit pass prefers those that are tried.
std::string aside_of(Pass pass) { return pass == Pass::audit ? ", or is tried in its place" : ""; }

std::string text_of(RuleGap gap, const Facts& facts, Pass pass) {
  switch (gap) {
    case RuleGap::not_trusted: return "rules take only mail of grants, of vouched users, and of proven partners named in when.connectors";
    case RuleGap::other_connector: return "the mail came by none of its when.connectors";
    case RuleGap::own_smart_host: return "the mail comes from one of its own smart hosts";
    case RuleGap::other_sender: return "the sender is not in its when.sender_domains";
    case RuleGap::no_header:
      return facts.content ? "no header field meets its when.header" : "its when.header was not asked: the header is not known";
    case RuleGap::removed_header: return "the header field that it asks for is removed from this mail";
    case RuleGap::no_recipient: return "no accepted recipient is in its recipient_domains";
    case RuleGap::none: break;
  }
  return "another rule-scoped connector is of lower cost" + aside_of(pass);
}

// A decided message, and what outbound connectors were asked of it.
class Asked {
 public:
  Asked(const Policy& policy, const Facts& facts, const Decision& decision, Pass pass = Pass::enforced)
      : pass_(pass),
        policy_(policy),
        facts_(facts),
        d_(decision),
        attribution_(attribute(policy, facts.connection, facts.sender, Pass::enforced, nullptr, decision.without)),
        routing_(policy, pass) {
    for (std::size_t i = 0; i < facts.recipients.size(); ++i) routing_.rcpt(facts.recipients[i], is_accepted(i));
  }

  /// Where the message would go in this pass.
  [[nodiscard]] Routing routed() const {
    auto routing = routing_;
    routing.end(rule_facts());
    return routing;
  }

  [[nodiscard]] OutboundStep step(OutboundId id) const {
    const auto count = std::count(d_.outbound.begin(), d_.outbound.end(), id);
    if (count > 0 && d_.route == id) return {id, Outcome::selected, "its rule holds: it takes the whole message"};
    if (count > 0)
      return {id, Outcome::selected,
              "the most specific, then the cheapest, for " + std::to_string(count) + (count == 1 ? " recipient" : " recipients")};
    return {id, Outcome::not_selected, why_not(id)};
  }

 private:
  [[nodiscard]] bool is_accepted(std::size_t i) const {
    return !is_refusal(d_.action) && i < d_.recipients.size() && !is_refusal(d_.recipients[i].action);
  }

  // Some accepted recipient is in its recipient_domains; `*` does not cover our own.
  [[nodiscard]] bool covers_any(const OutboundConnector& c) const {
    for (std::size_t i = 0; i < facts_.recipients.size(); ++i) {
      const std::string_view domain = facts_.recipients[i].resolved.domain;
      if (domain.empty() || !is_accepted(i)) continue;
      const bool ours = policy_.our_domains().match(domain) != no_match;
      if (c.organization && ours) return true;
      for (const auto& p : c.recipient_domains)
        if (const auto rank = p.match(domain); rank > any_rank || (rank == any_rank && !ours)) return true;
    }
    return false;
  }

  [[nodiscard]] std::string why_not(OutboundId id) const {
    const auto& c = policy_.outbound(id);
    if (!c.enabled) return "it is not enabled";
    if (is_refusal(d_.action)) return "the message is refused";
    if (c.mode == Mode::audit && pass_ == Pass::enforced)
      return d_.audit_outbound == id ? "its mode is audit; enforced it would take the message or a recipient"
                                     : "its mode is audit: mail leaves as if it were absent";
    if (c.is_rule_scoped()) return text_of(routing_.gap(rule_facts(), id), facts_, pass_);
    if (!covers_any(c)) return "no accepted recipient is in its recipient_domains";
    if (d_.route != no_outbound) return "a rule-scoped connector takes the whole message";
    return "another connector is more specific, or of lower cost" + aside_of(pass_);
  }

  [[nodiscard]] RuleFacts rule_facts() const {
    static const std::vector<OutboundId> none;
    return {facts_.connection, facts_.sender, attribution_, facts_.content ? facts_.content->header_rules : none, d_.keeps_headers};
  }

  const Pass pass_;
  const Policy& policy_;
  const Facts& facts_;
  const Decision& d_;
  const Attribution attribution_;
  Routing routing_;
};

}  // namespace

std::string transport_of(const OutboundConnector& connector) {
  return connector.transport + ":" + joined(connector.smart_hosts, ", ", [](const SmartHost& host) { return host.next_hop; });
}

std::string tls_policy_of(const OutboundConnector& connector) {
  auto out = level_of(connector);
  if (!out.empty() && connector.min_tls_version == TlsVersion::tls1_2) out += " protocols=>=TLSv1.2";
  if (!out.empty() && connector.min_tls_version == TlsVersion::tls1_3) out += " protocols=>=TLSv1.3";
  return out;
}

namespace {

std::vector<OutboundStep> steps_of(const Policy& policy, const Asked& asked) {
  std::vector<OutboundStep> steps;
  for (OutboundId id = 0; id < policy.data().outbound.size(); ++id) steps.push_back(asked.step(id));
  return steps;
}

}  // namespace

std::vector<OutboundStep> explain_outbound(const Policy& policy, const Facts& facts, const Decision& decision) {
  return steps_of(policy, Asked(policy, facts, decision));
}

std::vector<OutboundStep> explain_audit_outbound(const Policy& policy, const Facts& facts, const Decision& decision) {
  if (!policy.outbound_index().has_audit || is_refusal(decision.action)) return {};
  const auto tried = Asked(policy, facts, decision, Pass::audit).routed();
  auto other = decision;
  other.outbound = tried.outbound();
  other.route = tried.rule();
  return steps_of(policy, Asked(policy, facts, other, Pass::audit));
}

}  // namespace cm

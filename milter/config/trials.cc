// Warnings about connectors in mode audit that could never show a difference: the same demands as an enforced one, which is there already.
//
// The rule: compared is everything that decides what becomes of a message. Trust words and headers are not: audit does not show them.
#include <algorithm>
#include <unordered_map>

#include "config/checks.h"

namespace cm::config {
namespace {

std::string text_of(const std::string& text) { return text; }
std::string text_of(const DomainPattern& pattern) { return pattern.to_string(); }
std::string text_of(const AddressPattern& pattern) { return pattern.to_string(); }
std::string text_of(const Source& source) { return source.first.to_string() + "-" + source.last.to_string(); }

template <class T>
std::string listed(const std::vector<T>& values) {
  std::vector<std::string> texts;
  texts.reserve(values.size());
  for (const auto& value : values) texts.push_back(text_of(value));
  std::sort(texts.begin(), texts.end());
  std::string out;
  for (const auto& text : texts) out += text + '\n';
  return out + '\f';
}

std::string limit(const AddressLimit& limit) { return (limit.any ? "any " : limit.organization ? "ours " : "") + listed(limit.patterns); }

std::string rate(const std::optional<RateLimit>& limit) {
  if (!limit) return "\f";
  return std::to_string(limit->messages) + "/" + std::to_string(limit->seconds) + "/" + std::to_string(static_cast<int>(limit->key)) + '\f';
}

}  // namespace

std::string effect(const InboundConnector& c) {
  std::string out(c.is_partner() ? "partner " : "other ");
  out += listed(c.listeners) + listed(c.sender_domains) + listed(c.source_ips) + listed(c.certificates) + listed(c.certificate_issuers) +
         listed(c.auth_users) + listed(c.via) + to_lower(c.required_header) + '\f' + listed(c.required_values) + limit(c.senders) +
         limit(c.recipients) + rate(c.rate_limit);
  for (const auto number :
       {std::uint64_t{c.require_tls}, static_cast<std::uint64_t>(c.min_tls_version), c.max_message_size, std::uint64_t{c.max_recipients},
        static_cast<std::uint64_t>(c.check_header_from), static_cast<std::uint64_t>(c.on_violation)})
    out += std::to_string(number) + ' ';
  return out;
}

void warn_of_trials(std::span<const Draft> inbound, Report& report) {
  std::unordered_map<std::string, const Draft*> enforced;
  for (const auto& draft : inbound)
    if (counts(draft) && draft.connector.mode == Mode::enforce) enforced.emplace(effect(draft.connector), &draft);
  for (const auto& draft : inbound) {
    if (!counts(draft) || draft.connector.mode != Mode::audit) continue;
    const auto twin = enforced.find(effect(draft.connector));
    if (twin == enforced.end() || (draft.connector.is_partner() && twin->second < &draft)) continue;  // a partner behind it is never asked
    report.warning(draft.connector.at, draft.path(),
                   "tries nothing: it differs from " + quote(twin->second->connector.name) + " (" + where(twin->second->connector.at) +
                       ") in nothing that decides what becomes of mail, and audit shows nothing else; change it, or remove it");
  }
}

}  // namespace cm::config

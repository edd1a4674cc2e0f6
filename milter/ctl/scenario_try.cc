// "Try it": the command that asks `explain` about mail that meets the connector which was just made.
//
// The rule: it can be pasted into a shell as it stands, and what it asks about meets every demand of the connector.
#include <algorithm>

#include "ctl/scenario_fields.h"
#include "policy/address.h"
#include "policy/ip.h"

namespace cm::ctl {
namespace {

constexpr std::string_view plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-";

std::string shell_word(std::string_view text) {
  if (!text.empty() && text.find_first_not_of(plain) == std::string_view::npos) return std::string(text);
  std::string out = "'";
  for (const char c : text) out += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return out + "'";
}

// Of a prefix or a range the second address: the first of a prefix belongs to no host. A file is not read.
std::string client_of(const Answers& answers) {
  for (const auto& text : many(answers, "source"))
    if (const auto source = Source::parse(text)) {
      auto ip = source->first;
      if (!(ip == source->last)) ++ip.bits;
      return ip.to_string();
    }
  return has(answers, "source") ? "IP" : "192.0.2.1";
}

// A name that meets the pattern.
std::string name_in(const DomainPattern& pattern) {
  if (pattern.kind == DomainPattern::Kind::any) return "far.example";
  return (pattern.kind == DomainPattern::Kind::below ? "mail." : "") + pattern.domain;
}

}  // namespace

std::string someone_at(std::string_view domain) {
  const auto pattern = DomainPattern::parse(domain);
  return "someone@" + (pattern ? name_in(*pattern) : std::string(domain));
}

std::string address_in(std::string_view text, std::string_view local) {
  const auto pattern = AddressPattern::parse(text);
  if (!pattern || pattern->domain.kind == DomainPattern::Kind::null) return "<>";
  return (pattern->local.empty() ? std::string(local) : pattern->local) + "@" + name_in(pattern->domain);
}

std::string try_coming_in(const Answers& answers, const std::string& from, const std::string& to, bool over_tls) {
  std::string out = "   connectorctl explain --client " + client_of(answers);
  const auto add = [&](const char* option, const std::string& value) { out.append(" ").append(option).append(" ").append(shell_word(value)); };
  if (has(answers, "listener")) add("--listener", one(answers, "listener"));
  if (over_tls || has(answers, "certificate") || has(answers, "login")) add("--tls", "TLSv1.3");
  if (has(answers, "certificate"))
    if (const auto pattern = DomainPattern::parse(one(answers, "certificate"))) add("--cert-subject", name_in(*pattern));
  if (has(answers, "login")) add("--auth", one(answers, "login") == "*" ? "user" : one(answers, "login"));
  add("--from", from);
  add("--to", to);
  return out;
}

std::string try_going_out(const std::string& from, const std::string& to) {
  return "   connectorctl explain --local --from " + shell_word(from) + " --to " + shell_word(to);
}

}  // namespace cm::ctl

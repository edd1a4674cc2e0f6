// Answers -> values; the parts that the files of all scenarios share.
#include "ctl/scenario_fields.h"

#include <algorithm>

#include "config/fields.h"
#include "config/reader.h"
#include "config/smart_host.h"
#include "ctl/output.h"
#include "policy/address.h"
#include "policy/ip.h"
#include "policy/limits.h"
#include "policy/text.h"

namespace cm::ctl {
namespace {

std::string one_of(std::string_view text, std::initializer_list<std::string_view> words) {
  if (std::find(words.begin(), words.end(), text) != words.end()) return {};
  std::string out;
  for (const auto word : words) out.append(out.empty() ? "expected " : ", ").append(word);
  return out;
}

template <class T>
std::string why(const Parsed<T>& parsed) {
  return parsed ? std::string() : parsed.why;
}

bool is_address(std::string_view text) { return static_cast<bool>(Source::parse(text)); }

// A pattern of one label is a domain of that name, which is next to never what was meant.
bool is_single_label(const DomainPattern& p) {
  return p.kind == DomainPattern::Kind::exact && !p.domain.starts_with('[') && p.domain.find('.') == std::string::npos;
}

}  // namespace

std::string why_no_source(std::string_view text) {
  if (text.starts_with("file:")) return text.size() > 5 ? "" : "the path is missing: write file:PATH";
  return why(Source::parse(text));
}

std::string why_no_certificate(std::string_view text) {
  if (is_address(text)) return "that is an address, and this asks for a name";
  const auto pattern = DomainPattern::parse(text);
  if (pattern && (pattern->kind == DomainPattern::Kind::any || pattern->kind == DomainPattern::Kind::null))
    return "any certificate would do; name the peer's, such as mail.d.example";
  return why(pattern);
}

std::string why_no_domain(std::string_view text) {
  const auto pattern = DomainPattern::parse(text);
  if (pattern && pattern->kind == DomainPattern::Kind::null) return "that is the null sender and no domain";
  if (pattern && is_single_label(*pattern)) return "has no dot, so it is a domain of that name: expected a whole domain, such as fabrikam.example";
  return why(pattern);
}

std::string why_no_sender(std::string_view text) {
  if (text == "internal" || text == "any") return "is a word of recipients, not of senders; expected an address or a domain";
  const auto pattern = AddressPattern::parse(text);
  if (pattern && pattern->local.empty() && is_single_label(pattern->domain))
    return "has no dot, so it is a domain of that name: expected an address or a domain; write " + pattern->domain.domain + "@YOUR-DOMAIN";
  if (pattern && pattern->local.find('*') != std::string::npos) return "a wildcard cannot stand for a local part; write the domain alone";
  return why(pattern);
}

std::string why_no_recipient(std::string_view text) {
  if (text == "any" || text == "internal") return {};
  const bool bare = text.find_first_of(".@*") == std::string_view::npos;
  return bare ? "expected any, internal, a domain or an address" : why_no_sender(text);
}

std::string why_no_host(std::string_view text) { return why(config::parse_smart_host(text)); }
std::string why_no_size(std::string_view text) { return why(config::parse_size(text)); }

std::string why_no_number(std::string_view text) {
  const bool digits = !text.empty() && text.size() <= 9 && text.find_first_not_of("0123456789") == std::string_view::npos && text.front() != '0';
  return digits ? "" : "expected a number, 1 to 999999999";
}

std::string why_no_user(std::string_view text) { return is_address(text) ? "that is an address, and this asks for a login" : why_no_login(text); }
std::string why_no_login(std::string_view text) {
  const bool plain = std::none_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < ' ' || c == 0x7f; });
  return !text.empty() && text.size() <= limits::login_bytes && plain && text::is_utf8(text) ? "" : "expected a login, or * for any";
}

std::string why_no_name(std::string_view text) {
  return config::is_plain_name(text) ? "" : "expected 1 to 64 letters, digits, \".\", \"_\" or \"-\"";
}
std::string why_no_mode(std::string_view text) { return one_of(text, {"audit", "enforce"}); }
std::string why_no_outbound_tls(std::string_view text) { return one_of(text, {"verify", "encrypt", "dane", "dane_only", "opportunistic"}); }
std::string why_no_direction(std::string_view text) { return one_of(text, {"in", "out", "both"}); }
std::string why_no_yes(std::string_view text) { return one_of(text, {"yes", "no"}); }

const Field name_field{
    .option = "name",
    .value = "NAME",
    .question = "Name of the connector",
    .help = "It stands in the log, in replies and in trust headers, and is the name of the file; letters, digits, \".\", \"_\", \"-\".",
    .example = "fabrikam",
    .without = "made from the answers",
    .why_not = why_no_name};
namespace {
constexpr Field mode_field(std::string_view usual) {
  return {.option = "mode",
          .value = "MODE",
          .question = "Mode: audit (only log what would be refused or leave another way) or enforce",
          .help = "Restrictions are best tried in audit until the log (audit=) shows no more surprises; grants work at once.",
          .example = "audit",
          .usual = usual,
          .why_not = why_no_mode};
}
}  // namespace
constinit const Field mode_of_restrictions = mode_field("audit"), mode_of_grants = mode_field("enforce");

bool has(const Answers& answers, std::string_view option) {
  const auto found = answers.find(option);
  return found != answers.end() && !found->second.empty();
}
std::string one(const Answers& answers, std::string_view option) {
  return has(answers, option) ? answers.find(option)->second.front() : std::string();
}
const std::vector<std::string>& many(const Answers& answers, std::string_view option) {
  static const std::vector<std::string> none;
  return has(answers, option) ? answers.find(option)->second : none;
}
bool yes(const Answers& answers, std::string_view option) { return one(answers, option) == "yes"; }

ConnectorText begin(const Answers& answers, Beside& beside, std::string_view usual, bool outbound, bool grants) {
  ConnectorText out;
  out.outbound = outbound;
  const auto given = one(answers, "name");
  const bool free = std::find(beside.names.begin(), beside.names.end(), given) == beside.names.end();
  if (!given.empty() && free) {
    out.name = given;
    beside.names.push_back(given);
  } else {
    out.name = free_name(given.empty() ? usual : (outbound ? "to-" : "from-") + given, beside.names);
  }
  const auto mode = has(answers, "mode") ? one(answers, "mode") : grants ? "enforce" : "audit";
  if (mode == "audit") out.set("mode", config_string("audit"), "only logged; once the log shows no more surprises, take this line out");
  return out;
}

std::string own_domain(const Beside& beside) {
  for (const auto& domain : beside.domains)
    if (!domain.domain.empty()) return domain.domain;
  return "your-domain.example";
}

Made finished(std::string_view what, const std::vector<ConnectorText>& connectors, const std::vector<std::string>& advice, const Beside& beside) {
  const bool outbound = std::any_of(connectors.begin(), connectors.end(), [](const ConnectorText& c) { return c.outbound; });
  std::string out = comment(what, "") + "\n" + to_config(connectors) + "\n# What else there is to do\n";
  std::vector<std::string> lines{"1. Here: connectorctl check, then connectorctl reload."};
  lines.emplace_back(
      "2. Postfix: connectorctl postfix prints the lines for main.cf and master.cf, each with its reason; a first connector of a kind "
      "needs one more.");
  if (outbound && !beside.maps)
    lines.emplace(lines.begin(),
                  "First: the main file needs maps = { }; and the daemon a restart: without it nothing tells Postfix where mail goes.");
  for (const auto& line : lines) out += comment(line, "");
  int number = 3;
  for (const auto& line : advice)  // a command line stays on one line
    out += line.starts_with(' ') ? "#" + safe(line) + "\n" : comment(std::to_string(number++) + ". " + line, "");
  Made made{out, {}, {}, connectors.front().name};
  for (const auto& connector : connectors)
    for (const auto& domain : connector.claims)
      if (const auto pattern = DomainPattern::parse(domain)) made.recipients.push_back(pattern->to_string());
  return made;
}

}  // namespace cm::ctl

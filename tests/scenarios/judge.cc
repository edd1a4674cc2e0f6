// From a message's words to explain's options, and from its expectations to what is not met.
#include <algorithm>
#include <functional>

#include "ctl/output.h"
#include "scenario.h"

namespace cm::scenario {
namespace {

using ctl::Explanation;
using ctl::Question;

// In a header, \r \n and \t stand for those characters; any other backslash for itself.
std::string unescape(std::string_view text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto known = i + 1 < text.size() && text[i] == '\\' ? std::string_view("rnt").find(text[i + 1]) : std::string_view::npos;
    if (known != std::string_view::npos) ++i;
    out += known == std::string_view::npos ? text[i] : "\r\n\t"[known];
  }
  return out;
}

bool state(Question& q, const Line& line) {
  const std::pair<const char*, std::optional<std::string>*> values[] = {
      {"client", &q.client},           {"helo", &q.helo}, {"listener", &q.listener}, {"tls", &q.tls},   {"cert-subject", &q.cert_subject},
      {"cert-issuer", &q.cert_issuer}, {"auth", &q.auth}, {"from", &q.from},         {"size", &q.size}, {"measured-size", &q.measured_size}};
  for (const auto& [keyword, target] : values)
    if (line.keyword == keyword) return *target = line.rest, true;
  if (line.keyword == "to") return q.to.push_back(line.rest), true;
  if (line.keyword == "header") return q.headers.push_back(unescape(line.rest)), true;
  if (line.keyword == "local") return q.local = true;
  if (line.keyword == "cert-unverified") return q.cert_unverified = true;
  return false;
}

/// What was seen instead; nothing if the expectation is met.
using Seen = std::optional<std::string>;

Seen one(const std::string& expected, const std::string& seen) { return matches(expected, seen) ? Seen{} : Seen{seen}; }
Seen one(const std::string& expected, const std::optional<std::string>& seen) { return one(expected, seen.value_or("none")); }

Seen any_of(const std::string& expected, const std::vector<std::string>& seen) {
  for (const auto& text : seen)
    if (matches(expected, text)) return {};
  return seen.empty() ? "none" : "only " + ctl::join(seen, " | ");
}
Seen none_of(const std::string& unwanted, const std::vector<std::string>& seen) {
  for (const auto& text : seen)
    if (matches(unwanted, text)) return text;
  return {};
}

std::vector<std::string> headers_of(const Explanation& e) {
  std::vector<std::string> out;
  out.reserve(e.add_headers.size());
  for (const auto& header : e.add_headers) out.push_back(header.name + ": " + header.value);
  return out;
}
std::vector<std::string> recipients_of(const Explanation& e) {
  std::vector<std::string> out;
  out.reserve(e.recipients.size());
  for (const auto& r : e.recipients) out.push_back(r.address + " " + r.action + (r.reply ? " " + *r.reply : ""));
  return out;
}
std::vector<std::string> outbound_of(const Explanation& e) {
  std::vector<std::string> out;
  out.reserve(e.recipients.size());
  for (const auto& r : e.recipients) out.push_back(r.address + " " + r.outbound.value_or("none"));
  return out;
}
std::string route_of(const Explanation& e) {
  if (!e.route) return "none";
  return e.route->connector + " " + e.route->next_hop + (e.route->tls ? " " + *e.route->tls : "");
}
std::vector<std::string> in_words(const std::vector<ctl::ExplainedStep>& steps) {
  std::vector<std::string> out;
  out.reserve(steps.size());
  for (const auto& step : steps) out.push_back(step.connector.value_or("-") + " " + step.outcome + " " + step.because);
  return out;
}

struct Expectation {
  const char* keyword;
  std::function<Seen(const Explanation&, const std::string&)> judge;
};

const std::vector<Expectation>& expectations() {
  using S = const std::string&;
  using E = const Explanation&;
  static const std::vector<Expectation> table = {
      {"action", [](E e, S x) { return one(x, e.action); }},
      {"stage", [](E e, S x) { return one(x, e.stage); }},
      {"rule", [](E e, S x) { return one(x, e.rule); }},
      {"connector", [](E e, S x) { return one(x, e.connector); }},
      {"type", [](E e, S x) { return one(x, e.type); }},
      {"vouched", [](E e, S x) { return one(x, e.vouched); }},
      {"violations", [](E e, S x) { return one(x, e.violations.empty() ? "none" : ctl::join(e.violations, " ")); }},
      {"reply", [](E e, S x) { return one(x, e.reply); }},
      {"audit", [](E e, S x) { return one(x, e.audit ? e.audit->text : "none"); }},
      {"recipient", [](E e, S x) { return any_of(x, recipients_of(e)); }},
      {"outbound", [](E e, S x) { return any_of(x, outbound_of(e)); }},
      {"route", [](E e, S x) { return one(x, route_of(e)); }},
      {"header", [](E e, S x) { return any_of(x, headers_of(e)); }},
      {"no-header", [](E e, S x) { return none_of(x, headers_of(e)); }},
      {"rewrite-sender", [](E e, S x) { return one(x, e.rewrite_sender); }},
      {"strip", [](E e, S x) { return any_of(x, e.strip_headers); }},
      {"no-strip", [](E e, S x) { return none_of(x, e.strip_headers); }},
      {"step", [](E e, S x) { return any_of(x, in_words(e.steps)); }},
      {"audit-step", [](E e, S x) { return any_of(x, in_words(e.audit_steps)); }},
      {"no-audit-step", [](E e, S x) { return none_of(x, in_words(e.audit_steps)); }},
      {"no-step", [](E e, S x) { return none_of(x, in_words(e.steps)); }},
  };
  return table;
}

}  // namespace

bool matches(std::string_view pattern, std::string_view text) {
  std::size_t p = 0, t = 0, star = std::string_view::npos, resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p, ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

Question make_question(const Message& message, Problems& problems) {
  Question question;
  for (const auto& line : message.facts)
    if (!state(question, line))
      problems.push_back({line.number, "unknown word '" + line.keyword + "': expected an option of 'connectorctl explain' without its dashes"});
  return question;
}

Problems judge(const Message& message, const Explanation& seen) {
  Problems problems;
  for (const auto& line : message.expectations) {
    const auto& table = expectations();
    const auto known = std::find_if(table.begin(), table.end(), [&](const Expectation& e) { return line.keyword == e.keyword; });
    if (known == table.end()) {
      problems.push_back({line.number, "unknown expectation '" + line.keyword + "'"});
    } else if (line.rest.empty()) {
      problems.push_back({line.number, "'" + line.keyword + "' says not what is expected ('none' is a value)"});
    } else if (const auto other = known->judge(seen, line.rest)) {
      problems.push_back({line.number, line.keyword + ": expected " + line.rest + ", seen " + *other});
    }
  }
  return problems;
}

}  // namespace cm::scenario

// An explanation as one JSON object (every key always present) and as text for people: the verdict first, the reasons after it.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "ctl/connectors.h"
#include "ctl/explain.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

Json or_null(const std::optional<std::string>& text) { return text ? Json(*text) : Json(nullptr); }

void put(std::string& out, std::string_view label, const std::string& text) {
  out.append(label).append(label.size() < 10 ? 10 - label.size() : 1, ' ').append(safe(text)).append("\n");
}

Json to_json(const std::vector<ExplainedStep>& steps) {
  Json json = Json::array();
  for (const auto& step : steps)
    json.push_back({{"connector", or_null(step.connector)}, {"outcome", step.outcome}, {"because", step.because}, {"at", or_null(step.at)}});
  return json;
}

std::string verdict(const Explanation& e) {
  std::string out = e.action;
  if (e.stage) out += " at " + *e.stage;
  if (e.rule) out += ", rule " + *e.rule;
  if (e.connector) out += ", connector " + *e.connector + " (" + e.type.value_or("") + ")";
  if (e.vouched) out += ", vouched for: " + *e.vouched;
  return out;
}

void put_steps(std::string& out, std::string_view title, const std::vector<ExplainedStep>& steps) {
  std::size_t width = 9;
  for (const auto& step : steps) width = std::max(width, step.connector.value_or("all mail").size());
  out.append(title).append("\n");
  for (const auto& step : steps) {
    const auto name = step.connector.value_or("all mail");
    out += "  " + name + std::string(width - name.size() + 2, ' ');
    out += step.outcome + std::string(14 - step.outcome.size(), ' ') + safe(step.because);
    if (step.at) out += "  [" + safe(*step.at) + "]";
    out += "\n";
  }
}

}  // namespace

std::string to_text(const Explanation& e) {
  std::string out;
  put(out, "verdict", verdict(e));
  if (e.reply) put(out, "reply", *e.reply);
  if (e.violations.size() > 1) put(out, "unmet", join(e.violations, ", "));
  if (e.audit) put(out, "audit", e.audit->text + " if everything in mode audit were enforced");
  for (const auto& recipient : e.recipients)
    put(out, "to",
        recipient.address + ": " + recipient.action + (recipient.outbound ? ", leaves by " + *recipient.outbound : "") +
            (recipient.reply && recipient.reply != e.reply ? ", " + *recipient.reply : ""));
  std::vector<std::string> checked;
  for (const auto& recipient : e.recipients)
    if (recipient.relay_check) checked.push_back(recipient.address);
  if (!checked.empty()) put(out, "note", some_of(checked) + ": " + std::string(relay_check_note));
  if (e.route) put(out, "route", e.route->connector + ": " + e.route->next_hop + (e.route->tls ? ", TLS " + *e.route->tls : ""));
  if (e.rewrite_sender) put(out, "sender", "becomes " + *e.rewrite_sender);
  for (const auto& header : e.add_headers) put(out, "adds", header.name + ": " + header.value);
  for (const auto& name : e.strip_headers) put(out, "removes", name);
  put_steps(out, "steps", e.steps);
  if (!e.audit_steps.empty()) put_steps(out, "audit steps, as if everything in mode audit were enforced", e.audit_steps);
  return out;
}

std::string to_json(const Explanation& e) {
  Json json;
  json["connector"] = or_null(e.connector);
  json["type"] = or_null(e.type);
  json["vouched"] = or_null(e.vouched);
  json["action"] = e.action;
  json["stage"] = or_null(e.stage);
  json["rule"] = or_null(e.rule);
  json["violations"] = e.violations;
  json["audit"] = nullptr;
  if (e.audit) json["audit"] = {{"action", e.audit->action}, {"rule", or_null(e.audit->rule)}, {"connector", or_null(e.audit->connector)}};
  json["reply"] = or_null(e.reply);
  json["recipients"] = Json::array();
  for (const auto& r : e.recipients)
    json["recipients"].push_back({{"address", r.address}, {"action", r.action}, {"reply", or_null(r.reply)}, {"outbound", or_null(r.outbound)}});
  json["relay_check"] = Json::array();
  for (const auto& r : e.recipients)
    if (r.relay_check) json["relay_check"].push_back(r.address);
  json["add_headers"] = Json::array();
  for (const auto& header : e.add_headers) json["add_headers"].push_back({{"name", header.name}, {"value", header.value}});
  json["strip_headers"] = e.strip_headers;
  json["rewrite_sender"] = or_null(e.rewrite_sender);
  json["route"] = nullptr;
  if (e.route) json["route"] = {{"connector", e.route->connector}, {"nexthop", e.route->next_hop}, {"tls", or_null(e.route->tls)}};
  json["steps"] = to_json(e.steps);
  json["audit_steps"] = to_json(e.audit_steps);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cm::ctl

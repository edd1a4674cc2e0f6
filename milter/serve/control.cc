// Control requests -> JSON. Connector names and diagnostics are made valid UTF-8 by the library (bad bytes are replaced), never trusted.
#include "serve/control.h"

#include <fmt/chrono.h>

#include <cmath>
#include <nlohmann/json.hpp>

namespace cm::serve {
namespace {

using Json = nlohmann::ordered_json;

std::string iso_time(std::chrono::system_clock::time_point at) {
  return fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::chrono::system_clock::to_time_t(at)));
}

Json to_json(const ReloadResult& result) {
  return {{"ok", result.ok}, {"time", iso_time(result.at)}, {"connectors", result.connectors}, {"diagnostics", result.diagnostics}};
}

// Only what happened: rules and TLS versions at zero are left out.
Json to_json(const observe::Counters& counters) {
  constexpr const char* tls_names[] = {"none", "unknown", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  static_assert(std::size(tls_names) == observe::tls_version_count);
  auto actions = Json::object(), rules = Json::object(), tls = Json::object();
  for (std::size_t i = 0; i < observe::tls_version_count; ++i)
    if (const auto value = counters.tls_versions[i].load(); value != 0) tls[tls_names[i]] = value;
  for (std::size_t i = 0; i < observe::action_count; ++i) actions[std::string(to_string(static_cast<Action>(i)))] = counters.actions[i].load();
  for (std::size_t i = 1; i < observe::rule_count; ++i)
    if (const auto value = counters.rules[i].load(); value != 0) rules[std::string(to_string(static_cast<Rule>(i)))] = value;
  return {{"connections", counters.connections.load()},
          {"messages", counters.messages.load()},
          {"audit_differences", counters.audit_differences.load()},
          {"internal_failures", counters.internal_failures.load()},
          {"map_lookups", counters.map_lookups.load()},
          {"policy_requests", counters.policy_requests.load()},
          {"policy_permits", counters.policy_permits.load()},
          {"actions", std::move(actions)},
          {"rules", std::move(rules)},
          {"tls", std::move(tls)}};
}

Json to_json(const observe::RateUse& use) {
  return {{"connector", use.connector},
          {"mode", use.audit ? "audit" : "enforce"},
          {"key", use.key},
          {"value", use.value.empty() ? Json(nullptr) : Json(use.value)},
          {"used", std::round(use.used * 10) / 10},
          {"messages", use.messages},
          {"per", duration_text(use.seconds)}};
}

// Connectors by direction; those that saw no mail by name alone, for there may be a hundred thousand.
void add_connectors(const std::vector<observe::ConnectorCount>& connectors, Json& out) {
  auto inbound = Json::array(), outbound = Json::array(), idle = Json::array();
  for (const auto& connector : connectors) {
    if (!connector.any()) {
      idle.push_back(connector.name);
    } else if (connector.type == "outbound") {
      outbound.push_back({{"name", connector.name}, {"messages", connector.sent}});
    } else {
      Json row{{"name", connector.name}, {"type", connector.type}};
      for (std::size_t i = 0; i < observe::action_count; ++i) row[std::string(to_string(static_cast<Action>(i)))] = connector.actions[i];
      row["audit_differences"] = connector.audit_differences;
      inbound.push_back(std::move(row));
    }
  }
  out["connectors"] = std::move(inbound);
  out["outbound"] = std::move(outbound);
  out["without_mail"] = std::move(idle);
}

Json to_json(const observe::Stats& stats, const Status& status, const observe::Counters& counters) {
  Json out{{"ok", true}, {"since", iso_time(status.started)}, {"uptime", status.uptime.count()}};
  out.update(to_json(counters));
  out["log_lines_dropped"] = status.log_lines_dropped;
  add_connectors(stats.connectors, out);
  out["rates"] = Json::array();
  for (const auto& use : stats.rates) out["rates"].push_back(to_json(use));
  return out;
}

Json to_json(const Status& status, const observe::Counters& counters) {
  auto numbers = to_json(counters);
  numbers["log_lines_dropped"] = status.log_lines_dropped;
  auto sockets = Json::object();
  for (const auto& [name, address] : status.sockets) sockets[name] = address.empty() ? Json(nullptr) : Json(address);
  return {{"ok", true},
          {"version", status.version},
          {"pid", status.pid},
          {"config_file", status.config_file},
          {"started", iso_time(status.started)},
          {"uptime", status.uptime.count()},
          {"policy_number", status.policy_number},
          {"policy_loaded", iso_time(status.loaded)},
          {"config", status.config},
          {"connectors", status.connectors},
          {"sockets", std::move(sockets)},
          {"restart_needed", status.restart_needed},
          {"in_flight", status.in_flight},
          {"last_reload", to_json(status.last_reload)},
          {"counters", std::move(numbers)}};
}

}  // namespace

Control::Control(std::function<ReloadResult()> reload, std::function<Status()> status, std::function<observe::Stats()> stats,
                 const observe::Counters& counters)
    : reload_(std::move(reload)), status_(std::move(status)), stats_(std::move(stats)), counters_(counters) {}

std::string Control::answer(std::string_view request) const {
  Json reply;
  if (request == "reload")
    reply = to_json(reload_());
  else if (request == "status")
    reply = to_json(status_(), counters_);
  else if (request == "stats")
    reply = to_json(stats_(), status_(), counters_);
  else
    reply = {{"ok", false}, {"error", "unknown request: expected reload, status or stats"}};
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cm::serve

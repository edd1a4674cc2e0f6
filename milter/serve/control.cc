// Control requests -> JSON. Connector names and diagnostics are made valid UTF-8 by the library (bad bytes are replaced), never trusted.
#include "serve/control.h"

#include <fmt/chrono.h>

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

// Only what happened: counters at zero are left out of the two tables.
Json to_json(const observe::Counters& counters) {
  auto actions = Json::object(), rules = Json::object();
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
          {"rules", std::move(rules)}};
}

Json to_json(const Status& status, const observe::Counters& counters) {
  auto numbers = to_json(counters);
  numbers["log_lines_dropped"] = status.log_lines_dropped;
  return {{"ok", true},
          {"version", status.version},
          {"pid", status.pid},
          {"policy_loaded", iso_time(status.loaded)},
          {"config", status.config},
          {"connectors", status.connectors},
          {"in_flight", status.in_flight},
          {"last_reload", to_json(status.last_reload)},
          {"counters", std::move(numbers)}};
}

}  // namespace

Control::Control(std::function<ReloadResult()> reload, std::function<Status()> status, const observe::Counters& counters)
    : reload_(std::move(reload)), status_(std::move(status)), counters_(counters) {}

std::string Control::answer(std::string_view request) const {
  Json reply;
  if (request == "reload")
    reply = to_json(reload_());
  else if (request == "status")
    reply = to_json(status_(), counters_);
  else
    reply = {{"ok", false}, {"error", "unknown request: expected reload or status"}};
  return reply.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace cm::serve

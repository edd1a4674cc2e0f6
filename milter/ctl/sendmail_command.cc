// `connectorctl sendmail`: the lines of sendmail.h as text for m4, and as JSON.
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "ctl/command.h"
#include "ctl/loading.h"
#include "ctl/output.h"
#include "ctl/sendmail.h"

namespace cm::ctl {
namespace {

using Kind = SendmailLine::Kind;

std::string show(const SendmailLine& line) {
  switch (line.kind) {
    case Kind::macro: return line.value;
    case Kind::example: return "dnl " + line.value;
    case Kind::listener: return "dnl DAEMON_OPTIONS(`" + line.value + ", Port=...')dnl";
    case Kind::note: break;
  }
  return "";
}

}  // namespace

std::string to_text(const std::vector<SendmailLine>& lines) {
  std::string out;
  for (const auto& line : lines) {
    const auto who = line.kind == Kind::listener ? "Listener " + line.listener + ": " : "";
    out += "dnl\ndnl # " + safe(who + line.reason) + ".\n";
    if (line.kind != Kind::note) out += safe(show(line)) + "\n";
  }
  return out;
}

std::string to_json(const std::vector<SendmailLine>& lines) {
  using Json = nlohmann::ordered_json;
  Json out = Json::array();
  for (const auto& line : lines) {
    Json json = Json::object();
    if (line.kind == Kind::listener) json["listener"] = line.listener;
    json["value"] = line.kind == Kind::macro || line.kind == Kind::listener ? Json(line.value) : Json(nullptr);
    if (line.kind == Kind::example) json["example"] = line.value;
    json["reason"] = line.reason;
    out.push_back(std::move(json));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

int sendmail(const Context& context) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto lines = sendmail_lines(config->policy.data(), config->service);
  if (context.json) {
    context.out << to_json(lines);
    return success;
  }
  context.out << "dnl # What " << safe(context.config_path) << " needs in sendmail.mc (Sendmail 8.14 or newer), above other filters.\n"
              << "dnl # What is commented out needs a choice of yours. Print it again after a change of the connectors.\n"
              << to_text(lines);
  return success;
}

}  // namespace cm::ctl

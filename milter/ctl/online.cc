// `status` and `reload`: questions to the running daemon.
//
// They must work while the config on disk is broken, for that is when the daemon's answer is needed most: the config is only asked
// where the control socket is, and even then no error in it matters that leaves this one setting readable.
#include <libconfig.h++>
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::string address_in_broken_config(const std::string& path) {
  std::string address = config::Service{}.control.address;
  try {
    libconfig::Config text;
    text.readFile(path.c_str());
    text.lookupValue("control.socket", address);
  } catch (const libconfig::ConfigException&) {
    return config::Service{}.control.address;
  }
  return address;
}

struct Where {
  std::string path;
  config::Diagnostics broken;  // why the config could not be loaded
};

Where find_socket(const Context& context, const std::string& option) {
  Where where{option, {}};
  if (option.empty()) {
    auto loaded = config::load(context.config_path);
    where.path = loaded.config ? loaded.config->service.control.address : address_in_broken_config(context.config_path);
    if (!loaded.config) where.broken = std::move(loaded.diagnostics);
  }
  if (where.path.starts_with("unix:")) where.path.erase(0, 5);
  return where;
}

int complain(const Context& context, const Where& where, const std::string& why) {
  context.err << "connectorctl: " << safe(why) << "\n";
  for (const auto& diagnostic : where.broken) context.err << safe(diagnostic.to_string()) << "\n";
  if (!where.broken.empty()) context.err << "connectorctl: the config has errors, so this socket is a guess; --socket PATH names another\n";
  return unreachable;
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print(const Context& context, const Json& answer) {
  if (context.json) {
    context.out << answer.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return;
  }
  for (const auto& [key, value] : answer.items()) {
    if (!value.is_array())
      context.out << safe(key) << ": " << safe(plain(value)) << "\n";
    else
      for (const auto& line : value) context.out << safe(plain(line)) << "\n";
  }
}

// The answer, or null after the complaint: what answers must be a JSON object.
std::optional<Json> ask_daemon(const Context& context, const std::string& option, std::string_view request) {
  const auto where = find_socket(context, option);
  const auto answer = ask(where.path, request);
  if (!answer) return complain(context, where, answer.why), std::nullopt;
  auto json = Json::parse(*answer, nullptr, false);
  if (!json.is_object()) return complain(context, where, "what answers at " + where.path + " is not the daemon"), std::nullopt;
  return json;
}

}  // namespace

int status(const Context& context, const std::string& socket) {
  const auto answer = ask_daemon(context, socket, "status");
  if (!answer) return unreachable;
  print(context, *answer);
  return answer->value("ok", true) ? success : bad;
}

int reload(const Context& context, const std::string& socket) {
  const auto answer = ask_daemon(context, socket, "reload");
  if (!answer) return unreachable;
  print(context, *answer);
  return answer->value("ok", false) ? success : bad;
}

}  // namespace cm::ctl

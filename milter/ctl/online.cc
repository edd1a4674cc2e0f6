// `status`, `stats` and `reload`: questions to the running daemon.
//
// They must work while the config on disk is broken, for that is when the daemon's answer is needed most: the config is only asked
// where the control socket is, and even then no error in it matters that leaves this one setting readable.
#include <libconfig.h++>
#include <nlohmann/json.hpp>
#include <optional>

#include "config/load.h"
#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/output.h"
#include "ctl/stats_output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

// The one setting that matters here, from a config with errors; nothing if it cannot even be parsed.
std::optional<std::string> address_in_broken_config(const std::string& path) {
  std::string address = config::Service{}.control.address;
  try {
    libconfig::Config text;
    text.readFile(path.c_str());
    text.lookupValue("control.socket", address);
  } catch (const libconfig::ConfigException&) {
    return std::nullopt;
  }
  return address;
}

struct Where {
  std::string path;
  bool guessed = false;        // the config could not be read: this is the default
  config::Diagnostics broken;  // why the config could not be loaded
};

Where find_socket(const Context& context, const std::string& option) {
  Where where{option, false, {}};
  if (option.empty()) {
    auto loaded = config::load(context.config_path);
    const auto address = loaded.config ? loaded.config->service.control.address : address_in_broken_config(context.config_path);
    where.guessed = !address;
    where.path = address.value_or(config::Service{}.control.address);
    if (!loaded.config) where.broken = std::move(loaded.diagnostics);
  }
  if (where.path.starts_with("unix:")) where.path.erase(0, 5);
  return where;
}

void tell_guess(const Context& context, const Where& where) {
  if (where.guessed)
    context.err << "connectorctl: " << safe(context.config_path) << " cannot be read, so the daemon was sought at its default, " << safe(where.path)
                << "; --socket PATH names another\n";
}

int complain(const Context& context, const Where& where, const std::string& why) {
  context.err << "connectorctl: " << safe(why) << "\n";
  for (const auto& diagnostic : where.broken) context.err << safe(diagnostic.to_string()) << "\n";
  tell_guess(context, where);
  return unreachable;
}

std::string plain(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

void print_json(const Context& context, const Json& answer) { context.out << answer.dump(2, ' ', false, Json::error_handler_t::replace) << "\n"; }

// One line a value: `counters.messages: 3`.
void print_lines(std::ostream& out, const std::string& name, const Json& value) {
  if (!value.is_structured()) {
    out << safe(name) << ": " << safe(plain(value)) << "\n";
    return;
  }
  for (const auto& [key, inner] : value.items()) {
    std::string inner_name = name;
    if (!value.is_array()) inner_name.append(name.empty() ? "" : ".").append(key);
    print_lines(out, inner_name, inner);
  }
}

bool is_ok(const Json& answer) {
  const auto ok = answer.find("ok");
  return ok != answer.end() && ok->is_boolean() && ok->get<bool>();
}

// The answer, or null after the complaint: what answers must be a JSON object.
std::optional<Json> ask_daemon(const Context& context, const std::string& option, std::string_view request) {
  const auto where = find_socket(context, option);
  const auto answer = ask(where.path, request);
  if (!answer) return complain(context, where, answer.why), std::nullopt;
  auto json = Json::parse(*answer, nullptr, false);
  if (!json.is_object()) return complain(context, where, "what answers at " + where.path + " is not the daemon"), std::nullopt;
  tell_guess(context, where);
  return json;
}

}  // namespace

int status(const Context& context, const std::string& socket) {
  auto answer = ask_daemon(context, socket, "status");
  if (!answer) return unreachable;
  if (context.json)
    print_json(context, *answer);
  else
    print_lines(context.out, "", *answer);
  return is_ok(*answer) ? success : bad;
}

int stats(const Context& context, const std::string& socket) {
  const auto answer = ask_daemon(context, socket, "stats");
  if (!answer) return unreachable;
  if (context.json)
    print_json(context, *answer);
  else if (is_ok(*answer))
    print_stats(context.out, *answer);
  else
    print_lines(context.out, "", *answer);
  return is_ok(*answer) ? success : bad;
}

int reload(const Context& context, const std::string& socket) {
  const auto answer = ask_daemon(context, socket, "reload");
  if (!answer) return unreachable;
  const bool ok = is_ok(*answer);
  if (context.json) {
    print_json(context, *answer);
    return ok ? success : bad;
  }
  if (const auto diagnostics = answer->find("diagnostics"); diagnostics != answer->end() && diagnostics->is_array())
    for (const auto& line : *diagnostics) context.out << safe(plain(line)) << "\n";
  if (const auto error = answer->find("error"); error != answer->end()) context.out << safe(plain(*error)) << "\n";
  context.out << (ok ? "reloaded\n" : "refused: the daemon goes on with the config it has\n");
  return ok ? success : bad;
}

}  // namespace cm::ctl

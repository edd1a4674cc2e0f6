// Postfix's settings as postconf(1) has them. It expands the values itself, for each service with what that service sets.
#include <algorithm>
#include <cctype>
#include <filesystem>

#include "ctl/doctor/live.h"

namespace cm::ctl::doctor {
namespace {

using Lines = std::vector<std::string_view>;

Lines lines_of(std::string_view text) {
  Lines out;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) out.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

struct Assignment {
  std::string_view name, value;
};

/// `NAME = VALUE`, `NAME =`. Parameter and service names hold no blank.
std::optional<Assignment> assignment(std::string_view line) {
  const auto at = line.find(" =");
  if (at == 0 || at == std::string_view::npos || line.substr(0, at).find_first_of(" \t") != std::string_view::npos) return std::nullopt;
  auto value = line.substr(at + 2);
  if (!value.empty() && value[0] != ' ') return std::nullopt;
  while (!value.empty() && value[0] == ' ') value.remove_prefix(1);
  return Assignment{line.substr(0, at), value};
}

std::string not_understood(std::string_view line) { return "postconf printed a line that is not understood: " + std::string(line.substr(0, 200)); }

/// "smtp/inet/chroot" -> "smtp/inet", "chroot".
std::pair<std::string_view, std::string_view> split_last(std::string_view path) {
  const auto slash = path.rfind('/');
  if (slash == std::string_view::npos) return {path, {}};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

Service* find(std::vector<Service>& services, std::string_view entry) {
  const auto it = std::find_if(services.begin(), services.end(), [&](const auto& s) { return s.entry() == entry; });
  return it == services.end() ? nullptr : &*it;
}

bool set_field(Service& service, std::string_view field, std::string_view value, bool chroot_by_default) {
  if (field == "chroot") {
    service.chroot = value == "y" || (value == "-" && chroot_by_default);
    return value == "y" || value == "n" || value == "-";
  }
  if (field == "command") service.program = std::filesystem::path(value.substr(0, value.find(' '))).filename().string();
  return true;
}

bool is_word(char c) { return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_'; }

/// `text` has $name, ${name...} or $(name).
bool refers_to(std::string_view text, std::string_view name) {
  for (auto at = text.find(name); at != std::string_view::npos; at = text.find(name, at + 1)) {
    const auto end = at + name.size();
    if (end < text.size() && is_word(text[end])) continue;
    const auto before = at > 0 && (text[at - 1] == '{' || text[at - 1] == '(') ? at - 1 : at;
    if (before > 0 && text[before - 1] == '$') return true;
  }
  return false;
}

/// Something else follows from what the service sets: its values need to be expanded, or others of `main` (not expanded) hold them.
bool needs_expansion(const Service& service, std::string_view main) {
  return std::any_of(service.settings.begin(), service.settings.end(),
                     [&](const auto& setting) { return setting.second.find('$') != std::string::npos || refers_to(main, setting.first); });
}

// Postfix itself says what follows from the settings of a service: `-o NAME=VALUE` is to postconf what it is in master.cf.
std::string expand(const std::string& directory, const Values& main, Service& service) {
  std::vector<std::string> command{"postconf", "-c", directory, "-x"};
  for (const auto& [name, value] : service.settings) command.insert(command.end(), {"-o", name + "=" + value});
  const auto text = run_program(command);
  if (!text) return text.why;
  auto all = parse_parameters(*text);
  if (!all) return all.why;
  Values settings;
  for (const auto& [name, value] : *all) {
    const auto it = main.find(name);
    if (service.settings.contains(name) || it == main.end() || it->second != value) settings[name] = value;
  }
  for (const auto& [name, value] : service.settings) settings.try_emplace(name, value);  // parameters of the administrator's own
  service.settings = std::move(settings);
  return {};
}

// Source: postconf(5) compatibility_level: below 1 a "-" for chroot is y.
bool chroots_by_default(const Values& main) {
  const auto it = main.find("compatibility_level");
  return it == main.end() || it->second.empty() || it->second[0] == '0';
}

Parsed<Instance> read_instance(const std::string& directory) {
  using Result = Parsed<Instance>;
  const auto ask = [&](const char* what) { return run_program({"postconf", "-c", directory, what}); };
  const auto plain = run_program({"postconf", "-c", directory});
  const auto main_text = ask("-x"), fields = ask("-F"), parameters = ask("-P");
  for (const auto* text : {&plain, &main_text, &fields, &parameters})
    if (!*text) return Result::error(text->why);
  auto main = parse_parameters(*main_text);
  if (!main) return Result::error(main.why);
  Instance instance{directory, {}, *main, {}, {}};
  const auto version = PostfixVersion::parse(instance.value(nullptr, "mail_version"));
  if (!version) return Result::error("mail_version of " + directory + " is no version of Postfix");
  instance.version = *version;
  auto services = parse_services(*fields, *parameters, chroots_by_default(instance.main));
  if (!services) return Result::error(services.why);
  instance.services = *services;
  for (auto& service : instance.services) {
    if (!needs_expansion(service, *plain)) continue;
    if (const auto why = expand(directory, instance.main, service); !why.empty()) return Result::error(why);
  }
  return Result(std::move(instance));
}

}  // namespace

Parsed<Values> parse_parameters(std::string_view text) {
  Values out;
  for (const auto line : lines_of(text)) {
    const auto set = assignment(line);
    if (!set) return Parsed<Values>::error(not_understood(line));
    out[std::string(set->name)] = set->value;
  }
  return Parsed<Values>(std::move(out));
}

Parsed<std::vector<Service>> parse_services(std::string_view fields, std::string_view parameters, bool chroot_by_default) {
  using Result = Parsed<std::vector<Service>>;
  std::vector<Service> out;
  for (const auto line : lines_of(fields)) {
    const auto set = assignment(line);
    const auto [entry, field] = split_last(set ? set->name : line);
    if (!set || field.empty()) return Result::error(not_understood(line));
    auto* service = find(out, entry);
    if (!service) {
      const auto [name, type] = split_last(entry);
      service = &out.emplace_back(Service{std::string(name), std::string(type), "", false, {}});
    }
    if (!set_field(*service, field, set->value, chroot_by_default)) return Result::error(not_understood(line));
  }
  for (const auto line : lines_of(parameters)) {
    const auto set = assignment(line);
    const auto [entry, name] = split_last(set ? set->name : line);
    auto* service = find(out, entry);
    if (!set || !service) return Result::error(not_understood(line));
    service->settings[std::string(name)] = set->value;
  }
  return Result(std::move(out));
}

Parsed<std::vector<Instance>> read_postfix(const std::string& directory) {
  using Result = Parsed<std::vector<Instance>>;
  auto first = directory;
  if (first.empty()) {
    const auto own = run_program({"postconf", "-h", "config_directory"});
    if (!own) return Result::error(own.why);
    first = own->substr(0, own->find('\n'));
  }
  std::vector<Instance> out;
  std::vector<std::string> directories{first};
  for (std::size_t i = 0; i < directories.size(); ++i) {
    auto instance = read_instance(directories[i]);
    if (!instance) return Result::error(instance.why);
    // The first runs in any case. Source: postmulti(1), multi_instance_enable.
    if (i > 0 && !instance->is_yes(nullptr, "multi_instance_enable")) continue;
    if (i == 0)
      for (auto& other : split(instance->value(nullptr, "multi_instance_directories"))) directories.push_back(std::move(other));
    out.push_back(std::move(*instance.value));
  }
  return Result(std::move(out));
}

}  // namespace cm::ctl::doctor

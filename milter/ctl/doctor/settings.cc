// Postfix's lists and addresses, taken apart. Sources: postconf(5), master(5), MILTER_README, socketmap_table(5).
#include "ctl/doctor/settings.h"

#include <algorithm>
#include <filesystem>

#include "policy/domain.h"

namespace cm::ctl::doctor {
namespace {

constexpr std::string_view blanks = " \t\r\n";
const std::string none;

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

/// "host" of "host:port" and "[host]:port"; empty if there is none.
std::string_view host_of(std::string_view name) {
  const auto colon = name.rfind(':');
  if (colon == std::string_view::npos) return {};
  auto host = name.substr(0, colon);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  return host;
}

std::string normal_path(const std::filesystem::path& path) { return path.lexically_normal().string(); }

bool is_any_host(std::string_view host) { return host.empty() || host == "0.0.0.0" || host == "::" || host == "*"; }

bool same_inet(std::string_view theirs, std::string_view ours) {  // HOST:PORT, PORT@HOST
  const auto colon = theirs.rfind(':');
  const auto at = ours.find('@');
  const auto port = ours.substr(0, at);
  auto host = at == std::string_view::npos ? std::string_view{} : ours.substr(at + 1);
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  const auto their_host = colon == std::string_view::npos ? std::string_view("localhost") : host_of(theirs);
  const auto their_port = colon == std::string_view::npos ? theirs : theirs.substr(colon + 1);
  return port == their_port && (is_any_host(host) || host == their_host || (is_loopback(host) && is_loopback(their_host)));
}

const Service* front_of(const Instance& instance, const Service& service) {
  if (service.type != "pass") return &service;
  const auto screens = instance.running("postscreen");
  return screens.empty() ? &service : screens[0];
}

}  // namespace

const std::string& Instance::value(const Service* service, std::string_view name) const {
  if (service)
    if (const auto it = service->settings.find(name); it != service->settings.end()) return it->second;
  const auto it = main.find(name);
  return it == main.end() ? none : it->second;
}

bool Instance::is_yes(const Service* service, std::string_view name) const { return equals_ignoring_case(value(service, name), "yes"); }

const Service* Instance::find(std::string_view entry) const {
  const auto it = std::find_if(services.begin(), services.end(), [&](const auto& service) { return service.entry() == entry; });
  return it == services.end() ? nullptr : &*it;
}

std::vector<const Service*> Instance::running(std::string_view program) const {
  std::vector<const Service*> out;
  for (const auto& service : services)
    if (service.program == program) out.push_back(&service);
  return out;
}

const Service* Instance::cleanup_of(const Service& service) const {
  const auto& name = value(&service, "cleanup_service_name");
  return find((name.empty() ? "cleanup" : name) + "/unix");
}

const PostfixLine* Instance::needs(std::string_view name) const {
  const auto it =
      std::find_if(needed.begin(), needed.end(), [&](const auto& line) { return line.place == PostfixLine::Place::main && line.name == name; });
  return it == needed.end() ? nullptr : &*it;
}

bool Instance::is_local_only(const Service& service) const {
  const auto& front = *front_of(*this, service);
  if (front.type == "unix") return true;
  if (front.type == "inet")
    if (const auto host = host_of(front.name); !host.empty()) return is_loopback(host);
  const auto interfaces = split(value(nullptr, "inet_interfaces"));
  return !interfaces.empty() &&
         std::all_of(interfaces.begin(), interfaces.end(), [](const auto& i) { return i == "loopback-only" || is_loopback(i); });
}

bool Instance::takes_ipv6(const Service& service) const {
  const auto& front = *front_of(*this, service);
  const auto protocols = split(value(nullptr, "inet_protocols"));
  if (std::none_of(protocols.begin(), protocols.end(), [](const auto& p) { return p == "all" || p == "ipv6"; })) return false;
  if (is_local_only(service)) return false;
  const auto is_v6 = [](std::string_view host) { return host.find(':') != std::string_view::npos || host == "all" || !Ip::parse(host); };
  if (const auto host = host_of(front.name); front.type == "inet" && !host.empty()) return is_v6(host);
  const auto interfaces = split(value(nullptr, "inet_interfaces"));
  return interfaces.empty() || std::any_of(interfaces.begin(), interfaces.end(), is_v6);
}

std::vector<std::string> split(std::string_view list) {
  std::vector<std::string> out;
  std::string entry;
  int depth = 0;
  for (const char c : list) {
    if (depth == 0 && (c == ',' || blanks.find(c) != std::string_view::npos)) {
      if (!entry.empty()) out.push_back(std::move(entry));
      entry.clear();
      continue;
    }
    if (c == '{') ++depth;
    if (c == '}' && depth > 0) --depth;
    entry += c;
  }
  if (!entry.empty()) out.push_back(std::move(entry));
  return out;
}

bool contains(std::string_view list, std::string_view entry) {
  const auto entries = split(list);
  return std::find(entries.begin(), entries.end(), entry) != entries.end();
}

std::string_view unbrace(std::string_view entry) {
  if (!entry.starts_with('{') || !entry.ends_with('}') || entry.size() < 2) return entry;
  return trim(entry.substr(1, entry.size() - 2));
}

Endpoint Endpoint::parse(std::string_view entry) {
  Endpoint out;
  for (auto& part : split(unbrace(entry))) {
    if (out.address.empty()) {
      out.address = std::move(part);
      continue;
    }
    // `{ name = value }`, `name=value`; a value may hold blanks only in braces.
    const auto setting = unbrace(part);
    const auto equals = setting.find('=');
    if (equals != std::string_view::npos) out.options[std::string(trim(setting.substr(0, equals)))] = trim(setting.substr(equals + 1));
  }
  return out;
}

bool is_ours(const Instance& instance, bool chroot, std::string_view address, const std::string& ours) {
  if (address.starts_with("inet:")) return ours.starts_with("inet:") && same_inet(address.substr(5), std::string_view(ours).substr(5));
  const auto colon = address.find(':');
  const auto kind = address.substr(0, colon);
  if ((kind != "unix" && kind != "local") || !ours.starts_with("unix:")) return false;
  const std::filesystem::path path(address.substr(colon + 1)), queue(instance.value(nullptr, "queue_directory"));
  const auto wanted = normal_path(ours.substr(5));
  if (normal_path(queue / path) == wanted) return true;  // an absolute path stands for itself
  return chroot && normal_path(queue / path.relative_path()) == wanted;
}

std::vector<std::pair<std::string, std::string>> socketmaps(std::string_view list) {
  std::string flat(list);
  std::replace_if(
      flat.begin(), flat.end(), [](char c) { return c == '{' || c == '}'; }, ' ');
  std::vector<std::pair<std::string, std::string>> out;
  for (const auto& entry : split(flat)) {
    const auto at = entry.find("socketmap:");
    if (at == std::string::npos || (at > 0 && entry[at - 1] != ':')) continue;
    const auto rest = entry.substr(at + 10);
    if (const auto colon = rest.rfind(':'); colon != std::string::npos) out.emplace_back(rest.substr(0, colon), rest.substr(colon + 1));
  }
  return out;
}

std::vector<PolicyUse> policy_services(std::string_view restrictions) {
  const auto entries = split(restrictions);
  std::vector<PolicyUse> out;
  for (std::size_t i = 0; i + 1 < entries.size(); ++i)
    if (entries[i] == "check_policy_service") out.push_back({Endpoint::parse(entries[i + 1]), i});
  return out;
}

bool is_loopback(std::string_view host) {
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") return true;
  const auto ip = Ip::parse(host);
  return ip && (ip->v6 ? ip->bits == 1 : (ip->bits >> 24U) == 127);
}

std::vector<Source> networks(std::string_view list) {
  std::vector<Source> out;
  for (auto& entry : split(list)) {
    entry.erase(std::remove_if(entry.begin(), entry.end(), [](char c) { return c == '[' || c == ']'; }), entry.end());
    if (auto source = Source::parse(entry)) out.push_back(*source);
  }
  return out;
}

}  // namespace cm::ctl::doctor

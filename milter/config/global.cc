// Global settings, one function a group. Whatever is wrong is reported and keeps its default; the policy is then never used.
#include "config/global.h"

#include <algorithm>
#include <charconv>
#include <unordered_map>

#include "config/fields.h"
#include "config/signing.h"

namespace cm::config {
namespace {

constexpr std::string_view global_settings[] = {"organization", "unmatched", "listeners", "milter",  "maps",
                                                "policy",       "control",   "log",       "headers", "signing"};

constexpr Word<Check> checks[] = {{"off", Check::off}, {"audit", Check::audit}, {"enforce", Check::enforce}};
constexpr Word<bool> unmatched_words[] = {{"accept", false}, {"reject", true}};
constexpr Word<LogTarget> log_targets[] = {{"syslog", LogTarget::syslog}, {"stderr", LogTarget::standard_error}};
constexpr Word<LogLevel> log_levels[] = {
    {"error", LogLevel::error}, {"warning", LogLevel::warning}, {"info", LogLevel::info}, {"debug", LogLevel::debug}};
enum class Vouch { authenticated, local };
constexpr Word<Vouch> vouch_words[] = {{"authenticated", Vouch::authenticated}, {"local", Vouch::local}};

constexpr std::size_t socket_path_bytes = 107;  // sun_path of sockaddr_un, unix(7)

void read_domains(Group& group, Organization& organization) {
  const auto domains = group.strings("domains");
  if (!domains.given) group.missing("domains", "the domains that are ours, such as [ \".contoso.example\" ]");
  for (const auto& item : domains.items) {
    const auto pattern = DomainPattern::parse(item.text);
    if (!pattern)
      item.place.error(quote(item.text) + ": " + pattern.why);
    else if (pattern->kind == DomainPattern::Kind::any || pattern->kind == DomainPattern::Kind::null)
      item.place.error(quote(item.text) + " cannot be a domain of ours: name the domains themselves");
    else
      organization.domains.push_back(*pattern);
  }
}

void read_organization(Group& root, Organization& organization) {
  const auto* node = root.group("organization");
  if (node == nullptr) {
    if (!root.has("organization"))
      root.missing("organization", "say which domains are ours: organization = { domains = [ \".contoso.example\" ]; };");
    return;
  }
  Group group(*node, root.file(), "organization", root.report());
  read_domains(group, organization);
  if (const auto vouch = group.strings("vouch", true); vouch.given) {
    organization.vouch_authenticated = organization.vouch_local = false;
    for (const auto& item : vouch.items)
      if (const auto who = Group::meaning(item.text, item.place, vouch_words))
        (*who == Vouch::local ? organization.vouch_local : organization.vouch_authenticated) = true;
  }
  organization.protect = group.word("protect", checks).value_or(organization.protect);
  group.finish();
}

void read_listeners(Group& root, std::vector<Listener>& listeners) {
  std::unordered_map<std::string, unsigned> lines;
  for (const auto& [node, index] : root.groups("listeners")) {
    Group group(*node, root.file(), "listeners[" + std::to_string(index) + "]", root.report());
    Listener listener;
    if (!group.has("name")) group.missing("name", "the MTA's name for the listener ({daemon_name})");
    const auto name = group.text("name");
    listener.name = name.value_or("");
    listener.closed = group.boolean("closed").value_or(false);
    listener.at = {root.file(), node->line};
    group.finish();
    if (!name) continue;
    if (listener.name.empty() || std::any_of(listener.name.begin(), listener.name.end(), [](char c) { return c <= ' ' || c > '~'; })) {
      group.place("name").error("expected a name of printable ASCII without blanks");
      continue;
    }
    const auto [known, is_new] = lines.emplace(listener.name, node->line);
    if (is_new)
      listeners.push_back(std::move(listener));
    else
      group.place("name").error("the listener " + quote(listener.name) + " is already declared in line " + std::to_string(known->second));
  }
}

std::string check_inet(std::string_view rest) {
  unsigned port = 0;
  const auto at = rest.find('@');
  const auto digits = rest.substr(0, at);
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (error != std::errc{} || end != digits.data() + digits.size() || port < 1 || port > 65535) return "the port must be 1 to 65535";
  if (at == std::string_view::npos || at + 1 == rest.size()) return "the host is missing: write inet:PORT@HOST, such as \"inet:8891@127.0.0.1\"";
  return {};
}

std::string check_address(std::string_view address, bool unix_only) {
  if (std::any_of(address.begin(), address.end(), [](char c) { return c <= ' ' || c == 0x7f; }))
    return "the address holds a blank or a control character";
  if (address.starts_with("inet:") && !unix_only) return check_inet(address.substr(5));
  if (!address.starts_with("unix:")) return unix_only ? "expected unix:PATH" : "expected unix:PATH or inet:PORT@HOST";
  const auto path = address.substr(5);
  if (!path.starts_with('/')) return "the path of a socket must begin with /";
  if (path.size() > socket_path_bytes) return "the path is longer than a socket's may be (107 bytes)";
  return path.ends_with('/') ? "the path names a directory" : "";
}

void read_mode(Group& group, Socket& socket) {
  const auto given = group.text("mode");
  if (!given) return;
  unsigned mode = 0;
  const auto [end, error] = std::from_chars(given->data(), given->data() + given->size(), mode, 8);
  if (error == std::errc{} && end == given->data() + given->size() && given->size() <= 4 && mode <= 0777)
    socket.mode = mode;
  else
    group.place("mode").error(quote(*given) + " is no file mode: expected octal digits, such as \"0660\"");
}

// Which of its settings a socket has. The control socket is always the daemon's own; only libmilter listens on TCP.
struct SocketKind {
  bool unix_only, with_owner;
};

void read_socket(Group& root, const char* name, Socket& socket, SocketKind kind) {
  const auto* node = root.group(name);
  if (node == nullptr) return;
  Group group(*node, root.file(), name, root.report());
  if (auto address = group.text("socket")) {
    if (const auto why = check_address(*address, kind.unix_only); !why.empty())
      group.place("socket").error(quote(*address) + ": " + why);
    else
      socket.address = std::move(*address);
  }
  if (kind.with_owner) {
    socket.group = group.text("group").value_or(socket.group);
    read_mode(group, socket);
  }
  group.finish();
}

// There is such a service if there is such a group.
void read_service(Group& root, const char* name, std::optional<Socket>& socket) {
  if (!root.has(name)) {
    root.take(name);
    return;
  }
  socket = Socket{"unix:/var/spool/postfix/connector-milter/" + std::string(name) + ".sock", "postfix", 0660};
  read_socket(root, name, *socket, {true, true});
}

void read_sockets(Group& root, Service& service) {
  read_socket(root, "milter", service.milter, {false, true});
  read_service(root, "maps", service.maps);
  read_service(root, "policy", service.policy);
  read_socket(root, "control", service.control, {true, false});
  struct Used {
    const char* name;
    const Socket* socket;
  };
  const Used all[] = {{"milter", &service.milter},
                      {"maps", service.maps ? &*service.maps : nullptr},
                      {"policy", service.policy ? &*service.policy : nullptr},
                      {"control", &service.control}};
  for (const auto* later = std::begin(all); later != std::end(all); ++later)
    for (const auto* earlier = std::begin(all); later->socket != nullptr && earlier != later; ++earlier)
      if (earlier->socket != nullptr && earlier->socket->address == later->socket->address)
        root.place(root.has(later->name) ? later->name : earlier->name)
            .error(std::string(earlier->name) + " and " + later->name + " have the same socket " + quote(later->socket->address));
}

void read_log(Group& root, Service& service) {
  const auto* node = root.group("log");
  if (node == nullptr) return;
  Group group(*node, root.file(), "log", root.report());
  service.log_target = group.word("target", log_targets).value_or(service.log_target);
  service.log_level = group.word("level", log_levels).value_or(service.log_level);
  group.finish();
}

void read_headers(Group& root, PolicyData& policy) {
  const auto* node = root.group("headers");
  if (node == nullptr) return;
  Group group(*node, root.file(), "headers", root.report());
  if (auto prefix = group.text("prefix")) {
    if (auto why = check_prefix(*prefix); !why.empty())
      group.place("prefix").error(std::move(why));
    else
      policy.header_prefix = std::move(*prefix);
  }
  if (const auto strip = group.strings("strip", true); strip.given) {
    policy.strip_headers.clear();
    for (const auto& item : strip.items) {
      if (auto why = check_strip_pattern(item.text); !why.empty())
        item.place.error(std::move(why));
      else
        policy.strip_headers.emplace_back(item.text);
    }
  }
  group.finish();
}

}  // namespace

void read_global(Group& root, PolicyData& policy, Service& service) {
  read_organization(root, policy.organization);
  policy.reject_unmatched = root.word("unmatched", unmatched_words).value_or(policy.reject_unmatched);
  read_listeners(root, policy.listeners);
  read_sockets(root, service);
  read_log(root, service);
  read_headers(root, policy);
  read_signing(root, service);
}

bool is_global_setting(std::string_view name) {
  return std::find(std::begin(global_settings), std::end(global_settings), name) != std::end(global_settings);
}

}  // namespace cm::config

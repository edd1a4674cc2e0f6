// What is not in Postfix's settings: CA files, sockets tried as Postfix's user, the daemon's own word.
#include <grp.h>
#include <netdb.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/fd.h"
#include "ctl/client.h"
#include "ctl/doctor/live.h"

namespace cm::ctl::doctor {
namespace {

namespace fs = std::filesystem;
constexpr time_t patience_seconds = 10;

// Where Debian, Red Hat, SUSE, Arch and the BSDs have the CAs of the web.
constexpr std::array system_stores = {"/etc/ssl/certs",    "/etc/ssl/cert.pem",        "/etc/ssl/ca-bundle.pem", "/etc/pki/tls",
                                      "/etc/pki/ca-trust", "/var/lib/ca-certificates", "/etc/ca-certificates",   "/usr/local/share/certs"};

bool is_of_system(const fs::path& path) {
  std::error_code ignored;
  for (const auto& known : {path, fs::weakly_canonical(path, ignored)}) {
    const auto text = known.lexically_normal().string();
    for (const std::string store : system_stores)
      // One certificate in such a directory is no store.
      if (text == store || text == store + "/" || text == store + "/ca-certificates.crt" ||
          (text.starts_with(store + "/") && text.find("bundle") != std::string::npos))
        return true;
  }
  return false;
}

// A FIFO or a device would never end.
std::size_t count_certificates(const fs::path& file) {
  std::error_code error;
  if (!fs::is_regular_file(file, error)) return 0;
  std::ifstream in(file);
  std::size_t count = 0;
  for (std::string line; std::getline(in, line);)
    count += line.starts_with("-----BEGIN CERTIFICATE-----") || line.starts_with("-----BEGIN TRUSTED CERTIFICATE-----") ? 1 : 0;
  return count;
}

struct Address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

/// unix: the path as it is, to be followed from the working directory.
Parsed<Address> address_of(const std::string& text) {
  Address out;
  if (!text.starts_with("inet:")) {
    const auto path = text.substr(text.find(':') + 1);
    sockaddr_un unix_address{};
    unix_address.sun_family = AF_UNIX;
    if (path.size() >= sizeof unix_address.sun_path) return Parsed<Address>::error("the path is too long for a unix socket");
    std::memcpy(unix_address.sun_path, path.data(), path.size());
    std::memcpy(&out.storage, &unix_address, sizeof unix_address);
    out.size = sizeof unix_address;
    return Parsed<Address>(out);
  }
  const auto colon = text.rfind(':');
  auto host = colon > 4 ? text.substr(5, colon - 5) : "localhost";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  addrinfo hints{}, *found = nullptr;
  hints.ai_socktype = SOCK_STREAM;
  if (const int error = ::getaddrinfo(host.c_str(), text.substr(colon + 1).c_str(), &hints, &found); error != 0)
    return Parsed<Address>::error(::gai_strerror(error));
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> owned(found, ::freeaddrinfo);
  std::memcpy(&out.storage, found->ai_addr, found->ai_addrlen);
  out.size = found->ai_addrlen;
  return Parsed<Address>(out);
}

/// In the child: errno of what failed, 0 if it is connected. Source: chroot_uid() of Postfix.
int become_and_connect(const passwd& user, const std::string& queue, bool chroot, const Address& address) {
  if (::setgid(user.pw_gid) != 0 || ::initgroups(user.pw_name, user.pw_gid) != 0 || ::chdir(queue.c_str()) != 0) return errno;
  if (chroot && ::chroot(queue.c_str()) != 0) return errno;
  if (::setuid(user.pw_uid) != 0) return errno;
  const Fd fd(::socket(address.storage.ss_family, SOCK_STREAM, 0));
  const timeval patience{patience_seconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  if (!fd || ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) return errno;
  return 0;
}

}  // namespace

CaStore read_ca_store(const std::string& path) {
  CaStore store;
  store.of_system = is_of_system(path);
  std::error_code error;
  if (fs::is_directory(path, error)) {
    for (fs::directory_iterator entry(path, error), end; !error && entry != end; entry.increment(error)) {
      const auto name = entry->path().filename().string();  // 1a2b3c4d.0, as openssl rehash makes them
      store.certificates += name.size() > 9 && name[8] == '.' && name.find_first_not_of("0123456789abcdef") == 8 ? 1 : 0;
    }
  } else if (::access(path.c_str(), R_OK) != 0) {
    store.problem = std::strerror(errno);
    return store;
  } else {
    store.certificates = count_certificates(path);
  }
  if (error)
    store.problem = error.message();
  else if (store.certificates == 0)
    store.problem = "it holds no certificate";
  return store;
}

std::string try_socket(const Instance& instance, const std::string& address, bool chroot) {
  const auto& owner = instance.value(nullptr, "mail_owner");
  const auto* user = ::getpwnam(owner.c_str());
  if (!user) return "there is no user " + owner;
  const auto target = address_of(address);
  if (!target) return target.why;
  const auto& queue = instance.value(nullptr, "queue_directory");
  const pid_t child = ::fork();
  if (child < 0) return std::strerror(errno);
  if (child == 0) ::_exit(become_and_connect(*user, queue, chroot, *target) & 0xff);  // errno of Linux fits
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!WIFEXITED(status)) return "the attempt was ended by a signal";
  return WEXITSTATUS(status) == 0 ? "" : std::strerror(WEXITSTATUS(status));
}

DaemonState ask_state(const std::string& control_socket) {
  using Json = nlohmann::json;
  DaemonState state;
  const auto answer = ask(control_socket, "status");
  if (!answer) {
    const bool forbidden = answer.why.find(std::strerror(EACCES)) != std::string::npos;
    state.answer = forbidden ? DaemonState::Answer::not_allowed : DaemonState::Answer::no;
    state.why = answer.why;
    return state;
  }
  const auto json = Json::parse(*answer, nullptr, false);
  if (!json.is_object()) {
    state.why = "what answers at " + control_socket + " is not the daemon";
    return state;
  }
  state.answer = DaemonState::Answer::yes;
  if (const auto it = json.find("config"); it != json.end() && it->is_string()) state.digest = it->get<std::string>();
  if (const auto it = json.find("sockets"); it != json.end() && it->is_object())
    for (const auto& [name, address] : it->items()) state.sockets[name] = address.is_string() ? address.get<std::string>() : "";
  if (const auto it = json.find("restart_needed"); it != json.end() && it->is_boolean()) state.restart_needed = it->get<bool>();
  const auto reload = json.find("last_reload");
  if (reload != json.end() && reload->is_object() && !reload->value("ok", true)) {
    const auto said = reload->value("diagnostics", Json::array());
    state.refused = !said.empty() && said[0].is_string() ? said[0].get<std::string>() : "no reason is known";
  }
  return state;
}

}  // namespace cm::ctl::doctor

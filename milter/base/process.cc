// Process-wide settings of the daemon.
#include "base/process.h"

#include <grp.h>
#include <malloc.h>
#include <pwd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"

namespace cm {

void raise_descriptor_limit() noexcept {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

std::string become_user(const char* user, const std::vector<std::string>& paths, const std::string& own_path) {
  if (::geteuid() != 0) return {};
  const auto* entry = ::getpwnam(user);
  if (!entry) return {};
  const auto failed = [](const std::string& what) { return what + ": " + std::strerror(errno); };
  for (const auto& path : paths)
    if (::lchown(path.c_str(), entry->pw_uid, path == own_path ? entry->pw_gid : static_cast<gid_t>(-1)) != 0)
      return failed("cannot give " + path + " to user " + user);
  if (::initgroups(user, entry->pw_gid) != 0 || ::setgid(entry->pw_gid) != 0 || ::setuid(entry->pw_uid) != 0)
    return failed(std::string("cannot become user ") + user);
  if (::setuid(0) == 0) return std::string("user ") + user + " is root: that is no change";
  return {};
}

void release_freed_memory() noexcept { static_cast<void>(::malloc_trim(0)); }

void notify_systemd(std::string_view state) noexcept {
  const char* path = std::getenv("NOTIFY_SOCKET");
  sockaddr_un address{};
  if (!path || (path[0] != '/' && path[0] != '@') || std::strlen(path) >= sizeof address.sun_path) return;
  address.sun_family = AF_UNIX;
  std::memcpy(address.sun_path, path, std::strlen(path));
  if (path[0] == '@') address.sun_path[0] = '\0';  // abstract
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + std::strlen(path));
  const Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  static_cast<void>(::sendto(fd.get(), state.data(), state.size(), MSG_NOSIGNAL, reinterpret_cast<const sockaddr*>(&address), length));
}

}  // namespace cm

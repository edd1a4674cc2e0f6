// Unix sockets of the daemon. A path is unlinked only after it was seen to be a socket nobody answers on.
#include "serve/unix_socket.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

namespace cm::serve {
namespace {

std::string system_error(const std::string& what) { return what + ": " + std::strerror(errno); }

sockaddr_un address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  return address;
}

}  // namespace

std::string why_not_free(const std::string& path) {
  auto address = address_of(path);
  if (path.size() >= sizeof address.sun_path)
    return "socket path " + path + " is too long: at most " + std::to_string(sizeof address.sun_path - 1) + " bytes";
  struct stat info {};
  if (::lstat(path.c_str(), &info) != 0) return errno == ENOENT ? std::string() : system_error("cannot look at " + path);
  if (!S_ISSOCK(info.st_mode)) return path + " exists and is not a socket";
  const Fd probe(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (::connect(probe.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0 || errno == EAGAIN)
    return "a running daemon answers on " + path + ": stop it first";
  return errno == ECONNREFUSED ? std::string() : system_error("cannot tell whether a daemon answers on " + path);
}

Parsed<Fd> listen_unix(const std::string& path, int backlog) {
  if (auto why = why_not_free(path); !why.empty()) return Parsed<Fd>::error(std::move(why));
  const auto address = address_of(path);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(path.c_str());
  const auto old_mask = ::umask(0177);
  const int bound = ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  const int error = errno;
  ::umask(old_mask);
  errno = error;
  if (bound != 0 || ::listen(fd.get(), backlog) != 0) return Parsed<Fd>::error(system_error("cannot listen on unix:" + path));
  return fd;
}

std::string give_to_group(const std::string& path, const std::string& group, unsigned mode) {
  if (!group.empty()) {
    const auto* entry = ::getgrnam(group.c_str());
    if (!entry) return "there is no group \"" + group + "\" to give " + path + " to: create it, or name another with `group`";
    struct stat info {};
    if (::stat(path.c_str(), &info) != 0) return system_error("cannot look at " + path);
    if (info.st_gid != entry->gr_gid && ::chown(path.c_str(), static_cast<uid_t>(-1), entry->gr_gid) != 0)
      return system_error("cannot give " + path + " to group \"" + group +
                          "\" (the daemon's user must be in it, or the directory belong to it with the setgid bit)");
  }
  return ::chmod(path.c_str(), mode) == 0 ? std::string() : system_error("cannot set the mode of " + path);
}

}  // namespace cm::serve

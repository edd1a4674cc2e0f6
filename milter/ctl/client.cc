// The client side of the control socket. Blocking, bounded in time and in size; whatever fails is said with the path.
#include "ctl/client.h"

#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"
#include "base/netstring.h"

namespace cm::ctl {
namespace {

constexpr std::size_t answer_bytes = 16 << 20;
constexpr time_t patience_seconds = 30;

using Answer = Parsed<std::string>;

Answer failure(const std::string& path, std::string_view what) {
  return Answer::error("the daemon cannot be reached at " + path + ": " + std::string(what));
}

/// Null if all went well, else what went wrong.
const char* connect_to(const Fd& fd, const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return "the path is too long for a unix socket";
  std::memcpy(address.sun_path, path.data(), path.size());
  const timeval patience{patience_seconds, 0};
  ::setsockopt(fd.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  ::setsockopt(fd.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  int result;
  do result = ::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address);
  while (result < 0 && errno == EINTR);
  return result < 0 ? std::strerror(errno) : nullptr;
}

const char* send_all(const Fd& fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const auto sent = ::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0) return std::strerror(errno);
    bytes.remove_prefix(static_cast<std::size_t>(sent));
  }
  return nullptr;
}

}  // namespace

Answer ask(const std::string& path, std::string_view request) {
  const Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!fd) return failure(path, std::strerror(errno));
  if (const char* problem = connect_to(fd, path)) return failure(path, problem);
  if (const char* problem = send_all(fd, netstring::encode(request))) return failure(path, problem);
  std::string received;
  for (char buffer[16384];;) {
    const auto got = ::recv(fd.get(), buffer, sizeof buffer, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return failure(path, errno == EAGAIN ? "no answer within 30 seconds" : std::strerror(errno));
    if (got == 0) return failure(path, "the connection was closed before the answer was complete");
    received.append(buffer, static_cast<std::size_t>(got));
    const auto taken = netstring::take(received, answer_bytes);
    if (taken.state == Taken::State::complete) return Answer(std::string(taken.payload));
    if (taken.state == Taken::State::malformed) return failure(path, "what answers there does not speak our protocol");
  }
}

}  // namespace cm::ctl

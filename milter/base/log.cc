// Writing log lines without ever waiting. The socket is not connected: each datagram names its receiver, so a syslog daemon that
// was restarted is found again without any state of ours.
#include "base/log.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <ctime>
#include <mutex>

namespace cm {
namespace {

constexpr std::size_t line_bytes = 4000;  // with its frame below PIPE_BUF, so that a pipe takes a line whole or not at all
constexpr int facility_mail = 2 << 3;     // RFC 5424 section 6.2.1

int severity(Log::Level level) {
  constexpr int values[] = {3, 4, 6, 7};
  return values[static_cast<std::size_t>(level)];
}

// "Mmm dd hh:mm:ss ", made once a second and thread: the local time zone lookup takes a lock in libc.
std::string_view timestamp() {
  thread_local std::time_t second = -1;
  thread_local std::array<char, 24> text{};
  const auto now = std::time(nullptr);
  if (now != second) {
    std::tm parts{};
    localtime_r(&now, &parts);
    constexpr const char* months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    std::array<char, 24> rest{};
    static_cast<void>(std::strftime(rest.data(), rest.size(), " %e %H:%M:%S ", &parts));
    std::memcpy(text.data(), months[parts.tm_mon % 12], 3);
    std::memcpy(text.data() + 3, rest.data(), rest.size() - 3);
    second = now;
  }
  return text.data();
}

std::string one_line(std::string_view line) {
  std::string out(line.substr(0, line_bytes));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return (c >= 0 && c < ' ') || c == '\x7f'; }, '?');
  return out;
}

// One at a time: between the question whether there is room and the write, nobody else of ours may take that room, or the write would wait.
bool write_standard_error(std::string_view tag, std::string line) {
  static std::mutex only_one;
  line.insert(0, tag);
  line += '\n';
  const std::lock_guard lock(only_one);
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&ready, 1, 0) != 1 || (ready.revents & POLLOUT) == 0) return false;
  return ::write(STDERR_FILENO, line.data(), line.size()) == static_cast<ssize_t>(line.size());
}

}  // namespace

Log::Log(std::string_view name, std::string_view path)
    : tag_(std::string(name) + "[" + std::to_string(::getpid()) + "]: "), socket_(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {
  address_.sun_family = AF_UNIX;
  path.copy(address_.sun_path, sizeof address_.sun_path - 1);
}

void Log::configure(Target target, Level level) {
  target_.store(target, std::memory_order_relaxed);
  level_.store(level, std::memory_order_relaxed);
}

bool Log::send_datagram(Level level, std::string_view line) const {
  const auto head = "<" + std::to_string(facility_mail | severity(level)) + ">";
  const auto when = timestamp();
  std::array<iovec, 4> parts{};
  const auto set = [&](std::size_t i, std::string_view text) { parts[i] = {const_cast<char*>(text.data()), text.size()}; };
  set(0, head);
  set(1, when);
  set(2, tag_);
  set(3, line);
  msghdr message{};
  message.msg_name = const_cast<sockaddr_un*>(&address_);
  message.msg_namelen = sizeof address_;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  return ::sendmsg(socket_.get(), &message, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0;
}

void Log::write(Level level, std::string_view line) noexcept {
  if (!wants(level)) return;
  try {
    const auto clean = one_line(line);
    const bool written = target_.load(std::memory_order_relaxed) == Target::syslog ? send_datagram(level, clean) : write_standard_error(tag_, clean);
    if (!written) dropped_.fetch_add(1, std::memory_order_relaxed);
  } catch (...) {  // no memory: the line is lost like any other that cannot be written
    dropped_.fetch_add(1, std::memory_order_relaxed);
  }
}

}  // namespace cm

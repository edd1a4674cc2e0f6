// A program and what it prints, without a shell.
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>

#include "base/fd.h"
#include "ctl/doctor/live.h"

namespace cm::ctl::doctor {
namespace {

using Clock = std::chrono::steady_clock;
constexpr std::size_t most_bytes = 16 << 20;
constexpr auto patience = std::chrono::seconds(20);

std::string find(const std::string& name) {
  const char* path = ::getenv("PATH");
  std::string directories = std::string(path ? path : "") + ":/usr/sbin:/sbin:/usr/local/sbin";
  for (std::size_t at = 0; at <= directories.size();) {
    const auto end = std::min(directories.find(':', at), directories.size());
    auto file = directories.substr(at, end - at) + "/" + name;
    if (end > at && ::access(file.c_str(), X_OK) == 0) return file;
    at = end + 1;
  }
  return {};
}

struct Pipe {
  Fd in, out;
  Pipe() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return;
    in = Fd(ends[0]);
    out = Fd(ends[1]);
  }
};

/// Reads both until they end. False: too late, or too much.
bool drain(std::array<Fd, 2>& from, std::array<std::string, 2>& into) {
  const auto end = Clock::now() + patience;
  for (;;) {
    std::array<pollfd, 2> polled{{{from[0].get(), POLLIN, 0}, {from[1].get(), POLLIN, 0}}};  // poll leaves out -1
    if (!from[0] && !from[1]) return true;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - Clock::now()).count();
    if (left <= 0) return false;
    if (::poll(polled.data(), polled.size(), static_cast<int>(left)) < 0 && errno != EINTR) return false;
    for (std::size_t i = 0; i < from.size(); ++i) {
      if (polled[i].revents == 0) continue;
      char buffer[16384];
      const auto got = ::read(from[i].get(), buffer, sizeof buffer);
      if (got < 0 && errno == EINTR) continue;
      if (got <= 0) from[i].reset();
      if (got > 0) into[i].append(buffer, static_cast<std::size_t>(got));
      if (into[i].size() > most_bytes) return false;
    }
  }
}

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

/// The complaint that ended it: the last line.
std::string last_line(std::string text) {
  while (!text.empty() && text.back() == '\n') text.pop_back();
  const auto at = text.rfind('\n');
  return at == std::string::npos ? text : text.substr(at + 1);
}

pid_t start(const std::string& file, const std::vector<std::string>& command, const Pipe& output, const Pipe& complaints) {
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&actions, output.out.get(), 1);
  posix_spawn_file_actions_adddup2(&actions, complaints.out.get(), 2);
  pid_t pid = -1;
  const int error = ::posix_spawn(&pid, file.c_str(), &actions, nullptr, arguments.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  errno = error;
  return error == 0 ? pid : -1;
}

}  // namespace

Parsed<std::string> run_program(const std::vector<std::string>& command) {
  using Output = Parsed<std::string>;
  const auto file = find(command[0]);
  if (file.empty()) return Output::error("there is no program " + command[0] + " here");
  Pipe output, complaints;
  if (!output.out || !complaints.out) return Output::error(command[0] + " cannot be started: " + std::strerror(errno));
  const auto pid = start(file, command, output, complaints);
  if (pid < 0) return Output::error(command[0] + " cannot be started: " + std::strerror(errno));
  output.out.reset();
  complaints.out.reset();
  std::array<Fd, 2> ends{std::move(output.in), std::move(complaints.in)};
  std::array<std::string, 2> texts;
  const bool whole = drain(ends, texts);
  if (!whole) ::kill(pid, SIGKILL);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (!whole) return Output::error(command[0] + " did not end within 20 seconds, or printed too much");
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return Output::error(texts[1].empty() ? command[0] + " failed: " + first_line(texts[0]) : last_line(texts[1]));
  return Output(std::move(texts[0]));
}

}  // namespace cm::ctl::doctor

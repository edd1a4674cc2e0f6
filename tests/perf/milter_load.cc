// milter-load [--rounds N] [--sessions N] [--clients N] [--log SOCKET] NAME=PID=SOCKET=MESSAGES ...: CPU time per SMTP session of milters.
//
// In every round each milter gets its sessions, one milter after the other, so that what disturbs the machine disturbs all. The first
// round only warms up. Counts the CPU time of the milter's whole process, kernel included; the first milter is the baseline of the ratios.
// `--log` binds the syslog socket that the milters write to, and empties it.
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <exception>
#include <stdexcept>
#include <thread>

#include "base/fd.h"
#include "wire.h"

namespace {

using namespace cm;

struct Milter {
  std::string name, socket;
  clockid_t cpu_clock{};
  std::vector<perf::Message> messages;
  std::vector<double> microseconds;  // per session, of each round
  std::uint64_t inserted = 0, accepted = 0;
};

struct Options {
  int rounds = 10, sessions = 2000, clients = 4;
  std::string log;
  std::vector<Milter> milters;
};

Milter parse_milter(const std::string& text) {
  Milter milter;
  std::vector<std::string> parts;
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = text.find('=', at);
    parts.push_back(text.substr(at, end == std::string::npos ? end : end - at));
  }
  if (parts.size() != 4) throw std::runtime_error("expected NAME=PID=SOCKET=MESSAGES, found " + text);
  milter.name = parts[0];
  if (clock_getcpuclockid(std::stoi(parts[1]), &milter.cpu_clock) != 0) throw std::runtime_error("no process " + parts[1]);
  milter.socket = parts[2];
  milter.messages = perf::read_messages(parts[3]);
  return milter;
}

Options parse(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (!argument.starts_with("--")) {
      options.milters.push_back(parse_milter(argument));
      continue;
    }
    if (++i == argc) throw std::runtime_error(argument + " needs a value");
    if (argument == "--log")
      options.log = argv[i];
    else
      (argument == "--rounds" ? options.rounds : argument == "--sessions" ? options.sessions : options.clients) = std::max(1, std::atoi(argv[i]));
  }
  if (options.milters.empty()) throw std::runtime_error("no milter to ask");
  return options;
}

double cpu_microseconds(const Milter& milter) {
  timespec time{};
  if (clock_gettime(milter.cpu_clock, &time) != 0) throw std::runtime_error(milter.name + " has ended");
  return static_cast<double>(time.tv_sec) * 1e6 + static_cast<double>(time.tv_nsec) / 1e3;
}

// `sessions` sessions from several clients at once, each session on a connection of its own. Returns CPU microseconds per session.
double run(Milter& milter, int sessions, int clients) {
  std::atomic<int> next{0};
  std::atomic<std::uint64_t> inserted{0}, accepted{0};
  std::atomic<bool> failed{false};
  const auto before = cpu_microseconds(milter);
  std::vector<std::thread> threads;
  for (int i = 0; i < clients; ++i)
    threads.emplace_back([&] {
      try {
        for (int n = next++; n < sessions && !failed; n = next++) {
          // 7919 is prime: neighbours in time are no neighbours in the configuration.
          const auto answers = perf::play(milter.socket, milter.messages[static_cast<std::size_t>(n) * 7919 % milter.messages.size()]);
          inserted += answers.inserted;
          accepted += answers.accepted ? 1 : 0;
        }
      } catch (const std::exception& e) {
        if (!failed.exchange(true)) std::fprintf(stderr, "milter-load: %s: %s\n", milter.name.c_str(), e.what());
      }
    });
  for (auto& thread : threads) thread.join();
  if (failed) throw std::runtime_error("a session failed");
  milter.inserted += inserted;
  milter.accepted += accepted;
  return (cpu_microseconds(milter) - before) / sessions;
}

std::atomic<std::uint64_t> log_lines{0};

void empty_log(const std::string& path) {
  static Fd socket(::socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  ::unlink(path.c_str());
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot bind " + path);
  ::chmod(path.c_str(), 0666);
  std::thread([] {
    char line[8192];
    while (::recv(socket.get(), line, sizeof line, 0) >= 0) ++log_lines;
  }).detach();
}

double middle(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto half = values.size() / 2;
  return values.size() % 2 ? values[half] : (values[half - 1] + values[half]) / 2;
}

void report(const Options& options) {
  const auto& base = options.milters.front();
  for (const auto& milter : options.milters) {
    std::vector<double> ratios;
    for (std::size_t i = 0; i < milter.microseconds.size(); ++i) ratios.push_back(milter.microseconds[i] / base.microseconds[i]);
    const auto [least, most] = std::minmax_element(milter.microseconds.begin(), milter.microseconds.end());
    const auto [low, high] = std::minmax_element(ratios.begin(), ratios.end());
    std::printf("%-28s %7.1f us a session (%.1f to %.1f), ratio %.3f (%.3f to %.3f), %.2f fields inserted and %.2f accepted a session\n",
                milter.name.c_str(), middle(milter.microseconds), *least, *most, middle(ratios), *low, *high,
                static_cast<double>(milter.inserted) / ((options.rounds + 1) * options.sessions),
                static_cast<double>(milter.accepted) / ((options.rounds + 1) * options.sessions));
  }
  std::printf("%d rounds of %d sessions each, %d clients, %lu log lines\n", options.rounds, options.sessions, options.clients,
              static_cast<unsigned long>(log_lines));
}

}  // namespace

int main(int argc, char** argv) {
  try {
    auto options = parse(argc, argv);
    if (!options.log.empty()) empty_log(options.log);
    for (int round = 0; round <= options.rounds; ++round)
      for (auto& milter : options.milters) {
        const auto microseconds = run(milter, options.sessions, options.clients);
        if (round > 0) milter.microseconds.push_back(microseconds);
      }
    report(options);
  } catch (const std::exception& e) {
    std::fprintf(stderr, "milter-load: %s\n", e.what());
    return 1;
  }
  return 0;
}

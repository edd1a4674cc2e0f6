// map-load [--clients N] [--rounds N] [--requests N] NAME=PID=SOCKET=FILE ...: lookups a second of netstring services, how long one takes, and
// what CPU time it costs the service's process, kernel included.
//
// In every round each service gets its requests (lines of FILE, in a scattered order), one service after the other, so that what disturbs
// the machine disturbs all. Every client has one request under way, as Postfix does. The first round only warms up. The services come in
// pairs, a baseline and the one that is measured against it. One thread: a client here costs about as much as the server's side.
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "base/fd.h"
#include "base/netstring.h"

namespace {

using namespace cm;
using Clock = std::chrono::steady_clock;

struct Subject {
  std::string name, socket;
  clockid_t cpu_clock{};
  std::vector<std::string> requests;
  std::size_t next = 0;
  std::vector<double> rates, medians, p99s, cpu;  // of each round; a second, and microseconds
};

struct Client {
  Fd fd;
  Clock::time_point asked;
};

Fd connect_to(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  path.copy(address.sun_path, sizeof address.sun_path - 1);
  Fd fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (::connect(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) throw std::runtime_error("cannot connect to " + path);
  return fd;
}

Subject parse(const std::string& text) {
  std::vector<std::string> parts;
  for (std::size_t at = 0, end = 0; end != std::string::npos; at = end + 1) {
    end = text.find('=', at);
    parts.push_back(text.substr(at, end == std::string::npos ? end : end - at));
  }
  if (parts.size() != 4) throw std::runtime_error("expected NAME=PID=SOCKET=FILE, found " + text);
  Subject subject;
  subject.name = parts[0];
  if (clock_getcpuclockid(std::stoi(parts[1]), &subject.cpu_clock) != 0) throw std::runtime_error("no process " + parts[1]);
  subject.socket = parts[2];
  std::ifstream file(parts[3]);
  for (std::string line; std::getline(file, line);) subject.requests.push_back(netstring::encode(line));
  if (subject.requests.empty()) throw std::runtime_error("no requests in " + parts[3]);
  return subject;
}

double cpu_microseconds(const Subject& subject) {
  timespec used{};
  clock_gettime(subject.cpu_clock, &used);
  return static_cast<double>(used.tv_sec) * 1e6 + static_cast<double>(used.tv_nsec) / 1e3;
}

void ask(Subject& subject, Client& client) {
  subject.next = (subject.next + 7919) % subject.requests.size();  // a prime: neighbours in the file are not neighbours in time
  const auto& request = subject.requests[subject.next];
  client.asked = Clock::now();
  if (::send(client.fd.get(), request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size()))
    throw std::runtime_error(subject.name + " hung up");
}

void run(Subject& subject, int clients, int requests) {
  std::vector<Client> all(static_cast<std::size_t>(clients));
  const Fd epoll(::epoll_create1(EPOLL_CLOEXEC));
  for (auto& client : all) {
    client.fd = connect_to(subject.socket);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.ptr = &client;
    if (::epoll_ctl(epoll.get(), EPOLL_CTL_ADD, client.fd.get(), &event) != 0) throw std::runtime_error("epoll_ctl");
  }
  std::vector<double> times;
  times.reserve(static_cast<std::size_t>(requests));
  const auto used = cpu_microseconds(subject);
  const auto began = Clock::now();
  for (auto& client : all) ask(subject, client);
  epoll_event events[64];
  char answer[4096];
  while (times.size() < static_cast<std::size_t>(requests)) {
    const int count = ::epoll_wait(epoll.get(), events, 64, 20000);
    if (count <= 0) throw std::runtime_error(subject.name + " does not answer");
    for (int i = 0; i < count; ++i) {
      auto& client = *static_cast<Client*>(events[i].data.ptr);
      const auto got = ::recv(client.fd.get(), answer, sizeof answer, 0);
      const std::string_view whole(answer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
      if (netstring::take(whole, sizeof answer).length != whole.size() || whole.empty())
        throw std::runtime_error(subject.name + " answers in pieces");
      times.push_back(std::chrono::duration<double, std::micro>(Clock::now() - client.asked).count());
      ask(subject, client);
    }
  }
  subject.rates.push_back(static_cast<double>(times.size()) / std::chrono::duration<double>(Clock::now() - began).count());
  subject.cpu.push_back((cpu_microseconds(subject) - used) / static_cast<double>(times.size()));
  std::sort(times.begin(), times.end());
  subject.medians.push_back(times[times.size() / 2]);
  subject.p99s.push_back(times[times.size() / 100 * 99]);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

void print(const Subject& subject, const Subject& base) {
  const auto [least, most] = std::minmax_element(subject.rates.begin(), subject.rates.end());
  std::printf("%-28s %8.0f lookups/s (%.0f to %.0f), median %4.0f us, p99 %4.0f us, CPU %5.2f us; of the echo %.2f, %.2f, %.2f\n",
              subject.name.c_str(), median(subject.rates), *least, *most, median(subject.medians), median(subject.p99s), median(subject.cpu),
              median(subject.rates) / median(base.rates), median(subject.p99s) / median(base.p99s), median(subject.cpu) / median(base.cpu));
}

}  // namespace

int main(int argc, char** argv) try {
  int clients = 50, rounds = 5, requests = 100000;
  std::vector<Subject> subjects;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    int* number = argument == "--clients" ? &clients : argument == "--rounds" ? &rounds : argument == "--requests" ? &requests : nullptr;
    if (number && i + 1 < argc)
      *number = std::atoi(argv[++i]);
    else
      subjects.push_back(parse(argument));
  }
  if (subjects.empty() || clients < 1 || rounds < 1 || requests < 100) throw std::runtime_error("map-load NAME=PID=SOCKET=FILE ...");
  for (auto& subject : subjects) run(subject, clients, requests / 10);
  for (auto& subject : subjects) subject.rates.clear(), subject.medians.clear(), subject.p99s.clear(), subject.cpu.clear();
  for (int round = 0; round < rounds; ++round)
    for (auto& subject : subjects) run(subject, clients, requests);
  for (std::size_t i = 0; i < subjects.size(); ++i) print(subjects[i], subjects[i - i % 2]);
} catch (const std::exception& e) {
  std::fprintf(stderr, "map-load: %s\n", e.what());
  return 1;
}

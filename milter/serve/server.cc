// The server loop: epoll, level triggered, one thread.
#include "serve/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>

namespace cm::serve {
namespace {

constexpr int requests_a_turn = 16;  // the MTA asks one at a time; whoever asks more shall not keep it waiting

}  // namespace

struct Server::Client {
  Client(Fd accepted, Listener& by) : fd(std::move(accepted)), listener(by) {}
  Fd fd;
  Listener& listener;
  std::string in, out;
  std::size_t scanned = 0;   // of `in`: the framing's note
  bool has_more = false;     // `in` may hold a complete request
  bool is_refused = false;   // closed once it has read what is waiting
  bool wants_write = false;  // watched for room to write, not for requests
  Clock::time_point last_request = Clock::now();
  Clients::iterator at;
};

Server::Server() : epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "epoll");
  watch(wake_.get(), EPOLLIN, nullptr, true);
}

Server::~Server() = default;

void Server::watch(int fd, std::uint32_t events, void* what, bool add) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = what;
  if (::epoll_ctl(epoll_.get(), add ? EPOLL_CTL_ADD : EPOLL_CTL_MOD, fd, &event) != 0)
    throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void Server::serve(Fd listener, Service service) {
  auto& added = listeners_.emplace_back(Listener{std::move(listener), std::move(service), {}});
  watch(added.fd.get(), EPOLLIN, &added, true);
}

// While the process is out of descriptors, listeners are not watched: clients wait in the backlog instead of spinning the loop.
void Server::set_accepting(bool accepting) {
  if (accepting == accepting_) return;
  accepting_ = accepting;
  for (auto& listener : listeners_) watch(listener.fd.get(), accepting ? static_cast<std::uint32_t>(EPOLLIN) : 0U, &listener, false);
}

void Server::accept_from(Listener& listener) {
  Fd fd(::accept4(listener.fd.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
  if (!fd) {
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) set_accepting(false);
    return;
  }
  auto client = std::make_unique<Client>(std::move(fd), listener);
  watch(client->fd.get(), EPOLLIN, client.get(), true);  // ends with its descriptor, should the next line fail
  auto& clients = listener.clients;
  auto& added = *clients.emplace_back(std::move(client));
  added.at = std::prev(clients.end());
  if (clients.size() > listener.service.limits.clients) close(*clients.front());
}

void Server::close(Client& client) {
  client.fd.reset();  // leaves epoll by itself
  closed_.splice(closed_.end(), client.listener.clients, client.at);
}

bool Server::read_from(Client& client) {
  const auto got = ::recv(client.fd.get(), buffer_.data(), buffer_.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;  // everything complete was answered and read: only then do we read on
  client.in.append(buffer_.data(), static_cast<std::size_t>(got));
  return answer(client);
}

bool Server::answer(Client& client) {
  const auto& [framing, limits, handler, refusal] = client.listener.service;
  std::size_t used = 0;
  client.has_more = false;
  for (int answered = 0; !client.is_refused; ++answered) {
    const auto taken = framing.take(std::string_view(client.in).substr(used), limits.request_bytes, client.scanned);
    if (taken.state == Taken::State::incomplete) break;
    client.has_more = answered == requests_a_turn || client.out.size() >= limits.waiting_bytes;
    if (client.has_more) break;
    client.is_refused = taken.state == Taken::State::malformed;
    if (client.is_refused && refusal.empty()) return false;
    framing.append(client.out, client.is_refused ? refusal : handler(taken.payload));
    used += taken.length;
    client.scanned = 0;
  }
  if (used != 0) {
    client.in.erase(0, used);
    client.last_request = Clock::now();
    auto& clients = client.listener.clients;
    clients.splice(clients.end(), clients, client.at);
  }
  return write_to(client);
}

bool Server::write_to(Client& client) {
  while (!client.out.empty()) {
    const auto sent = ::send(client.fd.get(), client.out.data(), client.out.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent < 0 && errno == EINTR) continue;
    if (sent < 0 && errno != EAGAIN) return false;
    if (sent < 0) break;
    client.out.erase(0, static_cast<std::size_t>(sent));
  }
  if (client.out.empty() && client.is_refused) return false;
  const bool wants_write = !client.out.empty() || client.has_more;
  if (wants_write != client.wants_write) {
    client.wants_write = wants_write;
    watch(client.fd.get(), wants_write ? static_cast<std::uint32_t>(EPOLLOUT) : static_cast<std::uint32_t>(EPOLLIN), &client, false);
  }
  return true;
}

int Server::close_idle() {
  int wait = accepting_ ? -1 : 100;
  for (auto& [fd, service, clients] : listeners_) {
    while (!clients.empty()) {
      const auto left = clients.front()->last_request + service.limits.idle - Clock::now();
      if (left <= Clock::duration::zero()) {
        close(*clients.front());
        continue;
      }
      const auto idle = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
      wait = wait < 0 ? idle : std::min(wait, idle);
      break;
    }
  }
  return wait;
}

void Server::handle(Client& client) {
  if (!client.fd) return;  // closed by an earlier event of this round
  bool keep = false;
  try {
    keep = !client.wants_write  ? read_from(client)
           : client.out.empty() ? answer(client)
                                : write_to(client) && (!client.out.empty() || answer(client));
  } catch (const std::exception&) {  // a handler failed: this client sees a closed connection, the others nothing
  }
  if (!keep) close(client);
}

void Server::run() {
  std::array<epoll_event, 64> events{};
  for (;;) {
    const int wait = close_idle();
    closed_.clear();
    const int count = ::epoll_wait(epoll_.get(), events.data(), static_cast<int>(events.size()), wait);
    if (count < 0 && errno != EINTR) throw std::system_error(errno, std::generic_category(), "epoll_wait");
    set_accepting(true);
    for (int i = 0; i < count; ++i) {
      void* what = events[static_cast<std::size_t>(i)].data.ptr;
      if (!what) return;  // stop()
      const auto listener = std::find_if(listeners_.begin(), listeners_.end(), [&](const Listener& l) { return &l == what; });
      if (listener == listeners_.end()) {
        handle(*static_cast<Client*>(what));
        continue;
      }
      try {
        accept_from(*listener);
      } catch (const std::exception&) {  // no memory for it: this client sees a closed connection, the others nothing
      }
    }
  }
}

void Server::stop() noexcept {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

}  // namespace cm::serve

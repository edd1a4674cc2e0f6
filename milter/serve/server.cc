// The server loop: epoll, level triggered, one thread.
#include "serve/server.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <system_error>

#include "base/netstring.h"

namespace cm::serve {
namespace {

constexpr std::size_t waiting_bytes = 1 << 20;  // answers a client has not read; no more of its requests are taken meanwhile

}  // namespace

struct Server::Client {
  Fd fd;
  const Handler* handler = nullptr;
  std::string in, out;
  bool wants_write = false;
  Clock::time_point last_request;
  std::list<std::unique_ptr<Client>>::iterator at;
};

Server::Server(ServerLimits limits) : limits_(limits), epoll_(::epoll_create1(EPOLL_CLOEXEC)), wake_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
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

void Server::serve(Fd listener, Handler handler) {
  auto& added = listeners_.emplace_back(Listener{std::move(listener), std::move(handler)});
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
  auto client = std::make_unique<Client>();
  client->fd = std::move(fd);
  client->handler = &listener.handler;
  client->last_request = Clock::now();
  watch(client->fd.get(), EPOLLIN, client.get(), true);  // ends with its descriptor, should the next line fail
  auto& added = *clients_.emplace_back(std::move(client));
  added.at = std::prev(clients_.end());
  if (clients_.size() > limits_.clients) close(*clients_.front());
}

void Server::close(Client& client) {
  client.fd.reset();  // leaves epoll by itself
  closed_.splice(closed_.end(), clients_, client.at);
}

bool Server::read_from(Client& client) {
  std::array<char, 16384> buffer{};
  const auto got = ::recv(client.fd.get(), buffer.data(), buffer.size(), 0);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;  // everything complete was answered and read: only then do we read on
  client.in.append(buffer.data(), static_cast<std::size_t>(got));
  return answer(client);
}

bool Server::answer(Client& client) {
  std::size_t used = 0;
  for (;;) {
    const auto taken = netstring::take(std::string_view(client.in).substr(used), limits_.request_bytes);
    if (taken.state == netstring::Taken::State::malformed) return false;
    if (taken.state == netstring::Taken::State::incomplete) break;
    client.out += netstring::encode((*client.handler)(taken.payload));
    used += taken.length;
    if (client.out.size() < waiting_bytes) continue;
    if (!write_to(client)) return false;
    if (client.wants_write) break;  // the rest when it has read these
  }
  if (used != 0) {
    client.in.erase(0, used);
    client.last_request = Clock::now();
    clients_.splice(clients_.end(), clients_, client.at);
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
  const bool wants_write = !client.out.empty();
  if (wants_write != client.wants_write) {
    client.wants_write = wants_write;
    watch(client.fd.get(), wants_write ? static_cast<std::uint32_t>(EPOLLOUT) : static_cast<std::uint32_t>(EPOLLIN), &client, false);
  }
  return true;
}

int Server::close_idle() {
  int wait = accepting_ ? -1 : 100;
  while (!clients_.empty()) {
    const auto left = clients_.front()->last_request + limits_.idle - Clock::now();
    if (left > Clock::duration::zero()) {
      const auto idle = static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(left).count());
      return wait < 0 ? idle : std::min(wait, idle);
    }
    close(*clients_.front());
  }
  return wait;
}

void Server::handle(Client& client) {
  if (!client.fd) return;  // closed by an earlier event of this round
  bool keep = false;
  try {
    keep = client.wants_write ? write_to(client) && (client.wants_write || answer(client)) : read_from(client);
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

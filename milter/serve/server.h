// One loop that serves many clients of unix stream sockets: a request in, an answer out, framed as each listener has it.
//
// A client can only hurt itself: requests, clients and waiting answers are bounded, by listener, so that a flood on one socket takes no
// place on another; a client that does not read is not waited for; who asks a lot at once is answered a few requests a turn; one that
// sends what is no request, or completes none in time, is closed; and where all places are taken, the one that has been idle longest
// makes room. Handlers run in the loop's thread and must not block.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"
#include "base/framing.h"

namespace cm::serve {

/// Request payload -> answer payload. An exception closes that client.
using Handler = std::function<std::string(std::string_view)>;

/// Of one listener.
struct ServerLimits {
  std::size_t request_bytes = 10000;
  std::size_t waiting_bytes = 1 << 20;  // answers a client has not read; no more of its requests are taken meanwhile
  std::size_t clients = 1000;
  std::chrono::milliseconds idle = std::chrono::minutes(5);
};

/// What one listener offers.
struct Service {
  Framing framing;
  ServerLimits limits;
  Handler handler;
  std::string refusal;  // the last answer to a client whose bytes are no request; empty: it is closed without a word
};

class Server {
 public:
  Server();
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before run(). `listener`: non-blocking and listening.
  void serve(Fd listener, Service service);
  /// Until stop(). Call on a thread of its own.
  void run();
  /// From any thread, and from a signal handler.
  void stop() noexcept;

 private:
  struct Client;
  using Clients = std::list<std::unique_ptr<Client>>;
  struct Listener {
    Fd fd;
    Service service;
    Clients clients;  // the longest idle first
  };
  using Clock = std::chrono::steady_clock;

  void watch(int fd, std::uint32_t events, void* what, bool add);
  void set_accepting(bool accepting);
  void accept_from(Listener& listener);
  void handle(Client& client);
  bool read_from(Client& client);  // false: close it
  bool answer(Client& client);     // a few of the requests that are complete
  bool write_to(Client& client);
  void close(Client& client);
  int close_idle();  // milliseconds until there is something to do, or -1

  Fd epoll_, wake_;
  std::list<Listener> listeners_;
  Clients closed_;  // an event of the same round may still point at them
  bool accepting_ = true;
  std::array<char, 16384> buffer_{};  // of one read
};

}  // namespace cm::serve

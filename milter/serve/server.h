// One loop that serves many clients of unix stream sockets: a request in, an answer out, each a netstring.
//
// A client can only hurt itself: requests, clients and waiting answers are bounded; a client that does not read is not waited for; one
// that sends what is no netstring, or completes no request in time, is closed; and where all places are taken, the one that has been
// idle longest makes room. Handlers run in the loop's thread and must not block.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "base/fd.h"

namespace cm::serve {

/// Request payload -> answer payload. An exception closes that client.
using Handler = std::function<std::string(std::string_view)>;

struct ServerLimits {
  std::size_t request_bytes = 10000;
  std::size_t clients = 1000;  // all listeners together
  std::chrono::milliseconds idle = std::chrono::minutes(5);
};

class Server {
 public:
  explicit Server(ServerLimits limits);
  ~Server();
  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Before run(). `listener`: non-blocking and listening.
  void serve(Fd listener, Handler handler);
  /// Until stop(). Call on a thread of its own.
  void run();
  /// From any thread, and from a signal handler.
  void stop() noexcept;

 private:
  struct Client;
  struct Listener {
    Fd fd;
    Handler handler;
  };
  using Clock = std::chrono::steady_clock;

  void watch(int fd, std::uint32_t events, void* what, bool add);
  void set_accepting(bool accepting);
  void accept_from(Listener& listener);
  void handle(Client& client);
  bool read_from(Client& client);  // false: close it
  bool answer(Client& client);     // as many requests as are complete
  bool write_to(Client& client);
  void close(Client& client);
  int close_idle();  // milliseconds until there is something to do, or -1

  const ServerLimits limits_;
  Fd epoll_, wake_;
  std::list<Listener> listeners_;
  std::list<std::unique_ptr<Client>> clients_;  // the longest idle first
  std::list<std::unique_ptr<Client>> closed_;   // an event of the same round may still point at them
  bool accepting_ = true;
};

}  // namespace cm::serve

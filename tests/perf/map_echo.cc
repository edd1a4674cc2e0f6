// map-echo SOCKET: the baseline of the map service: the same server loop, the same framing, and a handler that gives back what it got.
#include <chrono>
#include <csignal>
#include <cstdio>

#include "base/netstring.h"
#include "serve/server.h"
#include "serve/unix_socket.h"

int main(int argc, char** argv) {
  if (argc != 2) return std::fputs("map-echo SOCKET\n", stderr), 2;
  auto listener = cm::serve::listen_unix(argv[1], 100);
  if (!listener) return std::fprintf(stderr, "map-echo: %s\n", listener.why.c_str()), 1;
  cm::serve::Server server;
  server.serve(std::move(*listener.value), {cm::netstring::framing, {}, [](std::string_view request) { return std::string(request); }, ""});
  server.run();
}

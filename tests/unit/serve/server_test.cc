// The server loop against friendly, slow and hostile clients, the control words, and sockets that are somebody else's.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE serve
#include "serve/server.h"

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <nlohmann/json.hpp>
#include <thread>

#include "base/attribute_list.h"
#include "base/netstring.h"
#include "serve/control.h"
#include "serve/unix_socket.h"

namespace {

using namespace cm;
using namespace cm::serve;

struct Directory {
  std::string path;
  Directory() {
    char name[] = "serve-test-XXXXXX";  // relative: a socket path has about 100 bytes, a build directory may have more
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

class Client {
 public:
  explicit Client(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_REQUIRE_EQUAL(::connect(fd_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  void send(std::string_view bytes) const { BOOST_REQUIRE(::send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL) >= 0); }
  void ask(std::string_view request) const { send(netstring::encode(request)); }
  void finish() const { ::shutdown(fd_.get(), SHUT_WR); }
  // The next answer; "closed" when the server hung up.
  std::string answer() {
    for (;;) {
      const auto taken = netstring::take(in_, 1 << 24);
      if (taken.state == Taken::State::complete) {
        std::string payload(taken.payload);
        in_.erase(0, taken.length);
        return payload;
      }
      char buffer[65536];
      pollfd ready{fd_.get(), POLLIN, 0};
      if (::poll(&ready, 1, 20000) != 1) return "silence";
      const auto got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return "closed";
      in_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  // What comes before the next empty line.
  std::string line() {
    for (;;) {
      in_.erase(0, in_.find_first_not_of('\n'));
      if (const auto end = in_.find("\n\n"); end != std::string::npos) {
        std::string text = in_.substr(0, end);
        in_.erase(0, end + 2);
        return text + "\n";
      }
      char buffer[4096];
      const auto got = ::recv(fd_.get(), buffer, sizeof buffer, 0);
      if (got <= 0) return "closed";
      in_.append(buffer, static_cast<std::size_t>(got));
    }
  }
  [[nodiscard]] const Fd& fd() const { return fd_; }

 private:
  Fd fd_;
  std::string in_;
};

std::string echo(std::string_view request) {
  if (request == "throw") throw std::runtime_error("handler failed");
  if (request == "big") return std::string(3 << 20, 'b');
  return "you said " + std::string(request);
}

struct Running {
  Directory directory;
  std::string path = directory.path + "/s", other_path = directory.path + "/o";
  Server server;
  std::thread thread;
  explicit Running(ServerLimits limits = {}, const std::string& refusal = "", const Handler& handler = echo) {
    listen(path, {netstring::framing, limits, handler, refusal});
    listen(other_path, {attribute_list::framing, limits, handler, refusal});
    thread = std::thread([this] { server.run(); });
  }
  ~Running() {
    server.stop();
    thread.join();
  }
  void listen(const std::string& at, Service service) {
    auto fd = listen_unix(at, 100);
    BOOST_REQUIRE_MESSAGE(fd, fd.why);
    server.serve(std::move(*fd.value), std::move(service));
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(requests_are_answered_in_order) {
  const Running running;
  Client client(running.path);
  client.send("1:a,1:b,");
  client.ask("");
  for (const char* expected : {"you said a", "you said b", "you said "}) BOOST_TEST(client.answer() == expected);
}

BOOST_AUTO_TEST_CASE(a_request_may_come_byte_by_byte_while_others_are_served) {
  const Running running;
  Client slow(running.path), quick(running.path);
  for (const char c : std::string("5:hello,")) {
    slow.send(std::string(1, c));
    quick.ask("x");
    BOOST_TEST(quick.answer() == "you said x");
  }
  BOOST_TEST(slow.answer() == "you said hello");
}

BOOST_AUTO_TEST_CASE(what_is_no_netstring_closes_its_client_only) {
  const Running running(ServerLimits{.request_bytes = 100});
  Client good(running.path);
  for (const char* bad : {"GET / HTTP/1.0\r\n", "101:", "1:ab", "99999999999999999999:"}) {
    Client hostile(running.path);
    hostile.send(bad);
    BOOST_TEST(hostile.answer() == "closed");
  }
  good.ask("x");
  BOOST_TEST(good.answer() == "you said x");
}

BOOST_AUTO_TEST_CASE(a_failing_handler_closes_its_client_only) {
  const Running running;
  Client unlucky(running.path), good(running.path);
  unlucky.ask("throw");
  BOOST_TEST(unlucky.answer() == "closed");
  good.ask("x");
  BOOST_TEST(good.answer() == "you said x");
}

BOOST_AUTO_TEST_CASE(a_client_that_does_not_read_is_not_waited_for_and_loses_nothing) {
  const Running running;
  Client deaf(running.path), good(running.path);
  for (int i = 0; i < 20; ++i) deaf.ask("big");
  for (int i = 0; i < 20; ++i) deaf.ask("small");
  good.ask("x");
  BOOST_TEST(good.answer() == "you said x");
  for (int i = 0; i < 20; ++i) BOOST_TEST(deaf.answer().size() == 3U << 20);
  for (int i = 0; i < 20; ++i) BOOST_TEST(deaf.answer() == "you said small");
}

BOOST_AUTO_TEST_CASE(a_client_that_finished_sending_still_gets_its_answers) {
  const Running running;
  Client client(running.path);
  client.ask("big");
  client.ask("last");
  client.finish();
  BOOST_TEST(client.answer().size() == 3U << 20);
  BOOST_TEST(client.answer() == "you said last");
  BOOST_TEST(client.answer() == "closed");
}

BOOST_AUTO_TEST_CASE(the_longest_idle_client_makes_room) {
  const Running running(ServerLimits{.clients = 2});
  Client first(running.path), second(running.path);
  for (auto* client : {&first, &second}) {
    client->ask("x");
    BOOST_TEST(client->answer() == "you said x");
  }
  first.ask("again");
  BOOST_TEST(first.answer() == "you said again");
  Client third(running.path);
  third.ask("x");
  BOOST_TEST(third.answer() == "you said x");
  BOOST_TEST(second.answer() == "closed");
  first.ask("still");
  BOOST_TEST(first.answer() == "you said still");
}

BOOST_AUTO_TEST_CASE(a_crowd_on_one_socket_takes_no_place_on_another) {
  const Running running(ServerLimits{.clients = 3});
  Client other(running.other_path);
  other.send("x\n\n");
  std::vector<std::unique_ptr<Client>> crowd;
  for (int i = 0; i < 20; ++i) {
    crowd.push_back(std::make_unique<Client>(running.path));
    crowd.back()->send("100:half");
  }
  crowd.back()->send(std::string(96, 'x') + ",");
  BOOST_TEST(crowd.back()->answer() == "you said half" + std::string(96, 'x'));
  BOOST_TEST(crowd.front()->answer() == "closed");
  other.send("y\n\n");
  BOOST_TEST(other.line() == "you said x\n");
  BOOST_TEST(other.line() == "you said y\n");
}

BOOST_AUTO_TEST_CASE(who_asks_a_lot_at_once_does_not_keep_others_waiting) {
  std::vector<std::string> handled;
  std::promise<void> all_sent;
  const auto gate = all_sent.get_future().share();
  std::promise<void> first_handled;
  Running running({}, "", [&](std::string_view request) {
    if (handled.empty()) first_handled.set_value();
    gate.wait();
    handled.emplace_back(request);
    return std::string(request);
  });
  Client flood(running.path), one(running.path), other(running.other_path);
  flood.ask("first");
  first_handled.get_future().wait();
  std::string requests;
  for (int i = 0; i < 1000; ++i) requests += netstring::encode("flood");
  flood.send(requests);  // in one piece: many small ones would fill the socket
  one.ask("one");
  other.send("other\n\n");
  all_sent.set_value();
  for (int i = 0; i < 1001; ++i) BOOST_REQUIRE(flood.answer() != "closed");
  BOOST_TEST(one.answer() == "one");
  BOOST_TEST(other.line() == "other\n");
  const auto place = [&](const char* request) { return std::find(handled.begin(), handled.end(), request) - handled.begin(); };
  BOOST_TEST(place("one") < 100);
  BOOST_TEST(place("other\n") < 100);
}

BOOST_AUTO_TEST_CASE(a_refusal_is_the_last_word) {
  const Running running(ServerLimits{.request_bytes = 100}, "refused");
  for (const char* bad : {"x", "101:", "1:a,1:bx1:c,"}) {
    Client client(running.path);
    client.send(bad);
    if (bad[0] == '1' && bad[1] == ':') BOOST_TEST(client.answer() == "you said a");
    BOOST_TEST(client.answer() == "refused");
    BOOST_TEST(client.answer() == "closed");
  }
}

BOOST_AUTO_TEST_CASE(who_completes_no_request_in_time_is_closed) {
  const Running running(ServerLimits{.idle = std::chrono::milliseconds(50)});
  Client silent(running.path), dripping(running.path);
  dripping.send("5:he");
  BOOST_TEST(silent.answer() == "closed");
  BOOST_TEST(dripping.answer() == "closed");
}

BOOST_AUTO_TEST_CASE(clients_come_and_go) {
  const Running running(ServerLimits{.clients = 10});
  for (int i = 0; i < 1000; ++i) {
    Client client(running.path);
    client.ask("x");
    if (i % 2) BOOST_REQUIRE(client.answer() == "you said x");
  }
}

BOOST_AUTO_TEST_CASE(a_live_socket_is_not_stolen_and_a_stale_one_is_replaced) {
  const Directory directory;
  const auto path = directory.path + "/s";
  BOOST_TEST(why_not_free(path).empty());
  {
    const auto live = listen_unix(path, 10);
    BOOST_REQUIRE(live);
    BOOST_TEST(why_not_free(path).find("a running daemon answers") == 0U);
    BOOST_TEST(!listen_unix(path, 10));
  }
  BOOST_TEST(why_not_free(path).empty());
  BOOST_TEST(static_cast<bool>(listen_unix(path, 10)));
}

BOOST_AUTO_TEST_CASE(a_file_that_is_no_socket_is_left_alone) {
  const Directory directory;
  const auto path = directory.path + "/s";
  std::ofstream(path) << "precious";
  BOOST_TEST(why_not_free(path).find("is not a socket") != std::string::npos);
  BOOST_TEST(!listen_unix(path, 10));
  BOOST_TEST(std::filesystem::file_size(path) == 8U);
  BOOST_TEST(!why_not_free(std::string(200, 'x')).empty());
  BOOST_TEST(!listen_unix(directory.path + "/missing/s", 10));
}

BOOST_AUTO_TEST_CASE(a_new_socket_is_nobodys_until_it_is_given) {
  const Directory directory;
  const auto path = directory.path + "/s";
  const auto fd = listen_unix(path, 10);
  struct stat info {};
  BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
  BOOST_TEST((info.st_mode & 0777) == 0600U);
  BOOST_TEST(give_to_group(path, "", 0660).empty());
  BOOST_REQUIRE_EQUAL(::stat(path.c_str(), &info), 0);
  BOOST_TEST((info.st_mode & 0777) == 0660U);
  BOOST_TEST(give_to_group(path, "no-such-group-here", 0660).find("no group \"no-such-group-here\"") != std::string::npos);
}

BOOST_AUTO_TEST_CASE(control_words) {
  observe::Counters counters;
  counters.of(Rule::tls) = 7;
  counters.of(TlsVersion::tls1_3) = 2;
  ReloadResult result{.ok = false, .at = {}, .connectors = 3, .diagnostics = {"x.conf:1: error: bad \xff byte"}};
  const Control control([&] { return result; },
                        [&] {
                          return Status{.version = "1.2",
                                        .pid = 42,
                                        .uptime = std::chrono::seconds(5),
                                        .policy_number = 3,
                                        .loaded = {},
                                        .config = "0123",
                                        .connectors = 3,
                                        .sockets = {{"milter", "unix:/run/milter.sock"}, {"maps", ""}},
                                        .restart_needed = true,
                                        .last_reload = result,
                                        .in_flight = 1};
                        },
                        [] {
                          observe::ConnectorCount busy{.name = "busy", .type = "device"}, out{.name = "out", .type = "outbound", .sent = 4};
                          busy.actions = {5, 0, 0, 2, 0};
                          busy.audit_differences = 1;
                          observe::RateUse use{"busy", true, "sender", "a\x1b\xff@b", 29.96, 30, 60};
                          return observe::Stats{{busy, {.name = "idle", .type = "partner"}, out}, {use, {"busy", false, "connector", "", 1, 2, 90}}};
                        },
                        counters);
  const auto reload = nlohmann::json::parse(control.answer("reload"));
  BOOST_TEST(reload["ok"] == false);
  BOOST_TEST(reload["connectors"] == 3);
  BOOST_TEST(reload["diagnostics"].size() == 1U);
  const auto status = nlohmann::json::parse(control.answer("status"));
  BOOST_TEST(status["version"] == "1.2");
  BOOST_TEST(status["policy_loaded"] == "1970-01-01T00:00:00Z");
  BOOST_TEST(status["config"] == "0123");
  BOOST_TEST(status["last_reload"]["ok"] == false);
  BOOST_TEST(status["counters"]["rules"]["tls"] == 7);
  BOOST_TEST(status["counters"]["actions"]["reject"] == 0);
  BOOST_TEST(status["policy_number"] == 3);
  BOOST_TEST(status["uptime"] == 5);
  BOOST_TEST(status["sockets"].dump() == R"({"maps":null,"milter":"unix:/run/milter.sock"})");
  BOOST_TEST(status["restart_needed"] == true);
  const auto stats = nlohmann::json::parse(control.answer("stats"));
  BOOST_TEST(stats["ok"] == true);
  BOOST_TEST(stats["since"] == "1970-01-01T00:00:00Z");
  BOOST_TEST(stats["tls"].dump() == R"({"TLSv1.3":2})");
  BOOST_TEST(stats["rules"].dump() == R"({"tls":7})");
  BOOST_TEST(stats["connectors"].dump() ==
             R"([{"accept":5,"audit_differences":1,"name":"busy","quarantine":0,"reject":0,"tag":0,"tempfail":2,"type":"device"}])");
  BOOST_TEST(stats["outbound"].dump() == R"([{"messages":4,"name":"out"}])");
  BOOST_TEST(stats["without_mail"].dump() == R"(["idle"])");
  BOOST_TEST(stats["rates"][0].dump() ==
             "{\"connector\":\"busy\",\"key\":\"sender\",\"messages\":30,\"mode\":\"audit\",\"per\":\"1m\",\"used\":30.0,\"value\":"
             "\"a\\u001b\xef\xbf\xbd@b\"}");
  BOOST_TEST(stats["rates"][1]["value"].is_null());
  BOOST_TEST(stats["rates"][1]["per"] == "90s");
  for (const char* nonsense : {"", "Reload", "reload\n", "stop"}) {
    const auto answer = nlohmann::json::parse(control.answer(nonsense));
    BOOST_TEST(answer["ok"] == false);
    BOOST_TEST(answer.contains("error"));
  }
}

// The small tools: netstrings, escaping, published values, the log that never waits, word to systemd.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE base
#include <fcntl.h>
#include <pwd.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include <array>
#include <atomic>
#include <boost/test/unit_test.hpp>
#include <chrono>
#include <filesystem>
#include <thread>
#include <vector>

#include "base/attribute_list.h"
#include "base/digest.h"
#include "base/escape.h"
#include "base/log.h"
#include "base/netstring.h"
#include "base/process.h"
#include "base/published.h"

namespace {

using cm::netstring::take;
using State = cm::Taken::State;

struct Directory {
  std::string path;
  Directory() {
    char name[] = "base-test-XXXXXX";  // relative: a socket path has about 100 bytes, a build directory may have more
    path = mkdtemp(name);
  }
  ~Directory() { std::filesystem::remove_all(path); }
};

// A datagram socket of ours in place of the system's log.
struct Receiver {
  cm::Fd fd;
  explicit Receiver(const std::string& path) : fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    BOOST_REQUIRE_EQUAL(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
  }
  std::string next() const {
    std::array<char, 8192> buffer{};
    const auto got = ::recv(fd.get(), buffer.data(), buffer.size(), 0);
    return got < 0 ? std::string("nothing") : std::string(buffer.data(), static_cast<std::size_t>(got));
  }
};

std::string escaped(std::string_view value, std::size_t most = 100) {
  std::string line;
  cm::append_value(line, value, most);
  return line;
}

}  // namespace

BOOST_AUTO_TEST_CASE(netstrings_are_taken_one_by_one) {
  const std::string two = cm::netstring::encode("route X") + cm::netstring::encode("");
  BOOST_TEST(two == "7:route X,0:,");
  const auto first = take(two, 100);
  BOOST_TEST((first.state == State::complete));
  BOOST_TEST(first.payload == "route X");
  const auto second = take(std::string_view(two).substr(first.length), 100);
  BOOST_TEST((second.state == State::complete));
  BOOST_TEST(second.payload.empty());
}

BOOST_AUTO_TEST_CASE(every_prefix_of_a_netstring_is_incomplete) {
  const std::string whole = cm::netstring::encode("payload, with a comma");
  for (std::size_t length = 0; length < whole.size(); ++length) BOOST_TEST((take(whole.substr(0, length), 100).state == State::incomplete));
}

BOOST_AUTO_TEST_CASE(what_is_no_netstring_is_known_at_once) {
  for (const std::string_view bad : {"x", ":", "-1:", "01:a,", "00", "101", "99999999999999999999999999", "3 :abc,", "3:abcd", "3;abc,"})
    BOOST_TEST((take(bad, 100).state == State::malformed), bad);
  BOOST_TEST((take("100:", 100).state == State::incomplete));
}

BOOST_AUTO_TEST_CASE(attribute_lists_are_taken_one_by_one) {
  std::size_t scanned = 0;
  const std::string two = "a=1\nb=\n\n\nc";
  const auto first = cm::attribute_list::take(two, 100, scanned);
  BOOST_TEST((first.state == State::complete));
  BOOST_TEST(first.payload == "a=1\nb=\n");
  const auto second = cm::attribute_list::take(std::string_view(two).substr(first.length), 100, scanned);
  BOOST_TEST((second.state == State::complete));
  BOOST_TEST(second.payload.empty());
  std::string out;
  cm::attribute_list::append(out, "action=DUNNO");
  BOOST_TEST(out == "action=DUNNO\n\n");
}

BOOST_AUTO_TEST_CASE(an_attribute_list_byte_by_byte_is_never_looked_at_twice) {
  const std::string whole = "request=x\nname=" + std::string(5000, 'v') + "\n\n";
  std::size_t scanned = 0;
  for (std::size_t length = 0; length < whole.size(); ++length) {
    BOOST_REQUIRE((cm::attribute_list::take(whole.substr(0, length), 10000, scanned).state == State::incomplete));
    BOOST_REQUIRE_EQUAL(scanned, length == 0 ? 0 : length - 1);
  }
  BOOST_TEST((cm::attribute_list::take(whole, 10000, scanned).state == State::complete));
}

BOOST_AUTO_TEST_CASE(an_attribute_list_has_a_bound) {
  std::size_t scanned = 0;
  BOOST_TEST((cm::attribute_list::take("a=12\n\n", 5, scanned).state == State::complete));
  BOOST_TEST((cm::attribute_list::take("a=123\n\n", 5, scanned = 0).state == State::malformed));
  BOOST_TEST((cm::attribute_list::take("a=123", 5, scanned = 0).state == State::incomplete));
  BOOST_TEST((cm::attribute_list::take("a=1234", 5, scanned = 0).state == State::malformed));
}

BOOST_AUTO_TEST_CASE(attributes_are_found_by_their_whole_name) {
  const auto list = cm::attribute_list::Attributes::parse("b=2=2\na=\nab= x \n");
  BOOST_REQUIRE(list.has_value());
  BOOST_TEST((*list)["b"] == "2=2");
  BOOST_TEST((*list)["ab"] == " x ");
  BOOST_TEST(list->find("a").has_value());
  BOOST_TEST((*list)["a"].empty());
  for (const char* missing : {"", "c", "A", "b="}) BOOST_TEST(!list->find(missing), missing);
}

BOOST_AUTO_TEST_CASE(what_is_no_list_of_attributes) {
  for (const std::string& bad :
       {std::string("a"), std::string("=1\n"), std::string("\n"), std::string("a=1\na=2\n"), std::string("a=1\nb\n"), std::string("a=\0\n", 4)})
    BOOST_TEST(!cm::attribute_list::Attributes::parse(bad), bad);
  BOOST_TEST(cm::attribute_list::Attributes::parse("").has_value());
}

BOOST_AUTO_TEST_CASE(plain_text_stays_as_it_is) {
  BOOST_TEST(escaped("<bob@fabrikam.example>") == "<bob@fabrikam.example>");
  BOOST_TEST(escaped("") == "\"\"");
}

BOOST_AUTO_TEST_CASE(hostile_text_stays_one_field) {
  BOOST_TEST(escaped("x action=accept") == "\"x action=accept\"");
  BOOST_TEST(escaped("a\"b\\c") == R"("a\"b\\c")");
  BOOST_TEST(escaped(std::string_view("a\r\n\0\x1b\x7f\xc3\xbc", 8)) == R"("a\x0d\x0a\x00\x1b\x7f\xc3\xbc")");
}

BOOST_AUTO_TEST_CASE(escaped_text_is_bounded) {
  BOOST_TEST(escaped(std::string(1000000, 'a'), 10) == "\"aaaaaaaaaa...\"");
  BOOST_TEST(escaped(std::string(1000000, '\x01'), 10).size() < 20);
}

BOOST_AUTO_TEST_CASE(a_published_value_outlives_its_successor) {
  cm::Published<std::string> text(std::make_shared<const std::string>("old"));
  const auto held = text.get();
  text.set(std::make_shared<const std::string>("new"));
  BOOST_TEST(*held == "old");
  BOOST_TEST(*text.get() == "new");
}

BOOST_AUTO_TEST_CASE(log_lines_are_datagrams) {
  const Directory directory;
  const auto path = directory.path + "/log";
  const Receiver receiver(path);
  cm::Log log("test", path);
  log.configure(cm::Log::Target::syslog, cm::Log::Level::info);
  log.error("first");
  log.info("two\nlines \xc3\xbc");
  log.write(cm::Log::Level::debug, "not wanted");
  const auto first = receiver.next();
  BOOST_TEST(first.starts_with("<19>"));  // mail.err
  BOOST_TEST(first.ends_with("test[" + std::to_string(::getpid()) + "]: first"));
  BOOST_TEST(first.size() == 4 + 16 + std::string("test[]: first").size() + std::to_string(::getpid()).size());
  const auto second = receiver.next();
  BOOST_TEST(second.starts_with("<22>"));  // mail.info
  BOOST_TEST(second.ends_with("]: two?lines \xc3\xbc"));
  BOOST_TEST(receiver.next() == "nothing");
  BOOST_TEST(log.dropped() == 0U);
}

BOOST_AUTO_TEST_CASE(log_lines_are_bounded) {
  const Directory directory;
  const auto path = directory.path + "/log";
  const Receiver receiver(path);
  cm::Log log("test", path);
  log.configure(cm::Log::Target::syslog, cm::Log::Level::info);
  log.info(std::string(100000, 'x'));
  BOOST_TEST(receiver.next().size() < 4100U);
}

BOOST_AUTO_TEST_CASE(a_log_nobody_reads_is_never_waited_for) {
  const Directory directory;
  const auto path = directory.path + "/log";
  cm::Log log("test", path);
  log.configure(cm::Log::Target::syslog, cm::Log::Level::info);
  log.info("nobody there");
  BOOST_TEST(log.dropped() == 1U);
  const Receiver deaf(path);
  for (int i = 0; i < 10000; ++i) log.info("nobody reads");
  BOOST_TEST(log.dropped() > 1U);
}

// A pipe with room for one line, and several threads that each see that room.
BOOST_AUTO_TEST_CASE(a_full_standard_error_is_never_waited_for) {
  const cm::Fd real(::dup(STDERR_FILENO));
  bool waited = false;
  for (int round = 0; round < 300 && !waited; ++round) {
    std::array<int, 2> ends{};
    BOOST_REQUIRE_EQUAL(::pipe2(ends.data(), O_CLOEXEC), 0);
    const cm::Fd reader(ends[0]), writer(ends[1]);
    BOOST_REQUIRE(::fcntl(writer.get(), F_SETPIPE_SZ, 4096) >= 0);
    ::dup2(writer.get(), STDERR_FILENO);
    cm::Log log("test");
    std::atomic<int> ready{0}, done{0};
    std::vector<std::jthread> threads;
    for (int i = 0; i < 4; ++i)
      threads.emplace_back([&] {
        ++ready;
        while (ready < 4) {
        }
        log.info(std::string(3900, 'x'));
        ++done;
      });
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(5);
    while (done < 4 && std::chrono::steady_clock::now() < end) std::this_thread::yield();
    waited = done < 4;
    std::array<char, 8192> sink{};
    while (done < 4) static_cast<void>(::read(reader.get(), sink.data(), sink.size()));
    ::dup2(real.get(), STDERR_FILENO);
    threads.clear();
    BOOST_TEST((waited || log.dropped() == 3U));
  }
  BOOST_TEST(!waited);
}

BOOST_AUTO_TEST_CASE(a_restarted_log_is_found_again) {
  const Directory directory;
  const auto path = directory.path + "/log";
  cm::Log log("test", path);
  log.configure(cm::Log::Target::syslog, cm::Log::Level::info);
  {
    const Receiver first(path);
    log.info("one");
    BOOST_TEST(first.next().ends_with(" one"));
  }
  std::filesystem::remove(path);
  log.info("lost");
  const Receiver second(path);
  log.info("two");
  BOOST_TEST(second.next().ends_with(" two"));
  BOOST_TEST(log.dropped() == 1U);
}

// In a child, for there is no way back. Only root can become somebody.
BOOST_AUTO_TEST_CASE(becoming_a_user_gives_it_its_sockets) {
  const auto* nobody = ::getpwnam("nobody");
  if (::geteuid() != 0 || !nobody) return;
  const Directory directory;
  const std::vector<std::string> paths{directory.path + "/milter", directory.path + "/control"};
  for (const auto& path : paths) cm::Fd(::open(path.c_str(), O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
  const auto child = ::fork();
  if (child == 0) ::_exit(cm::become_user("nobody", paths, paths[1]).empty() && ::geteuid() == nobody->pw_uid ? 0 : 1);
  int status = -1;
  BOOST_REQUIRE_EQUAL(::waitpid(child, &status, 0), child);
  BOOST_TEST(status == 0);
  struct stat milter {
  }, control{};
  BOOST_REQUIRE_EQUAL(::stat(paths[0].c_str(), &milter), 0);
  BOOST_REQUIRE_EQUAL(::stat(paths[1].c_str(), &control), 0);
  BOOST_TEST((milter.st_uid == nobody->pw_uid && control.st_uid == nobody->pw_uid));
  BOOST_TEST(milter.st_gid == ::getegid());  // whatever group its own setting gave it
  BOOST_TEST(control.st_gid == nobody->pw_gid);
}

BOOST_AUTO_TEST_CASE(systemd_is_told_on_its_socket) {
  ::unsetenv("NOTIFY_SOCKET");
  cm::notify_systemd("READY=1");  // nobody to tell: nothing happens
  const std::string abstract = "@connector-milter-base-test-" + std::to_string(::getpid());
  cm::Fd fd(::socket(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  abstract.copy(address.sun_path + 1, abstract.size() - 1, 1);
  const auto length = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + abstract.size());
  BOOST_REQUIRE_EQUAL(::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), length), 0);
  ::setenv("NOTIFY_SOCKET", abstract.c_str(), 1);
  cm::notify_systemd("READY=1");
  std::array<char, 64> buffer{};
  BOOST_TEST(::recv(fd.get(), buffer.data(), buffer.size(), 0) == 7);
  BOOST_TEST(std::string_view(buffer.data()) == "READY=1");
  ::unsetenv("NOTIFY_SOCKET");
}

BOOST_AUTO_TEST_CASE(digests) {
  const auto of = [](std::initializer_list<std::string_view> parts) {
    cm::Digest digest;
    for (const auto part : parts) digest.add(part);
    return digest.to_string();
  };
  BOOST_TEST(of({}) == "cbf29ce484222325");  // the offset of FNV-1a
  BOOST_TEST(of({"ab", "c"}) == of({"ab", "c"}));
  BOOST_TEST(of({"ab", "c"}) != of({"a", "bc"}));
  BOOST_TEST(of({"ab", "c"}) != of({"c", "ab"}));
  BOOST_TEST(of({""}) != of({}));
}

// `key new` and `verify`: key files that are there for good, and messages as they lie in files, well formed or not.
#include "ctl/verify.h"

#include <sys/stat.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>
#include <sstream>

#include "ctl/command.h"

namespace {

using namespace cm;
using namespace cm::ctl;

// The example of connector-milter-trust(7).
constexpr const char* genuine =
    "Return-Path: <scanner@contoso.example>\n"
    "X-Connector-Trust: device; connector=printers; type=device; src=10.20.0.9;\n"
    "\ttls=none; id=aaaaaaaaaaaa; t=1795000000; k=2026a;\n"
    " h=from:date:message-id:subject; b=KqupESp9POrYHZ/0SLy7CwcpKfxNwQKX6OcJyoEKbF4=\n"
    "From: Scanner\n <scanner@contoso.example>\n"
    "Date: Sat, 21 Nov 2026 10:00:00 +0000\n"
    "Message-ID: <1@printer>\n"
    "Subject: a scan\n"
    "\n"
    "Hello.\n";

seal::Keys keys() {
  std::string secret(32, '\0');
  std::iota(secret.begin(), secret.end(), '\0');
  seal::Keys out;
  out.push_back({"2026a", secret});
  return out;
}

std::string why_not(const std::string& text, const char* name = "X-Connector-Trust") {
  const auto message = read_message(text);
  if (!message) return message.why;
  return judge(*message, keys(), name, Address::from_argument("<scanner@contoso.example>"), 1795000000).why;
}

std::string with_crlf(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '\n' ? std::string("\r\n") : std::string(1, c);
  return out;
}

struct Run {
  explicit Run(std::vector<std::string> arguments) {
    std::ostringstream o, e;
    status = run(std::move(arguments), o, e);
    out = o.str(), err = e.str();
  }
  int status;
  std::string out, err;
};

struct Home {
  Home() {
    char name[] = "verify_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = std::filesystem::absolute(name);
  }
  Home(const Home&) = delete;
  ~Home() { std::filesystem::remove_all(path); }
  std::string write(const char* name, const std::string& text) const {
    std::ofstream(path / name, std::ios::binary) << text;
    return (path / name).string();
  }
  std::filesystem::path path;
};

bool has(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_SUITE(verifying)

BOOST_AUTO_TEST_CASE(messages_as_they_lie_in_files) {
  const std::string text = genuine;
  BOOST_TEST(why_not(text) == "");
  BOOST_TEST(why_not(with_crlf(text)) == "");
  BOOST_TEST(why_not("From scanner@contoso.example Sat Nov 21 10:00:00 2026\n" + text) == "");
  BOOST_TEST(why_not(text + "\n\n") == "");
  BOOST_TEST(why_not(text.substr(0, text.size() - 1)) == "");
  BOOST_TEST(why_not("X-CONNECTOR-trust : x\n" + text) == "the message has several trust headers");
  BOOST_TEST(why_not(text, "X-Us-Trust") == "the message has no trust header");
  BOOST_TEST(why_not("") == "the message has no trust header");
  BOOST_TEST(why_not("FROM : ceo@contoso.example\n" + text).starts_with("the signature does not fit"));
  BOOST_TEST(why_not("\n" + text) == "the message has no trust header");
  BOOST_TEST(why_not("no field\n" + text) == "the file is no message: a line of its header is no field");
  BOOST_TEST(why_not(" folded\n" + text) == "the file is no message: a line of its header is no field");
}

BOOST_FIXTURE_TEST_CASE(a_new_key_can_be_used_at_once, Home) {
  const auto config = write("c.conf", "organization = { domains = \".contoso.example\"; };\n");
  const auto made = Run({"-c", config, "key", "new", "2026a"});
  BOOST_TEST(made.status == 0);
  const auto file = path / "keys" / "2026a";
  BOOST_TEST(has(made.out, "{ id = \"2026a\"; file = \"" + file.string() + "\"; }"));
  struct stat status {};
  BOOST_REQUIRE(::stat(file.c_str(), &status) == 0);
  BOOST_TEST((status.st_mode & 07777) == 0640U);
  BOOST_TEST(Run({"-c", config, "key", "new", "2026a"}).status == 1);
  BOOST_TEST(Run({"-c", config, "key", "new", "2026b", "--dir", (path / "else").string()}).status == 0);
  BOOST_TEST(Run({"-c", config, "key", "new", "2026b", "--dir", (path / "no" / "where").string()}).status == 1);
  const auto signing = write("s.conf", "organization = { domains = \".contoso.example\"; };\n" + made.out);
  BOOST_TEST(Run({"-c", signing, "check"}).status == 0);
  const auto message = write("m.eml", genuine);
  const auto foreign = Run({"-c", signing, "verify", message});
  BOOST_TEST(foreign.status == 1);
  BOOST_TEST(foreign.out.starts_with("not genuine: the signature does not fit"));
  BOOST_TEST(has(Run({"-c", signing, "--json", "verify", message}).out, "\"genuine\": false"));
  BOOST_TEST(Run({"-c", signing, "verify", write("n.eml", "Subject: x\n\n")}).status == 2);  // whose is it?
  BOOST_TEST(Run({"-c", signing, "verify", "--from", "<>", (path / "n.eml").string()}).out == "not genuine: the message has no trust header\n");
  BOOST_TEST(Run({"-c", config, "verify", message}).status == 1);  // no keys
  ::chmod(file.c_str(), 0644);
  const auto open = Run({"-c", signing, "check"});
  BOOST_TEST(open.status == 1);
  BOOST_TEST(has(open.out, "error: signing.keys[0].file: \"" + file.string() + "\" can be used by everyone"));
  BOOST_TEST(has(open.out, "0 connectors, 1 errors, 0 warnings"));
  BOOST_TEST(Run({"-c", signing, "list"}).status == 0);  // needs no key
  BOOST_TEST(Run({"-c", signing, "verify", message}).status == 1);
}

BOOST_AUTO_TEST_SUITE_END()

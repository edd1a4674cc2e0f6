// The trust tag against vectors that another program computed from connector-milter-trust(7), and everything that must break one.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE seal
#include <sys/stat.h>
#include <unistd.h>

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "policy/limits.h"
#include "seal/tag.h"

namespace {

using namespace cm;
using namespace cm::seal;

constexpr std::int64_t signed_at = 1795000000;
constexpr const char* device_fields = "device; connector=printers; type=device; src=10.20.0.9; tls=none; id=aaaaaaaaaaaa";
constexpr const char* device_tag =
    "device; connector=printers; type=device; src=10.20.0.9; tls=none; id=aaaaaaaaaaaa; t=1795000000; k=2026a; "
    "h=from:date:message-id:subject; b=KqupESp9POrYHZ/0SLy7CwcpKfxNwQKX6OcJyoEKbF4=";

Key key(const char* id = "2026a", unsigned char first = 0) {
  std::string secret(32, '\0');
  std::iota(secret.begin(), secret.end(), static_cast<char>(first));
  return {id, secret};
}

Keys keys_of(const char* id = "2026a", unsigned char first = 0) {
  Keys keys;
  keys.push_back(key(id, first));
  return keys;
}

std::string digest(std::string_view body, std::size_t piece = 1U << 20) {
  BodyDigest d;
  for (; !body.empty(); body.remove_prefix(std::min(piece, body.size()))) d.update(body.substr(0, piece));
  return d.finish();
}

struct Mail {
  std::string sender = "scanner@contoso.example";
  std::vector<std::pair<std::string, std::string>> header = {{"From", "Scanner\r\n <scanner@contoso.example>"},
                                                             {"Date", "Sat, 21 Nov 2026 10:00:00 +0000"},
                                                             {"Message-ID", "<1@printer>"},
                                                             {"X-Other", "whatever"},
                                                             {"Subject", " a \t scan "}};
  std::string body = "Hello.\r\n";

  [[nodiscard]] BoundFields fields() const {
    BoundFields out;
    for (const auto& [name, value] : header) out.see(name, value);
    return out;
  }
  [[nodiscard]] std::string sign(const char* text, std::string_view via = {}) const {
    const auto bound = fields();
    return seal::sign(key(), text, via, signed_at, {sender, bound, digest(body)});
  }
  /// Empty: genuine.
  [[nodiscard]] std::string why_not(std::string_view tag, const Keys& keys = keys_of(), std::int64_t now = signed_at) const {
    const auto bound = fields();
    return verify(keys, tag, {sender, bound, digest(body)}, now).why;
  }
};

constexpr const char* does_not_fit = "the signature does not fit: another sender, field, body or tag was signed, or none of ours signed it";

class KeyFile {
 public:
  KeyFile() {
    std::string name = (std::filesystem::current_path() / "seal-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    directory_ = name;
    path = (directory_ / "key").string();
  }
  KeyFile(const KeyFile&) = delete;
  ~KeyFile() { std::filesystem::remove_all(directory_); }
  std::string why(const std::string& text, mode_t mode = 0640) const {
    ::unlink(path.c_str());
    std::ofstream(path, std::ios::binary) << text;
    ::chmod(path.c_str(), mode);
    return read_key("k", path).why;
  }
  std::string path;

 private:
  std::filesystem::path directory_;
};

}  // namespace

BOOST_AUTO_TEST_CASE(body_digests_of_another_implementation) {
  struct {
    std::string_view body, expected;
  } const vectors[] = {
      {"", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
      {"\r\n\r\n", "47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},
      {"Hello.\r\n", "yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A="},
      {"Hello.", "yZQq1c8wjBl0fZ4Wc/oraMCAG1mZJv5v/hlvyFy+t6A="},
      {"a\r\n\r\n\r\nb\r\n\r\n", "SFh8erZISrt6Jo0tTtk8EO/1BfDisAl/Ht6k37OJmgk="},
      {"a\rb\r\r\n", "yQc/TcNPz8zB/EY8HaqgBV5MkHR4fdF97D9LtnhHAfU="},
      {"a\n\nb\n", "zCIZgM59A4jZIcXrGIzhpoD2WhSv0BLiYnkKxFCegn8="},
  };
  for (const auto& vector : vectors)
    for (std::size_t piece = 1; piece <= 9; ++piece) BOOST_TEST(digest(vector.body, piece) == vector.expected);
}

BOOST_AUTO_TEST_CASE(many_empty_lines_inside_a_body) {
  for (const std::size_t lines : {15, 16, 17, 1000}) {
    std::string lf = "a", crlf = "a";
    for (std::size_t i = 0; i < lines; ++i) lf += "\n", crlf += "\r\n";
    BOOST_TEST(digest(lf + "b") == digest(crlf + "b\r\n\r\n"));
    BOOST_TEST(digest(lf + "b") != digest(lf + "\nb"));
  }
}

BOOST_AUTO_TEST_CASE(tags_of_another_implementation) {
  BOOST_TEST(Mail{}.sign(device_fields) == device_tag);
  const Mail bare{"", {}, ""};
  BOOST_TEST(bare.sign("user; src=192.0.2.1; tls=TLSv1.3; id=bbbbbbbbbbbb") ==
             "user; src=192.0.2.1; tls=TLSv1.3; id=bbbbbbbbbbbb; t=1795000000; k=2026a; h=; b=8R3Kc5waEoj8oLKMIMwlhoHb/T3kxEkVejv7GrUy4dE=");
  const Mail again{"a b@contoso.example", {{"FROM", "a@b.example"}, {"Subject", "two"}, {"from", "c@d.example"}}, "x\n\n\n"};
  BOOST_TEST(again.sign("internal; connector=hq; type=on_premises; src=2001:db8::1; tls=none; id=cccccccccccc", "2025") ==
             "internal; connector=hq; type=on_premises; src=2001:db8::1; tls=none; id=cccccccccccc; via=2025; t=1795000000; k=2026a; h=from:subject; "
             "b=NpDJbQMslva80Z4qwJ0h9Gj4r1MePQapIOnBDGwzeA0=");
  BOOST_TEST(bare.why_not(bare.sign("user; src=192.0.2.1; tls=none; id=bbbbbbbbbbbb")) == "");
  BOOST_TEST(again.why_not(again.sign("internal; src=unknown; tls=none; id=cccccccccccc", "2025")) == "");
}

BOOST_AUTO_TEST_CASE(what_servers_do_on_the_way_does_not_matter) {
  Mail mail;
  BOOST_TEST(mail.why_not(device_tag) == "");
  mail.header = {{"Received", "from x"},
                 {"subject", "a scan"},
                 {"date", "Sat, 21 Nov 2026\n\t10:00:00 +0000"},
                 {"FROM", "Scanner <scanner@contoso.example>  "},
                 {"Message-Id", "<1@printer>"}};
  mail.body = "Hello.\n\n\n";
  BOOST_TEST(mail.why_not(device_tag) == "");
  std::string folded = device_tag;
  for (auto at = folded.find("; "); at != std::string::npos; at = folded.find("; ", at + 4)) folded.replace(at, 2, ";\r\n\t");
  BOOST_TEST(mail.why_not(" " + folded + " ") == "");
}

BOOST_AUTO_TEST_CASE(fields_that_were_not_there_may_be_added_later) {
  Mail mail;
  mail.header = {{"From", "a@b.example"}};
  const auto tag = mail.sign(device_fields);
  mail.header.push_back({"Date", "Sat, 21 Nov 2026 10:00:00 +0000"});
  BOOST_TEST(mail.why_not(tag) == "");
}

BOOST_AUTO_TEST_CASE(what_breaks_a_tag) {
  const auto breaks = [](const char* what, auto change) {
    BOOST_TEST_CONTEXT(what) {
      Mail mail;
      change(mail);
      BOOST_TEST(mail.why_not(device_tag) == does_not_fit);
    }
  };
  breaks("sender", [](Mail& m) { m.sender = "ceo@contoso.example"; });
  breaks("null sender", [](Mail& m) { m.sender.clear(); });
  breaks("body", [](Mail& m) { m.body = "Hallo.\r\n"; });
  breaks("more body", [](Mail& m) { m.body += "x"; });
  breaks("space in the body", [](Mail& m) { m.body = "Hello. \r\n"; });
  breaks("line before the body", [](Mail& m) { m.body.insert(0, "\r\n"); });
  breaks("subject", [](Mail& m) { m.header[4].second = "a scam"; });
  breaks("case of the subject", [](Mail& m) { m.header[4].second = "A scan"; });
  breaks("no subject", [](Mail& m) { m.header.pop_back(); });
  breaks("empty subject", [](Mail& m) { m.header[4].second = ""; });
  breaks("second From in front", [](Mail& m) { m.header.insert(m.header.begin(), {"from", "ceo@contoso.example"}); });
  breaks("second From behind", [](Mail& m) { m.header.push_back({"from", "ceo@contoso.example"}); });
  breaks("second Date", [](Mail& m) { m.header.push_back({"Date", "x"}); });
  breaks("values of two fields in one", [](Mail& m) { m.header[0].second += "\ndate:Sat, 21 Nov 2026 10:00:00 +0000"; });
  const Mail mail;
  const std::string tag = device_tag;
  for (std::size_t at = 0; at < tag.size(); ++at) {
    auto other = tag;
    other[at] = static_cast<char>(other[at] ^ 1);
    BOOST_TEST_CONTEXT(other) BOOST_TEST(mail.why_not(other) != "");
  }
  BOOST_TEST(mail.why_not(tag.substr(0, tag.size() - 1)) == does_not_fit);
  BOOST_TEST(mail.why_not(tag + "=") == does_not_fit);
}

BOOST_AUTO_TEST_CASE(time_and_keys) {
  const Mail mail;
  constexpr std::int64_t week = 604800;
  BOOST_TEST(mail.why_not(device_tag, keys_of(), signed_at + week) == "");
  BOOST_TEST(mail.why_not(device_tag, keys_of(), signed_at + week + 1) == "the tag is older than 7 days");
  BOOST_TEST(mail.why_not(device_tag, keys_of(), signed_at - 300) == "");
  BOOST_TEST(mail.why_not(device_tag, keys_of(), signed_at - 301) == "the tag is from the future");
  BOOST_TEST(mail.why_not(device_tag, keys_of("2026b")) == "the tag was signed with a key that is not one of ours");
  BOOST_TEST(mail.why_not(device_tag, Keys{}) == "the tag was signed with a key that is not one of ours");
  BOOST_TEST(mail.why_not(device_tag, keys_of("2026a", 1)) == does_not_fit);
  Keys both;  // a roll-over: the new key signs, the old one still verifies
  both.push_back(key("2026b", 7));
  both.push_back(key());
  BOOST_TEST(mail.why_not(device_tag, both) == "");
}

BOOST_AUTO_TEST_CASE(forms_that_are_no_signed_tag) {
  const std::string start = "device; src=10.20.0.9; tls=none; id=aaaaaaaaaaaa", time = "; t=1795000000; k=2026a; h=from";
  const auto why = [](const std::string& text) { return parse_tag(text).why; };
  BOOST_TEST(why(start + time + "; b=AAAA") == "");
  BOOST_TEST(why(device_fields) == "the tag is not signed");
  BOOST_TEST(why("device") == "the tag is not signed");
  BOOST_TEST(why("") == "the tag has no trust word");
  BOOST_TEST(why("internal;" + time + "; b=AAAA") == "the tag has no trust word");
  BOOST_TEST(why(start + time) == "the tag lacks one of t, k, h and b");
  BOOST_TEST(why(start + time + "; b=") == "the tag lacks one of t, k, h and b");
  BOOST_TEST(why(start + time + "; k=x; b=AAAA") == "the tag has a field twice");
  BOOST_TEST(why(start + time + "; b=AAAA; x=1") == "the tag goes on behind its signature");
  BOOST_TEST(why(start + "; x" + time + "; b=AAAA") == "the tag has a field without a value");
  for (const auto* bad :
       {"; t=-1", "; t=1x", "; t=", "; t=99999999999999999999", "; k=", "; k=a b", "; h=to", "; h=date:from", "; h=from:from", "; connector=\x01"})
    BOOST_TEST_CONTEXT(bad) BOOST_TEST(why(start + bad + "; b=AAAA") == "the tag has a field with a value that it cannot have");
  BOOST_TEST(why(std::string(limits::tag_bytes + 1, 'a')) == "the tag is too long");
}

BOOST_AUTO_TEST_CASE(fields_beyond_the_bound_are_neither_signed_nor_verified) {
  Mail mail;
  for (int i = 0; i < 70; ++i) mail.header.push_back({"Subject", std::string(1000, 'x')});
  BOOST_TEST(mail.fields().too_long());
  BOOST_TEST(mail.why_not(device_tag) == "the message has header fields that are too long to be signed");
  BOOST_TEST(!Mail{}.fields().too_long());
}

BOOST_AUTO_TEST_CASE(senders_as_they_are_bound) {
  const auto bound = [](const char* text) { return bound_sender(Address::from_argument(text)); };
  BOOST_TEST(bound("<>") == "");
  BOOST_TEST(bound("<Scanner@Contoso.EXAMPLE>") == "scanner@contoso.example");
  BOOST_TEST(bound("<\"a b\"@contoso.example>") == "a b@contoso.example");
  BOOST_TEST(bound("<a@b\xc3\xbc"
                   "cher.example>") == "a@xn--bcher-kva.example");
  BOOST_TEST(bound_sender(Address::from_resolved("a b@Contoso.example")) == "a b@contoso.example");
}

BOOST_FIXTURE_TEST_CASE(key_files, KeyFile) {
  const std::string good = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=";
  BOOST_TEST(why(good + "\n") == "");
  BOOST_TEST(why(good) == "");
  BOOST_TEST(why(good, 0600) == "");
  BOOST_TEST(why(good, 0400) == "");
  BOOST_TEST(why(make_key_text()) == "");
  BOOST_TEST(make_key_text() != make_key_text());
  const auto read = read_key("2026a", (why(good), path));
  BOOST_TEST(read->authenticate("x") == key().authenticate("x"));
  BOOST_TEST(read->id() == "2026a");
  const auto no_key = "holds no key: expected one line of base64; connectorctl key new makes one";
  for (const auto& text : {std::string(), std::string("\n"), good + "\n\n", good + "\n" + good + "\n", " " + good, good.substr(1), good + "AA",
                           std::string("AAEC-wQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="), std::string("===="), good.substr(0, 40) + "=A=="})
    BOOST_TEST_CONTEXT(text) BOOST_TEST(why(text) == no_key);
  BOOST_TEST(why("AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHg==").starts_with("holds a key of 31 bytes: expected at least 32"));
  BOOST_TEST(why(std::string(5000, 'A')).starts_with("is too large for a key"));
  BOOST_TEST(why(good, 0644).starts_with("can be used by everyone"));
  BOOST_TEST(why(good, 0641).starts_with("can be used by everyone"));
  BOOST_TEST(why(good, 0660).starts_with("can be written by its group"));
  BOOST_TEST(read_key("k", path + "-none").why == "cannot be opened: No such file or directory");
  BOOST_TEST(read_key("k", std::filesystem::path(path).parent_path().string()).why == "is no regular file");
  ::unlink(path.c_str());
  BOOST_REQUIRE(::mkfifo(path.c_str(), 0600) == 0);
  BOOST_TEST(read_key("k", path).why == "is no regular file");
  if (::geteuid() == 0) {  // only root can give a file away
    why(good);
    BOOST_REQUIRE(::chown(path.c_str(), 12345, 0) == 0);
    BOOST_TEST(read_key("k", path).why.starts_with("belongs to user 12345: whoever owns it can forge tags"));
  }
}

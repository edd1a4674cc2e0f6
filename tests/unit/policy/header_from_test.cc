// The header From parser: what it reads, what it refuses, and that a lenient reader (GMime) sees the same domains in all that it accepts.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE header_from
#include <gmime/gmime.h>

#include <boost/test/unit_test.hpp>
#include <random>

#include "policy/address.h"
#include "policy/limits.h"

namespace {

using Domains = std::vector<std::string>;

std::string joined(const Domains& domains) {
  std::string out;
  for (const auto& domain : domains) out += (out.empty() ? "" : " ") + domain;
  return out;
}

// "!" stands for unparsable.
std::string read(std::string_view value) {
  const auto parsed = cm::parse_header_from(value);
  return parsed ? joined(*parsed) : "!";
}

void collect(InternetAddressList* list, Domains& domains) {
  for (int i = 0; i < internet_address_list_length(list); ++i) {
    auto* address = internet_address_list_get_address(list, i);
    if (INTERNET_ADDRESS_IS_GROUP(address)) {
      collect(internet_address_group_get_members(INTERNET_ADDRESS_GROUP(address)), domains);
    } else {
      const std::string text = internet_address_mailbox_get_addr(INTERNET_ADDRESS_MAILBOX(address));
      const auto domain = cm::normalise_domain(std::string_view(text).substr(text.rfind('@') + 1));
      domains.push_back(domain ? *domain : "?" + text);
    }
  }
}

std::string read_by_gmime(const std::string& value) {
  auto* list = internet_address_list_parse(nullptr, value.c_str());
  Domains domains;
  if (list) {
    collect(list, domains);
    g_object_unref(list);
  }
  return joined(domains);
}

const char* const readable[][2] = {
    {"a@b.example", "b.example"},
    {"<a@b.example>", "b.example"},
    {"A B <a@B.Example.>", "b.example"},
    {"\"ceo@partner.example\" <x@evil.example>", "evil.example"},
    {"John Q. Public <john@b.example>", "b.example"},
    {"=?utf-8?q?ceo=40partner.example?= <x@evil.example>", "evil.example"},
    {"a@b.example (ceo@partner.example)", "b.example"},
    {"(c (nested \\) ) c) a (x) @ (y) b.example (z)", "b.example"},
    {"a@b.example, \"C\" <c@d.example>", "b.example d.example"},
    {"team: a@b.example, C <c@d.example>;", "b.example d.example"},
    {"undisclosed:;", ""},
    {"\"a b\"@b.example", "b.example"},
    {"folded\r\n <a@b.example>", "b.example"},
    {"folded\n\t<a@b.example>", "b.example"},
    {"<a@[192.0.2.1]>", "[192.0.2.1]"},
    {"J\xc3\xbcrgen <j@b\xc3\xbc"
     "cher.example>",
     "xn--bcher-kva.example"},
};

const char* const unreadable[] = {
    "",
    " ",
    "a",
    "@b.example",
    "a@",
    "<>",
    "<a>",
    "a@b.example <x@evil.example>",
    "ceo@partner.example <x@evil.example>",
    "<a@b.example",
    "a@b.example>",
    "<a@b.example> <c@d.example>",
    "<a@b.example> junk",
    "a b@c.example",
    "a..b@c.example",
    ".a@c.example",
    "a.@c.example",
    "a@b..example",
    "a@b@c.example",
    "<@r.example:a@b.example>",
    "a@b.example,",
    ",a@b.example",
    "a@b.example;",
    "(open a@b.example",
    "\"open a@b.example",
    "g: h: a@b.example;;",
    "g: a@b.example",
    ": a@b.example;",
    "a@b.example\\",
    "<a@b_!.example>",
    "a@[192.0.2.1",
    "a@b.example (\\\n c)",
    "a@b.example (\\\r\n c)",
    "a@b.example (\\",
    "a@b.example\x01",
    "<a@b.example>;",
};

struct Library {
  Library() { g_mime_init(); }
  ~Library() { g_mime_shutdown(); }
};
BOOST_TEST_GLOBAL_FIXTURE(Library);

}  // namespace

BOOST_AUTO_TEST_CASE(reads_what_the_rfc_allows) {
  for (const auto& [value, domains] : readable)
    BOOST_CHECK_MESSAGE(read(value) == domains, value << " -> " << read(value) << ", expected " << domains);
}

BOOST_AUTO_TEST_CASE(refuses_what_two_readers_may_read_differently) {
  for (const auto* value : unreadable) BOOST_CHECK_MESSAGE(read(value) == "!", value << " -> " << read(value));
  BOOST_CHECK_EQUAL(read(std::string_view("a@b.example\0", 12)), "!");
}

BOOST_AUTO_TEST_CASE(bounds_are_refusals_not_cuts) {
  const std::string name(cm::limits::header_from_bytes, 'n');
  BOOST_CHECK_EQUAL(read(name + " <a@b.example>"), "!");
  const std::string address = " <a@b.example>";
  const std::string fits = name.substr(address.size()) + address;
  BOOST_CHECK_NE(read(fits), "!");
  BOOST_CHECK_EQUAL(read('n' + fits), "!");
  std::string many = "a@b.example";
  for (std::size_t i = 1; i < cm::limits::header_from_mailboxes; ++i) many += ",a@b.example";
  BOOST_CHECK_NE(read(many), "!");
  BOOST_CHECK_EQUAL(read(many + ",a@b.example"), "!");
}

BOOST_AUTO_TEST_CASE(a_lenient_reader_sees_the_same_domains) {
  for (const auto& [value, domains] : readable) BOOST_CHECK_EQUAL(read_by_gmime(value), domains);
  const char* const pieces[] = {"a",           "b.example",     "@",     "<",   ">",  ",", ";", ":", " ", ".", "\"", "(", ")", "\\",
                                "c@d.example", "<e@f.example>", "\"q\"", "(c)", "\n "};
  std::mt19937 random(1);
  int accepted = 0;
  for (int round = 0; round < 200000; ++round) {
    std::string value;
    for (auto n = 1 + random() % 8; n > 0; --n) value += pieces[random() % std::size(pieces)];
    const auto ours = read(value);
    if (ours == "!") continue;
    ++accepted;
    BOOST_REQUIRE_MESSAGE(ours == read_by_gmime(value), '[' << value << "]: we read " << ours << ", GMime reads " << read_by_gmime(value));
  }
  BOOST_CHECK_GT(accepted, 1000);
}

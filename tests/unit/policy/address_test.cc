// SMTP arguments with malice in them, what Postfix makes of them, and address patterns alone and in a set.
#define BOOST_TEST_DYN_LINK
#include "policy/address.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace cm;

std::string argument(std::string_view text) {
  const auto a = Address::from_argument(text);
  return a.is_null() ? "<>" : a.is_valid() ? a.local + "|" + a.domain : "invalid";
}

std::string resolved(std::string_view text) {
  DomainIndex ours;
  ours.add({DomainPattern::Kind::at_and_below, "us.example"}, 0);
  const auto a = resolve_as_postfix(Address::from_argument(text), ours, "us.example");
  return a.is_null() ? "<>" : a.is_valid() ? a.local + "|" + a.domain : "invalid";
}

AddressPattern pattern(std::string_view text) {
  const auto parsed = AddressPattern::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed, text << ": " << parsed.why);
  return *parsed;
}

BOOST_AUTO_TEST_SUITE(addresses)

BOOST_AUTO_TEST_CASE(plain_arguments) {
  BOOST_TEST(argument("<P@D.Example.>") == "p|d.example");
  BOOST_TEST(argument("p@d.example") == "p|d.example");
  BOOST_TEST(argument("<>") == "<>");
  BOOST_TEST(argument("") == "<>");
  BOOST_TEST(argument("<ceo>") == "ceo|");
  BOOST_TEST(argument("<p@[192.0.2.1]>") == "p|[192.0.2.1]");
  BOOST_TEST(argument("<p.q+r=s@d.example>") == "p.q+r=s|d.example");
  BOOST_TEST(argument("<p@b\xc3\xbc"
                      "cher.example>") == "p|xn--bcher-kva.example");
  BOOST_TEST(argument("<J\xc3\xbcrgen@d.example>") == "j\xc3\xbcrgen|d.example");
}

BOOST_AUTO_TEST_CASE(quoted_arguments) {
  BOOST_TEST(argument("<\"p\"@d.example>") == "p|d.example");
  BOOST_TEST(argument("<\"victim@evil.example\"@us.example>") == "victim@evil.example|us.example");
  BOOST_TEST(argument("<\"p\\\"q\"@d.example>") == "p\"q|d.example");
  BOOST_TEST(argument("<\"a b>\"@d.example>") == "a b>|d.example");
  BOOST_TEST(argument("<a.\"b\".c@d.example>") == "a.b.c|d.example");
}

BOOST_AUTO_TEST_CASE(source_routes_are_dropped) {
  BOOST_TEST(argument("<@d.example:p@us.example>") == "p|us.example");
  BOOST_TEST(argument("<@d.example,@e.example:p@us.example>") == "p|us.example");
  for (const char* bad : {"<@:p@us.example>", "<@d.example,:p@us.example>", "<@d.example,e.example:p@us.example>", "<@d..example:p@us.example>",
                          "<@d.example:@us.example>"})
    BOOST_TEST(argument(bad) == "invalid", bad);
}

BOOST_AUTO_TEST_CASE(nasty_arguments_are_invalid) {
  for (const char* bad : {"<",
                          ">",
                          "<p@d.example",
                          "<p@>",
                          "<@d.example>",
                          "<p q@d.example>",
                          "<p@d.example> ",
                          " <p@d.example>",
                          "<<p@d.example>>",
                          "<p@d.example><x@us.example>",
                          "<p@evil.example@us.example>",
                          "<\"p@d.example>",
                          "<\"p\"q@d.example>",
                          "<q\"p\"@d.example>",
                          "<\"p\\\"@d.example>",
                          "<p@d.example\r\n>",
                          "<p\t@d.example>",
                          "<p@d..example>",
                          "<p@.d.example>",
                          "<p@d.example:25>",
                          "<p(x)@d.example>",
                          "<p;q@d.example>",
                          "<p,q@d.example>",
                          "<p:q@d.example>",
                          "<p\\q@d.example>",
                          "<p@[192.0.2.1>",
                          "<p@[]>",
                          "<\xff@d.example>",
                          "<p@\xc0\xae.example>",
                          "<\xed\xa0\x80@d.example>",
                          "<p@us.example\x01>",
                          "<\"p\r\n\"@d.example>",
                          "<p@*>",
                          "<[192.0.2.1]>"})
    BOOST_TEST(argument(bad) == "invalid", bad);
  BOOST_TEST(argument(std::string_view("<p\0@d.example>", 14)) == "invalid");
  BOOST_TEST(argument(std::string_view("<p@us.example\0.evil>", 20)) == "invalid");
  BOOST_TEST(argument("<" + std::string(1000, 'a') + "@d.example>") == "invalid");
}

BOOST_AUTO_TEST_CASE(no_argument_makes_it_crash_and_text_is_bounded) {
  const std::string_view alphabet("<>@\"\\.,:%!a[]\0\xc3\xbc ", 17);
  std::uint64_t state = 1;
  for (int i = 0; i < 200000; ++i) {
    std::string text;
    state = state * 6364136223846793005U + 1442695040888963407U;
    for (auto n = state >> 60; n > 0; --n) {
      state = state * 6364136223846793005U + 1442695040888963407U;
      text += alphabet[(state >> 33) % alphabet.size()];
    }
    const auto a = Address::from_argument(text);
    const auto r = Address::from_resolved(text);
    BOOST_REQUIRE(a.is_valid() || !a.why.empty());
    BOOST_REQUIRE(!a.is_null() || (a.local.empty() && a.domain.empty()));
    BOOST_REQUIRE(a.domain.find('@') == std::string::npos && r.domain.find('@') == std::string::npos);
    if (a.is_valid() && !a.domain.empty()) BOOST_REQUIRE_EQUAL(*normalise_domain(a.domain), a.domain);
  }
}

BOOST_AUTO_TEST_CASE(resolved_addresses_split_at_the_last_at) {
  const auto parts = [](std::string_view text) {
    const auto a = Address::from_resolved(text);
    return a.is_null() ? "<>" : a.local + "|" + a.domain;
  };
  BOOST_TEST(parts("P@D.Example") == "p|d.example");
  BOOST_TEST(parts("a@b@d.example") == "a@b|d.example");
  BOOST_TEST(parts("a b@d.example") == "a b|d.example");
  BOOST_TEST(parts("\"a b\"@d.example") == "a b|d.example");  // as Postfix has it
  BOOST_TEST(parts("\"\\\"a\\\"\"@d.example") == "\"a\"|d.example");
  BOOST_TEST(parts("\"a\"b@d.example") == "\"a\"b|d.example");  // no quoted string
  BOOST_TEST(parts("") == "<>");
  BOOST_TEST(parts("<>") == "<>");
  BOOST_TEST(parts("ceo") == "ceo|");
  BOOST_TEST(parts("p@d..example") == "p|");  // a domain that cannot be meets only `*`
  BOOST_TEST(!Address::from_resolved(std::string(600, 'a')).is_valid());
}

BOOST_AUTO_TEST_CASE(routed_addresses_resolve_as_in_postfix) {
  BOOST_TEST(resolved("<p@d.example>") == "p|d.example");
  BOOST_TEST(resolved("<ceo>") == "ceo|us.example");
  BOOST_TEST(resolved("<victim%evil.example@us.example>") == "victim|evil.example");
  BOOST_TEST(resolved("<\"victim@evil.example\"@us.example>") == "victim|evil.example");
  BOOST_TEST(resolved("<evil.example!victim@us.example>") == "victim|evil.example");
  BOOST_TEST(resolved("<a%b.example%us.example@us.example>") == "a|b.example");
  BOOST_TEST(resolved("<p%us.example@sub.us.example>") == "p|us.example");
  BOOST_TEST(resolved("<p%evil.example>") == "p|evil.example");
  BOOST_TEST(resolved("<victim%evil.example@d.example>") == "victim%evil.example|d.example");  // not ours: not our business
  BOOST_TEST(resolved("<>") == "<>");
  BOOST_TEST(resolved("<p@>") == "invalid");
}

BOOST_AUTO_TEST_CASE(patterns) {
  const auto meets = [](std::string_view text, std::string_view address) { return pattern(text).match(Address::from_argument(address)); };
  BOOST_TEST(meets("P@D.example", "p@d.example"));
  BOOST_TEST(!meets("p@d.example", "q@d.example"));
  BOOST_TEST(!meets("p@d.example", "p@a.d.example"));
  BOOST_TEST(meets("*.d.example", "q@a.d.example"));
  BOOST_TEST(meets("*", "ceo"));
  BOOST_TEST(meets("*", "<>"));
  BOOST_TEST(meets("<>", "<>"));
  BOOST_TEST(!meets("d.example", "<>"));
  BOOST_TEST(!meets("*", "<p@>"));
  BOOST_TEST(meets("\"p q\"@d.example", "\"p q\"@d.example"));
  for (const char* bad : {"", "p@", "@d.example", "p@*", "p@*.d.example", "p@.d.example", "*@d.example@x", "p q@d.example", "\"p@d.example\""})
    BOOST_TEST(!AddressPattern::parse(bad), bad);
}

BOOST_AUTO_TEST_CASE(set_agrees_with_the_patterns) {
  const char* texts[] = {"p@d.example", "q@d.example", "d.example", ".a.example", "*.us.example", "<>", "*", "p@[192.0.2.1]"};
  const char* addresses[] = {"",
                             "ceo",
                             "p@d.example",
                             "q@d.example",
                             "r@d.example",
                             "p@a.example",
                             "p@b.a.example",
                             "p@us.example",
                             "p@x.us.example",
                             "p@[192.0.2.1]",
                             "p@",
                             "\"p\"@D.Example."};
  for (unsigned chosen = 0; chosen < 1U << std::size(texts); ++chosen) {
    std::vector<AddressPattern> patterns;
    for (std::size_t i = 0; i < std::size(texts); ++i)
      if (chosen >> i & 1U) patterns.push_back(pattern(texts[i]));
    const AddressSet set(patterns);
    for (const char* text : addresses) {
      const auto address = Address::from_argument(text);
      const bool wanted = std::any_of(patterns.begin(), patterns.end(), [&](const AddressPattern& p) { return p.match(address); });
      BOOST_REQUIRE_EQUAL(set.contains(address), wanted);
    }
  }
}

BOOST_AUTO_TEST_CASE(patterns_are_shown_as_they_may_be_written) {
  for (const auto* text : {"a.b@d.example", "\"a b\"@d.example", "\"a@b\"@d.example", "\"a\\\"\\\\b\"@d.example", "*.d.example", "<>"})
    BOOST_TEST(pattern(text).to_string() == text);
  BOOST_TEST(pattern("\"a\".\"b\"@d.example").to_string() == "a.b@d.example");
}

// Not the pattern of the whole domain.
BOOST_AUTO_TEST_CASE(an_empty_local_part_is_no_pattern) {
  BOOST_TEST(!AddressPattern::parse("\"\"@d.example"));
  BOOST_TEST(!AddressPattern::parse("<\"\"@d.example>"));
}

// A route to nowhere is completed with no domain of ours: it would fit a grant.
BOOST_AUTO_TEST_CASE(a_route_through_no_domain_resolves_to_no_domain) {
  BOOST_TEST(resolved("p%bad..d@us.example") == "p|");
  BOOST_TEST(resolved("bad..d!p@us.example") == "p|");
  BOOST_TEST(resolved("q!p%bad..d@us.example") == "q!p|");
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace

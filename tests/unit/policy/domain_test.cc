// Domains: the one normal form, patterns and their rank, certificate names, and the index against the patterns one by one.
#define BOOST_TEST_DYN_LINK
#include "policy/domain.h"

#include <algorithm>
#include <boost/test/unit_test.hpp>

namespace {

using namespace cm;

std::string normal(std::string_view text) {
  const auto parsed = normalise_domain(text);
  return parsed ? *parsed : "error";
}

DomainPattern pattern(std::string_view text) {
  const auto parsed = DomainPattern::parse(text);
  BOOST_REQUIRE_MESSAGE(parsed, text << ": " << parsed.why);
  return *parsed;
}

Rank rank(std::string_view text, std::string_view domain) { return pattern(text).match(domain); }

Rank certificate(std::string_view configured, std::string_view presented) {
  return match_certificate(pattern(configured), normalise_certificate_name(presented));
}

BOOST_AUTO_TEST_SUITE(domains)

BOOST_AUTO_TEST_CASE(one_normal_form) {
  BOOST_TEST(normal("D.Example.") == "d.example");
  BOOST_TEST(normal("b\xc3\xbc"
                    "cher.example") == "xn--bcher-kva.example");
  BOOST_TEST(normal("B\xc3\x9c"
                    "CHER.example") == "xn--bcher-kva.example");
  BOOST_TEST(normal("bu\xcc\x88"
                    "cher.example") == "xn--bcher-kva.example");  // NFD
  BOOST_TEST(normal("xn--bcher-kva.EXAMPLE") == "xn--bcher-kva.example");
  BOOST_TEST(normal("\xef\xbd\x84.\xef\xbd\x85xample") == "d.example");  // full-width letters
  BOOST_TEST(normal("d\xe3\x80\x82"
                    "example") == "d.example");  // ideographic full stop
  BOOST_TEST(normal("b\xc3\xbc"
                    "cher.example\xe3\x80\x82") == "xn--bcher-kva.example");
  BOOST_TEST(normal("fa\xc3\x9f.example") == "xn--fa-hia.example");  // UTS 46 non-transitional
  BOOST_TEST(normal("_dmarc.d.example") == "_dmarc.d.example");
}

BOOST_AUTO_TEST_CASE(what_is_no_domain) {
  for (const char* bad : {"",
                          ".",
                          "..",
                          ".d.example",
                          "d..example",
                          "d.example..",
                          "d example",
                          "d.example ",
                          "d@example",
                          "d/example",
                          "*.d.example",
                          "d.exa\tmple",
                          "\xff\xfe.example",
                          "a\xc3.example",
                          "[",
                          "[]",
                          "[192.0.2.1",
                          "[a b]",
                          "[a]b]",
                          "d\xe3\x80\x82\xe3\x80\x82"
                          "example"})
    BOOST_TEST(normal(bad) == "error", bad);
  BOOST_TEST(normal(std::string_view("d.example\0.evil", 15)) == "error");
  BOOST_TEST(normal(std::string_view("b\xc3\xbc\0.example", 12)) == "error");
  BOOST_TEST(normal(std::string(64, 'a') + ".example") == "error");
  BOOST_TEST(normal(std::string(63, 'a') + ".example") != "error");
  std::string longest;
  while (longest.size() < 250) longest += "a.";
  BOOST_TEST(normal(longest + "abc") == longest + "abc");  // 253
  BOOST_TEST(normal(longest + "abcd") == "error");
  BOOST_TEST(normal(longest + "abc.") == longest + "abc");
  BOOST_TEST(normal(std::string(100000, 'a')) == "error");
}

BOOST_AUTO_TEST_CASE(address_literals_are_text) {
  BOOST_TEST(normal("[192.0.2.1]") == "[192.0.2.1]");
  BOOST_TEST(normal("[IPv6:2001:DB8::1]") == "[ipv6:2001:db8::1]");
  BOOST_TEST(rank("[192.0.2.1]", "[192.0.2.1]") == exact_rank);
  BOOST_TEST(normal("[x@us.example]") == "error");
  BOOST_TEST(normal("[a\"b]") == "error");
  BOOST_TEST(!DomainPattern::parse("*.0.2.1]"));
  BOOST_TEST(rank("*.example", "[x.example]") == no_match);
  BOOST_TEST(rank("*", "[192.0.2.1]") == any_rank);
  BOOST_TEST(!DomainPattern::parse(".[192.0.2.1]"));
}

BOOST_AUTO_TEST_CASE(patterns) {
  BOOST_TEST(rank("d.example", "d.example") == exact_rank);
  BOOST_TEST(rank("d.example", "a.d.example") == no_match);
  BOOST_TEST(rank("*.d.example", "d.example") == no_match);
  BOOST_TEST(rank("*.d.example", "a.d.example") == 2);
  BOOST_TEST(rank("*.d.example", "b.a.d.example") == 2);
  BOOST_TEST(rank("*.d.example", "ad.example") == no_match);
  BOOST_TEST(rank(".d.example", "d.example") == exact_rank);
  BOOST_TEST(rank(".d.example", "a.d.example") == 2);
  BOOST_TEST(rank(".d.example", "bad.example") == no_match);
  BOOST_TEST(rank("*", "") == any_rank);
  BOOST_TEST(rank("d.example", "") == no_match);
  BOOST_TEST(rank("<>", "d.example") == no_match);
  BOOST_TEST(pattern("<>").match_null() == exact_rank);
  BOOST_TEST(pattern("*").match_null() == any_rank);
  BOOST_TEST(pattern(".d.example").match_null() == no_match);
  BOOST_TEST(rank("*.B\xc3\x9c"
                  "CHER.example.",
                  "a.xn--bcher-kva.example") == 2);
}

BOOST_AUTO_TEST_CASE(bad_patterns) {
  for (const char* bad :
       {"", ".", "*.", "**", "*d.example", "a.*.example", "*.*.example", "d.*", "p@d.example", "..d.example", "*..d.example", "< >", " d.example"})
    BOOST_TEST(!DomainPattern::parse(bad), bad);
}

BOOST_AUTO_TEST_CASE(patterns_survive_their_text) {
  for (const char* text : {"*", "<>", "d.example", "*.d.example", ".d.example", "[192.0.2.1]"}) {
    BOOST_TEST(pattern(text).to_string() == text);
    BOOST_TEST((pattern(pattern(text).to_string()) == pattern(text)));
  }
}

BOOST_AUTO_TEST_CASE(certificate_names) {
  BOOST_TEST(certificate("mail.d.example", "MAIL.D.Example.") == exact_rank);
  BOOST_TEST(certificate("mail.d.example", "*.d.example") == exact_rank);
  BOOST_TEST(certificate("mail.d.example", "*.example") == no_match);  // one label
  BOOST_TEST(certificate("a.mail.d.example", "*.d.example") == no_match);
  BOOST_TEST(certificate("d.example", "*.d.example") == no_match);
  BOOST_TEST(certificate("*.d.example", "*.d.example") == 2);
  BOOST_TEST(certificate("*.d.example", "a.b.d.example") == 2);
  BOOST_TEST(certificate("*.d.example", "d.example") == no_match);
  BOOST_TEST(certificate("*.d.example", "*.example") == no_match);
  BOOST_TEST(certificate(".d.example", "d.example") == exact_rank);
  BOOST_TEST(certificate(".d.example", "*.d.example") == 2);
  BOOST_TEST(certificate(".d.example", "*.example") == no_match);
  BOOST_TEST(certificate("example", "*.") == no_match);
  BOOST_TEST(certificate("*", "mail.d.example") == no_match);
  BOOST_TEST(certificate("<>", "mail.d.example") == no_match);
}

BOOST_AUTO_TEST_CASE(presented_names_that_meet_nothing) {
  for (const char* bad : {"", " ", "*", "*.", "*.*.d.example", "m*.d.example", "mail.*.example", "Example Ltd", "mail.d.example, CN=x", "[192.0.2.1]",
                          "a..b", ".d.example"})
    BOOST_TEST(normalise_certificate_name(bad).empty(), bad);
  BOOST_TEST(normalise_certificate_name(std::string_view("mail.d.example\0.evil.example", 28)).empty());
  BOOST_TEST(normalise_certificate_name(std::string(300, 'a')).empty());
  BOOST_TEST(normalise_certificate_name("*.D.Example.") == "*.d.example");
}

BOOST_AUTO_TEST_CASE(index_agrees_with_the_patterns) {
  const char* texts[] = {"*", "<>", "example", "*.example", ".a.example", "b.a.example", "*.b.a.example", "a.example", "[192.0.2.1]", "*.d.example"};
  const char* domains[] = {"",           "example",     "a.example",   "b.a.example", "c.b.a.example", "d.c.b.a.example",
                           "ba.example", "[192.0.2.1]", "[x.example]", "d.example",   "x.d.example"};
  for (unsigned chosen = 0; chosen < 1U << std::size(texts); ++chosen) {
    DomainIndex index;
    std::vector<DomainPattern> patterns;
    for (std::size_t i = 0; i < std::size(texts); ++i)
      if (chosen >> i & 1U) patterns.push_back(pattern(texts[i]));
    for (const auto& p : patterns) index.add(p, 1);
    Rank null = no_match;
    for (const auto& p : patterns) null = std::max(null, p.match_null());
    BOOST_REQUIRE_EQUAL(index.meets_null(), null != no_match);
    for (const char* domain : domains) {
      Rank best = no_match;
      for (const auto& p : patterns) best = std::max(best, p.match(domain));
      BOOST_REQUIRE_EQUAL(index.match(domain), best);
    }
  }
}

BOOST_AUTO_TEST_CASE(labels) {
  BOOST_TEST(parent_domain("a.b.example") == "b.example");
  BOOST_TEST(parent_domain("example").empty());
  BOOST_TEST(count_labels("a.b.example") == 3);
  BOOST_TEST(count_labels("") == 0);
  BOOST_TEST(to_lower("A\xc3\x84[") == "a\xc3\x84[");
  BOOST_TEST(equals_ignoring_case("Mx", "mX"));
  BOOST_TEST(!equals_ignoring_case("mx", "mxx"));
}

BOOST_AUTO_TEST_CASE(characters_one_by_one) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-";
  for (int c = 0; c < 128; ++c) {
    const char byte = static_cast<char>(c);
    const bool plain = c != 0 && letters.find(byte) != std::string_view::npos;
    const std::string label{'a', byte, 'b'};
    BOOST_TEST((normal(label) == to_lower(label)) == (plain || byte == '_' || byte == '.'));
    const std::string literal{'[', byte, ']'};
    BOOST_TEST((normal(literal) == to_lower(literal)) == (plain || byte == '.' || byte == ':'));
    BOOST_TEST(to_lower(std::string(1, byte)) == std::string(1, byte >= 'A' && byte <= 'Z' ? static_cast<char>(byte + 32) : byte));
  }
}

BOOST_AUTO_TEST_CASE(lengths) {
  const auto labels = [](std::size_t n, std::size_t length) {
    std::string out;
    for (; n > 0; --n) out += std::string(length, 'a') + (n > 1 ? "." : "");
    return out;
  };
  BOOST_TEST(normal(labels(1, 63)) != "error");
  BOOST_TEST(normal(labels(1, 64)) == "error");
  BOOST_TEST(normal(labels(3, 63) + "." + labels(1, 61)) != "error");
  BOOST_TEST(normal(labels(3, 63) + "." + labels(1, 61) + ".") != "error");
  BOOST_TEST(normal(labels(3, 63) + "." + labels(1, 62)) == "error");
  BOOST_TEST(!normalise_certificate_name("*." + labels(3, 63) + "." + labels(1, 61) + ".").empty());  // 256 bytes
  BOOST_TEST(normal("[" + std::string(251, 'a') + "]") != "error");
  BOOST_TEST(normal("[" + std::string(252, 'a') + "]") == "error");
  // U-labels of three bytes a character, whose A-labels are short.
  std::string label;
  for (int i = 0; i < 50; ++i) label += "\xe3\x81\x82";
  BOOST_TEST(normal(label + "." + label + "." + label) != "error");
  BOOST_TEST(normal(label + "." + label + "." + label + "." + label) == "error");
}

BOOST_AUTO_TEST_SUITE_END()
}  // namespace

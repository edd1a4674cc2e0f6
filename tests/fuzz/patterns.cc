// Domain patterns, address patterns and certificate names: a pattern in the first line, what it shall meet in the second.
#include <vector>

#include "fuzz.h"
#include "policy/address.h"
#include "policy/domain.h"
#include "policy/limits.h"

using namespace cm;
using cm::fuzz::swap_case;

static void check_certificate(const DomainPattern& pattern, std::string_view text) {
  const auto name = normalise_certificate_name(text);
  REQUIRE(normalise_certificate_name(name) == name);
  REQUIRE(normalise_certificate_name(swap_case(text)) == name);
  if (!name.empty() && text.size() < 256 && !text.ends_with('.')) REQUIRE(normalise_certificate_name(std::string(text) + ".") == name);
  const auto rank = match_certificate(pattern, name);
  if (name.empty() || pattern.domain.empty()) REQUIRE(rank == no_match);
  if (rank == no_match || name == pattern.domain) return;
  REQUIRE(name.ends_with(pattern.domain) || pattern.domain.ends_with(name.substr(1)));  // nothing but a wildcard of either side
  REQUIRE(name.starts_with("*.") || pattern.kind != DomainPattern::Kind::exact);
}

static void check_domain(const DomainPattern& pattern, const std::string& domain) {
  const auto rank = pattern.match(domain);
  DomainIndex index;
  index.add(pattern, 7);
  REQUIRE(index.match(domain) == rank);
  REQUIRE(index.meets_null() == (pattern.match_null() != no_match));
  REQUIRE(count_labels(domain) == 1 + count_labels(parent_domain(domain)) || domain.front() == '[');
  if (pattern.kind == DomainPattern::Kind::exact) REQUIRE((rank == exact_rank) == (domain == pattern.domain));
  if (pattern.kind == DomainPattern::Kind::null) REQUIRE(rank == no_match);
}

FUZZ_TARGET(patterns) {
  fuzz::Bytes bytes(in);
  const auto pattern_text = bytes.line(), subject = bytes.line();
  const auto domain = normalise_domain(subject);
  REQUIRE(bool(domain) != !domain.why.empty());
  if (domain) {
    REQUIRE(*normalise_domain(*domain).value == *domain);
    REQUIRE(*normalise_domain(swap_case(*domain)).value == *domain);
    REQUIRE(domain->size() <= 253 && fuzz::is_printable(*domain) && to_lower(*domain) == *domain);
    REQUIRE(domain->find_first_of("@<>\"\\ *;,()") == std::string::npos);
  }
  if (const auto pattern = DomainPattern::parse(pattern_text)) {
    REQUIRE(*DomainPattern::parse(pattern->to_string()).value == *pattern);
    check_certificate(*pattern, subject);
    if (domain) check_domain(*pattern, *domain);
    REQUIRE(pattern->match({}) == (pattern->kind == DomainPattern::Kind::any ? any_rank : no_match));
  }
  if (const auto pattern = AddressPattern::parse(pattern_text)) {
    const auto again = AddressPattern::parse(pattern->to_string());
    REQUIRE(pattern->to_string().size() > limits::address_bytes || (again && again->local == pattern->local && again->domain == pattern->domain));
    REQUIRE(pattern->local.empty() == (pattern_text.find('@') == std::string_view::npos));
    for (const auto& address : {Address::from_argument(subject), Address::from_resolved(subject), Address{}}) {
      REQUIRE(AddressSet({*pattern}).contains(address) == pattern->match(address));
      if (!address.is_valid()) REQUIRE(!pattern->match(address));
      if (address.kind == Address::Kind::mailbox && address.domain.empty() && pattern->domain.kind != DomainPattern::Kind::any)
        REQUIRE(!pattern->match(address));
    }
  }
}

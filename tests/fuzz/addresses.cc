// SMTP arguments, resolved addresses, and what Postfix would make of an argument.
#include "fuzz.h"
#include "policy/address.h"
#include "policy/limits.h"
#include "policy/text.h"

using namespace cm;
using Kind = Address::Kind;

static bool same(const Address& a, const Address& b) { return a.kind == b.kind && a.local == b.local && a.domain == b.domain; }

static void check_address(const Address& address) {
  REQUIRE((address.kind == Kind::invalid) == !address.why.empty());
  REQUIRE(to_lower(address.local) == address.local);
  if (address.kind != Kind::mailbox) REQUIRE(address.local.empty() && address.domain.empty());
  if (!address.domain.empty()) REQUIRE(*normalise_domain(address.domain).value == address.domain);
  if (address.kind == Kind::invalid) REQUIRE(address.text.size() <= limits::address_bytes);
}

static void check_resolution(const Address& argument, const DomainIndex& ours) {
  const auto resolved = resolve_as_postfix(argument, ours, "us.example");
  REQUIRE(resolved.kind == argument.kind);
  if (argument.kind != Kind::mailbox) return;
  REQUIRE(to_lower(resolved.local) == resolved.local && resolved.local.size() <= argument.local.size());
  if (!resolved.domain.empty()) REQUIRE(*normalise_domain(resolved.domain).value == resolved.domain);
  const bool is_ours = !resolved.domain.empty() && ours.match(resolved.domain) != no_match;
  if (is_ours) REQUIRE(resolved.local.find_first_of("@%!") == std::string::npos);  // the next hop of the route is known
  if (!argument.domain.empty() && ours.match(argument.domain) == no_match) REQUIRE(same(resolved, argument));
  if (!resolved.domain.empty()) {
    REQUIRE(same(resolve_as_postfix(resolved, ours, "us.example"), resolved));
    REQUIRE(resolved.text.size() > limits::address_bytes || same(Address::from_resolved(resolved.text), resolved));
  }
}

FUZZ_TARGET(addresses) {
  DomainIndex ours;
  ours.add(*DomainPattern::parse(".us.example").value, 0);
  const auto argument = Address::from_argument(in), resolved = Address::from_resolved(in);
  check_address(argument);
  check_address(resolved);
  REQUIRE(resolved.is_null() == (in.empty() || in == "<>"));
  if (argument.is_null()) REQUIRE(in.empty() || in == "<>");
  check_resolution(argument, ours);
  check_resolution(resolved, ours);
  if (argument.kind == Kind::mailbox) {
    REQUIRE(same(Address::from_argument(fuzz::swap_case(in)), argument));
    REQUIRE(argument.local.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
    if (!in.starts_with('<') && in.size() + 2 <= limits::address_bytes) REQUIRE(same(Address::from_argument("<" + std::string(in) + ">"), argument));
    if (!argument.domain.empty()) REQUIRE(same(Address::from_resolved(text::quote_local(argument.local) + "@" + argument.domain), argument));
  }
}

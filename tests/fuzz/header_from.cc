// Header From: strict or nothing, and never a domain less or more than a reader who only counts at signs would see.
#include <vector>

#include "fuzz.h"
#include "policy/address.h"
#include "policy/limits.h"

using namespace cm;

// At signs outside quoted strings and comments: one for each mailbox of a well-formed field.
static std::size_t count_at_signs(std::string_view in) {
  std::size_t found = 0;
  int comment = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < in.size(); ++i) {
    if (in[i] == '\\' && (quoted || comment > 0))
      ++i;
    else if (in[i] == '"' && comment == 0)
      quoted = !quoted;
    else if (quoted)
      continue;
    else if (in[i] == '(' || (in[i] == ')' && comment > 0))
      comment += in[i] == '(' ? 1 : -1;
    else if (in[i] == '@' && comment == 0)
      ++found;
  }
  return found;
}

FUZZ_TARGET(header_from) {
  const auto domains = parse_header_from(in);
  REQUIRE(bool(domains) != !domains.why.empty());
  if (!domains) return;
  REQUIRE(in.size() <= limits::header_from_bytes && domains->size() <= limits::header_from_mailboxes);
  REQUIRE(in.find('\0') == std::string_view::npos);
  REQUIRE(domains->size() == count_at_signs(in));
  for (const auto& domain : *domains) REQUIRE(*normalise_domain(domain).value == domain);
  const auto reads_alike = [&](const std::string& text) {
    if (text.size() > limits::header_from_bytes) return true;
    const auto again = parse_header_from(text);
    return again && *again == *domains;
  };
  REQUIRE(reads_alike(fuzz::swap_case(in)));
  REQUIRE(reads_alike("\r\n\t" + std::string(in) + " (x@y.example (\\)))\n "));
  if (domains->size() < limits::header_from_mailboxes) {
    const auto more = parse_header_from(std::string(in) + ",x@y.example");
    REQUIRE(in.size() + 12 > limits::header_from_bytes || (more && more->size() == domains->size() + 1 && more->back() == "y.example"));
  }
}

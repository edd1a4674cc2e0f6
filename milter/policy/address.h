// Mail addresses: the SMTP argument as the peer sent it, and the address the MTA made of it.
//
// The two are different facts, and both count (a grant needs both to fit, a restriction applies if either does): Postfix turns
// `<victim%evil@us>`, `<"victim@evil"@us>` and `<evil!victim@us>` into victim@evil, while the argument still ends in @us.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/domain.h"
#include "policy/parsed.h"

namespace cm {

/// One address. `null` is the null sender `<>`; `invalid` could not be parsed (see `why`).
struct Address {
  enum class Kind : std::uint8_t { null, mailbox, invalid };
  Kind kind = Kind::null;
  std::string text;    // as seen, for logs and replies: untrusted, escape it
  std::string local;   // unquoted, lower case
  std::string domain;  // normalised; empty for a bare name
  std::string why;     // for invalid

  [[nodiscard]] bool is_null() const { return kind == Kind::null; }
  [[nodiscard]] bool is_valid() const { return kind != Kind::invalid; }

  /// An SMTP path (RFC 5321 section 4.1.2, with RFC 6531 UTF-8), with or without `<>`; a source route is dropped as section 4.1.1.3 says.
  static Address from_argument(std::string_view argument);
  /// What the MTA resolved (Postfix `{mail_addr}`, `{rcpt_addr}`): `local@domain` split at the last `@`. A local part that needs quotes has
  /// them there (measured with Postfix 3.7.11, which also puts it in lower case).
  static Address from_resolved(std::string_view text);
};

/// Argument and resolved address of one sender or recipient.
struct Envelope {
  Address argument;
  Address resolved;
};

/// An address pattern of `senders` and `recipients`: a domain pattern, or a full address (then `local` is set).
struct AddressPattern {
  std::string local;  // lower case, empty: any
  DomainPattern domain;

  static Parsed<AddressPattern> parse(std::string_view text);
  [[nodiscard]] bool match(const Address& address) const;
  /// As it may be written: the local part in quotes where it needs them.
  [[nodiscard]] std::string to_string() const;
};

/// Many address patterns; lookup does not grow with their number.
class AddressSet {
 public:
  AddressSet() = default;
  explicit AddressSet(const std::vector<AddressPattern>& patterns);
  [[nodiscard]] bool contains(const Address& address) const;

 private:
  DomainIndex domains_;
  StringMap<std::vector<std::string>> locals_by_domain_;  // sorted
};

/// What Postfix would make of an argument, for `explain` and for an MTA that does not say: `x%y@us`, `"x@y"@us` and `y!x@us` are x@y,
/// a bare name gets `our_domain` (Postfix: $myorigin). `ours` tells which domains are local.
/// Source: Postfix trivial-rewrite/resolve.c (resolve_dequoted_address, allow_percent_hack), rewrite.c (swap_bangpath).
Address resolve_as_postfix(const Address& argument, const DomainIndex& ours, std::string_view our_domain);

/// The domains of a header From value (RFC 5322 section 3.6.2, groups as in RFC 6854), normalised; an error if it cannot be parsed strictly.
/// `value` may be folded.
Parsed<std::vector<std::string>> parse_header_from(std::string_view value);

}  // namespace cm

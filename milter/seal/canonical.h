// What a trust tag vouches for, octet by octet: the canonical form of connector-milter-trust(7). Pure, but for the digest of the body.
//
// The rule: two messages have the same form only if a reader sees the same sender, fields and body in both; what mail servers change
// on the way (folds, blanks, line ends, empty lines at the end) is not in it. A change here makes every tag in the world false.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.h"

namespace cm::seal {

/// Without line breaks, each run of blanks one space, none at either end.
std::string unfold(std::string_view value);

/// The envelope sender as it is bound: `local@domain` in lower case, the local part unquoted, the domain in A-labels; empty for `<>`.
std::string bound_sender(const Address& resolved);

/// Names of the fields that are bound, in the order of `h=`; lower case.
inline constexpr std::array<std::string_view, 4> bound_names{"from", "date", "message-id", "subject"};

/// The fields of one message that are bound. Every instance of a name counts: a second From must break the tag.
class BoundFields {
 public:
  /// In the order of the message. `name` in any case, without blanks around it; other names are ignored.
  void see(std::string_view name, std::string_view value);
  /// The message leaves with this value in place of all it had under that name.
  void replace(std::string_view name, std::string_view value);
  /// More than limits::signed_header_bytes: not everything was kept, so nothing may be signed or verified.
  [[nodiscard]] bool too_long() const { return too_long_; }
  /// The names that are there, as `h=` has them: "from:date"; empty if there is none.
  [[nodiscard]] std::string names() const;
  /// `name:value` LF for every instance of these names (as in `h=`).
  [[nodiscard]] std::string lines(std::string_view names) const;

 private:
  std::array<std::vector<std::string>, bound_names.size()> values_;
  std::size_t bytes_ = 0;
  bool too_long_ = false;
};

/// SHA-256 of a body that comes in pieces, cut anywhere: line ends are CR LF, empty lines at the end do not count, the last line is ended.
/// An empty body has no octets. Throws std::runtime_error if OpenSSL fails.
class BodyDigest {
 public:
  BodyDigest();
  void update(std::string_view piece);
  /// In base64; call once.
  std::string finish();

 private:
  void text(std::string_view octets);
  void hash(std::string_view octets);

  struct Free {
    void operator()(void* context) const;
  };
  std::unique_ptr<void, Free> context_;
  std::size_t line_ends_ = 0;      // seen, not hashed yet
  bool cr_ = false, any_ = false;  // the last piece ended in CR; something was hashed
};

std::string to_base64(std::span<const unsigned char> octets);

/// `trust` is the value of the header field up to and including `b=`, unfolded.
std::string canonical_form(std::string_view trust, std::string_view sender, const BoundFields& fields, std::string_view names,
                           std::string_view body_digest);

}  // namespace cm::seal

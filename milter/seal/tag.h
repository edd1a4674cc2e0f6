// The signed trust tag: the value of the trust header with time, key and signature, as connector-milter-trust(7) has it.
//
// Signing adds to what policy/render.h wrote; verifying believes nothing of a value before its signature holds.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/parsed.h"
#include "seal/canonical.h"
#include "seal/key.h"

namespace cm::seal {

inline constexpr std::int64_t valid_seconds = std::int64_t{7} * 24 * 3600;
inline constexpr std::int64_t clock_difference_seconds = 300;  // how far in the future a tag may have been signed

/// What a tag is bound to, beside its own text.
struct Bound {
  std::string sender;         // bound_sender()
  const BoundFields& fields;  // not too long
  std::string body_digest;    // BodyDigest::finish()
};

/// `fields` (`WORD; connector=NAME; ...; id=TRACEID`) completed and signed at `time`, in seconds since 1970. `via`: the key of the tag that
/// this one replaces; empty: none.
std::string sign(const Key& key, std::string fields, std::string_view via, std::int64_t time, const Bound& bound);

struct Tag {
  std::string word;             // "internal"
  std::string connector, type;  // empty: the tag names none
  std::string key;              // that signed it
  std::int64_t time = 0;        // when
  std::string names;            // h=
  std::string signed_text;      // up to and including `b=`, unfolded
  std::string signature;        // base64
};

/// The tag's form alone; `value` may be folded.
Parsed<Tag> parse_tag(std::string_view value);

/// A tag that one of `keys` signed for this very message, and that is not too old at `now`; else why not, in one clause.
Parsed<Tag> verify(const Keys& keys, std::string_view value, const Bound& bound, std::int64_t now);

}  // namespace cm::seal

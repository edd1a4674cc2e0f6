// Trust tags as strangers write them: nothing that our keys did not sign for this message is ever genuine, and what is signed is.
#include "seal/tag.h"

#include "fuzz.h"
#include "policy/limits.h"

using namespace cm;
using namespace cm::seal;

static const Keys& keys() {
  static const Keys both = [] {
    Keys out;
    out.push_back({"a", std::string(32, 'a')});
    out.push_back({"b", std::string(40, 'b')});
    return out;
  }();
  return both;
}

static void check_form(std::string_view value) {
  const auto tag = parse_tag(value);
  REQUIRE(tag.value.has_value() == tag.why.empty());
  if (!tag) return;
  REQUIRE(tag->signed_text.ends_with("; b=") && tag->signed_text + tag->signature == unfold(value));
  REQUIRE(fuzz::is_printable(tag->word + tag->connector + tag->type + tag->key) && !tag->word.empty() && tag->time >= 0);
}

FUZZ_TARGET(tag) {
  check_form(in);
  fuzz::Bytes bytes(in);
  const std::string arrived(bytes.line()), sender(bytes.line());
  check_form(arrived);
  BoundFields fields, other;
  BodyDigest whole, pieces;
  constexpr std::int64_t now = 1795000000;
  for (const auto name : bound_names) {
    if (bytes.below(2) == 0) continue;
    const std::string value(bytes.line());
    fields.see(name, value);
    other.see(name, " " + value + "\r\n\t");
  }
  const auto cut = bytes.byte();
  const auto body = bytes.line();
  whole.update(body);
  pieces.update(body.substr(0, cut));
  if (cut < body.size()) pieces.update(body.substr(cut));
  const Bound bound{sender, fields, whole.finish()}, folded{sender, other, pieces.finish()};
  REQUIRE(bound.body_digest == folded.body_digest);
  REQUIRE(!verify(keys(), arrived, bound, now));  // nobody can guess
  const auto tag = sign(keys()[1], "device; connector=c; src=192.0.2.1", "a", now, bound);
  REQUIRE(tag.size() <= limits::tag_bytes && verify(keys(), tag, folded, now) && verify(keys(), tag, bound, now)->key == "b");
  REQUIRE(!verify(keys(), tag, bound, now + valid_seconds + 1));
  REQUIRE(!verify(keys(), tag, {sender + "x", fields, bound.body_digest}, now));
  fields.see("From", "somebody else");
  REQUIRE(verify(keys(), tag, bound, now).value.has_value() == (fields.names() != other.names()));  // unless it came later
}

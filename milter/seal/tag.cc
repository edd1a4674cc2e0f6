// Tag text <-> its parts, and the question whether it is genuine.
#include "seal/tag.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <charconv>

#include "policy/limits.h"

namespace cm::seal {
namespace {

// Values are compared with configured names and written into a header of ours: nothing but visible ASCII.
bool is_token(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c <= '~' && c != ';'; });
}

// What stands in `text` before `separator`; removes both.
std::string_view next(std::string_view& text, std::string_view separator) {
  const auto end = std::min(text.find(separator), text.size());
  const auto part = text.substr(0, end);
  text.remove_prefix(std::min(end + separator.size(), text.size()));
  return part;
}

// Some of the bound names, each once and in their order.
bool is_list_of_names(std::string_view names) {
  const auto* expected = bound_names.begin();
  while (!names.empty()) {
    const auto name = next(names, ":");
    expected = std::find(expected, bound_names.end(), name);
    if (expected++ == bound_names.end()) return false;
  }
  return true;
}

bool read_field(std::string_view name, std::string_view value, Tag& tag) {
  if (name == "h") return tag.names = value, is_list_of_names(value);
  if (!is_token(value)) return false;
  if (name == "connector") tag.connector = value;
  if (name == "type") tag.type = value;
  if (name == "k") tag.key = value;
  if (name != "t") return true;
  const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), tag.time);
  return error == std::errc{} && end == value.data() + value.size() && tag.time >= 0;
}

bool same(std::string_view a, std::string_view b) { return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0; }

}  // namespace

std::string sign(const Key& key, std::string fields, std::string_view via, std::int64_t time, const Bound& bound) {
  const auto names = bound.fields.names();
  if (!via.empty()) fields.append("; via=").append(via);
  fields.append("; t=").append(std::to_string(time)).append("; k=").append(key.id()).append("; h=").append(names).append("; b=");
  return fields + key.authenticate(canonical_form(fields, bound.sender, bound.fields, names, bound.body_digest));
}

Parsed<Tag> parse_tag(std::string_view value) {
  if (value.size() > limits::tag_bytes) return Parsed<Tag>::error("the tag is too long");
  const auto text = unfold(value);
  std::string_view rest(text);
  Tag tag;
  tag.word = next(rest, "; ");
  std::vector<std::string_view> seen;
  while (!rest.empty()) {
    const auto field = next(rest, "; ");
    const auto equals = field.find('=');
    if (equals == std::string_view::npos) return Parsed<Tag>::error("the tag has a field without a value");
    const auto name = field.substr(0, equals);
    if (std::find(seen.begin(), seen.end(), name) != seen.end()) return Parsed<Tag>::error("the tag has a field twice");
    seen.push_back(name);
    if (name == "b") {
      tag.signature = field.substr(2);
      if (!rest.empty()) return Parsed<Tag>::error("the tag goes on behind its signature");
    } else if (!read_field(name, field.substr(equals + 1), tag)) {
      return Parsed<Tag>::error("the tag has a field with a value that it cannot have");
    }
  }
  const auto has = [&](std::string_view name) { return std::find(seen.begin(), seen.end(), name) != seen.end(); };
  if (!is_token(tag.word)) return Parsed<Tag>::error("the tag has no trust word");
  if (!has("t") && !has("k") && !has("b")) return Parsed<Tag>::error("the tag is not signed");
  if (!has("t") || !has("k") || !has("h") || tag.signature.empty()) return Parsed<Tag>::error("the tag lacks one of t, k, h and b");
  tag.signed_text = text.substr(0, text.size() - tag.signature.size());
  return tag;
}

Parsed<Tag> verify(const Keys& keys, std::string_view value, const Bound& bound, std::int64_t now) {
  auto tag = parse_tag(value);
  if (!tag) return tag;
  if (bound.fields.too_long()) return Parsed<Tag>::error("the message has header fields that are too long to be signed");
  const auto key = std::find_if(keys.begin(), keys.end(), [&](const Key& k) { return k.id() == tag->key; });
  if (key == keys.end()) return Parsed<Tag>::error("the tag was signed with a key that is not one of ours");
  const auto form = canonical_form(tag->signed_text, bound.sender, bound.fields, tag->names, bound.body_digest);
  if (!same(key->authenticate(form), tag->signature))
    return Parsed<Tag>::error("the signature does not fit: another sender, field, body or tag was signed, or none of ours signed it");
  if (tag->time > now + clock_difference_seconds) return Parsed<Tag>::error("the tag is from the future");
  if (now - tag->time > valid_seconds) return Parsed<Tag>::error("the tag is older than 7 days");
  return tag;
}

}  // namespace cm::seal

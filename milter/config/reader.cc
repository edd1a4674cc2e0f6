// Typed reading of one group, setting by setting. Knows types and places, never what a setting means.
#include "config/reader.h"

#include <charconv>
#include <limits>

#include "policy/parsed.h"

namespace cm::config {

std::string Place::path() const { return group->path_of(setting) + (index < 0 ? "" : "[" + std::to_string(index) + "]"); }
Origin Place::origin() const { return {group->file(), line}; }
void Place::error(std::string message) const { group->report().error(origin(), path(), std::move(message)); }
void Place::warning(std::string message) const { group->report().warning(origin(), path(), std::move(message)); }

std::string Group::path_of(std::string_view setting) const { return path_.empty() ? std::string(setting) : path_ + "." + std::string(setting); }

const Node* Group::find(std::string_view name) const {
  for (const auto& child : node_.children)
    if (child.name == name) return &child;
  return nullptr;
}

Place Group::place(std::string_view setting) const {
  const auto* found = find(setting);
  return {this, setting, -1, found != nullptr ? found->line : node_.line};
}

const Node* Group::take(std::string_view name) {
  known_.push_back(name);
  const auto* found = find(name);
  if (found != nullptr) taken_[static_cast<std::size_t>(found - node_.children.data())] = true;
  return found;
}

bool Group::is_sound(const Node& value, const Place& place) const {
  if (value.doubt) place.warning(*value.doubt);
  if (value.problem) place.error(*value.problem);
  return !value.problem;
}

const Node* Group::take(std::string_view name, Node::Kind kind, const char* expected) {
  const auto* found = take(name);
  if (found == nullptr || !is_sound(*found, place(*found))) return nullptr;
  if (found->kind == kind) return found;
  place(*found).error(std::string("expected ") + expected + ", found " + found->describe());
  return nullptr;
}

std::optional<std::string> Group::text(std::string_view name) {
  const auto* found = take(name, Node::Kind::string, "a string in double quotes");
  return found != nullptr ? std::optional(found->text) : std::nullopt;
}

std::optional<bool> Group::boolean(std::string_view name) {
  const auto* found = take(name, Node::Kind::boolean, "true or false without quotes");
  return found != nullptr ? std::optional(found->boolean) : std::nullopt;
}

std::optional<std::uint64_t> Group::size(std::string_view name) {
  const auto* found = take(name);
  if (found == nullptr || !is_sound(*found, place(*found))) return std::nullopt;
  if (found->kind == Node::Kind::integer && found->integer > 0) return static_cast<std::uint64_t>(found->integer);
  if (found->kind == Node::Kind::integer) {
    place(*found).error("must be at least 1, found " + std::to_string(found->integer) + "; for no limit leave the setting out");
    return std::nullopt;
  }
  if (found->kind != Node::Kind::string) {
    place(*found).error(std::string("expected a size such as \"10M\" or a number of bytes, found ") + found->describe());
    return std::nullopt;
  }
  const auto size = parse_size(found->text);
  if (!size) place(*found).error(size.why);
  return size.value;
}

std::optional<std::uint32_t> Group::positive(std::string_view name, const char* absent) {
  const auto* found = take(name, Node::Kind::integer, "a whole number without quotes");
  if (found == nullptr) return std::nullopt;
  if (found->integer >= 1 && found->integer <= std::numeric_limits<std::int32_t>::max()) return static_cast<std::uint32_t>(found->integer);
  place(*found).error("must be 1 to 2147483647, found " + std::to_string(found->integer) + "; " + absent);
  return std::nullopt;
}

Strings Group::strings(std::string_view name, bool may_be_empty) {
  Strings out;
  const auto* found = take(name);
  if (found == nullptr) return out;
  out.given = true;
  if (!is_sound(*found, place(*found))) return out;
  if (found->kind == Node::Kind::string) {
    out.items.push_back({found->text, place(*found)});
    return out;
  }
  if (!found->is_list()) {
    place(*found).error(std::string("expected a string or a list of strings, found ") + found->describe());
    return out;
  }
  if (found->children.empty() && !may_be_empty) place(*found).error("the list is empty: name at least one, or leave the setting out");
  for (std::size_t i = 0; i < found->children.size(); ++i) {
    const auto& child = found->children[i];
    const Place here{this, found->name, static_cast<int>(i), child.line};
    if (!is_sound(child, here)) continue;
    if (child.kind == Node::Kind::string)
      out.items.push_back({child.text, here});
    else
      here.error(std::string("expected a string in double quotes, found ") + child.describe());
  }
  return out;
}

const Node* Group::group(std::string_view name) { return take(name, Node::Kind::group, "a group { }"); }

std::vector<Group::Element> Group::groups(std::string_view name) {
  std::vector<Element> out;
  const auto* found = take(name);
  if (found == nullptr) return out;
  if (!found->is_list()) {
    place(*found).error(std::string("expected a list ( { }, { } ), found ") + found->describe());
    return out;
  }
  for (std::size_t i = 0; i < found->children.size(); ++i) {
    const auto& child = found->children[i];
    if (child.kind == Node::Kind::group)
      out.push_back({&child, static_cast<int>(i)});
    else
      Place{this, found->name, static_cast<int>(i), child.line}.error(std::string("expected a group { }, found ") + child.describe());
  }
  return out;
}

std::string Group::unknown_word(std::string_view given, std::span<const std::string_view> known) {
  std::string out = quote(given) + " is not known here: expected ";
  for (std::size_t i = 0; i < known.size(); ++i) out += (i == 0 ? "" : i + 1 == known.size() ? " or " : ", ") + quote(known[i]);
  return out + did_you_mean(given, known);
}

void Group::finish() {
  for (std::size_t i = 0; i < node_.children.size(); ++i) {
    if (taken_[i]) continue;
    const auto& child = node_.children[i];
    report_.error({file_, child.name_line}, path_of(child.name), "unknown setting" + did_you_mean(child.name, known_));
  }
}

Parsed<std::uint64_t> parse_size(std::string_view text) {
  const auto bad = [&] {
    return Parsed<std::uint64_t>::error(quote(text) + " is no size: expected digits, then K, M, G or nothing, such as \"10M\"");
  };
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} && error != std::errc::result_out_of_range) return bad();
  const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
  constexpr std::string_view units = "KMG";
  const auto known = unit.size() == 1 ? units.find(unit[0] >= 'a' ? static_cast<char>(unit[0] - 'a' + 'A') : unit[0]) : std::string_view::npos;
  if (!unit.empty() && known == std::string_view::npos) return bad();
  const auto shift = unit.empty() ? 0U : 10U * (static_cast<unsigned>(known) + 1);
  if (error == std::errc::result_out_of_range || value > (std::uint64_t{0x7fffffffffffffff} >> shift))
    return Parsed<std::uint64_t>::error(quote(text) + " is too large");
  if (value == 0) return Parsed<std::uint64_t>::error("must be at least 1; for no limit leave the setting out");
  return value << shift;
}

}  // namespace cm::config

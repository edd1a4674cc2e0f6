// Attribute lists. The end is sought only in bytes that were not looked at before.
#include "base/attribute_list.h"

#include <algorithm>

namespace cm::attribute_list {

Taken take(std::string_view in, std::size_t most, std::size_t& scanned) {
  if (in.starts_with('\n')) return {Taken::State::complete, in.substr(0, 0), 1};
  const auto end = in.find("\n\n", scanned);
  if (end != std::string_view::npos && end < most) return {Taken::State::complete, in.substr(0, end + 1), end + 2};
  if (end != std::string_view::npos || in.size() > most) return {Taken::State::malformed, {}, 0};
  scanned = in.empty() ? 0 : in.size() - 1;  // the last byte may be the first of the two
  return {};
}

void append(std::string& out, std::string_view payload) {
  out += payload;
  out += "\n\n";
}

std::optional<Attributes> Attributes::parse(std::string_view lines) {
  Attributes attributes;
  while (!lines.empty()) {
    const auto end = lines.find('\n');
    const auto line = lines.substr(0, end);
    lines.remove_prefix(end == std::string_view::npos ? lines.size() : end + 1);
    const auto equals = line.find('=');
    if (equals == std::string_view::npos || equals == 0 || line.find('\0') != std::string_view::npos) return std::nullopt;
    attributes.entries_.emplace_back(line.substr(0, equals), line.substr(equals + 1));
  }
  auto& entries = attributes.entries_;
  std::sort(entries.begin(), entries.end());
  const auto same_name = [](const auto& a, const auto& b) { return a.first == b.first; };
  if (std::adjacent_find(entries.begin(), entries.end(), same_name) != entries.end()) return std::nullopt;
  return attributes;
}

std::optional<std::string_view> Attributes::find(std::string_view name) const {
  const auto found =
      std::lower_bound(entries_.begin(), entries_.end(), name, [](const auto& entry, std::string_view wanted) { return entry.first < wanted; });
  if (found == entries_.end() || found->first != name) return std::nullopt;
  return found->second;
}

}  // namespace cm::attribute_list

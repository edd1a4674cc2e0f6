// What every command does with text before it is printed.
#pragma once

#include <algorithm>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "policy/text.h"

namespace cm::ctl {

/// For a terminal: control characters, those of C1 and those that turn the writing direction too, become `?`; other UTF-8 stays readable.
inline std::string safe(std::string_view words) {
  constexpr std::string_view directions[] = {"\u200e", "\u200f", "\u202a", "\u202b", "\u202c", "\u202d",
                                             "\u202e", "\u2066", "\u2067", "\u2068", "\u2069"};
  const bool readable = text::is_utf8(words);
  std::string out;
  for (; !words.empty(); words.remove_prefix(1)) {
    const auto c = static_cast<unsigned char>(words[0]);
    const auto* direction = std::find_if(std::begin(directions), std::end(directions), [&](std::string_view d) { return words.starts_with(d); });
    const bool c1 = c == 0xc2 && words.size() > 1 && static_cast<unsigned char>(words[1]) < 0xa0;
    const bool is_control = c < 0x20 || c == 0x7f || (c >= 0x80 && (!readable || c1 || direction != std::end(directions)));
    out += is_control ? '?' : words[0];
    if (is_control && readable && c >= 0x80) words.remove_prefix(c1 ? 1 : 2);
  }
  return out;
}

inline std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : separator).append(word);
  return out;
}

/// "1 error", "2 errors"
inline std::string counted(std::size_t n, std::string_view word) { return std::to_string(n).append(" ").append(word).append(n == 1 ? "" : "s"); }

/// Lines with their columns under each other. The first row is the head; all rows are as long as that.
using Row = std::vector<std::string>;

inline void print_table(std::ostream& out, const std::vector<Row>& rows) {
  std::vector<std::size_t> widths(rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) out << row[i] << std::string(widths[i] - row[i].size() + 2, ' ');
    out << row.back() << "\n";
  }
}

}  // namespace cm::ctl

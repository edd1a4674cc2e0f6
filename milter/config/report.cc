// Collected diagnostics in the order of the files, and the words around a value somebody wrote. Never prints anything.
#include "config/report.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "policy/domain.h"
#include "policy/text.h"

namespace cm::config {

Diagnostics Report::take() {
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [](const Diagnostic& a, const Diagnostic& b) { return std::tie(a.at.file, a.at.line) < std::tie(b.at.file, b.at.line); });
  return std::move(diagnostics_);
}

std::string quote(std::string_view text, std::size_t most) {
  constexpr char hex[] = "0123456789abcdef";
  const bool readable = text::is_utf8(text);
  auto shown = text.substr(0, most);
  while (readable && shown.size() < text.size() && !shown.empty() && !text::is_utf8(shown)) shown.remove_suffix(1);
  std::string out = "\"";
  for (const char c : shown) {
    const auto u = static_cast<unsigned char>(c);
    if (u < ' ' || u == 0x7f || (u >= 0x80 && !readable))
      out += {'\\', 'x', hex[u >> 4], hex[u & 15]};
    else
      out += c;
  }
  return out + (shown.size() < text.size() ? "...\"" : "\"");
}

std::size_t slips(std::string_view left, std::string_view right) {
  const std::string a = to_lower(left), b = to_lower(right);
  std::vector<std::size_t> before(b.size() + 1), above(b.size() + 1), row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) above[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    std::swap(before, above);
    std::swap(above, row);
  }
  return above[b.size()];
}

}  // namespace cm::config

// The distance between two words, by a table of the distances between their beginnings.
#include "ctl/nearest.h"

#include <algorithm>

namespace cm::ctl {
namespace {

constexpr std::size_t longest = 64;  // no word of ours is; the table stays small whatever is typed
constexpr std::size_t shortest_beginning = 3;

std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::vector<std::size_t>> d(a.size() + 1, std::vector<std::size_t>(b.size() + 1));
  for (std::size_t i = 0; i <= a.size(); ++i)
    for (std::size_t j = 0; j <= b.size(); ++j) {
      if (i == 0 || j == 0) {
        d[i][j] = i + j;
        continue;
      }
      d[i][j] = std::min({d[i - 1][j] + 1, d[i][j - 1] + 1, d[i - 1][j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i][j] = std::min(d[i][j], d[i - 2][j - 2] + 1);
    }
  return d[a.size()][b.size()];
}

}  // namespace

std::string nearest(std::string_view word, const std::vector<std::string>& known) {
  if (word.size() > longest) return {};
  std::string best;
  auto fewest = std::max<std::size_t>(1, word.size() / 3) + 1;
  for (const auto& candidate : known) {
    const auto changes = distance(word, candidate);
    if (changes < fewest && changes < candidate.size()) {
      fewest = changes;
      best = candidate;
    }
  }
  if (!best.empty() || word.size() < shortest_beginning) return best;
  const auto begins = [word](const std::string& candidate) { return candidate.starts_with(word) || word.starts_with(candidate); };
  const auto found = std::find_if(known.begin(), known.end(), begins);
  return found == known.end() ? std::string() : *found;
}

}  // namespace cm::ctl

// Where the rooms' parts put their diagnostics, and how a value that somebody wrote is shown in one.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "config/diagnostic.h"

namespace cm::config {

/// Collects; never throws away. Not thread-safe: one load, one report.
class Report {
 public:
  void error(Origin at, std::string path, std::string message) {
    diagnostics_.push_back({Diagnostic::Level::error, std::move(at), std::move(path), std::move(message)});
    ++errors_;
  }
  void warning(Origin at, std::string path, std::string message) {
    diagnostics_.push_back({Diagnostic::Level::warning, std::move(at), std::move(path), std::move(message)});
  }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  /// Everything, by file and line; what was found first comes first within a line.
  [[nodiscard]] Diagnostics take();

 private:
  Diagnostics diagnostics_;
  std::size_t errors_ = 0;
};

/// In double quotes, control characters and broken UTF-8 escaped, shortened: a diagnostic stays one line of a terminal or a log.
std::string quote(std::string_view text, std::size_t most = 80);
/// For `most`: a path is shown whole.
inline constexpr std::size_t path_bytes = 4096;

/// ` (did you mean "x"?)` for the candidate that is nearest to `word`, or nothing if none is near.
template <class Candidates>
std::string did_you_mean(std::string_view word, const Candidates& candidates);

/// How many single-character slips (wrong, missing, extra, swapped with its neighbour) lie between two words, letter case aside.
std::size_t slips(std::string_view a, std::string_view b);
/// Slips that still count as a near miss of `candidate`.
constexpr std::size_t near_enough(std::string_view candidate) { return candidate.size() <= 3 ? 1 : candidate.size() <= 7 ? 2 : 3; }

template <class Candidates>
std::string did_you_mean(std::string_view word, const Candidates& candidates) {
  std::string_view best;
  std::size_t fewest = ~std::size_t{0};
  for (const std::string_view candidate : candidates) {
    if (word.size() > candidate.size() + 3 || candidate.size() > word.size() + 3) continue;
    const auto found = slips(word, candidate);
    if (found <= near_enough(candidate) && found < fewest) {
      best = candidate;
      fewest = found;
    }
  }
  return best.empty() ? std::string() : " (did you mean " + quote(best) + "?)";
}

}  // namespace cm::config

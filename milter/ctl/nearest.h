// "Did you mean ...?": the known word that a mistyped one is nearest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cm::ctl {

/// The first of `known` with the fewest changes (a character added, removed, replaced, or two neighbours exchanged) from `word`. If it
/// would take more than one change for every three characters: the first that begins with `word`, or that `word` begins with; else empty.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace cm::ctl

// "Did you mean ...?": the known word that a mistyped one is nearest to.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cm::ctl {

/// The first of `known` with the fewest changes (a character added, removed, replaced, or two neighbours exchanged) from `word`; empty if it
/// would take more than one change for every three characters.
std::string nearest(std::string_view word, const std::vector<std::string>& known);

}  // namespace cm::ctl

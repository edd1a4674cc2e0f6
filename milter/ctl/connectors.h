// Which connectors a line of configuration for an MTA is there for, in words that fit into its reason.
#pragma once

#include <string>
#include <vector>

namespace cm::ctl {

/// "a", "a and b", "a, b and 3 more". `names` is not empty.
inline std::string some_of(const std::vector<std::string>& names) {
  if (names.size() == 1) return names[0];
  if (names.size() == 2) return names[0] + " and " + names[1];
  if (names.size() == 3) return names[0] + ", " + names[1] + " and " + names[2];
  return names[0] + ", " + names[1] + " and " + std::to_string(names.size() - 2) + " more";
}

/// The names of those that are enabled, in mode audit, too, and fit the condition.
template <class Connectors, class Condition>
std::vector<std::string> enabled_names(const Connectors& connectors, Condition condition) {
  std::vector<std::string> names;
  for (const auto& c : connectors)
    if (c.enabled && condition(c)) names.push_back(c.name);
  return names;
}

}  // namespace cm::ctl

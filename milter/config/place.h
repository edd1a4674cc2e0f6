// A value where it stands in the config, so that what is wrong with it is reported there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/report.h"

namespace cm::config {

class Group;

/// One value of a setting, for diagnostics about it. Lives no longer than its Group.
struct Place {
  const Group* group;
  std::string_view setting;
  int index;  // in a list; -1: the setting itself
  unsigned line;

  void error(std::string message) const;
  void warning(std::string message) const;
  [[nodiscard]] std::string path() const;
  [[nodiscard]] Origin origin() const;
};

/// A word of a closed set and what it means.
template <class T>
struct Word {
  std::string_view word;
  T value;
};

struct Strings {
  struct Item {
    std::string_view text;
    Place place;
  };
  bool given = false;
  std::vector<Item> items;
};

}  // namespace cm::config

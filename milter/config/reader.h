// Typed reading of one group: each setting is asked for once, of the type it must have; what nobody asked for is unknown.
//
// A wrong value is reported where it stands and then counts as not given; the reader never stops and never guesses.
#pragma once

#include <algorithm>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "config/place.h"
#include "config/tree.h"
#include "policy/parsed.h"

namespace cm::config {

class Group {
 public:
  /// `node` is a group and outlives this; `path` is how diagnostics call it, empty for the whole file.
  Group(const Node& node, const std::string& file, std::string path, Report& report)
      : node_(node), file_(file), path_(std::move(path)), report_(report), taken_(node.children.size()) {}

  [[nodiscard]] const Node& node() const { return node_; }
  [[nodiscard]] const std::string& file() const { return file_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] Report& report() const { return report_; }
  [[nodiscard]] std::string path_of(std::string_view setting) const;
  [[nodiscard]] Place place(const Node& setting) const { return {this, setting.name, -1, setting.line}; }
  /// The setting as a whole; its group's opening line if it is not there.
  [[nodiscard]] Place place(std::string_view setting) const;

  /// The setting, or null if absent; it is known from now on.
  const Node* take(std::string_view name);
  [[nodiscard]] bool has(std::string_view name) const { return find(name) != nullptr; }
  void missing(std::string_view name, const std::string& what) { report_.error({file_, node_.line}, path_of(name), "is missing: " + what); }

  std::optional<std::string> text(std::string_view name);
  std::optional<bool> boolean(std::string_view name);
  /// Bytes: a positive integer, or a string with K, M or G.
  std::optional<std::uint64_t> size(std::string_view name);
  /// 1 to 2147483647; `absent` says what leaving it out means.
  std::optional<std::uint32_t> positive(std::string_view name, const char* absent = "for no limit leave the setting out");
  /// `[ ]`, `( )` or one string. Elements that are no strings are reported and left out; an empty list too, unless it may be.
  Strings strings(std::string_view name, bool may_be_empty = false);
  /// A group; null if absent or not one.
  const Node* group(std::string_view name);
  /// `( { }, ... )`: the elements that are groups, with their place in the list; the others are reported.
  struct Element {
    const Node* node;
    int index;
  };
  std::vector<Element> groups(std::string_view name);

  template <class T, std::size_t N>
  std::optional<T> word(std::string_view name, const Word<T> (&words)[N]) {
    const auto given = text(name);
    if (!given) return std::nullopt;
    return meaning(*given, place(name), words);
  }
  template <class T, std::size_t N>
  static std::optional<T> meaning(std::string_view given, const Place& place, const Word<T> (&words)[N]) {
    std::vector<std::string_view> known;
    for (const auto& w : words) {
      if (w.word == given) return w.value;
      known.push_back(w.word);
    }
    place.error(unknown_word(given, known));
    return std::nullopt;
  }

  /// Calls f(name as it was asked for, line) once for every setting that is there and was taken.
  template <class F>
  void each_known(F&& f) const {
    for (const auto& child : node_.children)
      if (const auto name = std::find(known_.begin(), known_.end(), child.name); name != known_.end()) f(*name, child.name_line);
  }
  /// Reports every setting that was not taken, with what was asked for as suggestions. Call once, at the end.
  void finish();

 private:
  [[nodiscard]] const Node* find(std::string_view name) const;
  const Node* take(std::string_view name, Node::Kind kind, const char* expected);
  bool is_sound(const Node& value, const Place& place) const;
  static std::string unknown_word(std::string_view given, std::span<const std::string_view> known);

  const Node& node_;
  const std::string& file_;
  std::string path_;
  Report& report_;
  std::vector<bool> taken_;
  std::vector<std::string_view> known_;
};

/// "10M" -> 10485760; an error names what was expected.
Parsed<std::uint64_t> parse_size(std::string_view text);

}  // namespace cm::config

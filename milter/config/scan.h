// One pass over a config text before libconfig sees it, for what libconfig 1.5 gets wrong or says badly.
//
// It cuts integers beyond 32 bits silently, stops a string at \x00, takes an open comment for its end, calls a duplicate name and a trailing
// comma "syntax error", and gives list elements the line of the token after them. So this pass reports the first and remembers where every
// value began. It does not parse: values are libconfig's business.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace cm::config {

struct SyntaxError {
  unsigned line = 0;
  std::string message;
};

/// A value of the text, in the order in which values begin: the order of a depth-first walk over the parsed tree, the root left out.
using Remark = std::unique_ptr<const std::string>;  // rarely there, and there are many values

struct ScannedValue {
  unsigned name_line = 0;  // of the setting's name; as `line` for list elements
  unsigned line = 0;       // where the value begins; for a group, list or array its bracket
  Remark problem;          // libconfig would read something else than what is written: never use its value
  Remark doubt;            // probably a slip
};

struct Scan {
  std::vector<ScannedValue> values;
  std::optional<SyntaxError> error;  // the first
  std::size_t readable = 0;          // bytes before that error; all without one
  unsigned open_string_line = 0;     // where the first string that runs over a line end begins; 0: none
};

Scan scan(std::string_view text);

}  // namespace cm::config

// A scenario: a config, messages stated in the words of `connectorctl explain`, and what each must get. Format: README.md beside this.
//
// Reading and judging are apart, so that a scenario that cannot be read fails as loudly as one whose expectation is not met: an unknown
// word is never skipped.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/explain.h"

namespace cm::scenario {

/// `keyword rest` on line `number` of the file.
struct Line {
  unsigned number = 0;
  std::string keyword, rest;
};

struct Message {
  std::string title;
  unsigned number = 0;  // its line
  std::vector<Line> facts, expectations;
};

struct Scenario {
  std::string title;
  std::string config;                                      // begins with so many empty lines that line numbers are those of the .scn file
  std::vector<std::pair<std::string, std::string>> files;  // name, content: lists that the config names
  std::vector<Message> messages;
};

struct Problem {
  unsigned line = 0;
  std::string text;
};
using Problems = std::vector<Problem>;

/// Reads a whole file; `problems` is empty if all of it was understood.
Scenario parse(std::string_view text, Problems& problems);

/// The options of explain for a message; adds a problem for each word it does not know.
ctl::Question make_question(const Message& message, Problems& problems);

/// What of the message's expectations is not met, each with what was expected and what was seen.
Problems judge(const Message& message, const ctl::Explanation& seen);

/// `*` in `pattern` stands for any text; everything else for itself.
bool matches(std::string_view pattern, std::string_view text);

}  // namespace cm::scenario

// Reading a .scn file.
#include "scenario.h"

namespace cm::scenario {
namespace {

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  return first == std::string_view::npos ? std::string_view{} : text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

Line split(unsigned number, std::string_view text) {
  const auto gap = text.find_first_of(" \t");
  return {number, std::string(text.substr(0, gap)), std::string(gap == std::string_view::npos ? std::string_view{} : trim(text.substr(gap)))};
}

class Reader {
 public:
  Reader(std::string_view text, Problems& problems) : text_(text), problems_(problems) {}

  Scenario read() {
    while (next()) {
      const auto words = trim(line_);
      if (words.empty() || words.starts_with('#')) continue;
      if (line_.starts_with(' ') || line_.starts_with('\t'))
        read_indented(words);
      else
        read_heading(words);
    }
    finish_message();
    if (scenario_.title.empty()) problem("expected 'title: ...'");
    if (scenario_.config.empty()) problem("expected 'config:', a config and 'end'");
    if (scenario_.messages.empty()) problem("expected at least one 'message: ...'");
    return std::move(scenario_);
  }

 private:
  bool next() {
    if (text_.empty()) return false;
    const auto end = text_.find('\n');
    line_ = text_.substr(0, end);
    text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
    ++number_;
    return true;
  }

  void problem(std::string text) { problems_.push_back({number_, std::move(text)}); }

  std::string read_block() {
    const auto from = number_;
    for (std::string block; next(); block.append(line_).append("\n"))
      if (trim(line_) == "end") return block;
    problems_.push_back({from, "expected 'end' after this block, seen the end of the file"});
    return {};
  }

  void read_heading(std::string_view words) {
    if (words.starts_with("title:"))
      scenario_.title = trim(words.substr(6));
    else if (words == "config:") {
      std::string lines_above(number_, '\n');
      scenario_.config = lines_above + read_block();
    } else if (words.starts_with("file:")) {
      const std::string name(trim(words.substr(5)));
      scenario_.files.emplace_back(name, read_block());
    } else if (words.starts_with("message:")) {
      finish_message();
      scenario_.messages.push_back({std::string(trim(words.substr(8))), number_, {}, {}});
      expecting_ = false;
    } else if (words == "expect:" && !scenario_.messages.empty() && !expecting_)
      expecting_ = true;
    else
      problem("expected title:, config:, file:, message: or (once after a message) expect:, seen '" + std::string(words) + "'");
  }

  void read_indented(std::string_view words) {
    if (scenario_.messages.empty()) return problem("seen '" + std::string(words) + "' before the first message:");
    auto& message = scenario_.messages.back();
    (expecting_ ? message.expectations : message.facts).push_back(split(number_, words));
  }

  void finish_message() {
    if (scenario_.messages.empty()) return;
    const auto& message = scenario_.messages.back();
    for (const auto& line : message.expectations)
      if (line.keyword == "action") return;
    problems_.push_back({message.number, "message '" + message.title + "' expects no action: add 'expect:' and an 'action' line"});
  }

  std::string_view text_, line_;
  unsigned number_ = 0;
  bool expecting_ = false;
  Scenario scenario_;
  Problems& problems_;
};

}  // namespace

Scenario parse(std::string_view text, Problems& problems) { return Reader(text, problems).read(); }

}  // namespace cm::scenario

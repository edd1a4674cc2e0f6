// The scanner: brackets, names, strings and numbers, in one pass. What it does not understand is left for libconfig to complain about;
// it must see every value that libconfig sees, in the same order.
#include "config/scan.h"

#include <charconv>
#include <set>

#include "config/report.h"

namespace cm::config {
namespace {

constexpr std::size_t deepest = 16;  // brackets in brackets; a config needs five

bool is_name_start(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '*'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_name_char(char c) { return is_name_start(c) || is_digit(c) || c == '-' || c == '_'; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) { open_.push_back({'{', 1, {}}); }

  Scan run() {
    while (!out_.error && at_ < text_.size()) step();
    if (!out_.error && open_.size() > 1) fail(open_.back().line, quote(std::string(1, open_.back().bracket)) + " is never closed", text_.size());
    if (!out_.error) out_.readable = text_.size();
    return std::move(out_);
  }

 private:
  struct Open {
    char bracket;
    unsigned line;
    std::set<std::string, std::less<>> names;
  };

  void fail(unsigned line, std::string message, std::size_t offset) {
    if (out_.error) return;
    out_.error = SyntaxError{line, std::move(message)};
    out_.readable = offset;
  }
  void fail(std::string message) { fail(line_, std::move(message), at_); }

  [[nodiscard]] char peek(std::size_t ahead) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  [[nodiscard]] bool in_group() const { return open_.back().bracket == '{'; }

  // A value begins here.
  ScannedValue& begin_value() {
    const bool named = in_group() && name_line_ != 0;
    out_.values.push_back({named ? name_line_ : line_, line_, {}, {}});
    value_expected_ = false;
    name_line_ = 0;
    return out_.values.back();
  }

  void step() {
    const char c = text_[at_];
    if (c == '\n') ++line_;
    if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f') {
      ++at_;
      return;
    }
    if (c == '#' || (c == '/' && (peek(1) == '/' || peek(1) == '*'))) return comment();
    if (c != '"') after_string_ = false;
    if (c == '"') return string();
    if (is_name_start(c)) return word();
    if (is_digit(c) || c == '+' || c == '-' || c == '.') return number();
    if (c == '@') return fail("@include is not supported: put connectors into connectors.d/*.conf beside the main file");
    punctuation(c);
  }

  void comment() {
    if (peek(0) == '/' && peek(1) == '*') {
      const auto end = text_.find("*/", at_ + 2);
      if (end == std::string_view::npos) return fail("the comment that begins with /* is never closed");
      for (; at_ < end + 2; ++at_) line_ += text_[at_] == '\n';
      return;
    }
    at_ = std::min(text_.find('\n', at_), text_.size());
  }

  void string() {
    const unsigned first_line = line_;
    const auto first = at_;
    std::string problem;
    for (++at_; at_ < text_.size() && text_[at_] != '"'; ++at_) {
      line_ += text_[at_] == '\n';
      if (text_[at_] != '\\' || at_ + 1 == text_.size()) continue;
      if (text_.substr(at_, 4) == "\\x00") problem = "the string holds a NUL (\\x00), which no setting may have";
      ++at_;
      line_ += text_[at_] == '\n';
    }
    if (at_ >= text_.size()) return fail(first_line, "the string is never closed: a quote is missing", first);
    ++at_;
    if (line_ != first_line && out_.open_string_line == 0) out_.open_string_line = first_line;
    const bool joined = after_string_ && !out_.values.empty();
    if (!joined) begin_value().line = first_line;
    auto& value = out_.values.back();
    if (!problem.empty()) value.problem = std::make_unique<const std::string>(std::move(problem));
    if (joined && !in_group()) value.doubt = std::make_unique<const std::string>("strings side by side are joined into one: is a comma missing?");
    after_string_ = true;
  }

  void word() {
    const auto first = at_;
    while (at_ < text_.size() && is_name_char(text_[at_])) ++at_;
    const auto name = text_.substr(first, at_ - first);
    if (in_group() && !value_expected_) return setting_name(name, first);
    if (slips(name, "true") == 0 || slips(name, "false") == 0) {
      begin_value();
      return;
    }
    fail(line_, quote(name) + " is no value: write it in double quotes", first);
  }

  void setting_name(std::string_view name, std::size_t first) {
    if (!open_.back().names.emplace(name).second)
      return fail(line_, "the setting " + quote(name) + " is given twice in the same group" + (open_.size() == 1 ? "" : opened_at()), first);
    name_line_ = line_;
  }
  [[nodiscard]] std::string opened_at() const { return " (the one that line " + std::to_string(open_.back().line) + " opens)"; }

  void number() {
    const auto first = at_;
    while (at_ < text_.size() && (is_name_char(text_[at_]) || text_[at_] == '.' || text_[at_] == '+' || text_[at_] == '-')) ++at_;
    auto digits = text_.substr(first, at_ - first);
    if (digits.find('.') != std::string_view::npos && digits.find_first_not_of("0123456789.") == std::string_view::npos &&
        digits.find('.') != digits.rfind('.'))
      return fail(line_, quote(digits) + " is no value: write addresses in double quotes", first);
    begin_value().problem = integer_problem(digits);
  }

  // Null if the text is not an integer or fits the type libconfig gives it.
  static Remark integer_problem(std::string_view written) {
    auto digits = written;
    const bool is_long = digits.ends_with('L');
    while (digits.ends_with('L')) digits.remove_suffix(1);
    const bool negative = digits.starts_with('-');
    if (negative || digits.starts_with('+')) digits.remove_prefix(1);
    const bool hex = digits.starts_with("0x") || digits.starts_with("0X");
    if (hex) digits.remove_prefix(2);
    if (digits.empty() || digits.find_first_not_of(hex ? "0123456789abcdefABCDEF" : "0123456789") != std::string_view::npos) return {};
    std::uint64_t value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
    const std::uint64_t most = (is_long ? std::uint64_t{0x7fffffffffffffff} : std::uint64_t{0x7fffffff}) + (negative ? 1 : 0);
    if (error == std::errc{} && end == digits.data() + digits.size() && value <= most) return {};
    return std::make_unique<const std::string>("the number " + std::string(written.substr(0, 40)) +
                                               " is too large; a size this large is written in double quotes, such as \"5G\"");
  }

  void punctuation(char c) {
    switch (c) {
      case '{':
      case '[':
      case '(':
        begin_value();
        if (open_.size() > deepest) return fail("brackets are nested too deeply");
        open_.push_back({c, line_, {}});
        break;
      case '}':
      case ']':
      case ')': return close(c);
      case '=':
      case ':': value_expected_ = in_group(); break;
      case ',':
        if (const char next = after_blanks(at_ + 1); !in_group() && (next == ']' || next == ')'))
          return fail(std::string("a comma before ") + quote(std::string(1, next)) + ": remove it (the last element of a list has none)");
        break;
      case ';': break;
      default: return fail(stray(c));
    }
    ++at_;
  }

  void close(char c) {
    const char opener = c == '}' ? '{' : c == ']' ? '[' : '(';
    if (open_.size() == 1) return fail(quote(std::string(1, c)) + " closes nothing");
    if (open_.back().bracket != opener)
      return fail(quote(std::string(1, c)) + " does not close the " + quote(std::string(1, open_.back().bracket)) + " of line " +
                  std::to_string(open_.back().line));
    open_.pop_back();
    value_expected_ = false;
    ++at_;
  }

  // The next byte that is neither blank nor comment, 0 at the end.
  [[nodiscard]] char after_blanks(std::size_t at) const {
    while (at < text_.size()) {
      const char c = text_[at];
      if (c == '#' || text_.substr(at, 2) == "//")
        at = std::min(text_.find('\n', at), text_.size());
      else if (text_.substr(at, 2) == "/*")
        at = std::min(text_.find("*/", at + 2), text_.size() - 2) + 2;
      else if (c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\f')
        ++at;
      else
        return c;
    }
    return '\0';
  }

  static std::string stray(char c) {
    if (c == '\'') return "single quotes mean nothing here: use double quotes";
    return "the character " + quote(std::string(1, c)) + " has no meaning here: quote missing?";
  }

  std::string_view text_;
  std::size_t at_ = 0;
  unsigned line_ = 1;
  unsigned name_line_ = 0;
  bool value_expected_ = false;  // in a group, between `=` and the value
  bool after_string_ = false;
  std::vector<Open> open_;
  Scan out_;
};

}  // namespace

Scan scan(std::string_view text) { return Scanner(text).run(); }

}  // namespace cm::config

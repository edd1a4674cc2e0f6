// Several values stand on one line, divided by blanks or commas. An empty answer takes what is usual.
#include "ctl/interview.h"

#include <algorithm>
#include <string>

#include "ctl/output.h"

namespace cm::ctl {
namespace {

std::vector<std::string> values_of(const std::string& line, bool many) {
  std::vector<std::string> out;
  std::string word;
  for (const char c : line + (many ? "," : "")) {
    const bool divides = many && (c == ',' || c == ' ' || c == '\t');
    if (divides) {
      if (!word.empty()) out.push_back(std::move(word));
      word.clear();
    } else {
      word += c;
    }
  }
  const auto first = word.find_first_not_of(" \t\r");
  if (!many && first != std::string::npos) out.push_back(word.substr(first, word.find_last_not_of(" \t\r") - first + 1));
  return out;
}

// Terminals end an answer with \n; what else they send is no part of it.
bool read_line(std::istream& in, std::string& line) {
  if (!std::getline(in, line)) return false;
  std::erase_if(line, [](char c) { return static_cast<unsigned char>(c) < ' ' && c != '\t'; });
  return true;
}

bool asks_for_help(const std::vector<std::string>& values) { return values.size() == 1 && values.front() == "?"; }

// "none" and "-" leave out what may be left out; elsewhere they are held against the field like any other answer.
bool is_nothing(const std::vector<std::string>& values) { return values.size() == 1 && (values.front() == "none" || values.front() == "-"); }

// What is wrong with the first value that is not sound; empty if they all are.
std::string why_wrong(const Field& field, const std::vector<std::string>& values) {
  for (const auto& value : values)
    if (auto why = cm::ctl::why_wrong(field, value); !why.empty()) return "'" + value + "': " + why;
  return {};
}

// What is known of the scenario as far as it was answered.
class Interview {
 public:
  Interview(const Scenario& scenario, Answers& answers, const Beside& beside, std::istream& in, std::ostream& out)
      : scenario_(scenario), answers_(answers), beside_(beside), in_(in), out_(out) {}

  // False: the input ended.
  bool ask(const Field& field) {
    const bool needed = is_needed(field, answers_);
    std::string line;
    while (prompt(field, needed), read_line(in_, line)) {
      auto values = values_of(line, field.many);
      if (asks_for_help(values)) {
        out_ << "  " << field.help << "\n  For example: " << field.example << "\n";
        continue;
      }
      if (is_nothing(values) && (needed || field.usual.empty())) values.clear();
      if (values.empty() && !field.usual.empty()) values.emplace_back(field.usual);
      const auto wrong = values.empty() && needed ? "an answer is needed here, such as " + std::string(field.example) : why_no(field, values);
      if (wrong.empty()) {
        if (!values.empty()) answers_[std::string(field.option)] = std::move(values);
        return true;
      }
      out_ << "  " << safe(wrong) << (needed && !field.required ? "; to answer differently what came before, Ctrl-C and start over" : "") << "\n";
    }
    return false;
  }
  [[nodiscard]] bool needs_no_connector() const { return !scenario_.make(answers_, beside_).no_need.empty(); }

 private:
  void prompt(const Field& field, bool needed) {
    auto empty = std::string(needed ? "required" : field.usual.empty() ? field.without : field.usual);
    if (field.option == "name")
      if (const auto made = scenario_.make(answers_, beside_); !made.first_name.empty()) empty = made.first_name;
    out_ << field.question << " [" << safe(empty) << "]: " << std::flush;
  }
  [[nodiscard]] std::string why_no(const Field& field, const std::vector<std::string>& values) const {
    if (field.option == "name" && !values.empty() && std::find(beside_.names.begin(), beside_.names.end(), values.front()) != beside_.names.end())
      return "there is a connector '" + values.front() + "' already: expected another name";
    return why_wrong(field, values);
  }

  const Scenario& scenario_;
  Answers& answers_;
  const Beside& beside_;
  std::istream& in_;
  std::ostream& out_;
};

}  // namespace

std::string why_wrong(const Field& field, const std::string& answer) {
  auto why = field.why_not == nullptr ? std::string() : field.why_not(answer);
  return why.empty() || why.find("expected ") != std::string::npos ? why : why + "; expected something like " + std::string(field.example);
}

void list_scenarios(std::ostream& out) {
  for (const auto& scenario : scenarios()) out << "  " << scenario.word << std::string(12 - scenario.word.size(), ' ') << scenario.summary << "\n";
}

const Scenario* ask_for_scenario(std::istream& in, std::ostream& out) {
  const auto all = scenarios();
  out << "What do you want?\n";
  for (std::size_t i = 0; i < all.size(); ++i)
    out << "  " << i + 1 << "  " << all[i].word << std::string(12 - all[i].word.size(), ' ') << all[i].summary << "\n";
  std::string line;
  while (out << "Its number or word [required]: " << std::flush, read_line(in, line)) {
    const auto values = values_of(line, false);
    for (std::size_t i = 0; i < all.size() && !values.empty(); ++i)
      if (values.front() == all[i].word || values.front() == std::to_string(i + 1)) return &all[i];
    if (asks_for_help(values))
      out << "  What is nearest to your case; nothing is in force before the next reload. For example: 4, or devices\n";
    else
      out << "  " << safe(values.empty() ? "an answer is needed here" : "'" + values.front() + "' is none of them")
          << ": expected a number from 1 to " << all.size() << ", or the word behind it\n";
  }
  return nullptr;
}

bool ask(const Scenario& scenario, Answers& answers, const Beside& beside, std::istream& in, std::ostream& out) {
  out << "In brackets: what an empty answer means. ? explains a question, none or - leaves out what may be left out, Ctrl-C ends "
         "it, and nothing is written.\n";
  Interview interview(scenario, answers, beside, in, out);
  for (const auto& field : scenario.fields) {
    if (answers.contains(field.option) || (field.is_asked != nullptr && !field.is_asked(answers))) continue;
    if (field.option == "name" && interview.needs_no_connector()) return true;
    if (!interview.ask(field)) return false;
  }
  return true;
}

bool ask_yes(std::string_view question, std::string_view help, std::istream& in, std::ostream& out) {
  std::string line;
  while (out << safe(question) << " [yes]: " << std::flush, read_line(in, line)) {
    const auto values = values_of(line, false);
    if (values.empty() || values.front() == "yes" || values.front() == "y") return true;
    if (values.front() == "no" || values.front() == "n") return false;
    out << "  " << (asks_for_help(values) ? help : "expected yes or no") << "\n";
  }
  return false;
}

}  // namespace cm::ctl

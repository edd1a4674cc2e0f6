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

// What is wrong with the first value that is not sound; empty if they all are.
std::string why_wrong(const Field& field, const std::vector<std::string>& values) {
  if (values.empty() && field.required) return "an answer is needed here";
  for (const auto& value : values)
    if (auto why = cm::ctl::why_wrong(field, value); !why.empty()) return "'" + value + "': " + why;
  return {};
}

}  // namespace

std::string why_wrong(const Field& field, const std::string& answer) { return field.why_not == nullptr ? std::string() : field.why_not(answer); }

void list_scenarios(std::ostream& out) {
  for (const auto& scenario : scenarios()) out << "  " << scenario.word << std::string(12 - scenario.word.size(), ' ') << scenario.summary << "\n";
}

const Scenario* ask_for_scenario(std::istream& in, std::ostream& out) {
  out << "What do you want?\n";
  list_scenarios(out);
  std::string line;
  while (out << "One of these words: " << std::flush, read_line(in, line)) {
    const auto values = values_of(line, false);
    const auto all = scenarios();
    const auto found = std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return !values.empty() && s.word == values.front(); });
    if (found != all.end()) return &*found;
  }
  return nullptr;
}

bool ask(const Scenario& scenario, Answers& answers, std::istream& in, std::ostream& out) {
  for (const auto& field : scenario.fields) {
    if (answers.contains(field.option) || (field.is_asked != nullptr && !field.is_asked(answers))) continue;
    while (true) {
      out << field.question << (field.usual.empty() ? "" : " [" + std::string(field.usual) + "]") << ": " << std::flush;
      std::string line;
      if (!read_line(in, line)) return false;
      auto values = values_of(line, field.many);
      if (values.empty() && !field.usual.empty()) values.emplace_back(field.usual);
      const auto why = why_wrong(field, values);
      if (why.empty()) {
        if (!values.empty()) answers[std::string(field.option)] = std::move(values);
        break;
      }
      out << "  " << safe(why) << "\n";
    }
  }
  return true;
}

}  // namespace cm::ctl

// Runs the scenario files that are its arguments: explain in a loop. Exit 0 if every expectation of every message is met.
//
// A config is written to a directory of its own below the current one, for that is how an administrator's config is read, too.
#include <stdlib.h>

#include <filesystem>
#include <fstream>
#include <iostream>
#include <sstream>

#include "config/load.h"
#include "scenario.h"

namespace fs = std::filesystem;
using namespace cm;
using namespace cm::scenario;

namespace {

/// A directory that goes away with its scenario.
class WorkDirectory {
 public:
  WorkDirectory() {
    char name[] = "scenario.XXXXXX";
    if (!::mkdtemp(name)) throw std::runtime_error("cannot make a work directory here");
    path_ = fs::absolute(name);
  }
  ~WorkDirectory() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  WorkDirectory(const WorkDirectory&) = delete;
  WorkDirectory& operator=(const WorkDirectory&) = delete;
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

void write(const fs::path& path, const std::string& text) {
  fs::create_directories(path.parent_path());
  std::ofstream(path) << text;
}

std::string replace_all(std::string text, const std::string& what, const std::string& with) {
  for (std::size_t at = 0; (at = text.find(what, at)) != std::string::npos; at += with.size()) text.replace(at, what.size(), with);
  return text;
}

// One message; prints what is wrong, with the explanation that was seen. True if nothing is.
bool run(const std::string& file, const std::string& config_file, const Policy& policy, const Message& message) {
  Problems problems;
  const auto question = make_question(message, problems);
  const auto facts = make_facts(policy, question);
  std::string seen;
  if (!facts) {
    problems.push_back({message.number, facts.why});
  } else {
    const auto explanation = ctl::explain(policy, question, *facts);
    for (auto& problem : judge(message, explanation)) problems.push_back(std::move(problem));
    seen = replace_all(to_text(explanation), config_file, file);
  }
  for (const auto& problem : problems) std::cout << file << ":" << problem.line << ": " << message.title << ": " << problem.text << "\n";
  if (!problems.empty()) std::cout << seen << "\n";
  return problems.empty();
}

bool run(const std::string& file) {
  std::ifstream in(file);
  std::stringstream text;
  text << in.rdbuf();
  if (!in) return std::cout << "FAIL " << file << ": cannot be read\n", false;
  Problems problems;
  const auto scenario = parse(text.str(), problems);
  for (const auto& problem : problems) std::cout << file << ":" << problem.line << ": " << problem.text << "\n";

  const WorkDirectory directory;
  const auto config_file = directory.path() / "connector-milter.conf";
  write(config_file, scenario.config);
  for (const auto& [name, content] : scenario.files) write(directory.path() / name, content);
  const auto loaded = config::load(config_file);
  std::size_t failed = problems.size();
  if (!loaded.config) {
    for (const auto& d : loaded.diagnostics) std::cout << replace_all(d.to_string(), config_file.string(), file) << "\n";
    ++failed;
  } else {
    for (const auto& message : scenario.messages) failed += run(file, config_file.string(), loaded.config->policy, message) ? 0 : 1;
  }
  std::cout << (failed ? "FAIL " : "PASS ") << file << ": " << scenario.title << " (" << scenario.messages.size() << " messages)\n";
  return failed == 0;
}

}  // namespace

int main(int argc, char** argv) {
  bool all = argc > 1;
  if (!all) std::cerr << "usage: run-scenarios FILE.scn...\n";
  for (int i = 1; i < argc; ++i) all = run(argv[i]) && all;
  return all ? 0 : 1;
}

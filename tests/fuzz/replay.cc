// fuzz-replay [TARGET FILE...]: feeds every input of tests/fuzz/corpus/TARGET/ to its target, without libFuzzer. Run by make check.
//
// The rule: every target has a corpus and every corpus a target. What a property finds ends the program (abort), after its input was named.
#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <vector>

#include "fuzz.h"

namespace cm::fuzz {
namespace {

std::map<std::string, Target>& targets() {
  static std::map<std::string, Target> all;
  return all;
}

std::string current;  // input, for the message when a property does not hold

bool replay(Target target, const std::filesystem::path& file) {
  std::ifstream in(file, std::ios::binary);
  if (!in) {
    std::fprintf(stderr, "fuzz-replay: %s cannot be read\n", file.c_str());
    return false;
  }
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  current = file.string();
  target(bytes);
  target({});
  current.clear();
  return true;
}

bool replay_all(const std::filesystem::path& corpora) {
  bool sound = true;
  std::size_t inputs = 0;
  for (const auto& [name, target] : targets()) {
    std::vector<std::filesystem::path> files;
    std::error_code error;
    for (const auto& entry : std::filesystem::directory_iterator(corpora / name, error)) files.push_back(entry.path());
    std::sort(files.begin(), files.end());
    if (files.empty()) std::fprintf(stderr, "fuzz-replay: target %s has no corpus in %s\n", name.c_str(), corpora.c_str());
    sound = sound && !files.empty();
    for (const auto& file : files) sound = replay(target, file) && sound;
    inputs += files.size();
    std::printf("%s: %zu inputs\n", name.c_str(), files.size());
  }
  for (const auto& entry : std::filesystem::directory_iterator(corpora)) {
    if (targets().contains(entry.path().filename().string())) continue;
    std::fprintf(stderr, "fuzz-replay: %s belongs to no target\n", entry.path().c_str());
    sound = false;
  }
  std::printf("%zu targets, %zu inputs\n", targets().size(), inputs);
  return sound;
}

extern "C" void name_input(int) {
  std::fprintf(stderr, "fuzz-replay: the input was %s\n", current.c_str());
  std::_Exit(1);
}

}  // namespace

bool enlist(const char* name, Target target) { return targets().emplace(name, target).second; }

}  // namespace cm::fuzz

int main(int argc, char** argv) {
  using namespace cm::fuzz;
  std::signal(SIGABRT, name_input);
  if (argc > 2) {
    const auto found = targets().find(argv[1]);
    if (found == targets().end()) {
      std::fprintf(stderr, "fuzz-replay: no target %s\n", argv[1]);
      return 2;
    }
    bool sound = true;
    for (int i = 2; i < argc; ++i) sound = replay(found->second, argv[i]) && sound;
    return sound ? 0 : 1;
  }
  const char* source = std::getenv("CM_SOURCE");
  return replay_all(std::filesystem::path(source ? source : ".") / "tests/fuzz/corpus") ? 0 : 1;
}

// Config texts into a private directory, loaded; diagnostics as the user sees them, without that directory's name.
#pragma once

#include <boost/test/unit_test.hpp>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "config/load.h"

namespace cm::config::test {

namespace fs = std::filesystem;
using Lines = std::vector<std::string>;

/// Lines 1 and 2 of most main files; what a test adds begins in line 3.
inline const std::string base = "organization = { domains = [ \".us.example\" ]; };\nlisteners = ( { name = \"mx\"; }, { name = \"relay\"; } );\n";

class Directory {
 public:
  Directory() {
    std::string name = (fs::current_path() / "config-test-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path = name;
  }
  Directory(const Directory&) = delete;
  ~Directory() { fs::remove_all(path); }
  void write(const std::string& file, const std::string& text) const {
    fs::create_directories((path / file).parent_path());
    std::ofstream(path / file, std::ios::binary) << text;
  }
  [[nodiscard]] Result load() const { return cm::config::load(path / "main.conf"); }
  /// "main.conf:3: error: ..." of every diagnostic.
  [[nodiscard]] Lines lines(const Result& result) const {
    Lines out;
    for (const auto& d : result.diagnostics) {
      auto line = d.to_string();
      for (const auto prefix = path.string() + "/"; line.find(prefix) != std::string::npos;) line.erase(line.find(prefix), prefix.size());
      out.push_back(line);
    }
    return out;
  }
  fs::path path;
};

inline Lines diagnose(const std::string& main) {
  const Directory directory;
  directory.write("main.conf", main);
  return directory.lines(directory.load());
}

/// One text and everything that is said about it. An expected line that ends in "..." is compared as a prefix.
struct Case {
  std::string text;
  Lines expected;
};

inline void check(const std::string& before, const std::vector<Case>& cases, const std::string& after = "") {
  for (const auto& c : cases) {
    BOOST_TEST_CONTEXT(c.text) {
      auto seen = diagnose(before + c.text + after);
      for (std::size_t i = 0; i < std::min(seen.size(), c.expected.size()); ++i) {
        const auto& e = c.expected[i];
        if (e.ends_with("...") && seen[i].starts_with(e.substr(0, e.size() - 3))) seen[i] = e;
      }
      BOOST_TEST(seen == c.expected, boost::test_tools::per_element());
      BOOST_TEST(seen.size() == c.expected.size());
    }
  }
}

/// Entries of `inbound`; the first is in line 3.
inline void check_inbound(const std::vector<Case>& cases) { check(base + "inbound = ( ", cases, "\n);\n"); }

/// The one connector of a config that must be free of errors.
inline InboundConnector connector(const std::string& entry) {
  const Directory directory;
  directory.write("main.conf", base + "inbound = ( " + entry + " );\n");
  const auto result = directory.load();
  for (const auto& line : directory.lines(result)) BOOST_TEST_MESSAGE(line);
  BOOST_REQUIRE(result.config);
  return result.config->policy.data().inbound.at(0);
}

}  // namespace cm::config::test

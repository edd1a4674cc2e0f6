// connectorctl as a test runs it: in this process, with what it prints as text.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "ctl/command.h"

namespace cm {

struct Result {
  int status;
  std::string out, err;
};

inline Result run(std::vector<std::string> arguments) {
  std::ostringstream out, err;
  const int status = ctl::run(std::move(arguments), out, err);
  return {status, out.str(), err.str()};
}

inline bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

}  // namespace cm

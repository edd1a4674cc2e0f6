// Diagnostics as text: one line each, whatever the config held.
#include "config/diagnostic.h"

#include <algorithm>

namespace cm::config {

std::string Diagnostic::to_string() const {
  std::string out = at.file + (at.line == 0 ? "" : ':' + std::to_string(at.line)) + (level == Level::error ? ": error: " : ": warning: ");
  if (!path.empty()) out += path + ": ";
  return out + message;
}

std::size_t count(const Diagnostics& diagnostics, Diagnostic::Level level) {
  return static_cast<std::size_t>(std::count_if(diagnostics.begin(), diagnostics.end(), [level](const Diagnostic& d) { return d.level == level; }));
}

}  // namespace cm::config

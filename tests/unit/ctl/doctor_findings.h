// How the tests of doctor break its machine, and what they see of its findings.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "doctor_machine.h"

namespace cm::ctl::doctor::test {

inline DomainPattern domain(std::string_view text) { return *DomainPattern::parse(text); }

/// Severity by id.
inline std::map<std::string, std::string> ids(const std::vector<Finding>& findings) {
  std::map<std::string, std::string> out;
  for (const auto& finding : findings) out[finding.id] = to_string(finding.severity);
  return out;
}

/// "SEVERITY:ID " of each.
inline std::string words(const std::map<std::string, std::string>& ids) {
  std::string out;
  for (const auto& [id, severity] : ids) out += severity + ":" + id + " ";
  return out;
}

inline void set(Machine& m, const char* name, const char* value) { m.main()[name] = value; }
inline void set_at(Machine& m, const char* entry, const char* name, const char* value) { m.at(entry).settings[name] = value; }

}  // namespace cm::ctl::doctor::test

// Connectors as config text, for the commands that write some: settings in, a commented list entry out.
//
// The rule: whatever a value or a comment holds, it stays one string or one comment line; no text from outside becomes a setting.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cm::ctl {

/// One entry of `inbound` or `outbound`.
struct ConnectorText {
  enum class State { in_force, disabled, left_out };  // left_out: every line is a comment
  struct Setting {
    std::string name;
    std::string value;   // as the config has it: config_string(), list_of(), "true", "{ ... }"
    std::string remark;  // behind the setting; may be empty
  };

  bool outbound = false;
  State state = State::in_force;
  std::string name;
  std::vector<std::string> comments;  // above the settings, a line each
  std::vector<Setting> settings;      // without name, enabled and cost
  std::vector<std::string> claims;    // outbound: recipient domains; two that share one need different costs
  unsigned cost = 1;                  // outbound

  void set(std::string setting, std::string value, std::string remark = {}) {
    settings.push_back({std::move(setting), std::move(value), std::move(remark)});
  }
  /// Less is in force than before, never more.
  void demote(State to) {
    if (to > state) state = to;
  }
};

/// A config string.
std::string config_string(std::string_view text);
/// `[ "a", "b" ]`; not for an empty one, which the config does not know.
std::string list_of(const std::vector<std::string>& items);
/// Lines that begin with `indent` and `# `, broken at blanks.
std::string comment(std::string_view text, std::string_view indent);
/// The lists `inbound` and `outbound`; a list without entries is left out.
std::string to_config(const std::vector<ConnectorText>& connectors);

/// A valid connector name like `wanted`, and none of `taken`, to which it is added.
std::string free_name(std::string_view wanted, std::vector<std::string>& taken);

}  // namespace cm::ctl

// `connectorctl postfix`: a config -> exactly the Postfix settings that it needs, each with its reason.
//
// The rule: a setting is there only if some enabled connector (in mode audit, too: enforcing it shall take no more than a reload) or a
// service of the daemon needs it. It never reads or changes the Postfix configuration. The private Postfix of the tests and the demo
// applies these very lines, so what is printed here is what works.
#pragma once

#include <compare>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/load.h"
#include "policy/policy.h"

namespace cm::ctl {

/// 3.7.11; ordered.
struct PostfixVersion {
  unsigned major = 0, minor = 0, patch = 0;
  auto operator<=>(const PostfixVersion&) const = default;
  /// Of what `postconf -h mail_version` says: "3.7.11", "3.10-20250101", "3.9.0-RC1".
  static std::optional<PostfixVersion> parse(std::string_view text);
};

/// What must be known of the Postfix that the lines are for.
struct PostfixHost {
  PostfixVersion version;
  std::string queue_directory;  // absolute
};

/// One setting. In master.cf it belongs to a service: a new one, one that Postfix comes with, or those that only the administrator knows.
struct PostfixLine {
  enum class Place { main, service, stock, listener, without_milter };
  Place place = Place::main;
  std::string service;   // places service and stock: as postconf(1) -M names it, "smtp-fabrikam/unix"; place listener: the listener's name
  std::string name;      // of the parameter; empty: the whole entry of the service
  std::string value;     // in Postfix's syntax
  std::string reason;    // one line
  bool example = false;  // the value is the administrator's to choose
};

/// Stands in the reasons of lines that have Postfix ask a service which a reload of the daemon does not open.
inline constexpr std::string_view restart_first = "; not before the daemon was restarted since ";

std::vector<PostfixLine> postfix_lines(const PolicyData& policy, const config::Service& service, const PostfixHost& host);

/// One setting as its file has it: `NAME = VALUE`, `-o NAME=VALUE` (`-o { NAME = VALUE }` if the value holds blanks).
std::string main_setting(std::string_view name, std::string_view value);
std::string master_option(std::string_view name, std::string_view value);

/// To be pasted: a comment with the reason above each line, main.cf first. What the administrator has to choose or to place is commented out.
std::string to_text(const std::vector<PostfixLine>& lines);
/// An array of objects: file, one of service, listener and without_milter (master.cf only), name, value (null if it is an example), reason.
std::string to_json(const std::vector<PostfixLine>& lines);

}  // namespace cm::ctl

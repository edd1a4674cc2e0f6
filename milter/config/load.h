// Config files -> Policy and service settings, or every diagnostic at once. The only way a Policy is made outside tests.
//
// Reads the main file, `connectors.d/*.conf` beside it and the lists they name; touches nothing else. Thread-safe: no shared state.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "config/diagnostic.h"
#include "policy/policy.h"

namespace cm::config {

struct Socket {
  std::string address;  // "unix:PATH" or "inet:PORT@HOST"; control is always unix
  std::string group;    // empty: the daemon's own
  unsigned mode = 0660;
};

enum class LogTarget : std::uint8_t { syslog, standard_error };
enum class LogLevel : std::uint8_t { error, warning, info, debug };

/// What main() needs and decide() must not see.
struct Service {
  Socket milter{"unix:/var/spool/postfix/connector-milter/milter.sock", "postfix", 0660};
  Socket control{"unix:/run/connector-milter/control.sock", "", 0660};
  LogTarget log_target = LogTarget::syslog;
  LogLevel log_level = LogLevel::info;
};

/// Setting name -> where it was written; a setting that is not in it has its default.
using Provenance = std::map<std::string, Origin, std::less<>>;

struct Config {
  Policy policy;
  Service service;
  std::vector<Provenance> inbound_provenance;  // parallel to policy.data().inbound
};

struct Result {
  std::unique_ptr<const Config> config;  // null if there is any error
  Diagnostics diagnostics;               // errors and warnings, by file and line
  std::size_t connectors = 0;            // read, in whatever state
};

inline constexpr const char* default_path = "/etc/connector-milter/connector-milter.conf";

Result load(const std::filesystem::path& main_file);

}  // namespace cm::config

// Config files -> Policy and service settings, or every diagnostic at once. The only way a Policy is made outside tests.
//
// Reads the main file, `connectors.d/*.conf` beside it and the lists they name, and looks whether client certificates are there; touches
// nothing else. Thread-safe: no shared state.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
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

/// One of `signing.keys`. Only the config was looked at: the file may be missing or no key.
struct SigningKey {
  std::string id, file;
  Origin at;         // where `file` is set
  std::string path;  // of that setting, for diagnostics
};

/// What main() needs and decide() must not see.
struct Service {
  Socket milter{"unix:/var/spool/postfix/connector-milter/milter.sock", "postfix", 0660};
  std::optional<Socket> maps, policy;  // absent: no such service
  Socket control{"unix:/run/connector-milter/control.sock", "", 0660};
  LogTarget log_target = LogTarget::syslog;
  LogLevel log_level = LogLevel::info;
  std::vector<SigningKey> signing_keys;  // the first signs; ids are unique
};

/// In which line each setting of one connector was written, in the file of the connector; a setting that is not in it has its default.
class Provenance {
 public:
  /// `setting` must live as long as the program does: a literal.
  void add(std::string_view setting, unsigned line) { lines_.push_back({setting, line}); }
  void shrink_to_fit() { lines_.shrink_to_fit(); }
  [[nodiscard]] std::optional<unsigned> line_of(std::string_view setting) const {
    for (const auto& entry : lines_)
      if (entry.setting == setting) return entry.line;
    return std::nullopt;
  }
  [[nodiscard]] bool contains(std::string_view setting) const { return line_of(setting).has_value(); }

 private:
  struct Entry {
    std::string_view setting;
    unsigned line;
  };
  std::vector<Entry> lines_;
};

struct Config {
  Policy policy;
  Service service;
  std::vector<Provenance> inbound_provenance;   // parallel to policy.data().inbound
  std::vector<Provenance> outbound_provenance;  // parallel to policy.data().outbound
  std::string digest;                           // of the text of every file that was read: the same text, the same word
};

struct Result {
  std::unique_ptr<const Config> config;  // null if there is any error
  Diagnostics diagnostics;               // errors and warnings, by file and line
  std::size_t connectors = 0;            // read, in whatever state
};

inline constexpr const char* default_path = "/etc/connector-milter/connector-milter.conf";

Result load(const std::filesystem::path& main_file);

/// What is said of a config whose key file cannot be used; `why` is a clause about the file.
Diagnostic bad_key_file(const SigningKey& key, const std::string& why);

}  // namespace cm::config

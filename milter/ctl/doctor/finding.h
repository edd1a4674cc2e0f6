// What `connectorctl doctor` finds, and what it finds it in. The checks are pure functions over a Case; live.h makes one of this machine.
//
// Ids are stable words (packaging/docs/doctor.md has each). A reason never names a service: one cause is one finding.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/load.h"
#include "ctl/doctor/settings.h"

namespace cm::ctl::doctor {

/// error: mail gets around the connectors, or mail that should come or go does not. warning: it could. note: worth knowing.
enum class Severity : std::uint8_t { error, warning, note };
constexpr std::string_view to_string(Severity severity) {
  constexpr std::string_view names[] = {"error", "warning", "note"};
  return names[static_cast<std::size_t>(severity)];
}

struct Finding {
  Severity severity = Severity::error;
  std::string id;
  std::string instance;               // directory of its main.cf; empty: about no Postfix
  std::vector<std::string> services;  // as postconf(1) -M names them; empty: about none in particular
  std::string reason;
  std::string file;  // main.cf, master.cf (below each of `services`), a file of ours; empty: `line` is advice
  std::string line;  // what mends it
};

/// One socket as one kind of service uses it.
struct SocketUse {
  std::string instance, address;  // as Postfix is told
  bool chroot = false;
  auto operator<=>(const SocketUse&) const = default;
};

/// A file or directory of CAs.
struct CaStore {
  std::string problem;           // why it cannot be used; empty if it can
  std::size_t certificates = 0;  // in it
  bool of_system = false;        // the machine's own store
};

struct DaemonState {
  enum class Answer : std::uint8_t { yes, no, not_allowed } answer = Answer::no;
  std::string why;                    // it did not answer
  std::optional<std::string> digest;  // of the config in force; nullopt: it does not say
  Values sockets;                     // at which it listens, by name, empty where it has none; no names: it does not say
  bool restart_needed = false;        // the config in force has other socket settings
  std::string refused;                // what its last reload complained about; empty: that was well
};

/// What only this machine can tell.
struct Observations {
  bool sockets_tried = false;
  std::map<SocketUse, std::string> sockets;  // why it cannot be reached; empty if it can
  std::map<std::string, CaStore> ca_stores;  // by path
  std::map<std::string, std::string> files;  // text of the tables that smtpd_milter_maps names, by path
  DaemonState daemon;
};

struct Case {
  const PolicyData& policy;
  const config::Service& service;
  std::string digest;  // of the config on disk
  std::vector<Instance> instances;
  Observations seen;
};

class Findings {
 public:
  void add(Finding finding) { all_.push_back(std::move(finding)); }
  /// A finding that is mended by setting a parameter where it is set now: below the service, or in main.cf.
  void set(Severity severity, std::string id, const Instance& instance, const Service& service, std::string reason, std::string_view name,
           std::string_view value);
  void set_main(Severity severity, std::string id, const Instance& instance, std::string reason, std::string_view name, std::string_view value);
  /// Errors first; equal ones of several services are one.
  [[nodiscard]] std::vector<Finding> take();

 private:
  std::vector<Finding> all_;
};

/// Every check, in the order of their table.
std::vector<Finding> examine(const Case& the_case);
/// The sockets that Postfix would use, each as often as it is used differently.
std::vector<SocketUse> sockets_to_try(const Case& the_case);
/// CA files and directories for client certificates.
std::vector<std::string> ca_stores_to_read(const Case& the_case);
/// The files of tables that choose milters by client.
std::vector<std::string> files_to_read(const Case& the_case);

/// For people: the last line counts.
std::string to_text(const std::vector<Finding>& findings, bool several_instances);
std::string to_json(const std::vector<Finding>& findings);

}  // namespace cm::ctl::doctor

// A machine for doctor that exists only as data: a Postfix that has every line its config needs, and a daemon that runs. Tests break it.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ctl/doctor/finding.h"

namespace cm::ctl::doctor {

struct Machine {
  PolicyData policy;
  config::Service service;
  std::vector<Instance> instances;
  Observations seen;

  /// As Debian has it, without connectors.
  Machine();
  Instance& postfix() { return instances[0]; }
  Values& main() { return postfix().main; }
  Service& at(std::string_view entry);
  Service& add(std::string name, std::string type, std::string program, Values settings = {});
  /// A line of master.cf.
  void add_entry(const std::string& text);
  /// A port for each listener that the config declares; the first is the one that is there.
  void name_listeners();
  void need();
  /// Sets everything that the config needs.
  void apply();
  /// Does what a finding says.
  void mend(const Finding& finding);
  [[nodiscard]] std::vector<Finding> findings() const { return examine({policy, service, "digest", instances, seen}); }
};

/// One with something of everything that doctor looks at.
Machine sound_machine();

}  // namespace cm::ctl::doctor

// This machine, read: its Postfix by postconf(1), its files, its sockets. The one place where doctor touches anything.
//
// No shell is run and nothing is changed. What postconf prints is taken line by line; a line that is none of its kinds is an error, never
// skipped. Every wait has an end.
#pragma once

#include <string>
#include <vector>

#include "ctl/doctor/finding.h"
#include "policy/parsed.h"

namespace cm::ctl::doctor {

/// What the program printed on its standard output; an error if it cannot be run, ends with another status than 0 (its complaints are the
/// reason), prints more than 16 MiB, or takes more than 20 seconds. Sought in PATH, then in /usr/sbin, /sbin and /usr/local/sbin.
Parsed<std::string> run_program(const std::vector<std::string>& command);

/// `directory`: of one instance's main.cf; empty: the machine's own. With it come the instances that its main.cf names as enabled.
Parsed<std::vector<Instance>> read_postfix(const std::string& directory);

/// What `text` says, the output of postconf: one `NAME = VALUE` a line.
Parsed<Values> parse_parameters(std::string_view text);
/// The services of master.cf: output of `postconf -F` and `postconf -P`. `chroot_by_default`: what "-" means.
Parsed<std::vector<Service>> parse_services(std::string_view fields, std::string_view parameters, bool chroot_by_default);

CaStore read_ca_store(const std::string& path);
/// Connects as a process of this Postfix would: its user, its groups, in its queue directory, chrooted there or not. Empty if that went well,
/// else why not. Needs root.
std::string try_socket(const Instance& instance, const std::string& address, bool chroot);
DaemonState ask_state(const std::string& control_socket);

}  // namespace cm::ctl::doctor

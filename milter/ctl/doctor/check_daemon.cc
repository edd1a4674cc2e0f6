// The daemon, and whether Postfix's processes reach it. What was tried stands in the observations; here it is judged.
#include <algorithm>

#include "ctl/doctor/checks.h"

namespace cm::ctl::doctor {
namespace {

using Answer = DaemonState::Answer;

void add_use(std::vector<SocketUse>& uses, const Instance& instance, const Service* service, const std::string& address) {
  SocketUse use{instance.directory, address, service && service->chroot};
  if (std::find(uses.begin(), uses.end(), use) == uses.end()) uses.push_back(std::move(use));
}

void add_milter(const Case& c, std::vector<SocketUse>& uses, const Instance& instance, const Service& service, const char* name) {
  if (const auto use = our_milter(c, instance, service, name)) add_use(uses, instance, &service, use->endpoint.address);
}

void add_maps(const Case& c, std::vector<SocketUse>& uses, const Instance& instance, const Service& service, const char* name) {
  if (!c.service.maps) return;
  for (const auto& [address, map] : socketmaps(instance.value(&service, name)))
    if (is_ours(instance, service.chroot, address, c.service.maps->address)) add_use(uses, instance, &service, address);
}

std::string what_to_do(const SocketUse& use) {
  if (use.chroot) return "put the socket below the queue directory of Postfix and name it relative to that, or write n for chroot in master.cf";
  return "the user of Postfix needs search permission on every directory above it, and group and mode of the socket must let it in";
}

bool is_silence(const std::string& problem) { return problem == "Connection refused" || problem == "No such file or directory"; }

constexpr const char* restart = "systemctl restart connector-milter";

void check_restart(const Case& c, Findings& out) {
  if (const auto names = sockets_to_come(c); !names.empty())
    out.add({Severity::error,
             "daemon-restart-needed",
             "",
             {},
             "The daemon does not listen at the socket of " + some_of(names) +
                 " that the config has: it opens sockets when it starts, not with a reload. Mail for which Postfix asks there is put off",
             "",
             std::string(restart) + ", then postfix reload"});
  else if (c.seen.daemon.restart_needed && c.seen.daemon.digest == c.digest)
    out.add(
        {Severity::warning,
         "daemon-restart-needed",
         "",
         {},
         "The daemon has a socket that its config has no longer, or one with another group or mode: that changes when it starts, not with a reload",
         "",
         "take what main.cf and master.cf still say of a socket that is no longer there out of them, then " + std::string(restart)});
}

}  // namespace

void check_daemon(const Case& c, Findings& out) {
  const auto& daemon = c.seen.daemon;
  if (daemon.answer == Answer::no) {
    out.add({Severity::error, "daemon-down", "", {}, daemon.why + ": all mail that Postfix shows it is put off", "", restart});
  } else if (daemon.answer == Answer::not_allowed) {
    out.add({Severity::note, "daemon-not-asked", "", {}, daemon.why + ": which config it runs with is not known", "", "run this as root"});
  } else if (!daemon.digest) {
    out.add({Severity::note,
             "daemon-not-asked",
             "",
             {},
             "The daemon is older than this program and does not say which config it runs with",
             "",
             restart});
  } else if (*daemon.digest != c.digest && sockets_to_come(c).empty()) {  // a restart loads it, too
    out.add({Severity::warning,
             "daemon-old-config",
             "",
             {},
             "The daemon runs with another config than the files hold now" +
                 (daemon.refused.empty() ? std::string() : "; its last reload was refused: " + daemon.refused),
             "",
             "connectorctl reload"});
  }
  check_restart(c, out);
}

std::vector<std::string> sockets_to_come(const Case& c) {
  std::vector<std::string> names;
  const auto add = [&](const char* name, const config::Socket& socket) {
    const auto it = c.seen.daemon.sockets.find(name);
    if (it != c.seen.daemon.sockets.end() && it->second != socket.address) names.emplace_back(name);
  };
  add("milter", c.service.milter);
  if (c.service.maps) add("maps", *c.service.maps);
  if (c.service.policy) add("policy", *c.service.policy);
  add("control", c.service.control);
  return names;
}

void check_sockets(const Case& c, Findings& out) {
  if (!c.seen.sockets_tried) {
    out.add({Severity::note,
             "sockets-not-tried",
             "",
             {},
             "Whether Postfix's user reaches the sockets of the daemon was not tried: that takes root",
             "",
             "run this as root"});
    return;
  }
  const bool restarts = !sockets_to_come(c).empty();
  for (const auto& [use, problem] : c.seen.sockets) {
    // Nobody listens: that is said once, of the daemon.
    const bool silence = is_silence(problem);
    if (problem.empty() || (silence && (c.seen.daemon.answer == Answer::no || restarts))) continue;
    out.add({Severity::error,
             "socket-unreachable",
             use.instance,
             {},
             std::string(use.chroot ? "Chrooted services" : "Services") + " of Postfix that are told " + use.address + " cannot reach it: " + problem,
             "",
             silence ? std::string(restart) + ", then postfix reload. If that does not help, " + what_to_do(use) : what_to_do(use)});
  }
}

std::vector<SocketUse> sockets_to_try(const Case& the_case) {
  std::vector<SocketUse> uses;
  for (const auto& instance : the_case.instances)
    for (const auto& service : instance.services) {
      if (service.program == "smtpd") {
        if (is_judged(the_case, instance, service)) add_milter(the_case, uses, instance, service, "smtpd_milters");
        if (the_case.service.policy)
          for (const auto& use : policy_services(instance.value(&service, "smtpd_relay_restrictions")))
            if (is_ours(instance, service.chroot, use.endpoint.address, the_case.service.policy->address))
              add_use(uses, instance, &service, use.endpoint.address);
      } else if (service.program == "cleanup") {
        add_milter(the_case, uses, instance, service, "non_smtpd_milters");
        add_maps(the_case, uses, instance, service, "milter_header_checks");
      } else if (service.program == "trivial-rewrite") {
        add_maps(the_case, uses, instance, service, "transport_maps");
        add_maps(the_case, uses, instance, service, "sender_dependent_default_transport_maps");
      } else if (service.program == "smtp") {
        add_maps(the_case, uses, instance, service, "smtp_tls_policy_maps");
      }
    }
  return uses;
}

}  // namespace cm::ctl::doctor

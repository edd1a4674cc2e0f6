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

}  // namespace

void check_daemon(const Case& c, Findings& out) {
  const auto& daemon = c.seen.daemon;
  if (daemon.answer == Answer::no) {
    out.add(
        {Severity::error, "daemon-down", "", {}, daemon.why + ": all mail that Postfix shows it is put off", "", "systemctl start connector-milter"});
  } else if (daemon.answer == Answer::not_allowed) {
    out.add({Severity::note, "daemon-not-asked", "", {}, daemon.why + ": which config it runs with is not known", "", "run this as root"});
  } else if (!daemon.digest) {
    out.add({Severity::note,
             "daemon-not-asked",
             "",
             {},
             "The daemon is older than this program and does not say which config it runs with",
             "",
             "systemctl restart connector-milter"});
  } else if (*daemon.digest != c.digest) {
    out.add({Severity::warning,
             "daemon-old-config",
             "",
             {},
             "The daemon runs with another config than the files hold now" +
                 (daemon.refused.empty() ? std::string() : "; its last reload was refused: " + daemon.refused),
             "",
             "connectorctl reload"});
  }
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
  for (const auto& [use, problem] : c.seen.sockets) {
    // Nobody listens: that is said once, of the daemon.
    const bool silence = problem == "Connection refused" || problem == "No such file or directory";
    if (problem.empty() || (silence && c.seen.daemon.answer == Answer::no)) continue;
    out.add({Severity::error,
             "socket-unreachable",
             use.instance,
             {},
             std::string(use.chroot ? "Chrooted services" : "Services") + " of Postfix that are told " + use.address + " cannot reach it: " + problem,
             "",
             what_to_do(use)});
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

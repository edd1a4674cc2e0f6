// `connectorctl postfix`: what to add to main.cf and master.cf. Which Postfix that is for it is told, or asks postconf(1).
#include "config/load.h"
#include "ctl/command.h"
#include "ctl/doctor/live.h"
#include "ctl/loading.h"
#include "ctl/output.h"
#include "ctl/postfix.h"

namespace cm::ctl {
namespace {

constexpr PostfixVersion usual_version{3, 7, 11};
constexpr const char* usual_queue_directory = "/var/spool/postfix";

/// The value of a main.cf parameter of this machine's Postfix; empty if there is none.
std::string postconf(const char* name) {
  const auto text = doctor::run_program({"postconf", "-h", name});
  return text ? text->substr(0, text->find('\n')) : "";
}

}  // namespace

int postfix(const Context& context, const std::string& version, const std::string& queue_directory) {
  const auto asked = version.empty() ? postconf("mail_version") : version;
  const auto parsed = PostfixVersion::parse(asked);
  if (!parsed && !version.empty()) {
    context.err << "connectorctl: --postfix-version '" << safe(version) << "' is no version of Postfix: expected one such as 3.7.11\n";
    return wrong_usage;
  }
  PostfixHost host{parsed.value_or(usual_version), queue_directory.empty() ? postconf("queue_directory") : queue_directory};
  if (host.queue_directory.empty()) host.queue_directory = usual_queue_directory;
  if (!host.queue_directory.starts_with('/')) {
    context.err << "connectorctl: --queue-directory '" << safe(host.queue_directory) << "' must begin with /\n";
    return wrong_usage;
  }
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto lines = postfix_lines(config->policy.data(), config->service, host);
  if (context.json) {
    context.out << to_json(lines);
    return success;
  }
  context.out << "# What " << safe(context.config_path) << " needs of Postfix " << (parsed ? safe(asked) : "3.7.11 (assumed: postconf is not here)")
              << ", queue directory " << safe(host.queue_directory) << ".\n"
              << "# Print it again after a change of the connectors; afterwards: postfix check && postfix reload\n\n"
              << to_text(lines);
  return success;
}

}  // namespace cm::ctl

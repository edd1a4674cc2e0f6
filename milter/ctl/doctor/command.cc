// `connectorctl doctor`: this machine's Postfix and its connectors, compared.
#include "ctl/command.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "ctl/doctor/live.h"
#include "ctl/loading.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using namespace doctor;

void observe(Case& c) {
  c.seen.daemon = ask_state(c.service.control.address.substr(5));  // always unix:
  for (const auto& path : ca_stores_to_read(c)) c.seen.ca_stores.emplace(path, read_ca_store(path));
  for (const auto& path : files_to_read(c)) {
    std::stringstream text;
    std::error_code error;  // of a FIFO or a device nothing is read: it would never end
    if (std::filesystem::is_regular_file(path, error)) text << std::ifstream(path).rdbuf();
    c.seen.files.emplace(path, text.str());
  }
  if (::geteuid() != 0) return;
  c.seen.sockets_tried = true;
  for (const auto& use : sockets_to_try(c))
    for (const auto& instance : c.instances)
      if (instance.directory == use.instance) c.seen.sockets.emplace(use, try_socket(instance, use.address, use.chroot));
}

}  // namespace

int doctor_command(const Context& context, const std::string& directory) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  auto instances = read_postfix(directory);
  if (!instances) {
    context.err << "connectorctl: the settings of Postfix cannot be read: " << safe(instances.why) << "\n";
    return bad;
  }
  for (auto& instance : *instances.value)
    instance.needed = postfix_lines(config->policy.data(), config->service, {instance.version, instance.value(nullptr, "queue_directory")});
  Case c{config->policy.data(), config->service, config->digest, std::move(*instances.value), {}};
  observe(c);
  const auto findings = examine(c);
  context.out << (context.json ? to_json(findings) : to_text(findings, c.instances.size() > 1));
  for (const auto& finding : findings)
    if (finding.severity != Severity::note) return bad;
  return success;
}

}  // namespace cm::ctl

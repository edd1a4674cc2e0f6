// The machine of doctor_machine.h: what a Postfix without connectors is told, and how lines are put into it.
#include "doctor_machine.h"

#include <algorithm>
#include <utility>

namespace cm::ctl::doctor {
namespace {

DomainPattern domain(std::string_view text) { return *DomainPattern::parse(text); }

/// "NAME = VALUE", "NAME=VALUE", "{ NAME = VALUE }"
std::pair<std::string, std::string> setting(std::string_view text) {
  const auto trim = [](std::string word) {
    word.erase(0, std::min(word.find_first_not_of(' '), word.size()));
    word.erase(word.find_last_not_of(' ') + 1);
    return word;
  };
  text = unbrace(text);
  const auto equals = text.find('=');
  return {trim(std::string(text.substr(0, equals))), trim(std::string(text.substr(equals + 1)))};
}

}  // namespace

Machine::Machine() {
  Instance instance{"/etc/postfix", {3, 7, 11}, {}, {}, {}};
  instance.main = {{"queue_directory", "/var/spool/postfix"},
                   {"myhostname", "mail.contoso.example"},
                   {"milter_macro_daemon_name", "mail.contoso.example"},
                   {"mydestination", "mail.contoso.example, localhost"},
                   {"inet_interfaces", "all"},
                   {"inet_protocols", "ipv4"},
                   {"milter_default_action", "tempfail"},
                   {"milter_protocol", "6"},
                   {"mynetworks", "127.0.0.0/8 [::ffff:127.0.0.0]/104 [::1]/128"},
                   {"smtpd_relay_restrictions", "permit_mynetworks, permit_sasl_authenticated, defer_unauth_destination"},
                   {"smtpd_forbid_bare_newline", "no"},
                   {"smtpd_forbid_bare_newline_exclusions", "127.0.0.0/8"},
                   {"smtpd_tls_security_level", "may"},
                   {"smtpd_tls_cert_file", "/etc/postfix/mx.pem"},
                   {"smtpd_tls_CAfile", "/etc/postfix/client-ca.pem"},
                   {"smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt"},
                   {"tls_append_default_CA", "no"}};
  instance.services = {{"smtp", "inet", "smtpd", true, {}},
                       {"pickup", "unix", "pickup", true, {}},
                       {"cleanup", "unix", "cleanup", true, {}},
                       {"rewrite", "unix", "trivial-rewrite", true, {}},
                       {"smtp", "unix", "smtp", true, {}}};
  instances.push_back(std::move(instance));
  seen.daemon.answer = DaemonState::Answer::yes;
  seen.daemon.digest = "digest";
  seen.sockets_tried = true;
}

Service& Machine::at(std::string_view entry) {
  return *std::find_if(postfix().services.begin(), postfix().services.end(), [&](const auto& s) { return s.entry() == entry; });
}

Service& Machine::add(std::string name, std::string type, std::string program, Values settings) {
  return postfix().services.emplace_back(Service{std::move(name), std::move(type), std::move(program), true, std::move(settings)});
}

void Machine::name_listeners() {
  for (std::size_t i = 0; i < policy.listeners.size(); ++i)
    (i == 0 ? at("smtp/inet") : add(std::to_string(2500 + i), "inet", "smtpd")).settings["milter_macro_daemon_name"] = policy.listeners[i].name;
}

void Machine::need() {
  for (auto& instance : instances) instance.needed = postfix_lines(policy, service, {instance.version, "/var/spool/postfix"});
}

void Machine::apply() {
  need();
  const auto lines = postfix().needed;
  for (const auto& line : lines) {
    if (line.example || line.place == PostfixLine::Place::without_milter) continue;
    if (line.place == PostfixLine::Place::main) {
      main()[line.name] = line.value;
    } else if (line.place == PostfixLine::Place::listener) {
      for (auto& other : postfix().services)
        if (const auto it = other.settings.find("milter_macro_daemon_name"); it != other.settings.end() && it->second == line.service)
          other.settings[line.name] = line.value;
    } else if (line.name.empty()) {
      add_entry(line.value);
    } else {
      at(line.service).settings[line.name] = line.value;
    }
  }
  if (main()["mynetworks"].empty()) main()["smtpd_forbid_bare_newline_exclusions"].clear();  // that is $mynetworks
}

void Machine::add_entry(const std::string& text) {
  const auto words = split(text);
  auto& added = add(words.at(0), words.at(1), words.at(7));
  for (std::size_t i = 9; i < words.size(); i += 2) {
    const auto [name, value] = setting(words[i]);
    added.settings[name] = value;
  }
}

void Machine::mend(const Finding& finding) {
  if (finding.file == "master.cf" && !finding.line.starts_with("-o")) return add_entry(finding.line);
  const auto [name, value] = setting(std::string_view(finding.line).substr(finding.file == "master.cf" ? 3 : 0));
  if (finding.file == "main.cf") main()[name] = value;
  if (finding.file == "master.cf")
    for (const auto& entry : finding.services) at(entry).settings[name] = value;
}

Machine sound_machine() {
  Machine m;
  m.policy.organization.domains = {domain(".contoso.example")};
  m.policy.listeners = {{"mx", false}, {"relay", true}};
  const auto inbound = [&](std::string name, Duty duty, const char* source) -> InboundConnector& {
    auto& c = m.policy.inbound.emplace_back();
    c.name = std::move(name);
    c.duty = duty;
    if (*source) c.source_ips = {*Source::parse(source)};
    return c;
  };
  auto& fabrikam = inbound("fabrikam", Duty::partner, "");
  fabrikam.sender_domains = {domain("fabrikam.example")};
  fabrikam.certificates = {domain("mail.fabrikam.example")};
  fabrikam.require_tls = true;
  inbound("provider", Duty::partner, "198.51.100.0/24").listeners = {"mx"};
  inbound("printers", Duty::device, "10.20.0.0/24").listeners = {"relay"};
  auto& to_fabrikam = m.policy.outbound.emplace_back();
  to_fabrikam.name = "to-fabrikam";
  to_fabrikam.recipient_domains = {domain("fabrikam.example")};
  to_fabrikam.tls = OutboundTls::verify;
  auto& rest = m.policy.outbound.emplace_back();
  rest.name = "rest";
  rest.recipient_domains = {domain("*")};
  auto& secret = m.policy.outbound.emplace_back();
  secret.name = "secret";
  secret.smart_hosts = {{"[192.0.2.77]", std::nullopt}};
  secret.when = When{};
  for (auto [name, socket] : {std::pair{"maps", &m.service.maps}, {"policy", &m.service.policy}})
    *socket = config::Socket{std::string("unix:/var/spool/postfix/connector-milter/") + name + ".sock", "postfix", 0660};
  m.seen.daemon.sockets = {{"milter", m.service.milter.address},
                           {"maps", m.service.maps->address},
                           {"policy", m.service.policy->address},
                           {"control", m.service.control.address}};
  m.name_listeners();
  m.apply();
  return m;
}

}  // namespace cm::ctl::doctor

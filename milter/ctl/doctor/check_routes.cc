// Whether Postfix asks for routes, TLS demands and permissions what the config holds of them. The wanted values are the lines that
// `connectorctl postfix` prints; what is judged here is only whether they are in force.
#include <algorithm>

#include "ctl/doctor/checks.h"
#include "policy/domain.h"

namespace cm::ctl::doctor {
namespace {

using LinePlace = PostfixLine::Place;

/// A setting of main.cf that is compared as it is, where the program that reads it sees it.
struct Setting {
  const char* name;
  const char* id;
  const char* reader;  // as postconf(1) -M names it
};
constexpr Setting settings[] = {
    {"relayhost", "relayhost", "rewrite/unix"},
    {"sender_dependent_relayhost_maps", "relayhost", "rewrite/unix"},
    {"smtp_fallback_relay", "fallback-relay", "smtp/unix"},
    {"smtp_dns_support_level", "dane-without-dnssec", "smtp/unix"},
    {"smtp_tls_fingerprint_digest", "fingerprint-digest", "smtp/unix"},
    {"tls_required_enable", "tls-required-header", "cleanup/unix"},
};

/// One of our maps.
struct Map {
  const char* name;
  const char* reader;
};
constexpr Map maps[] = {
    {"transport_maps", "rewrite/unix"},
    {"sender_dependent_default_transport_maps", "rewrite/unix"},
    {"smtp_tls_policy_maps", "smtp/unix"},
    {"milter_header_checks", "cleanup/unix"},
};

/// The reason of a line, as a clause; whether a socket is there and can be reached is tried, not guessed.
std::string trimmed(std::string text) {
  for (const auto caution : {restart_first, std::string_view("; services with chroot")}) text.erase(std::min(text.find(caution), text.size()));
  while (!text.empty() && text.back() == '.') text.pop_back();
  return text;
}

/// Restrictions behind which nothing is asked about mail for others.
bool ends_the_list(const std::string& restriction) {
  return restriction == "reject" || restriction == "defer" || restriction == "permit" || restriction == "reject_unauth_destination" ||
         restriction == "defer_unauth_destination";
}

/// Our policy service is asked in these restrictions; `context`: with this policy_context, empty: any.
bool asks_policy(const Case& c, const Instance& instance, const Service& smtpd, const std::string& context) {
  if (!c.service.policy) return false;
  const auto& list = instance.value(&smtpd, "smtpd_relay_restrictions");
  const auto entries = split(list);
  for (const auto& use : policy_services(list)) {
    if (!is_ours(instance, smtpd.chroot, use.endpoint.address, c.service.policy->address)) continue;
    const auto last = entries.begin() + static_cast<std::ptrdiff_t>(use.position);
    if (std::any_of(entries.begin(), last, ends_the_list)) return false;
    const auto it = use.endpoint.options.find("policy_context");
    if (context.empty() || (it != use.endpoint.options.end() && it->second == context)) return true;
  }
  return false;
}

/// Where our table stands in a list; nullopt: it does not.
std::optional<bool> is_first(const Case& c, const Instance& instance, const Service* reader, const Map& map, const std::string& wanted) {
  const auto& list = instance.value(reader, map.name);
  const auto name = wanted.substr(wanted.rfind(':') + 1);
  const auto uses = socketmaps(list);
  const bool found = std::any_of(uses.begin(), uses.end(), [&](const auto& use) {
    return use.second == name && is_ours(instance, reader && reader->chroot, use.first, c.service.maps->address);
  });
  if (!found) return std::nullopt;
  const auto entries = split(list);
  return entries.empty() || entries[0].find("socketmap:") != std::string::npos;
}

/// A new service with all that is set for it.
std::string whole_entry(const Instance& instance, const PostfixLine& entry) {
  auto out = entry.value;
  for (const auto& line : instance.needed)
    if (line.service == entry.service && line.place == entry.place && !line.name.empty() && !line.example)
      out.append(" ").append(master_option(line.name, line.value));
  return out;
}

/// What a line says is in force; header checks of the administrator's own may stand beside ours.
bool holds(const std::string& value, const PostfixLine& line) {
  const auto slash = line.value.find('/');
  if (!line.name.ends_with("header_checks") || slash == std::string::npos) return value == line.value;
  return value.find(line.value.substr(slash, line.value.find('}') - slash)) != std::string::npos;
}

}  // namespace

void check_relay(const Case& c, Findings& out) {
  // While all of them are in audit nothing is lost yet.
  const bool enforced = std::any_of(c.policy.inbound.begin(), c.policy.inbound.end(), [](const auto& connector) {
    return connector.enabled && connector.mode == Mode::enforce && (connector.duty == Duty::on_premises || connector.duty == Duty::device);
  });
  const auto severity = enforced ? Severity::error : Severity::warning;
  for (const auto& [instance, smtpd] : listeners(c)) {
    const auto wanted = needed_value(*instance, "smtpd_relay_restrictions");
    if (wanted.empty()) continue;
    const auto& name = instance->value(smtpd, "milter_macro_daemon_name");
    const auto own = std::find_if(instance->needed.begin(), instance->needed.end(), [&](const auto& line) {
      return line.place == LinePlace::listener && line.service == name && line.name == "smtpd_relay_restrictions";
    });
    if (own != instance->needed.end()) {
      if (asks_policy(c, *instance, *smtpd, name)) continue;
      Finding finding{severity,
                      "policy-missing",
                      instance->directory,
                      {smtpd->entry()},
                      "Grants that are valid at this listener only let nobody relay: Postfix does not ask for them with its name",
                      "master.cf",
                      master_option(own->name, own->value)};
      out.add(std::move(finding));
    } else if (!smtpd->settings.contains("smtpd_relay_restrictions") && !asks_policy(c, *instance, *smtpd, "")) {
      out.set(severity, "policy-missing", *instance, *smtpd,
              "Connectors let nobody relay" + std::string(enforced ? "" : " once they are enforced") +
                  ": smtpd_relay_restrictions does not ask the policy service, or too late",
              "smtpd_relay_restrictions", wanted);
    }
  }
}

void check_maps(const Case& c, Findings& out) {
  for (const auto& instance : c.instances)
    for (const auto& map : maps) {
      const auto* line = instance.needs(map.name);
      if (!line || line->example) continue;
      const auto* reader = instance.find(map.reader);
      const Service standing_in;  // the instance has no such service: its main.cf counts
      const auto first = is_first(c, instance, reader, map, line->value);
      auto value = line->value;
      if (const auto& others = instance.value(reader, map.name); !first && !others.empty()) value.append(", ").append(others);
      if (!first)
        out.set(Severity::error, "map-missing", instance, reader ? *reader : standing_in, "Postfix does not ask for it: " + trimmed(line->reason),
                map.name, value);
      else if (!*first)
        out.set(Severity::note, "map-order", instance, reader ? *reader : standing_in,
                "Tables before ours answer first, whatever the connectors say: " + trimmed(line->reason), map.name, line->value + ", ...");
    }
}

void check_outbound_settings(const Case& c, Findings& out) {
  for (const auto& instance : c.instances) {
    for (const auto& setting : settings) {
      const auto* line = instance.needs(setting.name);
      const auto* reader = instance.find(setting.reader);
      if (line && !line->example && instance.value(reader, setting.name) != line->value)
        out.set(Severity::error, setting.id, instance, reader ? *reader : Service{}, trimmed(line->reason), setting.name, line->value);
    }
    const auto* smtp = instance.find("smtp/unix");
    if (const auto* line = instance.needs("smtp_tls_CAfile"); line && instance.value(smtp, "smtp_tls_CAfile").empty() &&
                                                              instance.value(smtp, "smtp_tls_CApath").empty() &&
                                                              !instance.is_yes(smtp, "tls_append_default_CA"))
      out.set_main(Severity::error, "server-ca-missing", instance, trimmed(line->reason), line->name, line->value);
  }
  const auto unused = enabled_names(c.policy.outbound, [](const auto& connector) { return connector.mode == Mode::enforce; });
  if (!c.service.maps && !unused.empty())
    out.add({Severity::warning,
             "outbound-without-maps",
             "",
             {},
             "Outbound connectors (" + some_of(unused) + ") have no effect: the config has no maps, so Postfix cannot ask where their mail goes",
             "",
             "maps = { }; in the main file of the config, systemctl restart connector-milter, then the lines that connectorctl postfix prints"});
  for (const auto& connector : c.policy.outbound)
    for (const auto& instance : c.instances)
      if (connector.enabled && connector.client_certificate.empty() && !instance.find(connector.transport + "/unix"))
        out.add({Severity::error,
                 "transport-unknown",
                 instance.directory,
                 {},
                 "Mail of " + connector.name + " waits: master.cf has no service " + connector.transport,
                 "master.cf",
                 connector.transport + " unix - - - - - smtp"});
}

void check_services(const Case& c, Findings& out) {
  for (const auto& instance : c.instances)
    for (const auto& line : instance.needed) {
      if (line.example || (line.place != LinePlace::service && line.place != LinePlace::stock)) continue;
      const auto* service = instance.find(line.service);
      if (line.name.empty() && !service)
        out.add(
            {Severity::error, "service-missing", instance.directory, {line.service}, trimmed(line.reason), "master.cf", whole_entry(instance, line)});
      if (line.name.empty() || !service) continue;  // a stock service that is not there is used by nobody
      if (!holds(instance.value(service, line.name), line))
        out.add({Severity::warning,
                 "service-setting",
                 instance.directory,
                 {line.service},
                 trimmed(line.reason),
                 "master.cf",
                 master_option(line.name, line.value)});
    }
}

}  // namespace cm::ctl::doctor

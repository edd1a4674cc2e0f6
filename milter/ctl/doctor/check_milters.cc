// Whether all mail is shown to the connectors, first and without a way round. Sources: MILTER_README, postconf(5) receive_override_options,
// smtpd_milter_maps, smtpd_proxy_filter; smtpd_milter.c and milter.c of Postfix.
#include <algorithm>

#include "ctl/doctor/checks.h"

namespace cm::ctl::doctor {
namespace {

/// Somewhere in this machine's Postfix, mail is handed to a filter that hands it back by SMTP.
bool has_filter(const Case& c) {
  const auto set = [](const Instance& instance, const Service* service) {
    return !instance.value(service, "content_filter").empty() || !instance.value(service, "smtpd_proxy_filter").empty();
  };
  const auto routed = enabled_names(c.policy.outbound, [](const auto& connector) {
    return std::any_of(connector.smart_hosts.begin(), connector.smart_hosts.end(),
                       [](const auto& host) { return host.address && is_loopback(host.address->to_string()); });
  });
  return !routed.empty() || std::any_of(c.instances.begin(), c.instances.end(), [&](const auto& instance) {
    return set(instance, nullptr) ||
           std::any_of(instance.services.begin(), instance.services.end(), [&](const auto& s) { return set(instance, &s); });
  });
}

void not_shown(const Case& c, const Instance& instance, const Service& smtpd, Findings& out) {
  const bool switched_off = contains(instance.value(&smtpd, "receive_override_options"), "no_milters");
  if (takes_mail_back(c, instance, smtpd)) {
    const bool filtered = has_filter(c);
    out.add({filtered ? Severity::note : Severity::warning,
             "reinjection-listener",
             instance.directory,
             {smtpd.entry()},
             filtered
                 ? "No connector judges what comes here: it must be reached by the filter that hands mail back, and by nothing else on this machine"
                 : "No connector judges what comes here, and no content_filter or smtpd_proxy_filter is set that would hand mail back: any program "
                   "of this machine gets around the connectors",
             "",
             filtered ? "let nobody but the filter connect, or judge this mail as well"
                      : "remove the service, or let it ask as the others do: smtpd_milters = " + needed_value(instance, "smtpd_milters")});
    return;
  }
  if (switched_off) {
    auto options = split(instance.value(&smtpd, "receive_override_options"));
    std::string rest;
    for (const auto& option : options)
      if (option != "no_milters") rest.append(rest.empty() ? "" : ",").append(option);
    out.set(Severity::error, "no-milters", instance, smtpd, "Mail that comes here is shown to no milter: receive_override_options has no_milters",
            "receive_override_options", rest);
    return;
  }
  auto value = needed_value(instance, "smtpd_milters");
  if (const auto& others = instance.value(&smtpd, "smtpd_milters"); !others.empty()) value.append(", ").append(others);
  out.set(Severity::error, "milter-missing", instance, smtpd, "Mail that comes here is not shown to the connectors", "smtpd_milters", value);
}

/// The list with our entry first and as it should be.
std::string mended(const Instance& instance, const Service& service, std::string_view name, const MilterUse& use) {
  auto value = needed_value(instance, name);
  const auto entries = split(instance.value(&service, name));
  for (std::size_t i = 0; i < entries.size(); ++i)
    if (i != use.position) value.append(", ").append(entries[i]);
  return value;
}

void check_entry(const Instance& instance, const Service& service, const std::string& name, const MilterUse& use, Findings& out) {
  const auto of = [&](const char* option, const char* parameter) {
    const auto it = use.endpoint.options.find(option);
    return it != use.endpoint.options.end() ? it->second : instance.value(&service, parameter);
  };
  if (use.position > 0)
    out.set(Severity::warning, "milter-order", instance, service,
            "Milters that stand before ours see forged trust headers and not those that the connectors set", name,
            mended(instance, service, name, use));
  const auto action = of("default_action", "milter_default_action");
  if (action == "accept" || action == "quarantine")
    out.set(Severity::error, "default-action", instance, service,
            "While the daemon cannot be asked, mail is taken in unjudged, with its forged headers (default action " + action + ")", name,
            mended(instance, service, name, use));
  else if (action == "reject")
    out.set(Severity::error, "default-action", instance, service,
            "While the daemon cannot be asked, good mail is refused for good (default action reject)", name, mended(instance, service, name, use));
  else if (action != "tempfail" && action != "shutdown")
    out.set(Severity::warning, "default-action", instance, service, "Postfix does not know the default action " + action, name,
            mended(instance, service, name, use));
  const auto protocol = of("protocol", "milter_protocol");
  if (protocol == "6") return;
  const std::string reason = "The daemon speaks milter protocol 6 and refuses a Postfix that is told " + protocol;
  if (use.endpoint.options.contains("protocol"))
    out.set(Severity::error, "milter-protocol", instance, service, reason, name, mended(instance, service, name, use));
  else
    out.set(Severity::error, "milter-protocol", instance, service, reason, "milter_protocol", "6");
}

/// The header checks that the config needs where no milter is asked; null: none were worked out.
const PostfixLine* needed_checks(const Instance& instance) {
  const auto it = std::find_if(instance.needed.begin(), instance.needed.end(),
                               [](const auto& line) { return line.place == PostfixLine::Place::without_milter && line.name == "header_checks"; });
  return it == instance.needed.end() ? nullptr : &*it;
}

/// Its mail is not judged, and goes to a cleanup(8) that removes the fields of our family, the first that the checks name.
bool removes_forged_headers(const Case& c, const Instance& instance, const Service& smtpd) {
  const auto* checks = needed_checks(instance);
  const auto* cleanup = is_judged(c, instance, smtpd) ? nullptr : instance.cleanup_of(smtpd);
  if (!checks || !cleanup) return false;
  const auto begin = checks->value.find('/'), end = checks->value.find('}');
  return instance.value(cleanup, "header_checks").find(checks->value.substr(begin, end - begin)) != std::string::npos;
}

Finding before_proxy(const Instance& instance, const Service& smtpd, bool forged_are_removed) {
  if (forged_are_removed)
    return {Severity::note,
            "proxy-filter",
            instance.directory,
            {smtpd.entry()},
            "The milter sees no headers and no body of this mail: rules about headers and sizes and trust headers do not work here",
            "",
            "content_filter instead of smtpd_proxy_filter would let them"};
  const auto* checks = needed_checks(instance);
  const auto service = checks ? checks->service.substr(0, checks->service.find('/')) : "";
  return {
      Severity::error,
      "proxy-filter",
      instance.directory,
      {smtpd.entry()},
      "The milter sees no headers of this mail, and nothing removes forged ones: whoever sends one is trusted by what reads it",
      "",
      "add the service " + service + " that connectorctl postfix prints, and where the filter hands mail back: -o cleanup_service_name=" + service};
}

/// A table's text, as far as it can be seen without asking it.
std::string text_of(const Case& c, const std::string& table) {
  if (table.starts_with("inline:") || table.starts_with("static:")) return table;
  const auto it = c.seen.files.find(table.substr(table.find(':') + 1));
  return it == c.seen.files.end() ? "" : it->second;
}

}  // namespace

void check_listeners_ask(const Case& c, Findings& out) {
  for (const auto& instance : c.instances)
    for (const auto* smtpd : instance.running("smtpd")) {
      if (!is_judged(c, instance, *smtpd))
        not_shown(c, instance, *smtpd, out);
      else
        check_entry(instance, *smtpd, "smtpd_milters", *our_milter(c, instance, *smtpd, "smtpd_milters"), out);
    }
}

void check_local_mail(const Case& c, Findings& out) {
  for (const auto& instance : c.instances)
    for (const auto* program : {"pickup", "qmqpd"})
      for (const auto* service : instance.running(program)) {
        const auto* cleanup = instance.cleanup_of(*service);
        if (!cleanup) continue;  // Postfix says so itself, loudly
        if (contains(instance.value(service, "receive_override_options"), "no_milters")) {
          out.set(Severity::error, "no-milters", instance, *service,
                  "What programs of this machine submit is shown to no milter: receive_override_options has no_milters", "receive_override_options",
                  "");
          continue;
        }
        if (const auto use = our_milter(c, instance, *cleanup, "non_smtpd_milters")) {
          check_entry(instance, *cleanup, "non_smtpd_milters", *use, out);
          continue;
        }
        auto value = needed_value(instance, "non_smtpd_milters");
        if (const auto& others = instance.value(cleanup, "non_smtpd_milters"); !others.empty()) value.append(", ").append(others);
        out.set(Severity::error, "local-milter-missing", instance, *cleanup,
                "What programs of this machine submit is not shown to the connectors: it gets no log line, and its forged headers stay",
                "non_smtpd_milters", value);
      }
}

void check_after_filters(const Case& c, Findings& out) {
  for (const auto& instance : c.instances) {
    const bool filters = !instance.value(nullptr, "content_filter").empty();
    const auto smtpds = instance.running("smtpd");
    const bool strips = std::any_of(smtpds.begin(), smtpds.end(), [&](const auto* smtpd) { return removes_forged_headers(c, instance, *smtpd); });
    for (const auto* smtpd : smtpds) {
      if (filters && is_judged(c, instance, *smtpd) && instance.is_local_only(*smtpd) && instance.value(smtpd, "content_filter").empty())
        out.add(
            {Severity::warning,
             "judged-twice",
             instance.directory,
             {smtpd->entry()},
             "Mail that comes back from the content filter is judged again, as mail from this machine, and loses the headers that the connectors set",
             "master.cf",
             "-o smtpd_milters="});
      if (!instance.value(smtpd, "smtpd_proxy_filter").empty()) out.add(before_proxy(instance, *smtpd, strips));
    }
  }
}

void check_milter_maps(const Case& c, Findings& out) {
  for (const auto& [instance, smtpd] : listeners(c)) {
    const auto& tables = instance->value(smtpd, "smtpd_milter_maps");
    if (tables.empty()) continue;
    const auto entries = split(tables);
    const bool disables = std::any_of(entries.begin(), entries.end(),
                                      [&](const auto& table) { return to_lower(text_of(c, table)).find("disable") != std::string::npos; });
    out.set(disables ? Severity::error : Severity::warning, "milter-maps", *instance, *smtpd,
            disables ? "Clients for which smtpd_milter_maps says DISABLE get around the connectors"
                     : "Clients that are in smtpd_milter_maps get other milters than the connectors, unless ours stands there, too",
            "smtpd_milter_maps", "");
  }
}

// The lists of macros do not matter: the daemon asks for its own.
void check_macros(const Case& c, Findings& out) {
  constexpr const char* facts[] = {"tls_version", "cert_subject", "cert_issuer", "auth_authen", "auth_type", "mail_addr", "rcpt_addr", "daemon_name"};
  for (const auto& instance : c.instances)
    for (const auto& entry : split(instance.value(nullptr, "milter_macro_defaults"))) {
      auto name = std::string(unbrace(entry));
      name.erase(std::min(name.find('='), name.size()));
      name.erase(std::remove_if(name.begin(), name.end(), [](char x) { return x == '{' || x == '}' || x == ' '; }), name.end());
      if (std::find(std::begin(facts), std::end(facts), name) != std::end(facts))
        out.set_main(Severity::error, "macro-defaults", instance,
                     "Where a client has not proven a thing, milter_macro_defaults says it has: every client gets " + name, "milter_macro_defaults",
                     "");
    }
}

std::vector<std::string> files_to_read(const Case& the_case) {
  std::vector<std::string> out;
  for (const auto& [instance, smtpd] : listeners(the_case))
    for (const auto& table : split(instance->value(smtpd, "smtpd_milter_maps")))
      if (const auto colon = table.find(':'); colon != std::string::npos && table.substr(colon + 1).starts_with('/'))
        out.push_back(table.substr(colon + 1));
  return out;
}

}  // namespace cm::ctl::doctor

// `show NAME`: one connector with every setting its type takes, in config syntax, and where each value was set.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "ctl/command.h"
#include "ctl/loading.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

/// One setting with its effective value; null if the setting has no value.
struct Setting {
  std::string name;
  Json value;
  std::optional<Origin> at{};  // none: the default
};

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

// A value as it is written in a config file.
std::string syntax_of(const Json& value) {
  if (value.is_string()) return quote(value.get<std::string>());
  if (value.is_boolean()) return value.get<bool>() ? "true" : "false";
  if (value.is_number()) return value.dump() + (value.get<std::uint64_t>() > 0x7fffffff ? "L" : "");
  if (value.is_object()) {
    std::string out = "{ ";
    for (const auto& [name, member] : value.items()) out += name + " = " + syntax_of(member) + "; ";
    return out + "}";
  }
  const bool groups = !value.empty() && value.front().is_object();
  std::string out = groups ? "(" : "[";
  for (const auto& element : value) out += (out.size() > 1 ? ", " : " ") + syntax_of(element);
  return out + (groups ? " )" : " ]");
}

std::string text_of(const std::string& text) { return text; }
std::string text_of(const DomainPattern& pattern) { return pattern.to_string(); }
std::string text_of(const Source& source) { return source.text; }
std::string text_of(const SmartHost& host) { return host.next_hop; }

template <class T>
Json list_of(const std::vector<T>& values) {
  Json out;
  for (const auto& value : values) out.push_back(text_of(value));
  return out;  // null if empty
}

Json headers_of(const std::vector<AddedHeader>& headers) {
  Json out;
  for (const auto& header : headers) out.push_back({{"name", header.name}, {"value", header.value}});
  return out;
}

Json required_header_of(const InboundConnector& c) {
  Json out;
  if (c.requires_header()) out = {{"name", c.required_header}, {"values", list_of(c.required_values)}};
  return out;
}

Json repair_of(const Repair& repair) {
  Json out;
  if (repair.date) out.push_back("date");
  if (repair.message_id) out.push_back("message_id");
  if (repair.from) out.push_back("from");
  return out;
}

Json number(std::uint64_t value) { return value == 0 ? Json(nullptr) : Json(value); }

Json rate_of(const std::optional<RateLimit>& limit) {
  if (!limit) return nullptr;
  return {{"messages", limit->messages}, {"per", duration_text(limit->seconds)}, {"key", to_string(limit->key)}};
}

// The organization domains are written out: they are what the limit means today.
Json limit_of(const AddressLimit& limit, const Organization& organization, bool recipients) {
  if (limit.any) return recipients ? Json("any") : Json::array({"*"});
  if (recipients && limit.organization && limit.patterns.empty()) return "internal";
  auto out = Json::array();
  if (limit.organization)
    for (const auto& domain : organization.domains) out.push_back(domain.to_string());
  for (const auto& pattern : limit.patterns) out.push_back(pattern.to_string());
  return out;
}

Json version_of(TlsVersion version) {
  constexpr const char* names[] = {nullptr, nullptr, "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  const auto* name = names[static_cast<std::size_t>(version)];
  return name ? Json(name) : Json(nullptr);
}

using Settings = std::vector<Setting>;

std::string word(std::string_view text) { return std::string(text); }

void add_identity(Settings& out, const InboundConnector& c) {
  out.push_back({"listeners", list_of(c.listeners)});
  if (c.is_partner()) out.push_back({"sender_domains", list_of(c.sender_domains)});
  out.push_back({"source_ips", list_of(c.source_ips)});
  out.push_back({"certificates", list_of(c.certificates)});
  out.push_back({"certificate_issuers", list_of(c.certificate_issuers)});
  out.push_back({"auth_users", list_of(c.auth_users)});
  if (c.is_partner()) out.push_back({"via", list_of(c.via)});
  out.push_back({"require_tls", c.require_tls});
  out.push_back({"min_tls_version", version_of(c.min_tls_version)});
  if (c.duty == Duty::on_premises) out.push_back({"require_header", required_header_of(c)});
}

void add_limits(Settings& out, const InboundConnector& c, const Organization& organization) {
  if (c.duty == Duty::on_premises || c.duty == Duty::device) {
    out.push_back({"senders", limit_of(c.senders, organization, false)});
    out.push_back({"recipients", limit_of(c.recipients, organization, true)});
  }
  out.push_back({"max_message_size", number(c.max_message_size)});
  out.push_back({"max_recipients", number(c.max_recipients)});
  out.push_back({"rate_limit", rate_of(c.rate_limit)});
  if (c.is_partner()) out.push_back({"check_header_from", word(to_string(c.check_header_from))});
}

Settings settings_of(const InboundConnector& c, const Organization& organization) {
  Settings out;
  out.push_back({"name", c.name});
  out.push_back({"type", word(to_string(c.duty))});
  out.push_back({"enabled", c.enabled});
  out.push_back({"comment", c.comment});
  out.push_back({"mode", word(to_string(c.mode))});
  add_identity(out, c);
  add_limits(out, c, organization);
  out.push_back({"on_violation", word(to_string(c.on_violation))});
  if (c.duty != Duty::relay) out.push_back({"trust", c.trust});
  if (c.duty == Duty::on_premises) out.push_back({"accept_headers", c.accept_headers});
  if (c.duty == Duty::on_premises) out.push_back({"accept_tags", c.accept_tags});
  out.push_back({"add_headers", headers_of(c.add_headers)});
  if (c.duty == Duty::device) out.push_back({"repair", repair_of(c.repair)});
  if (c.duty == Duty::device) out.push_back({"rewrite_sender", c.rewrite_sender.empty() ? Json(nullptr) : Json(c.rewrite_sender)});
  return out;
}

Json recipients_of(const OutboundConnector& c) {
  auto out = list_of(c.recipient_domains);
  if (c.organization) out.insert(out.begin(), "organization");
  return out;
}

Json when_of(const std::optional<When>& when) {
  Json out;
  if (!when) return out;
  if (!when->connectors.empty()) out["connectors"] = list_of(when->connectors);
  if (!when->sender_domains.empty()) out["sender_domains"] = list_of(when->sender_domains);
  if (when->header) out["header"] = {{"name", when->header->name}, {"matches", when->header->pattern}};
  return out;
}

Settings settings_of(const OutboundConnector& c, const Organization&) {
  const auto text = [](const std::string& value) { return value.empty() ? Json(nullptr) : Json(value); };
  return {{"name", c.name},
          {"enabled", c.enabled},
          {"comment", c.comment},
          {"mode", word(to_string(c.mode))},
          {"recipient_domains", recipients_of(c)},
          {"cost", c.cost},
          {"smart_hosts", list_of(c.smart_hosts)},
          {"transport", c.transport},
          {"tls", c.tls == OutboundTls::unset ? Json(nullptr) : Json(word(to_string(c.tls)))},
          {"tls_domains", list_of(c.tls_domains)},
          {"fingerprints", list_of(c.fingerprints)},
          {"min_tls_version", version_of(c.min_tls_version)},
          {"client_certificate", text(c.client_certificate)},
          {"client_key", text(c.client_key)},
          {"when", when_of(c.when)}};
}

std::string place(const std::optional<Origin>& at) { return at ? at->file + ":" + std::to_string(at->line) : "default"; }

/// A connector of either kind, as it is to be shown.
struct Shown {
  const char* kind;
  std::string name;
  Origin at;
  Settings settings;
};

void print_text(std::ostream& out, const Shown& shown) {
  out << "# " << shown.kind << " connector " << shown.name << ", " << safe(place(shown.at)) << "\n{\n";
  for (const auto& setting : shown.settings) {
    const bool is_set = !setting.value.is_null();
    auto line = is_set ? "  " + setting.name + " = " + syntax_of(setting.value) + ";" : "  # " + setting.name + " is not set";
    if (is_set) {
      if (line.size() < 50) line.resize(50, ' ');
      line += "  # " + place(setting.at);
    }
    out << safe(line) << "\n";
  }
  out << "}\n";
}

void print_json(std::ostream& out, const Shown& shown) {
  Json json{{"name", shown.name}, {"at", place(shown.at)}, {"settings", Json::array()}};
  for (const auto& setting : shown.settings)
    json["settings"].push_back({{"name", setting.name}, {"value", setting.value}, {"at", setting.at ? Json(place(setting.at)) : Json(nullptr)}});
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

template <class Connector>
std::optional<Shown> find(const char* kind, const std::vector<Connector>& connectors, const std::vector<config::Provenance>& provenance,
                          const Organization& organization, const std::string& name) {
  const auto found = std::find_if(connectors.begin(), connectors.end(), [&](const Connector& c) { return c.name == name; });
  if (found == connectors.end()) return std::nullopt;
  Shown shown{kind, found->name, found->at, settings_of(*found, organization)};
  for (auto& setting : shown.settings)
    if (const auto line = provenance[static_cast<std::size_t>(found - connectors.begin())].line_of(setting.name))
      setting.at = Origin{found->at.file, *line};
  return shown;
}

}  // namespace

int show(const Context& context, const std::string& name) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto& data = config->policy.data();
  const auto inbound = find("inbound", data.inbound, config->inbound_provenance, data.organization, name);
  const auto shown = inbound ? inbound : find("outbound", data.outbound, config->outbound_provenance, data.organization, name);
  if (!shown) {
    context.err << "connectorctl: there is no connector '" << safe(name) << "'; 'connectorctl list' names them all\n";
    return bad;
  }
  context.json ? print_json(context.out, *shown) : print_text(context.out, *shown);
  return success;
}

}  // namespace cm::ctl

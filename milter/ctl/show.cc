// `show NAME`: one connector with every setting its type takes, in config syntax, and where each value was set.
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "ctl/command.h"
#include "ctl/loading.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

/// One setting with its effective value; `none` if the setting has no value.
struct Setting {
  std::string name;
  std::optional<std::string> value;
  std::optional<Origin> at;  // none: the default
};

std::string quote(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string text_of(const std::string& text) { return text; }
std::string text_of(const DomainPattern& pattern) { return pattern.to_string(); }
std::string text_of(const AddressPattern& pattern) { return pattern.to_string(); }
std::string text_of(const Source& source) { return source.text; }

template <class T>
std::optional<std::string> list_of(const std::vector<T>& values) {
  if (values.empty()) return std::nullopt;
  std::string out = "[ ";
  for (const auto& value : values) out += (out.size() > 2 ? ", " : "") + quote(text_of(value));
  return out + " ]";
}

std::optional<std::string> headers_of(const std::vector<AddedHeader>& headers) {
  if (headers.empty()) return std::nullopt;
  std::string out = "( ";
  for (const auto& header : headers)
    out += (out.size() > 2 ? ", " : "") + ("{ name = " + quote(header.name) + "; value = " + quote(header.value) + "; }");
  return out + " )";
}

std::string truth(bool value) { return value ? "true" : "false"; }

std::optional<std::string> number(std::uint64_t value) {
  if (value == 0) return std::nullopt;
  return value > 0x7fffffff ? std::to_string(value) + "L" : std::to_string(value);
}

// The organization domains are written out: they are what the limit means today.
std::string limit_of(const AddressLimit& limit, const Organization& organization, bool recipients) {
  if (limit.any) return recipients ? quote("any") : "[ \"*\" ]";
  if (!limit.organization) return list_of(limit.patterns).value_or("[ ]");
  if (recipients && limit.patterns.empty()) return quote("internal");
  std::string out = "[ ";
  for (const auto& domain : organization.domains) out += (out.size() > 2 ? ", " : "") + quote(domain.to_string());
  for (const auto& pattern : limit.patterns) out += (out.size() > 2 ? ", " : "") + quote(pattern.to_string());
  return out + " ]";
}

std::optional<std::string> version_of(TlsVersion version) {
  constexpr const char* names[] = {"", "", "TLSv1", "TLSv1.1", "TLSv1.2", "TLSv1.3"};
  const std::string name = names[static_cast<std::size_t>(version)];
  return name.empty() ? std::nullopt : std::optional(quote(name));
}

using Settings = std::vector<Setting>;

void add_identity(Settings& out, const InboundConnector& c) {
  out.push_back({"listeners", list_of(c.listeners), {}});
  if (c.is_partner()) out.push_back({"sender_domains", list_of(c.sender_domains), {}});
  out.push_back({"source_ips", list_of(c.source_ips), {}});
  out.push_back({"certificates", list_of(c.certificates), {}});
  out.push_back({"certificate_issuers", list_of(c.certificate_issuers), {}});
  out.push_back({"auth_users", list_of(c.auth_users), {}});
  if (c.is_partner()) out.push_back({"via", list_of(c.via), {}});
  out.push_back({"require_tls", truth(c.require_tls), {}});
  out.push_back({"min_tls_version", version_of(c.min_tls_version), {}});
}

void add_limits(Settings& out, const InboundConnector& c, const Organization& organization) {
  if (c.duty == Duty::on_premises || c.duty == Duty::device) {
    out.push_back({"senders", limit_of(c.senders, organization, false), {}});
    out.push_back({"recipients", limit_of(c.recipients, organization, true), {}});
  }
  out.push_back({"max_message_size", number(c.max_message_size), {}});
  out.push_back({"max_recipients", number(c.max_recipients), {}});
  if (c.is_partner()) out.push_back({"check_header_from", quote(to_string(c.check_header_from)), {}});
}

Settings settings_of(const InboundConnector& c, const Organization& organization) {
  Settings out{{"name", quote(c.name), {}},
               {"type", quote(to_string(c.duty)), {}},
               {"enabled", truth(c.enabled), {}},
               {"comment", quote(c.comment), {}},
               {"mode", quote(to_string(c.mode)), {}}};
  add_identity(out, c);
  add_limits(out, c, organization);
  out.push_back({"on_violation", quote(to_string(c.on_violation)), {}});
  if (c.duty != Duty::relay) out.push_back({"trust", quote(c.trust), {}});
  if (c.duty == Duty::on_premises) out.push_back({"accept_headers", truth(c.accept_headers), {}});
  out.push_back({"add_headers", headers_of(c.add_headers), {}});
  return out;
}

std::string place(const std::optional<Origin>& at) { return at ? at->file + ":" + std::to_string(at->line) : "default"; }

void print_text(std::ostream& out, const InboundConnector& c, const Settings& settings) {
  out << "# inbound connector " << c.name << ", " << safe(place(c.at)) << "\n{\n";
  for (const auto& setting : settings) {
    auto line = setting.value ? "  " + setting.name + " = " + *setting.value + ";" : "  # " + setting.name + " is not set";
    if (setting.value) {
      if (line.size() < 50) line.resize(50, ' ');
      line += "  # " + place(setting.at);
    }
    out << safe(line) << "\n";
  }
  out << "}\n";
}

void print_json(std::ostream& out, const InboundConnector& c, const Settings& settings) {
  using Json = nlohmann::ordered_json;
  Json json{{"name", c.name}, {"at", place(c.at)}, {"settings", Json::array()}};
  for (const auto& setting : settings)
    json["settings"].push_back({{"name", setting.name},
                                {"value", setting.value ? Json(*setting.value) : Json(nullptr)},
                                {"at", setting.at ? Json(place(setting.at)) : Json(nullptr)}});
  out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
}

}  // namespace

int show(const Context& context, const std::string& name) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto& data = config->policy.data();
  for (std::size_t i = 0; i < data.inbound.size(); ++i) {
    if (data.inbound[i].name != name) continue;
    auto settings = settings_of(data.inbound[i], data.organization);
    for (auto& setting : settings)
      if (const auto line = config->inbound_provenance[i].line_of(setting.name)) setting.at = Origin{data.inbound[i].at.file, *line};
    context.json ? print_json(context.out, data.inbound[i], settings) : print_text(context.out, data.inbound[i], settings);
    return success;
  }
  context.err << "connectorctl: there is no connector '" << safe(name) << "'; 'connectorctl list' names them all\n";
  return bad;
}

}  // namespace cm::ctl

// `check` and `list`: the config as a whole.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "ctl/command.h"
#include "ctl/loading.h"
#include "ctl/output.h"
#include "seal/key.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;
using config::Diagnostic;

Json to_json(const Diagnostic& d) {
  return {{"level", d.level == Diagnostic::Level::error ? "error" : "warning"},
          {"file", d.at.file},
          {"line", d.at.line == 0 ? Json(nullptr) : Json(d.at.line)},
          {"path", d.path},
          {"message", d.message}};
}

std::string identity_of(const InboundConnector& c) {
  std::vector<std::string> words;
  if (!c.source_ips.empty()) words.push_back("source(" + std::to_string(c.source_ips.size()) + ")");
  if (!c.certificates.empty()) words.push_back("certificate(" + c.certificates[0].to_string() + (c.certificates.size() > 1 ? ", ..." : "") + ")");
  if (!c.auth_users.empty()) words.push_back("login(" + c.auth_users[0] + (c.auth_users.size() > 1 ? ", ..." : "") + ")");
  if (!c.via.empty()) words.push_back("via(" + join(c.via, ", ") + ")");
  return words.empty() ? "-" : join(words, " ");
}

std::string scope_of(const InboundConnector& c) {
  std::string out;
  for (const auto& domain : c.sender_domains) out += (out.empty() ? "" : ", ") + domain.to_string();
  if (!c.listeners.empty()) out += (out.empty() ? "" : "; ") + ("listeners " + join(c.listeners, ", "));
  return out.empty() ? "any" : out;
}

std::string recipients_of(const OutboundConnector& c) {
  std::string out = c.organization ? "organization" : "";
  for (const auto& domain : c.recipient_domains) out += (out.empty() ? "" : ", ") + domain.to_string();
  if (c.when) out += out.empty() ? "by rule" : "; by rule";
  return out;
}

std::string next_hop_of(const OutboundConnector& c) {
  std::string out;
  for (const auto& host : c.smart_hosts) out += (out.empty() ? "" : ", ") + host.next_hop;
  return out.empty() ? "MX" : out;
}

}  // namespace

std::unique_ptr<const config::Config> load_or_complain(const Context& context) {
  auto result = config::load(context.config_path);
  if (!result.config)
    for (const auto& diagnostic : result.diagnostics) context.err << safe(diagnostic.to_string()) << "\n";
  return std::move(result.config);
}

int check(const Context& context, bool strict) {
  auto result = config::load(context.config_path);
  if (result.config)
    static_cast<void>(seal::read_keys(result.config->service.signing_keys,
                                      [&](const auto& key, const auto& why) { result.diagnostics.push_back(config::bad_key_file(key, why)); }));
  const auto errors = count(result.diagnostics, Diagnostic::Level::error);
  const auto warnings = count(result.diagnostics, Diagnostic::Level::warning);
  if (context.json) {
    Json json{{"connectors", result.connectors}, {"errors", errors}, {"warnings", warnings}, {"diagnostics", Json::array()}};
    for (const auto& diagnostic : result.diagnostics) json["diagnostics"].push_back(to_json(diagnostic));
    context.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    for (const auto& diagnostic : result.diagnostics) context.out << safe(diagnostic.to_string()) << "\n";
    context.out << result.connectors << " connectors, " << errors << " errors, " << warnings << " warnings\n";  // scripts read it: always the plural
  }
  return errors > 0 || !result.config || (strict && warnings > 0) ? bad : success;
}

namespace {

std::vector<Row> list_inbound(const std::vector<InboundConnector>& inbound, Json& json) {
  std::vector<Row> rows{{"NAME", "TYPE", "MODE", "ENABLED", "IDENTITY", "SCOPE"}};
  for (const auto& c : inbound) {
    Row row{c.name, std::string(to_string(c.duty)), std::string(to_string(c.mode)), c.enabled ? "yes" : "no", identity_of(c), scope_of(c)};
    json.push_back({{"name", c.name},
                    {"type", to_string(c.duty)},
                    {"mode", to_string(c.mode)},
                    {"enabled", c.enabled},
                    {"identity", row[4]},
                    {"scope", row[5]},
                    {"comment", c.comment},
                    {"at", c.at.file + ":" + std::to_string(c.at.line)}});
    rows.push_back(std::move(row));
  }
  return rows;
}

std::vector<Row> list_outbound(const std::vector<OutboundConnector>& outbound, Json& json) {
  std::vector<Row> rows{{"NAME", "TYPE", "MODE", "ENABLED", "RECIPIENTS", "COST", "NEXT HOP", "TLS"}};
  for (const auto& c : outbound) {
    const auto tls = c.tls == OutboundTls::unset ? std::string("-") : std::string(to_string(c.tls));
    Row row{c.name,         "outbound", std::string(to_string(c.mode)), c.enabled ? "yes" : "no", recipients_of(c), std::to_string(c.cost),
            next_hop_of(c), tls};
    json.push_back({{"name", c.name},
                    {"type", row[1]},
                    {"mode", row[2]},
                    {"enabled", c.enabled},
                    {"recipients", row[4]},
                    {"cost", c.cost},
                    {"next_hop", row[6]},
                    {"tls", c.tls == OutboundTls::unset ? Json(nullptr) : Json(tls)},
                    {"comment", c.comment},
                    {"at", c.at.file + ":" + std::to_string(c.at.line)}});
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

int list(const Context& context) {
  const auto config = load_or_complain(context);
  if (!config) return bad;
  const auto& data = config->policy.data();
  Json json = Json::array();
  const auto inbound = list_inbound(data.inbound, json), outbound = list_outbound(data.outbound, json);
  if (context.json) {
    context.out << json.dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return success;
  }
  if (!data.inbound.empty() || data.outbound.empty()) print_table(context.out, inbound);
  if (!data.inbound.empty() && !data.outbound.empty()) context.out << "\n";
  if (!data.outbound.empty()) print_table(context.out, outbound);
  return success;
}

}  // namespace cm::ctl

// `import`: files in, a config file out, and on the error stream what is not as it was.
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "config/load.h"
#include "config/tree.h"
#include "ctl/command.h"
#include "ctl/exchange.h"
#include "ctl/new_file.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::optional<std::string> read(const std::string& file, std::string& why) {
  if (file == "-") return std::string(std::istreambuf_iterator<char>(std::cin), {});
  return config::read_file(file, why);
}

// Our own domains, and the names that are taken: of the config that the result will stand beside.
void learn(const Context& context, ImportSettings& settings) {
  const auto result = config::load(context.config_path);
  if (!result.config) {
    context.err << "connectorctl: " << safe(context.config_path)
                << " cannot be used, so your own domains and the names of its connectors are not known\n";
    return;
  }
  const auto& data = result.config->policy.data();
  settings.domains = data.organization.domains;
  settings.maps = result.config->service.maps.has_value();
  for (const auto& listener : data.listeners) settings.listeners.push_back(listener.name);
  for (const auto& c : data.inbound) settings.names.push_back(c.name);
  for (const auto& c : data.outbound) settings.names.push_back(c.name);
}

std::string line_of(const ImportRemark& remark) {
  std::string out = remark.cmdlet + " \"" + remark.connector + "\": " + (remark.error ? "error: " : "warning: ");
  if (!remark.parameter.empty()) out += remark.parameter + ": ";
  out += remark.message;
  return out + (remark.written_as.empty() ? " [not written]" : " [" + remark.written_as + "]");
}

Json to_json(const Imported& imported, bool with_text) {
  Json json{{"in_force", imported.in_force},
            {"disabled", imported.disabled},
            {"left_out", imported.left_out},
            {"restricting", imported.restricting},
            {"remarks", Json::array()}};
  for (const auto& r : imported.remarks)
    json["remarks"].push_back({{"level", r.error  ? "error"
                                         : r.note ? "note"
                                                  : "warning"},
                               {"cmdlet", r.cmdlet},
                               {"connector", r.connector},
                               {"written_as", r.written_as.empty() ? Json(nullptr) : Json(r.written_as)},
                               {"parameter", r.parameter.empty() ? Json(nullptr) : Json(r.parameter)},
                               {"message", r.message}});
  if (with_text) json["config"] = imported.text;
  return json;
}

// What the next reload changes, and what it does not.
void tell_of_the_reload(const Context& context, const Imported& imported, const ImportSettings& settings) {
  if (imported.outbound > 0 && !settings.whole && !settings.maps)
    context.err << "Outbound connectors have no effect until the main file has maps = { }; (then restart the daemon, connectorctl postfix)\n";
  if (imported.restricting == 0) return;
  const auto n = std::to_string(imported.restricting) + (imported.restricting == 1 ? " restricting connector" : " restricting connectors");
  if (settings.audit) {
    context.err << n << " only logged (mode \"audit\"): take that line out once the log shows no more surprises\n";
    return;
  }
  context.err << n << (imported.restricting == 1 ? " is" : " are")
              << " enforced from the next reload (--mode audit writes restrictions to be tried first)";
  if (imported.about_everyone > 0)
    context.err << "; " << imported.about_everyone << " of them about mail of all senders: connectorctl explain for each of your own senders first";
  context.err << "\n";
}

}  // namespace

int import_connectors(const Context& context, const std::vector<std::string>& files, const std::vector<std::string>& domains,
                      const std::string& output, bool audit) {
  const auto complain = [&](const std::string& what, int status) {
    context.err << "connectorctl: " << safe(what) << "\n";
    return status;
  };
  ImportSettings settings;
  for (const auto& domain : domains) {
    const auto pattern = DomainPattern::parse(domain);
    if (!pattern || pattern->kind == DomainPattern::Kind::any || pattern->kind == DomainPattern::Kind::null)
      return complain("--domain '" + domain + "': expected a domain of yours such as .contoso.example" + (pattern ? "" : ": " + pattern.why),
                      wrong_usage);
    settings.domains.push_back(*pattern);
  }
  settings.audit = audit;
  settings.whole = !domains.empty();
  if (!settings.whole) learn(context, settings);
  std::vector<std::string> exports;
  for (const auto& file : files) {
    std::string why;
    auto text = read(file, why);
    if (!text) return complain(file + " " + why, bad);
    exports.push_back(std::move(*text));
    settings.sources.push_back(safe(file));
  }
  const auto imported = import_exchange(exports, settings);
  if (!imported) return complain(imported.why, bad);
  if (!output.empty())
    if (const auto why = write_new_file(output, imported->text); !why.empty()) return complain(output + " " + why, bad);
  std::size_t errors = 0, notes = 0;
  for (const auto& remark : imported->remarks) {
    errors += remark.error ? 1 : 0;
    notes += remark.note ? 1 : 0;
  }
  if (context.json) {
    context.out << to_json(*imported, output.empty()).dump(2, ' ', false, Json::error_handler_t::replace) << "\n";
    return errors == 0 ? success : bad;
  }
  if (output.empty()) context.out << imported->text;
  for (const auto& remark : imported->remarks)
    if (!remark.note) context.err << safe(line_of(remark)) << "\n";
  if (!imported->notes.empty()) context.err << notes_head << "\n";
  for (const auto& line : imported->notes) context.err << "  " << safe(line) << "\n";
  context.err << imported->in_force << " in force, " << imported->disabled << " disabled, " << imported->left_out << " left out; "
              << counted(errors, "error") << ", " << counted(imported->remarks.size() - errors - notes, "warning") << ", "
              << counted(imported->notes.size(), "note") << "\n";
  tell_of_the_reload(context, *imported, settings);
  return errors == 0 ? success : bad;
}

}  // namespace cm::ctl

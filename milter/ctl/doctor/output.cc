// Findings for people and for scripts.
#include "ctl/output.h"

#include <nlohmann/json.hpp>

#include "ctl/doctor/finding.h"

namespace cm::ctl::doctor {
namespace {

std::string count(const std::vector<Finding>& findings, Severity severity) {
  std::size_t n = 0;
  for (const auto& finding : findings) n += finding.severity == severity ? 1 : 0;
  return counted(n, to_string(severity));
}

}  // namespace

std::string to_text(const std::vector<Finding>& findings, bool several_instances) {
  std::string out;
  for (const auto& finding : findings) {
    std::string where = join(finding.services, ", ");
    if (several_instances && !finding.instance.empty()) where = finding.instance + (where.empty() ? "" : ": " + where);
    out += std::string(to_string(finding.severity)) + ": " + finding.id + (where.empty() ? "" : " (" + safe(where) + ")") + "\n";
    out += "    " + safe(finding.reason) + ".\n";
    auto place = finding.file;
    if (place == "master.cf" && !finding.services.empty() && finding.line.starts_with("-o")) place += ", below " + join(finding.services, ", ");
    out += "    " + (place.empty() ? std::string("->") : safe(place) + ":") + " " + safe(finding.line) + "\n";
  }
  return out + count(findings, Severity::error) + ", " + count(findings, Severity::warning) + ", " + count(findings, Severity::note) + "\n";
}

std::string to_json(const std::vector<Finding>& findings) {
  using Json = nlohmann::ordered_json;
  Json out = Json::array();
  for (const auto& finding : findings)
    out.push_back({{"severity", to_string(finding.severity)},
                   {"id", finding.id},
                   {"instance", finding.instance.empty() ? Json(nullptr) : Json(finding.instance)},
                   {"services", finding.services},
                   {"reason", finding.reason},
                   {"file", finding.file.empty() ? Json(nullptr) : Json(finding.file)},
                   {"line", finding.line}});
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cm::ctl::doctor

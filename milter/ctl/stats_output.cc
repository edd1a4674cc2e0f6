// Counters one a line, then tables of connectors and rate limits. Senders in it are untrusted: nothing is printed that is not made safe.
#include "ctl/stats_output.h"

#include "ctl/output.h"

namespace cm::ctl {
namespace {

using Json = nlohmann::ordered_json;

std::string text(const Json& row, const char* key) {
  const auto found = row.is_object() ? row.find(key) : row.end();
  if (found == row.end() || found->is_null()) return "-";
  return safe(found->is_string() ? found->get<std::string>() : found->dump(-1, ' ', false, Json::error_handler_t::replace));
}

const Json& list(const Json& answer, const char* key) {
  static const Json none = Json::array();
  const auto found = answer.find(key);
  return found != answer.end() && found->is_array() ? *found : none;
}

void print_uptime(std::ostream& out, const Json& answer) {
  const auto found = answer.find("uptime");
  if (found == answer.end() || !found->is_number_integer()) return;
  const auto seconds = found->get<std::int64_t>();
  out << "uptime: " << seconds / 86400 << "d " << seconds / 3600 % 24 << "h " << seconds / 60 % 60 << "m " << seconds % 60 << "s\n";
}

// "rules.tls: 7"
void print_counters(std::ostream& out, const Json& answer) {
  for (const auto& [key, value] : answer.items()) {
    if (value.is_object())
      for (const auto& [name, count] : value.items()) out << safe(key) << "." << safe(name) << ": " << text(value, name.c_str()) << "\n";
    else if (value.is_number() && key != "uptime")
      out << safe(key) << ": " << text(answer, key.c_str()) << "\n";
  }
}

void print_rows(std::ostream& out, const Json& rows, std::vector<Row> table, std::initializer_list<const char*> keys) {
  if (rows.empty()) return;
  for (const auto& row : rows) {
    auto& line = table.emplace_back();
    for (const auto* key : keys) line.push_back(text(row, key));
  }
  out << "\n";
  print_table(out, table);
}

void print_rates(std::ostream& out, const Json& rates) {
  std::vector<Row> table{{"RATE LIMIT", "MODE", "KEY", "OF", "USED"}};
  for (const auto& use : rates)
    table.push_back({text(use, "connector"), text(use, "mode"), text(use, "key"), text(use, "value"),
                     text(use, "used") + " of " + text(use, "messages") + " in " + text(use, "per")});
  if (table.size() == 1) return;
  out << "\n";
  print_table(out, table);
}

}  // namespace

void print_stats(std::ostream& out, const Json& answer) {
  out << "since: " << text(answer, "since") << "\n";
  print_uptime(out, answer);
  print_counters(out, answer);
  print_rows(out, list(answer, "connectors"), {{"CONNECTOR", "TYPE", "ACCEPT", "TAG", "QUARANTINE", "TEMPFAIL", "REJECT", "AUDIT DIFFERS"}},
             {"name", "type", "accept", "tag", "quarantine", "tempfail", "reject", "audit_differences"});
  print_rows(out, list(answer, "outbound"), {{"OUTBOUND", "MESSAGES"}}, {"name", "messages"});
  print_rates(out, list(answer, "rates"));
  std::string idle;
  for (const auto& name : list(answer, "without_mail"))
    if (name.is_string()) idle += (idle.empty() ? "" : ", ") + safe(name.get<std::string>());
  if (!idle.empty()) out << "\nconnectors without mail: " << idle << "\n";
}

}  // namespace cm::ctl

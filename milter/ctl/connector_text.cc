// How connectors are laid out as text.
#include "ctl/connector_text.h"

#include <algorithm>

#include "ctl/output.h"
#include "policy/domain.h"
#include "policy/limits.h"

namespace cm::ctl {
namespace {

constexpr std::size_t comment_width = 140;
constexpr std::size_t list_width = 120;

// A comment could be ended by nothing but a line end.
std::string commented_out(std::string_view text) {
  std::string out = "  # ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "  # ";
  }
  return out;
}

std::string entry(const ConnectorText& connector) {
  std::string out = "name = " + config_string(connector.name) + ";";
  if (connector.state == ConnectorText::State::disabled) out += "\nenabled = false;";
  for (const auto& setting : connector.settings)
    out += "\n" + setting.name + " = " + setting.value + ";" + (setting.remark.empty() ? "" : "  # " + safe(setting.remark));
  if (connector.cost != 1) out += "\ncost = " + std::to_string(connector.cost) + ";";
  return out;
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out;
}

std::string list(const std::vector<ConnectorText>& connectors, bool outbound) {
  const auto stands = [&](const ConnectorText& c) { return c.outbound == outbound && c.state != ConnectorText::State::left_out; };
  const auto last = std::find_if(connectors.rbegin(), connectors.rend(), stands);
  std::string out;
  for (const auto& connector : connectors) {
    if (connector.outbound != outbound) continue;
    if (!out.empty()) out += "\n";
    for (const auto& line : connector.comments) out += comment(line, "  ");
    if (stands(connector))
      out += "  {\n" + indented(entry(connector)) + "\n  }" + (&connector == &*last ? "\n" : ",\n");
    else if (!connector.settings.empty())
      out += commented_out("{\n" + indented(entry(connector)) + "\n}") + "\n";
  }
  return out.empty() ? out : (outbound ? "outbound = (\n" : "inbound = (\n") + out + ");\n";
}

}  // namespace

std::string config_string(std::string_view text) {
  std::string out = "\"";
  for (const char c : safe(text)) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + '"';
}

std::string list_of(const std::vector<std::string>& items) {
  std::string out = "[ ";
  std::size_t line = 0;
  for (const auto& item : items) {
    const auto text = config_string(item);
    if (out.size() > 2) out += ",";
    if (out.size() - line + text.size() > list_width) {
      line = out.size();
      out += "\n  ";
    } else if (out.size() > 2) {
      out += " ";
    }
    out += text;
  }
  return out + " ]";
}

std::string comment(std::string_view text, std::string_view indent) {
  std::string rest = safe(text), out;
  while (true) {
    auto cut = rest.size() <= comment_width ? rest.size() : rest.rfind(' ', comment_width);
    if (cut == std::string::npos || cut == 0) cut = rest.size();
    out.append(indent).append(rest.empty() ? "#" : "# ").append(rest, 0, cut).append("\n");
    if (cut >= rest.size()) return out;
    rest.erase(0, cut + 1);
  }
}

std::string to_config(const std::vector<ConnectorText>& connectors) {
  const auto inbound = list(connectors, false), outbound = list(connectors, true);
  return inbound + (inbound.empty() || outbound.empty() ? "" : "\n") + outbound;
}

std::string free_name(std::string_view wanted, std::vector<std::string>& taken) {
  std::string base;
  for (const char c : to_lower(wanted)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '_';
    if (plain)
      base += c;
    else if (!base.empty() && base.back() != '-')
      base += '-';
  }
  while (!base.empty() && base.back() == '-') base.pop_back();
  if (base.empty()) base = "connector";
  base.resize(std::min(base.size(), limits::connector_name_bytes));
  auto name = base;
  for (int n = 2; std::find(taken.begin(), taken.end(), name) != taken.end(); ++n) {
    const auto suffix = "-" + std::to_string(n);
    name = base.substr(0, limits::connector_name_bytes - suffix.size()) + suffix;
  }
  taken.push_back(name);
  return name;
}

}  // namespace cm::ctl

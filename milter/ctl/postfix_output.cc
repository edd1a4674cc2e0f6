// How the lines of postfix.h are shown: as text that can be pasted, and as JSON that a script can apply with postconf(1).
//
// Pasting the whole of it must be safe: what would have to be placed or chosen first is commented out.
#include <algorithm>
#include <nlohmann/json.hpp>

#include "ctl/output.h"
#include "ctl/postfix.h"

namespace cm::ctl {
namespace {

using Place = PostfixLine::Place;

std::string show(const PostfixLine& line) {
  if (line.name.empty()) return line.value;
  return line.place == Place::main ? main_setting(line.name, line.value) : "    " + master_option(line.name, line.value);
}

struct Section {
  Place place;
  const char* heading;
};
constexpr Section sections[] = {
    {Place::main,
     "# main.cf. Of two lines for one name the last counts: where you have one already, change that; in a list our entry stands before yours,\n"
     "# with a comma between. Lines that are commented out here need a choice of yours.\n"},
    {Place::service, "# master.cf: services to add.\n"},
    {Place::stock, "# master.cf: lines for services that Postfix comes with. Take off the # below the right service.\n"},
    {Place::listener, "# master.cf: lines for the smtpd services that are our listeners. Take off the # below the right service.\n"},
    {Place::without_milter,
     "# master.cf: only if you have an smtpd service whose mail the milter does not see: smtpd_milters is emptied there, or mail comes to it\n"
     "# through smtpd_proxy_filter. Never for the one that takes mail back from a content_filter: it would lose the headers that it should have.\n"},
};

void append(std::string& out, const PostfixLine& line, bool commented_out) {
  const bool belongs_to_another = line.place != Place::main && !line.name.empty() && !line.service.empty();
  const auto who = line.place == Place::listener ? "Listener " + line.service + ": "
                   : line.place == Place::stock  ? "Service " + line.service + ": "
                                                 : "";
  out += (belongs_to_another ? "# " : "\n# ") + safe(who + line.reason) + ".\n";
  out += (commented_out ? "#" : "") + safe(show(line)) + "\n";
}

const char* file_of(Place place) { return place == Place::main ? "main.cf" : "master.cf"; }

}  // namespace

std::string main_setting(std::string_view name, std::string_view value) {
  return std::string(name) + " =" + (value.empty() ? "" : " ") + std::string(value);
}

// Only the form in braces may hold blanks.
std::string master_option(std::string_view name, std::string_view value) {
  const std::string parameter(name), setting(value);
  return setting.find_first_of(" \t") == std::string::npos ? "-o " + parameter + "=" + setting : "-o { " + parameter + " = " + setting + " }";
}

std::string to_text(const std::vector<PostfixLine>& lines) {
  std::string out;
  for (const auto& section : sections) {
    const auto is_here = [&](const auto& line) { return line.place == section.place; };
    if (std::none_of(lines.begin(), lines.end(), is_here)) continue;
    out.append(out.empty() ? "" : "\n\n").append(section.heading);
    const bool misplaced_if_pasted = section.place != Place::main && section.place != Place::service;
    for (const auto& line : lines)
      if (is_here(line)) append(out, line, misplaced_if_pasted || line.example);
  }
  return out;
}

std::string to_json(const std::vector<PostfixLine>& lines) {
  using Json = nlohmann::ordered_json;
  Json out = Json::array();
  for (const auto& line : lines) {
    Json json{{"file", file_of(line.place)}};
    if (line.place == Place::listener)
      json["listener"] = line.service;
    else if (!line.service.empty())
      json["service"] = line.service;
    if (line.place == Place::without_milter) json["without_milter"] = true;
    if (!line.name.empty()) json["name"] = line.name;
    json["value"] = line.example ? Json(nullptr) : Json(line.value);
    if (line.example) json["example"] = line.value;
    json["reason"] = line.reason;
    out.push_back(std::move(json));
  }
  return out.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

}  // namespace cm::ctl

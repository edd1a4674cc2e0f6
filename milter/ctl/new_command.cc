// `new SCENARIO`: options, and questions where it is run on a terminal, become a file for connectors.d.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <iostream>

#include "config/load.h"
#include "ctl/command.h"
#include "ctl/interview.h"
#include "ctl/new_file.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

int complain(const Context& context, const std::string& what, int status = wrong_usage) {
  context.err << "connectorctl: " << safe(what) << "\n";
  return status;
}

Beside learn(const Context& context) {
  const auto result = config::load(context.config_path);
  Beside out;
  if (!result.config) {
    context.err << "connectorctl: " << safe(context.config_path) << " cannot be used, so your own domains and connectors are not known\n";
    return out;
  }
  const auto& data = result.config->policy.data();
  out.domains = data.organization.domains;
  out.maps = result.config->service.maps.has_value();
  out.policy = result.config->service.policy.has_value();
  for (const auto& c : data.inbound) {
    out.names.push_back(c.name);
    if (!c.demands_tls()) out.clear.push_back(c.name);
    const bool about_everyone =
        std::any_of(c.sender_domains.begin(), c.sender_domains.end(), [](const auto& p) { return p.kind == DomainPattern::Kind::any; });
    if (c.is_partner() && c.enabled && c.demands_identity() && about_everyone) out.locks.push_back(c.name);
  }
  for (const auto& c : data.outbound) {
    out.names.push_back(c.name);
    if (!c.enabled || c.is_rule_scoped()) continue;
    Beside::Route route{c.name, c.at.file + ":" + std::to_string(c.at.line), {}};
    for (const auto& domain : c.recipient_domains) route.recipients.push_back(domain.to_string());
    out.routes.push_back(std::move(route));
  }
  return out;
}

// Two connectors for the same recipients: one of them would never be chosen. Empty: there is none.
std::string why_twice(const Made& made, const Beside& beside) {
  for (const auto& domain : made.recipients)
    for (const auto& route : beside.routes)
      if (std::find(route.recipients.begin(), route.recipients.end(), domain) != route.recipients.end())
        return "mail to \"" + domain + "\" leaves by the outbound connector \"" + route.name + "\" (" + route.where +
               ") already: change that one, or disable it first (enabled = false) if the new one is to take its place";
  return {};
}

// What is not there and has to be; empty: nothing.
std::string missing(const Scenario& scenario, const Answers& answers) {
  for (const auto& field : scenario.fields)
    if (field.required && !answers.contains(field.option)) return "--" + std::string(field.option);
  return {};
}

bool is_complete(const Scenario& scenario, const Answers& answers) {
  return std::none_of(scenario.fields.begin(), scenario.fields.end(),
                      [&](const Field& f) { return is_needed(f, answers) && !answers.contains(f.option); });
}

// Empty: the options fit the scenario.
std::string check_options(const Scenario& scenario, const Answers& answers) {
  for (const auto& [option, values] : answers) {
    const auto field = std::find_if(scenario.fields.begin(), scenario.fields.end(), [&](const Field& f) { return f.option == option; });
    if (field == scenario.fields.end()) return "new " + std::string(scenario.word) + " does not take --" + option;
    if (values.size() > 1 && !field->many) return "--" + option + " is given twice";
    for (const auto& value : values)
      if (const auto why = why_wrong(*field, value); !why.empty()) return "--" + option + " '" + value + "': " + why;
  }
  return {};
}

// What check says where one connector leaves another nothing to do.
bool is_repetition(const std::string& warning) { return warning.starts_with("can never be selected") || warning.starts_with("tries nothing"); }

// Where --write puts it; what is wrong with the file in its place is told, and the file is taken away again.
int write_beside(const Context& context, const Made& made) {
  namespace fs = std::filesystem;
  const auto directory = fs::absolute(context.config_path).parent_path() / "connectors.d";
  const auto path = (directory / (made.first_name + ".conf")).string();
  if (made.first_name.starts_with('.')) return complain(context, path + " would not be read: give a --name that begins with no dot");
  std::vector<std::string> known;
  for (const auto& diagnostic : config::load(context.config_path).diagnostics) known.push_back(diagnostic.to_string());
  if (const auto why = write_new_file(path, made.text); !why.empty()) return complain(context, path + " " + why, bad);
  const auto result = config::load(context.config_path);
  bool sound = true, shadows = false;
  for (const auto& diagnostic : result.diagnostics) {
    if (std::find(known.begin(), known.end(), diagnostic.to_string()) != known.end()) continue;
    context.err << safe(diagnostic.to_string()) << "\n";
    sound = sound && diagnostic.level != config::Diagnostic::Level::error;
    shadows = shadows || is_repetition(diagnostic.message);
  }
  if (!sound) {
    ::unlink(path.c_str());
    return complain(context, path + " is not kept: it does not fit the config", bad);
  }
  if (shadows) {
    ::unlink(path.c_str());
    return complain(context, path + " is not kept: another connector is about exactly this mail already; change that one", bad);
  }
  const auto advice = made.text.find("# What else there is to do");
  context.out << "Written to " << safe(path) << "\n" << made.text.substr(std::min(advice, made.text.size()));
  return success;
}

// What is printed says where to save it.
void print(const Context& context, const Made& made) {
  constexpr std::string_view first = "# 1. Here: ";
  const auto at = made.text.find(first);
  context.out << made.text.substr(0, at);
  if (at != std::string::npos)
    context.out << "# 1. Save this as connectors.d/" << made.first_name << ".conf beside the main file (or say it again with --write), then\n#    "
                << made.text.substr(at + first.size());
}

// Where the connector goes.
int deliver(const Context& context, const Made& made, const Beside& beside, const std::string& output, bool write, bool may_ask) {
  const auto twice = why_twice(made, beside);
  if (!twice.empty() && write) return complain(context, "nothing is written: " + twice, bad);
  if (!twice.empty()) complain(context, "note: " + twice);
  if (write) return write_beside(context, made);
  if (!output.empty()) {
    const auto why = write_new_file(output, made.text);
    return why.empty() ? success : complain(context, output + " " + why, bad);
  }
  if (may_ask && twice.empty() &&
      ask_yes(
          "Write it to connectors.d/" + made.first_name + ".conf",
          "yes: the file is written beside the main file and checked together with it; no: it is printed. Nothing is in force before connectorctl "
          "reload.",
          std::cin, context.err))
    return write_beside(context, made);
  print(context, made);
  return success;
}

}  // namespace

int new_connector(const Context& context, const std::string& word, std::map<std::string, std::vector<std::string>, std::less<>> answers,
                  const std::string& output, bool write) {
  if (write && !output.empty()) return complain(context, "--write and --output: expected one of them");
  const bool terminal = ::isatty(STDIN_FILENO) == 1;
  const auto all = scenarios();
  const auto found = std::find_if(all.begin(), all.end(), [&](const Scenario& s) { return s.word == word; });
  const auto* scenario = found == all.end() ? nullptr : &*found;
  if (scenario == nullptr && !terminal) {
    context.err << "connectorctl: new what? One of\n";
    list_scenarios(context.err);
    return wrong_usage;
  }
  const auto beside = learn(context);
  const bool asks = terminal && (scenario == nullptr || answers.empty() || !is_complete(*scenario, answers));
  if (scenario == nullptr) scenario = ask_for_scenario(std::cin, context.err);
  if (scenario == nullptr) return complain(context, "the input ended before an answer");
  if (const auto why = check_options(*scenario, answers); !why.empty()) return complain(context, why);
  if (asks && !ask(*scenario, answers, beside, std::cin, context.err)) return complain(context, "the input ended before an answer");
  if (const auto option = missing(*scenario, answers); !option.empty())
    return complain(context, "new " + std::string(scenario->word) + " needs " + option);
  if (const auto name = answers.find("name");
      name != answers.end() && std::find(beside.names.begin(), beside.names.end(), name->second.front()) != beside.names.end())
    return complain(context, "there is a connector '" + name->second.front() + "' already", bad);
  const auto made = scenario->make(answers, beside);
  if (!made.wrong.empty()) return complain(context, made.wrong);
  if (made.text.empty()) {
    context.out << made.no_need << "\n";
    return success;
  }
  return deliver(context, made, beside, output, write, asks && ::isatty(STDOUT_FILENO) == 1);
}

}  // namespace cm::ctl

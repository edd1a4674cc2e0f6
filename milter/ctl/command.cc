// The command table and the command line. One row a command; a row without `declare` is a command that this version does not have.
//
// Only this file knows the option parser, and it maps that parser's exit codes: wrong usage is 2, whatever was wrong.
#include "ctl/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <functional>

#include "config.h"
#include "config/load.h"
#include "ctl/explain.h"
#include "ctl/interview.h"
#include "ctl/nearest.h"
#include "ctl/output.h"
#include "ctl/scenario.h"

namespace cm::ctl {
namespace {

/// Every option of every command; a command reads its own.
struct Options {
  bool strict = false;
  std::vector<std::string> files, domains;
  std::string scenario, output, import_mode;
  bool write = false;
  std::map<std::string, std::vector<std::string>, std::less<>> answers;
  std::string name, expect, socket, postfix_version, queue_directory, key_id, key_directory, message, config_directory;
  std::optional<std::string> from;
  Question question;
};
using Run = int (*)(const Context&, const Options&);

struct Command {
  const char* name;
  const char* summary;
  void (*declare)(CLI::App&, Options&);
  Run run;
  const char* examples = "";  // command lines, a line each
  const char* exits = "";     // what the exit status says, but for wrong usage
};

// Below the options of --help. Completion stops reading at the last line.
std::string footer(std::string_view examples, std::string_view exits) {
  std::string out = "Examples:\n";
  while (!examples.empty()) {
    const auto end = std::min(examples.find('\n'), examples.size());
    out.append("    ").append(examples.substr(0, end)).append("\n");
    examples.remove_prefix(std::min(end + 1, examples.size()));
  }
  std::string all(exits);
  all.insert(std::min(all.find(", 3 "), all.size()), ", 2 wrong usage");
  return out.append("\nExit status: ").append(all).append(".\n-c and --json may stand before or after the command.");
}

/// One option with exactly one value each time it is given.
CLI::Option* add_text(CLI::App& app, const std::string& name, std::optional<std::string>& target, const std::string& help, const char* value) {
  return app
      .add_option_function<std::string>(
          name, [&target](const std::string& text) { target = text; }, help)
      ->type_name(value);
}

CLI::Option* add_list(CLI::App& app, const std::string& name, std::vector<std::string>& target, const std::string& help, const char* value) {
  return app.add_option(name, target, help)->type_name(value)->type_size(1)->expected(1)->take_all()->allow_extra_args(false);
}

void declare_nothing(CLI::App&, Options&) {}

void declare_check(CLI::App& app, Options& options) { app.add_flag("--strict", options.strict, "Warnings fail as errors do"); }

void declare_show(CLI::App& app, Options& options) { app.add_option("name", options.name, "The connector")->type_name("NAME")->required(); }

void declare_postfix(CLI::App& app, Options& options) {
  app.add_option("--postfix-version", options.postfix_version, "Version of Postfix (default: as postconf says)")->type_name("VERSION");
  app.add_option("--queue-directory", options.queue_directory, "Its queue directory (default: as postconf says)")->type_name("DIRECTORY");
}

void declare_doctor(CLI::App& app, Options& options) {
  app.add_option("--config-dir", options.config_directory, "Directory of main.cf and master.cf (default: as postconf says)")->type_name("DIRECTORY");
}

void declare_key(CLI::App& app, Options& options) {
  app.require_subcommand(1);
  auto* made = app.add_subcommand("new", "Write a new key file and print the config lines for it");
  made->add_option("id", options.key_id, "Name of the key, such as 2026a")->type_name("ID")->required();
  made->add_option("--dir", options.key_directory, "Directory of the file (default: keys beside the main config file)")->type_name("DIRECTORY");
}

void declare_verify(CLI::App& app, Options& options) {
  app.add_option("message", options.message, "The message as it was delivered; - is standard input")->type_name("FILE")->required();
  add_text(app, "--from", options.from, "Envelope sender (default: that of Return-Path)", "ADDRESS");
}

void declare_target(CLI::App& app, Options& options) {
  app.add_option("--output", options.output, "Write the connector to this new file (default: standard output)")->type_name("FILE");
  app.add_flag("--write", options.write, "Write it to connectors.d beside the main config file, unless it does not fit");
}

constexpr const char* exits_of_new = "0 the connector is written or none is needed, 1 it is not written";

std::string help_of(const Field& field) {
  std::string out(field.question);
  if (field.required)
    out += " (required)";
  else if (!field.usual.empty())
    out += " (default: " + std::string(field.usual) + ")";
  else if (field.without != "none")
    out += " (default: " + std::string(field.without) + ")";
  return out + (field.many ? "; may be repeated" : "");
}

void declare_new(CLI::App& app, Options& options) {
  app.require_subcommand(0, 1);
  const auto words = std::make_shared<CLI::Formatter>();
  words->label("SUBCOMMAND", "SCENARIO");
  app.formatter(words);
  for (const auto& scenario : scenarios()) {
    auto* sub = app.add_subcommand(std::string(scenario.word), std::string(scenario.summary))->group("Scenarios");
    sub->callback([&options, &scenario] { options.scenario = scenario.word; });
    sub->footer(footer(scenario.example, exits_of_new));
    for (const auto& field : scenario.fields) {
      const std::string option(field.option);
      sub->add_option_function<std::vector<std::string>>(
             "--" + option, [&options, option](const std::vector<std::string>& values) { options.answers[option] = values; }, help_of(field))
          ->type_name(std::string(field.value))
          ->type_size(1)
          ->expected(1)
          ->take_all()
          ->allow_extra_args(false);
    }
    declare_target(*sub, options);
  }
  declare_target(app, options);
}

void declare_import(CLI::App& app, Options& options) {
  app.add_option("file", options.files, "What ConvertTo-Json wrote of Exchange's connectors; - is standard input")->type_name("FILE")->required();
  add_list(app, "--domain", options.domains, "One of your own domains, such as .contoso.example; may be repeated. The result is then a main file",
           "DOMAIN");
  app.add_option("--mode", options.import_mode, "audit: write what restricts mail so that it only logs; enforce: as it is in Exchange (default)")
      ->type_name("MODE")
      ->check(CLI::IsMember({"audit", "enforce"}));
  app.add_option("--output", options.output, "Write the config to this new file (default: standard output)")->type_name("FILE");
}

void declare_online(CLI::App& app, Options& options) {
  app.add_option("--socket", options.socket, "Control socket (default: control.socket of the config)")->type_name("PATH");
}

void declare_explain(CLI::App& app, Options& options) {
  auto& q = options.question;
  add_text(app, "--client", q.client, "Address of the SMTP client", "IP");
  app.add_flag("--local", q.local, "Submitted on this machine instead of over SMTP");
  add_text(app, "--helo", q.helo, "HELO name; no rule looks at it", "NAME");
  add_text(app, "--listener", q.listener, "Listener of the mail server ({daemon_name})", "NAME");
  add_text(app, "--tls", q.tls, "TLS version as the mail server names it; without it the session is in clear text", "VERSION");
  add_text(app, "--cert-subject", q.cert_subject, "CN of the client certificate", "CN");
  add_text(app, "--cert-issuer", q.cert_issuer, "CN of its issuer", "CN");
  app.add_flag("--cert-unverified", q.cert_unverified, "The certificate could not be verified");
  add_text(app, "--auth", q.auth, "SASL login", "USER");
  add_text(app, "--from", q.from, "Envelope sender; '' or '<>' is the null sender", "ADDRESS");
  add_list(app, "--to", q.to, "Envelope recipient; may be repeated", "ADDRESS");
  add_list(app, "--header", q.headers, "A header field; may be repeated. Without any, header rules are not asked", "'NAME: VALUE'");
  add_text(app, "--size", q.size, "SIZE= as the client declares it", "BYTES");
  app.add_option("--expect", options.expect, "Exit with 1 if the action is another")
      ->type_name("ACTION")
      ->check(CLI::IsMember({"accept", "reject", "tempfail", "quarantine", "tag"}));
}

constexpr const char* exits_of_daemon = "0 success, 1 the config cannot be read, 3 the daemon cannot be reached";

constexpr Command commands[] = {
    {"check", "Check the config", declare_check, [](const Context& c, const Options& o) { return check(c, o.strict); },
     "connectorctl check\nconnectorctl check --strict && connectorctl reload", "0 no errors, 1 errors, or with --strict warnings"},
    {"list", "List the connectors", declare_nothing, [](const Context& c, const Options&) { return list(c); },
     "connectorctl list\nconnectorctl list --json", "0 success, 1 the config has errors"},
    {"show", "Show every effective value of one connector, and where it was set", declare_show,
     [](const Context& c, const Options& o) { return show(c, o.name); }, "connectorctl show fabrikam", "0 success, 1 there is no such connector"},
    {"explain", "Explain what would become of a message", declare_explain,
     [](const Context& c, const Options& o) { return explain_message(c, o.question, o.expect); },
     "connectorctl explain --client 203.0.113.5 --tls TLSv1.3 --from anna@fabrikam.example --to u@contoso.example\n"
     "connectorctl explain --client 192.0.2.7 --from anna@fabrikam.example --to u@contoso.example --expect reject",
     "0 whatever the verdict is, 1 it is not the one of --expect"},
    {"postfix", "Print the lines that main.cf and master.cf need for this config", declare_postfix,
     [](const Context& c, const Options& o) { return postfix(c, o.postfix_version, o.queue_directory); },
     "connectorctl postfix\nconnectorctl postfix --postfix-version 3.8.4 --queue-directory /var/spool/postfix", "0 success, 1 the config has errors"},
    {"doctor", "Find what lets mail around the connectors: the settings of Postfix and this config, compared", declare_doctor,
     [](const Context& c, const Options& o) { return doctor_command(c, o.config_directory); },
     "connectorctl doctor\nconnectorctl doctor --config-dir /etc/postfix-out",
     "0 nothing but notes, 1 errors or warnings, or Postfix cannot be read"},
    {"sendmail", "Print the lines that sendmail.mc needs for this config", declare_nothing,
     [](const Context& c, const Options&) { return sendmail(c); }, "connectorctl sendmail", "0 success, 1 the config has errors"},
    {"key", "Make a signing key", declare_key, [](const Context& c, const Options& o) { return key_new(c, o.key_id, o.key_directory); },
     "connectorctl key new 2026a", "0 success, 1 the file cannot be made or is there already"},
    {"verify", "Say whether the trust tag of a message is genuine", declare_verify,
     [](const Context& c, const Options& o) { return verify(c, o.message, o.from); },
     "connectorctl verify message.eml\nconnectorctl verify --from anna@fabrikam.example - < message.eml", "0 it is genuine, 1 it is not"},
    {"status", "Show the state of the running daemon", declare_online, [](const Context& c, const Options& o) { return status(c, o.socket); },
     "connectorctl status", exits_of_daemon},
    {"stats", "Show what became of the mail since the daemon started", declare_online,
     [](const Context& c, const Options& o) { return stats(c, o.socket); }, "connectorctl stats", exits_of_daemon},
    {"reload", "Let the running daemon read its config again", declare_online, [](const Context& c, const Options& o) { return reload(c, o.socket); },
     "connectorctl check && connectorctl reload",
     "0 the new config is in force, 1 it is refused and the old one stays, 3 the daemon cannot be reached"},
    {"new", "Write a connector for a scenario; without one, asks what you want", declare_new,
     [](const Context& c, const Options& o) { return new_connector(c, o.scenario, o.answers, o.output, o.write); },
     "connectorctl new\nconnectorctl new devices --help", exits_of_new},
    {"import", "Make connectors of an export of Exchange's", declare_import,
     [](const Context& c, const Options& o) { return import_connectors(c, o.files, o.domains, o.output, o.import_mode == "audit"); },
     "connectorctl import inbound.json outbound.json --output /etc/connector-milter/connectors.d/exchange.conf\n"
     "connectorctl import inbound.json --domain .contoso.example --mode audit",
     "0 success, 1 nothing could be written, or something became weaker than it was in Exchange"},
    {"validate", nullptr, nullptr, nullptr},
    {"trace", nullptr, nullptr, nullptr},
    {"report", nullptr, nullptr, nullptr},
    {"replay", nullptr, nullptr, nullptr},
    {"diagram", nullptr, nullptr, nullptr},
};

void declare(CLI::App& app, Context& context, Options& options, const Command*& chosen) {
  app.set_version_flag("--version", "connectorctl " PACKAGE_VERSION);
  app.add_option("-c", context.config_path, "Main config file")->type_name("FILE")->take_last()->capture_default_str();
  app.add_flag("--json", context.json, "Print data as JSON");
  app.require_subcommand(1);
  app.fallthrough();  // -c and --json may stand after the command, too
  for (const auto& command : commands) {
    auto* sub = app.add_subcommand(command.name, command.run ? command.summary : "Not implemented in this version");
    sub->callback([&chosen, &command] { chosen = &command; });
    sub->footer(footer(command.examples, command.exits));
    if (command.run)
      command.declare(*sub, options);
    else
      sub->group("")->fallthrough(false)->prefix_command()->set_help_flag();  // hidden; whatever follows is of no interest
  }
  app.footer(footer("connectorctl check\nconnectorctl explain --help", "0 success, 1 the thing asked about is bad, 3 the daemon cannot be reached"));
}

// The parser takes `--from=` for an option whose value is the next word; the value is empty.
std::vector<std::string> split_empty_values(std::vector<std::string> arguments) {
  std::vector<std::string> out;
  for (auto& argument : arguments) {
    const bool empty = argument.size() > 3 && argument.starts_with("--") && argument.find('=') == argument.size() - 1;
    if (empty) argument.pop_back();
    out.push_back(std::move(argument));
    if (empty) out.emplace_back();
  }
  return out;
}

// The command that the words so far have led to.
const CLI::App& innermost(const CLI::App& app) {
  const auto* found = &app;
  while (!found->get_subcommands().empty()) found = found->get_subcommands().back();
  return *found;
}

std::vector<std::string> subcommands_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* sub : app.get_subcommands([](const CLI::App* s) { return !s->get_group().empty(); })) out.push_back(sub->get_name());
  return out;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> out;
  for (const auto* at = &app; at != nullptr; at = at->get_parent())
    for (const auto* option : at->get_options())
      for (const auto& name : option->get_lnames()) out.push_back(name);
  return out;
}

// "connectorctl key new"
std::string words_of(const CLI::App& app) {
  std::string out = app.get_name();
  for (const auto* part = app.get_parent(); part != nullptr; part = part->get_parent()) out = part->get_name() + " " + out;
  return out;
}

// What people call the devices, whose scenario has another name.
constexpr std::string_view devices[] = {"printer", "printers", "scanner", "scanners", "application", "applications"};

// The scenario that is nearest to a word.
std::string nearest_scenario(std::string_view word, std::vector<std::string> known) {
  known.insert(known.end(), std::begin(devices), std::end(devices));
  auto meant = nearest(word, known);
  return std::find(std::begin(devices), std::end(devices), meant) == std::end(devices) ? meant : "devices";
}

// A word that nothing was declared for, and the one that may have been meant.
std::string unknown(const CLI::App& at, const std::string& given) {
  const bool is_option = given.size() > 1 && given.starts_with('-');
  const auto word = is_option ? given.substr(0, given.find('=')) : given;
  const auto bare = word.substr(is_option ? std::min(word.size(), word.find_first_not_of('-')) : 0);
  const auto known = is_option ? options_of(at) : subcommands_of(at);
  const auto meant = !is_option && at.get_name() == "new" ? nearest_scenario(bare, known) : nearest(bare, known);
  const auto quoted = "'" + safe(word) + "'";
  if (!meant.empty() && word == (is_option ? "--" : "") + meant) return quoted + " belongs behind " + words_of(at) + ";";
  const auto* what = is_option ? "option" : known.empty() ? "argument" : at.get_name() == "new" ? "scenario" : "command";
  return std::string("unknown ") + what + " " + quoted + (meant.empty() ? ";" : "; did you mean " + std::string(is_option ? "--" : "") + meant + "?");
}

int complain(const CLI::App& app, const CLI::ParseError& problem, std::ostream& err) {
  const auto rest = app.remaining(true);
  const auto& at = innermost(app);
  err << "connectorctl: " << (rest.empty() ? safe(problem.what()) + ";" : unknown(at, rest.front())) << " " << words_of(at) << " --help tells more\n";
  if (at.get_name() == "new" && !rest.empty() && !rest.front().starts_with('-')) list_scenarios(err);
  return wrong_usage;
}

}  // namespace

int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err) {
  Context context{config::default_path, false, out, err};
  Options options;
  const Command* chosen = nullptr;
  CLI::App app("Checks the config of connector-milter, explains its decisions, talks to the running daemon.", "connectorctl");
  declare(app, context, options, chosen);
  arguments = split_empty_values(std::move(arguments));
  std::reverse(arguments.begin(), arguments.end());  // the order in which the parser wants them
  try {
    app.parse(std::move(arguments));
  } catch (const CLI::ParseError& problem) {
    if (problem.get_exit_code() == 0) return app.exit(problem, out, err), success;  // --help, --version
    return complain(app, problem, err);
  }
  if (chosen->run) return chosen->run(context, options);
  err << "connectorctl: '" << chosen->name << "' is not implemented in this version\n";
  return wrong_usage;
}

}  // namespace cm::ctl

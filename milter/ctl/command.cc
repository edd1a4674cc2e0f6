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
};

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

void declare_new(CLI::App& app, Options& options) {
  std::string words;
  for (const auto& scenario : scenarios()) words += (words.empty() ? "" : ", ") + std::string(scenario.word);
  app.add_option("scenario", options.scenario, words + "; without it you are asked")->type_name("SCENARIO");
  for (const auto* field : all_fields()) {
    const std::string option(field->option);
    app.add_option_function<std::vector<std::string>>(
           "--" + option, [&options, option](const std::vector<std::string>& values) { options.answers[option] = values; },
           std::string(field->question) + (field->many ? "; may be repeated" : ""))
        ->type_name(std::string(field->value))
        ->type_size(1)
        ->expected(1)
        ->take_all()
        ->allow_extra_args(false);
  }
  auto* output = app.add_option("--output", options.output, "Write the connector to this new file (default: standard output)")->type_name("FILE");
  app.add_flag("--write", options.write, "Write it to connectors.d beside the main config file")->excludes(output);
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

constexpr Command commands[] = {
    {"check", "Check the config", declare_check, [](const Context& c, const Options& o) { return check(c, o.strict); }},
    {"list", "List the connectors", declare_nothing, [](const Context& c, const Options&) { return list(c); }},
    {"show", "Show every effective value of one connector, and where it was set", declare_show,
     [](const Context& c, const Options& o) { return show(c, o.name); }},
    {"explain", "Explain what would become of a message", declare_explain,
     [](const Context& c, const Options& o) { return explain_message(c, o.question, o.expect); }},
    {"postfix", "Print the lines that main.cf and master.cf need for this config", declare_postfix,
     [](const Context& c, const Options& o) { return postfix(c, o.postfix_version, o.queue_directory); }},
    {"doctor", "Find what lets mail around the connectors: the settings of Postfix and this config, compared", declare_doctor,
     [](const Context& c, const Options& o) { return doctor_command(c, o.config_directory); }},
    {"sendmail", "Print the lines that sendmail.mc needs for this config", declare_nothing,
     [](const Context& c, const Options&) { return sendmail(c); }},
    {"key", "Make a signing key", declare_key, [](const Context& c, const Options& o) { return key_new(c, o.key_id, o.key_directory); }},
    {"verify", "Say whether the trust tag of a message is genuine", declare_verify,
     [](const Context& c, const Options& o) { return verify(c, o.message, o.from); }},
    {"status", "Show the state of the running daemon", declare_online, [](const Context& c, const Options& o) { return status(c, o.socket); }},
    {"stats", "Show what became of the mail since the daemon started", declare_online,
     [](const Context& c, const Options& o) { return stats(c, o.socket); }},
    {"reload", "Let the running daemon read its config again", declare_online,
     [](const Context& c, const Options& o) { return reload(c, o.socket); }},
    {"new", "Write a connector for a scenario; without one, asks what you want", declare_new,
     [](const Context& c, const Options& o) { return new_connector(c, o.scenario, o.answers, o.output, o.write); }},
    {"import", "Make connectors of an export of Exchange's", declare_import,
     [](const Context& c, const Options& o) { return import_connectors(c, o.files, o.domains, o.output, o.import_mode == "audit"); }},
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
  app.footer(
      "-c and --json may stand before or after the command. Exit status: 0 success, 1 the thing asked about is bad,\n"
      "2 wrong usage, 3 the daemon cannot be reached.");
  app.fallthrough();  // -c and --json may stand after the command, too
  for (const auto& command : commands) {
    auto* sub = app.add_subcommand(command.name, command.run ? command.summary : "Not implemented in this version");
    sub->callback([&chosen, &command] { chosen = &command; });
    if (command.run)
      command.declare(*sub, options);
    else
      sub->group("")->fallthrough(false)->prefix_command()->set_help_flag();  // hidden; whatever follows is of no interest
  }
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

int complain(const CLI::App& app, const CLI::ParseError& problem, std::ostream& err) {
  const auto unknown = app.remaining();
  err << "connectorctl: ";
  if (app.get_subcommands().empty() && !unknown.empty())
    err << "unknown command '" << safe(unknown.front()) << "'";
  else
    err << safe(problem.what());
  err << "; --help tells more\n";
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

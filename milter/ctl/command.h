// connectorctl's commands: what each is given and what its exit status means. The table of them is in command.cc.
//
// Commands print to the streams they are handed and return an exit status; they never call exit() and never throw for bad input.
#pragma once

#include <map>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

namespace cm::ctl {

/// Exit status of every command.
enum Exit : int { success = 0, bad = 1, wrong_usage = 2, unreachable = 3 };

/// What all commands share.
struct Context {
  std::string config_path;
  bool json = false;
  std::ostream& out;
  std::ostream& err;
};

struct Question;

int check(const Context& context, bool strict);
int list(const Context& context);
int show(const Context& context, const std::string& name);
/// `expect`: the action that the message must get; empty: any will do.
int explain_message(const Context& context, const Question& question, const std::string& expect);
/// `version` of Postfix and its queue directory; empty: as postconf(1) says.
int postfix(const Context& context, const std::string& version, const std::string& queue_directory);
/// What sendmail.mc needs.
int sendmail(const Context& context);
/// A new signing key in the file DIRECTORY/ID, which must not be there yet. `directory` empty: `keys` beside the main config file.
int key_new(const Context& context, const std::string& id, const std::string& directory);
/// Whether the trust tag of a delivered message is genuine. `from`: the envelope sender, if the message has no Return-Path.
int verify(const Context& context, const std::string& file, const std::optional<std::string>& from);
/// Exchange connectors in `files` ("-": standard input) as a config on the output stream, or in the new file `output`. With `domains` a main file,
/// without a file for connectors.d, beside the config of `context`. `bad` also if something is weaker than it was.
int import_connectors(const Context& context, const std::vector<std::string>& files, const std::vector<std::string>& domains,
                      const std::string& output, bool audit);
/// A connector for one of the scenarios (empty: it is asked for), of `answers` by option name and of questions on a terminal. On the output
/// stream, in the new file `output`, or, with `write`, in connectors.d beside the main config file.
int new_connector(const Context& context, const std::string& scenario, std::map<std::string, std::vector<std::string>, std::less<>> answers,
                  const std::string& output, bool write);
/// Postfix and this config, compared. `directory`: of its main.cf; empty: as postconf(1) says. `bad` with findings that are no notes.
int doctor_command(const Context& context, const std::string& directory);
/// `socket`: path of the control socket; empty: as the config says.
int status(const Context& context, const std::string& socket);
int stats(const Context& context, const std::string& socket);
int reload(const Context& context, const std::string& socket);

/// The whole program. `arguments` without the program's name.
int run(std::vector<std::string> arguments, std::ostream& out, std::ostream& err);

}  // namespace cm::ctl

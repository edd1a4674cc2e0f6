// The scenarios of `connectorctl new`: what has to be known for each, and the config file that follows from it.
//
// The rule: an answer is read by the parsers that read the config, so what is accepted here is accepted there. What restricts or redirects
// mail begins in mode "audit", what grants something works at once; --mode decides for both.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "policy/domain.h"

namespace cm::ctl {

/// Values by option name without its dashes ("source").
using Answers = std::map<std::string, std::vector<std::string>, std::less<>>;

/// One thing that is asked, on the command line or on a terminal.
struct Field {
  std::string_view option;
  std::string_view value;     // as in --help: "IP"
  std::string_view question;  // on a terminal; also the help of the option
  std::string_view help;      // what `?` tells: what it is about, and where an administrator finds it
  std::string_view example;   // that would be taken; several are divided by ", "
  bool many = false;
  bool required = false;
  std::string_view usual = {};                              // what an empty answer means; may be empty
  std::string_view without = "none";                        // then: what follows from no answer, in brackets
  bool (*is_asked)(const Answers& so_far) = nullptr;        // null: always
  bool (*is_needed)(const Answers& so_far) = nullptr;       // required once it is asked; null: `required` says so
  std::string (*why_not)(std::string_view text) = nullptr;  // what is wrong with an answer, empty if nothing; null: any text
};

/// What is known of the config that the new connectors will stand in.
struct Beside {
  std::vector<DomainPattern> domains;  // our own; empty: not known
  std::vector<std::string> names;      // of connectors
  std::vector<std::string> locks;      // partners that claim mail of every sender by identity
  std::vector<std::string> clear;      // inbound connectors that take mail in clear text
  struct Route {
    std::string name, where;              // FILE:LINE
    std::vector<std::string> recipients;  // patterns as the config writes them
  };
  std::vector<Route> routes;  // outbound connectors in use that a recipient's domain alone selects
  bool maps = false, policy = false;
};

struct Made {
  std::string text;                          // of the config file; empty: no connector is needed
  std::string no_need;                       // then: why
  std::string wrong;                         // the answers do not make a connector: what is missing
  std::string first_name;                    // of the connectors in it
  std::vector<std::string> recipients = {};  // domains that its outbound connectors are about
};

struct Scenario {
  std::string_view word;
  std::string_view summary;  // answers "what do you want?"
  std::string_view example;  // a command line
  std::span<const Field> fields;
  Made (*make)(const Answers& answers, const Beside& beside);
};

std::span<const Scenario> scenarios();
/// Whether there is no connector without an answer to `field`.
bool is_needed(const Field& field, const Answers& so_far);

}  // namespace cm::ctl

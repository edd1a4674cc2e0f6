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
  bool many = false;
  bool required = false;
  std::string_view usual = {};                              // what an empty answer means; may be empty
  bool (*is_asked)(const Answers& so_far) = nullptr;        // null: always
  std::string (*why_not)(std::string_view text) = nullptr;  // what is wrong with an answer, empty if nothing; null: any text
};

/// What is known of the config that the new connectors will stand in.
struct Beside {
  std::vector<DomainPattern> domains;  // our own; empty: not known
  std::vector<std::string> names;      // of connectors
  std::vector<std::string> locks;      // partners that claim mail of every sender by identity
  bool maps = false, policy = false;
};

struct Made {
  std::string text;        // of the config file; empty: no connector is needed
  std::string no_need;     // then: why
  std::string wrong;       // the answers do not make a connector: what is missing
  std::string first_name;  // of the connectors in it
};

struct Scenario {
  std::string_view word;
  std::string_view summary;  // answers "what do you want?"
  std::span<const Field> fields;
  Made (*make)(const Answers& answers, const Beside& beside);
};

std::span<const Scenario> scenarios();
/// Every option of some scenario, each once.
std::vector<const Field*> all_fields();

}  // namespace cm::ctl

// Exchange connectors -> connectors of ours, and everything that is not the same.
//
// The rule: never silently weaker. What cannot be said here is told with its consequence; a grant that would be wider than Exchange's is
// written disabled, and a restriction that would be weaker is an error. What `check` would refuse is never written as if it were in force.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/domain.h"
#include "policy/parsed.h"

namespace cm::ctl {

struct ImportRemark {
  bool error = false;      // the connector is not in force here, and mail may be treated less strictly until it is
  std::string cmdlet;      // "InboundConnector"
  std::string connector;   // its name in Exchange
  std::string written_as;  // its name here; empty: it has no entry
  std::string parameter;   // of Exchange; empty: the connector as a whole
  std::string message;     // what it was, and what follows
  bool note = false;       // no error, and no difference of a connector: a setting that the mail server has once for all mail
};

/// What is known of the place where the config will be used.
struct ImportSettings {
  std::vector<DomainPattern> domains;     // our own; empty: not known
  bool whole = false;                     // write a main file instead of one for connectors.d
  std::vector<std::string> names;         // of connectors that are there already
  std::vector<std::string> listeners;     // declared already
  std::vector<std::string> sources = {};  // names of the files, for the comment at the top
  bool audit = false;                     // restrictions are written in mode "audit"
  bool maps = false;                      // the main file has them
};

struct Imported {
  std::string text;                                      // of the config file
  std::vector<ImportRemark> remarks;                     // errors first, notes last
  std::vector<std::string> notes;                        // the same as a block, a line each: equal ones of several connectors are one
  std::size_t in_force = 0, disabled = 0, left_out = 0;  // connectors in `text`
  std::size_t restricting = 0, about_everyone = 0;       // partners in force; those of them for senders of every domain
  std::size_t outbound = 0;                              // in force
};

/// Above the notes.
inline constexpr std::string_view notes_head =
    "Set once for all mail by the mail server, so no connector has it here; see that main.cf says what you want:";

/// `exports`: the text of each file. An error says which is no export, and why.
Parsed<Imported> import_exchange(const std::vector<std::string>& exports, const ImportSettings& settings);

}  // namespace cm::ctl

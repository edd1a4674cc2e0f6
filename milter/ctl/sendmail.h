// `connectorctl sendmail`: a config -> exactly what it needs in sendmail.mc, each line with its reason.
//
// The rule is that of postfix.h: a line is there only if some enabled connector, in mode audit, too, needs it. It never reads or changes
// the Sendmail configuration. What the milter must be told of a message is not here: it asks Sendmail itself when it is connected
// (session/mta.h), and confMILTER_MACROS_* would not change that. The private Sendmail of the tests takes the very text that is printed.
//
// Sources: cf/README and doc/op of Sendmail 8.17, libmilter.
#pragma once

#include <string>
#include <vector>

#include "config/load.h"
#include "policy/policy.h"

namespace cm::ctl {

struct SendmailLine {
  enum class Kind {
    macro,     // a line of sendmail.mc
    example,   // the same, but its value is the administrator's to choose
    listener,  // what stands in the DAEMON_OPTIONS of that listener
    note       // no line: something that Sendmail does not do
  };
  Kind kind = Kind::macro;
  std::string listener;  // the name of it
  std::string value;     // in m4's syntax; empty: a note
  std::string reason;    // one line
};

std::vector<SendmailLine> sendmail_lines(const PolicyData& policy, const config::Service& service);

/// To be pasted into sendmail.mc, above its first other INPUT_MAIL_FILTER and below every include: what has to be chosen is commented out.
std::string to_text(const std::vector<SendmailLine>& lines);
/// An array of objects: listener (if it is for one), value (null if there is none, or the administrator has to choose), example, reason.
std::string to_json(const std::vector<SendmailLine>& lines);

}  // namespace cm::ctl

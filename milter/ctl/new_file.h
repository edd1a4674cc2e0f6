// A file that a command writes for the administrator. The rule: nothing that is there is ever overwritten.
#pragma once

#include <string>

namespace cm::ctl {

/// Mode 0644 less the umask. Empty if all went well, else why not, as a clause about the file; nothing is left behind then.
std::string write_new_file(const std::string& path, const std::string& text);

}  // namespace cm::ctl

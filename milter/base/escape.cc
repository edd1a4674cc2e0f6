// Escaping for log lines. The output is ASCII without control characters, whatever comes in.
#include "base/escape.h"

#include <algorithm>

namespace cm {
namespace {

bool is_plain(char c) { return c > ' ' && c <= '~' && c != '"' && c != '\\'; }

}  // namespace

void append_quoted(std::string& line, std::string_view value, std::size_t most) {
  constexpr char hex[] = "0123456789abcdef";
  const auto start = line.size();
  line += '"';
  for (const char c : value) {
    if (line.size() - start > most) {
      line += "...";
      break;
    }
    if (is_plain(c) || c == ' ') {
      line += c;
    } else if (c == '"' || c == '\\') {
      line += '\\';
      line += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      line += "\\x";
      line += hex[byte >> 4];
      line += hex[byte & 15];
    }
  }
  line += '"';
}

void append_value(std::string& line, std::string_view value, std::size_t most) {
  if (value.size() <= most && !value.empty() && std::all_of(value.begin(), value.end(), is_plain))
    line += value;
  else
    append_quoted(line, value, most);
}

}  // namespace cm

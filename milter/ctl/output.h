// What every command does with text before it is printed.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cm::ctl {

/// For a terminal: control bytes become `?`; UTF-8 stays readable.
inline std::string safe(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
  return out;
}

inline std::string join(const std::vector<std::string>& words, std::string_view separator) {
  std::string out;
  for (const auto& word : words) out.append(out.empty() ? "" : separator).append(word);
  return out;
}

}  // namespace cm::ctl

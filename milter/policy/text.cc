// UTF-8 as RFC 3629 has it, and echo without anything but printable ASCII. Never decodes.
#include "policy/text.h"

#include <charconv>

namespace cm::text {

bool is_utf8(std::string_view in) {
  for (std::size_t at = 0; at < in.size();) {
    const auto lead = static_cast<unsigned char>(in[at++]);
    if (lead < 0x80) continue;
    const int more = lead >= 0xc2 && lead <= 0xdf ? 1 : (lead & 0xf0) == 0xe0 ? 2 : lead >= 0xf0 && lead <= 0xf4 ? 3 : 0;
    if (more == 0 || in.size() - at < static_cast<std::size_t>(more)) return false;
    const auto second = static_cast<unsigned char>(in[at]);
    if ((lead == 0xe0 && second < 0xa0) || (lead == 0xed && second > 0x9f) || (lead == 0xf0 && second < 0x90) || (lead == 0xf4 && second > 0x8f))
      return false;
    for (int i = 0; i < more; ++i)
      if ((static_cast<unsigned char>(in[at++]) & 0xc0) != 0x80) return false;
  }
  return true;
}

std::string unfold(std::string_view value) {
  constexpr std::string_view blank = " \t\r\n";
  std::string out;
  out.reserve(value.size());
  for (value = trim(value); !value.empty();) {
    const auto line_end = std::min(value.find_first_of("\r\n"), value.size());
    out += trim(value.substr(0, line_end));
    value.remove_prefix(std::min(value.find_first_not_of(blank, line_end), value.size()));
    if (!value.empty()) out += ' ';
  }
  return out;
}

bool has_bare_cr(std::string_view in) {
  for (auto at = in.find('\r'); at != std::string_view::npos; at = in.find('\r', at + 1))
    if (at + 1 == in.size() || in[at + 1] != '\n') return true;
  return false;
}

std::string printable(std::string_view in, std::size_t most) {
  std::string out(in.substr(0, most));
  std::replace_if(
      out.begin(), out.end(), [](char c) { return c < ' ' || c > '~'; }, '?');
  if (in.size() > most) out += "...";
  return out;
}

std::string quote_local(std::string_view local) {
  const bool dot_atom = !local.empty() && !local.starts_with('.') && !local.ends_with('.') && local.find("..") == std::string_view::npos &&
                        std::all_of(local.begin(), local.end(), [](char c) { return is_atext(c) || c == '.'; });
  if (dot_atom || local.find_first_of(std::string_view("\r\n\0", 3)) != std::string_view::npos) return std::string(local);
  std::string out = "\"";
  for (const char c : local) {
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  return out + "\"";
}

std::string decode_xtext(std::string_view in) {
  std::string out;
  for (std::size_t at = 0; at < in.size(); ++at) {
    unsigned char byte = 0;
    if (in[at] == '+' && in.size() - at > 2 && std::from_chars(in.data() + at + 1, in.data() + at + 3, byte, 16).ptr == in.data() + at + 3) {
      out += static_cast<char>(byte);
      at += 2;
    } else {
      out += in[at];
    }
  }
  return out;
}

}  // namespace cm::text

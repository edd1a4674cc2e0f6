// Small lexical rules that several parsers share: what an atom may hold, quoted strings, UTF-8, bare CR, and safe echo of untrusted text.
#pragma once

#include <algorithm>
#include <string>
#include <string_view>

namespace cm::text {

/// RFC 5322 section 3.2.3 atext, and the UTF-8 bytes that RFC 6532 adds.
inline bool is_atext(char c) {
  const auto u = static_cast<unsigned char>(c);
  return u >= 0x80 || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         (c != '\0' && std::string_view("!#$%&'*+-/=?^_`{|}~").find(c) != std::string_view::npos);
}

/// Reads a quoted string at the start of `in`, appends its content to `out`, returns its length or npos. CR, LF and NUL end it badly.
inline std::size_t read_quoted(std::string_view in, std::string& out) {
  for (std::size_t at = 1; at < in.size(); ++at) {
    if (in[at] == '"') return at + 1;
    if (in[at] == '\\' && ++at == in.size()) break;
    if (in[at] == '\r' || in[at] == '\n' || in[at] == '\0') break;
    out += in[at];
  }
  return std::string_view::npos;
}

/// A local part as it stands in an address: in quotes unless it is a dot-atom (RFC 5322 section 3.4.1). One
/// with CR, LF or NUL has no place in an address and stays as it is.
std::string quote_local(std::string_view local);

/// Without blanks and line breaks at either end.
inline std::string_view trim(std::string_view in) {
  constexpr std::string_view blank = " \t\r\n";
  const auto first = in.find_first_not_of(blank);
  return first == std::string_view::npos ? std::string_view{} : in.substr(first, in.find_last_not_of(blank) - first + 1);
}

/// A header field's value as one line: a fold becomes one space, however it was written, and blanks at either end are no part of it.
std::string unfold(std::string_view value);

/// Well-formed UTF-8 without overlong forms and surrogates (RFC 3629 section 4).
bool is_utf8(std::string_view in);

/// A CR that no LF follows: one reader sees a line end there, another does not, and so they see two different messages.
bool has_bare_cr(std::string_view in);

/// For replies: every byte that is not printable ASCII becomes `?`, and what is over `most` bytes is replaced by `...`.
std::string printable(std::string_view in, std::size_t most);

/// RFC 3461 section 4: `+` and two hexadecimal digits stand for a byte. What is no such escape stays as it is.
std::string decode_xtext(std::string_view in);

}  // namespace cm::text

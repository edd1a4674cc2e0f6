// Header names and values that a config may have us add or remove. The rule: never add or remove a field that a message stands on.
#include "config/fields.h"

#include <algorithm>

#include "config/report.h"
#include "policy/address.h"
#include "policy/domain.h"
#include "policy/limits.h"
#include "policy/text.h"

namespace cm::config {
namespace {

constexpr std::size_t longest_name = 64, longest_value = 900;  // a line may have 998 bytes (RFC 5322 section 2.1.1)

// Fields that say what a message is or where it has been: RFC 5322 section 3.6, RFC 2045 section 3 and Postfix's own loop mark.
constexpr std::string_view structural[] = {"From",        "Sender",       "Reply-To",     "To",         "Cc",      "Bcc",
                                           "Date",        "Message-ID",   "In-Reply-To",  "References", "Subject", "Received",
                                           "Return-Path", "Delivered-To", "MIME-Version", "Content-",   "Resent-"};
// Signatures bind what they were made for (RFC 6376, RFC 8617): a fixed one can only be wrong, removing one is a choice.
constexpr std::string_view signatures[] = {"DKIM-Signature", "ARC-"};

// `pattern` ends in `-` for a family.
bool names(std::string_view pattern, std::string_view name) {
  return pattern.ends_with('-') ? equals_ignoring_case(pattern, name.substr(0, pattern.size())) : equals_ignoring_case(pattern, name);
}
bool is_structural(std::string_view name) {
  return std::any_of(std::begin(structural), std::end(structural), [name](auto p) { return names(p, name); });
}
bool begins_structural(std::string_view start) {
  return std::any_of(std::begin(structural), std::end(structural),
                     [start](auto p) { return equals_ignoring_case(p.substr(0, start.size()), start) || (p.ends_with('-') && names(p, start)); });
}

bool is_own(std::string_view name, std::string_view prefix) { return equals_ignoring_case(name, prefix) || names(std::string(prefix) + "-", name); }

}  // namespace

bool is_plain_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::connector_name_bytes && std::all_of(name.begin(), name.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
  });
}

std::string check_field_name(std::string_view name) {
  if (name.empty()) return "the header name is empty";
  if (name.size() > longest_name) return "the header name is longer than 64 bytes";
  for (const char c : name)
    if (c <= ' ' || c > '~' || c == ':') return quote(name) + " is no header name: printable ASCII without blanks and colon was expected";
  return {};
}

std::string check_field_value(std::string_view value) {
  if (value.empty()) return "the header value is empty";
  if (value.size() > longest_value) return "the header value is longer than 900 bytes";
  for (const char c : value)
    if (c == '\r' || c == '\n') return "the header value holds a line end: it must be one line";
  for (const char c : value)
    if ((c < ' ' && c != '\t') || c > '~')
      return quote(value) + " is no header value: printable ASCII was expected (other text needs RFC 2047 encoding)";
  if (value.front() == ' ' || value.front() == '\t' || value.back() == ' ' || value.back() == '\t')
    return "the header value begins or ends with a blank";
  return {};
}

std::string check_added_field(std::string_view name, std::string_view own_prefix) {
  if (auto why = check_field_name(name); !why.empty()) return why;
  if (is_own(name, own_prefix)) return quote(name) + " belongs to our own family (headers.prefix): choose another name, such as \"X-Contoso-Origin\"";
  const bool signature = std::any_of(std::begin(signatures), std::end(signatures), [name](auto p) { return names(p, name); });
  if (is_structural(name) || signature)
    return quote(name) + " is a field the message itself has: adding a second one breaks it; use a name that begins with X-";
  return {};
}

std::string check_condition_field(std::string_view name, std::string_view own_prefix) {
  if (auto why = check_field_name(name); !why.empty()) return why;
  if (is_own(name, own_prefix)) return quote(name) + " belongs to our own family (headers.prefix), which is removed from all mail: this never holds";
  return {};
}

std::string check_strip_pattern(std::string_view pattern) {
  const bool family = pattern.ends_with('*');
  const auto name = family ? pattern.substr(0, pattern.size() - 1) : pattern;
  if (name.find('*') != std::string_view::npos) return quote(pattern) + ": a wildcard may only be the last character";
  if (family && name.empty()) return "\"*\" would remove every header: name a family, such as \"X-Contoso-*\"";
  if (auto why = check_field_name(name); !why.empty()) return why;
  if (family ? begins_structural(name) : is_structural(name))
    return quote(pattern) + " covers fields a message cannot lose, such as From or Received";
  return {};
}

std::string check_prefix(std::string_view prefix) {
  if (auto why = check_field_name(prefix); !why.empty()) return why;
  const bool plain = std::all_of(prefix.begin(), prefix.end(),
                                 [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; });
  if (!plain || prefix.front() == '-' || prefix.back() == '-')
    return quote(prefix) + " is no header prefix: letters, digits and inner hyphens were expected, such as \"X-Connector\"";
  if (prefix.size() > 32) return "the prefix is longer than 32 bytes";
  if (equals_ignoring_case(prefix, "X")) return "\"X\" would make every X- header ours: choose a longer prefix, such as \"X-Connector\"";
  if (is_structural(prefix) || begins_structural(std::string(prefix) + "-"))
    return quote(prefix) + " is or covers a field every message has: all of its family would be removed; choose one such as \"X-Connector\"";
  return {};
}

Parsed<std::string> read_mailbox(std::string_view text) {
  using Result = Parsed<std::string>;
  const auto wrong = quote(text) + " is no address to send from: expected one such as \"scans@contoso.example\"";
  const auto address = Address::from_argument(text);
  if (!address.is_valid()) return Result::error(wrong + " (" + address.why + ")");
  const auto local = text.substr(0, text.find('@'));
  const bool plain = std::all_of(local.begin(), local.end(), [](char c) { return (text::is_atext(c) || c == '.') && c > 0 && c != '%' && c != '!'; });
  if (address.is_null() || local.empty() || !plain || address.domain.empty() || address.domain.starts_with('[')) return Result::error(wrong);
  return Result(std::string(local) + "@" + address.domain);
}

}  // namespace cm::config

// What a header field name, a header value or a name pattern in the config may be (RFC 5322 section 2.2).
#pragma once

#include <string>
#include <string_view>

#include "policy/parsed.h"

namespace cm::config {

/// 1 to 64 letters, digits, `.`, `_` or `-`: what a connector or a key may be called.
bool is_plain_name(std::string_view name);

/// Each returns what is wrong, or nothing. Values: printable ASCII on one line, at most 900 bytes.
std::string check_field_name(std::string_view name);
std::string check_field_value(std::string_view value);
/// A field of our own with a fixed value, beside what the message has: not one that says what the message is or where it has been.
std::string check_added_field(std::string_view name, std::string_view own_prefix);
/// A field that a message may still have when its headers are asked: not one of our family, which never comes in.
std::string check_condition_field(std::string_view name, std::string_view own_prefix);
/// `X-Name` or `X-Name-*`; removing it must not break the message.
std::string check_strip_pattern(std::string_view pattern);
std::string check_prefix(std::string_view prefix);

/// A full address that means the same to every mail server: ASCII without quotes, `%` and `!`. Returned with its domain normalised.
Parsed<std::string> read_mailbox(std::string_view text);

}  // namespace cm::config

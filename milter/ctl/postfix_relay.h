// Relaying for grants with `require_header`: part of `connectorctl postfix` (postfix.h).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "ctl/postfix.h"

namespace cm::ctl {

/// smtpd_relay_restrictions on this listener (empty: on all); `more`: what else may relay, with a comma behind it.
using RelayRestrictions = std::function<std::string(const std::string& listener, const std::string& more)>;

/// What the administrator must let through for mail whose header decides, one choice a connector; all of them are examples.
void add_relay_by_header(const PolicyData& policy, const RelayRestrictions& restrictions, std::vector<PostfixLine>& lines);

}  // namespace cm::ctl

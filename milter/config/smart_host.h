// A smart host as a config names it -> the next hop as the MTA is told.
#pragma once

#include <string_view>

#include "policy/outbound.h"
#include "policy/parsed.h"

namespace cm::config {

/// `host` (its MX), `[host]`, `[host]:port`; in brackets the host may be an IPv4 or IPv6 address. An error names the form that was expected.
/// Source: Postfix transport(5), "The interpretation of the nexthop field".
Parsed<SmartHost> parse_smart_host(std::string_view text);

}  // namespace cm::config

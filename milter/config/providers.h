// What every tenant of a big mail provider shares: the certificate names and source ranges of its outbound servers.
//
// Only for warnings, so it need not be complete; nothing is decided by it. Facts as of 2025-06.
#pragma once

#include <string_view>

#include "policy/domain.h"
#include "policy/ip.h"

namespace cm::config {

/// The provider whose servers present names that `pattern` meets; empty if none is known.
std::string_view provider_of_certificate(const DomainPattern& pattern);
/// The provider that sends from an address in `source`; empty if none is known.
std::string_view provider_of_source(const Source& source);

}  // namespace cm::config

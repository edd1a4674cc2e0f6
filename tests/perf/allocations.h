// How often this program has asked for memory: allocations.cc replaces the global operator new. For benchmarks only.
#pragma once

#include <cstdint>

namespace cm::perf {

std::uint64_t allocations();

}  // namespace cm::perf

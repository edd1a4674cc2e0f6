// Whether the steps of a decision tell the truth.
#pragma once

#include <string>

#include "policy/decision.h"
#include "policy/facts.h"

namespace cm::reference {

/// What is wrong with the completed steps of a decision, in words; empty if nothing is.
std::string untruth(const PolicyData& policy, const Facts& facts, const Decision& decision, const Steps& steps);

}  // namespace cm::reference

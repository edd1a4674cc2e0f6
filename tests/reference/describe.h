// A policy, a message and a decision in words, for the reader of a mismatch.
#pragma once

#include <string>

#include "policy/decision.h"
#include "policy/facts.h"
#include "policy/policy.h"

namespace cm::reference {

std::string describe(const PolicyData& policy);
std::string describe(const Facts& facts);
std::string describe(const Decision& decision);

}  // namespace cm::reference

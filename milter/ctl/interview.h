// Questions on a terminal: one line each, an answer held against the config's parsers at once and asked for again until it is sound.
#pragma once

#include <istream>
#include <ostream>

#include "ctl/scenario.h"

namespace cm::ctl {

/// The scenario that is wanted; null if the input ends first.
const Scenario* ask_for_scenario(std::istream& in, std::ostream& out);
/// Asks for every field that has no answer yet. False: the input ended first.
bool ask(const Scenario& scenario, Answers& answers, std::istream& in, std::ostream& out);

/// The scenarios, a line each.
void list_scenarios(std::ostream& out);
/// What is wrong with one answer to `field`; empty if nothing.
std::string why_wrong(const Field& field, const std::string& answer);

}  // namespace cm::ctl

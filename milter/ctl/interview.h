// Questions on a terminal: one line each, an answer held against the config's parsers at once and asked for again until it is sound; an
// empty one means what stands in brackets.
#pragma once

#include <istream>
#include <ostream>

#include "ctl/scenario.h"

namespace cm::ctl {

/// The scenario that is wanted; null if the input ends first.
const Scenario* ask_for_scenario(std::istream& in, std::ostream& out);
/// Asks for every field that has no answer yet, and no further once it is clear that no connector is needed. False: the input ended first.
bool ask(const Scenario& scenario, Answers& answers, const Beside& beside, std::istream& in, std::ostream& out);
/// `help` is what `?` tells. False also if the input ended.
bool ask_yes(std::string_view question, std::string_view help, std::istream& in, std::ostream& out);

/// The scenarios, a line each.
void list_scenarios(std::ostream& out);
/// What is wrong with one answer to `field`, and what was expected; empty if nothing.
std::string why_wrong(const Field& field, const std::string& answer);

}  // namespace cm::ctl

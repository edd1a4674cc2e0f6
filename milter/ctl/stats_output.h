// What `stats` prints for people.
#pragma once

#include <nlohmann/json.hpp>
#include <ostream>

namespace cm::ctl {

/// `answer`: the daemon's, an object. What is missing or of another type in it is left out.
void print_stats(std::ostream& out, const nlohmann::ordered_json& answer);

}  // namespace cm::ctl

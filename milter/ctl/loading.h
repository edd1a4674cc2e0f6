// How the offline commands get at the config.
#pragma once

#include <memory>

#include "config/load.h"
#include "ctl/command.h"

namespace cm::ctl {

/// The config, or null after its diagnostics were printed on the error stream (the command then ends with `bad`).
std::unique_ptr<const config::Config> load_or_complain(const Context& context);

}  // namespace cm::ctl

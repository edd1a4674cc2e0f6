// The main file's global settings (everything but the two connector lists) -> PolicyData and Service.
#pragma once

#include "config/load.h"
#include "config/reader.h"

namespace cm::config {

/// Takes every global setting of `root` and reports what is wrong with it; connectors are the caller's.
void read_global(Group& root, PolicyData& policy, Service& service);

/// Names of the settings that only the main file may hold.
bool is_global_setting(std::string_view name);

}  // namespace cm::config

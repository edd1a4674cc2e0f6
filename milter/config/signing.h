// `signing`: which keys there are and where. The files themselves are read by who signs or verifies (seal/key.h): explaining the
// config to somebody who may not read them must remain possible.
#pragma once

#include "config/load.h"
#include "config/reader.h"

namespace cm::config {

void read_signing(Group& root, Service& service);

}  // namespace cm::config

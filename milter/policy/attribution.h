// What the sender of a message comes to: the connector that it hits, how it is proven, and what it violates.
#pragma once

#include <boost/container/small_vector.hpp>
#include <vector>

#include "policy/decision.h"

namespace cm {

/// What one pass knows about a message once its sender is known.
struct Attribution {
  ConnectorId connector = no_connector;
  Vouched vouched = Vouched::no;
  bool proven = false;                                    // an identity setting, `via` or vouching held
  bool asks_header_from = true;                           // not a grant, an exemption or vouched
  Violations violations;                                  // of the sender: everything but recipients, actual size and header From
  boost::container::small_vector<ConnectorId, 4> judged;  // connectors whose limits bind the message
  std::vector<ConnectorId> without;                       // as if they did not exist: their require_header is not met
};

}  // namespace cm

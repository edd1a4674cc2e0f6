// One entry of `outbound` -> an OutboundConnector with every effective value, as far as the entry alone can tell.
#pragma once

#include <string>
#include <vector>

#include "config/inbound.h"
#include "policy/outbound.h"

namespace cm::config {

/// An outbound connector that was read, with what the checks across connectors still need.
struct OutboundDraft {
  OutboundConnector connector;
  Provenance provenance;
  std::vector<Draft::Named> when_connectors;
  Origin header_at;  // of when.header.name
  bool sound = true;
  bool named = false;

  /// "outbound.NAME", as diagnostics call it.
  [[nodiscard]] std::string path() const { return "outbound." + connector.name; }
  /// Where `setting` was written; the connector's opening line if it was not.
  [[nodiscard]] Origin origin_of(std::string_view setting) const {
    return {connector.at.file, provenance.line_of(setting).value_or(connector.at.line)};
  }
};

/// Reads `node`, an entry of `outbound` in `file`; `index` names it in diagnostics while it has no name.
OutboundDraft read_outbound(const Node& node, const std::string& file, int index, const Surroundings& around, Report& report);

}  // namespace cm::config

// One entry of `inbound` -> an InboundConnector with every effective value, as far as the entry alone can tell.
#pragma once

#include <string>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "config/load.h"
#include "config/reader.h"
#include "config/source_list.h"

namespace cm::config {

/// A connector that was read, with what the checks across connectors still need.
struct Draft {
  struct Named {
    std::string name;
    Origin at;
    std::string path;
  };
  InboundConnector connector;
  Provenance provenance;
  std::vector<Named> via;
  Origin required_header_at;  // of require_header.name
  bool sound = true;          // no error in it so far: only then is it compared with others
  bool named = false;

  /// "inbound.NAME", as diagnostics call it.
  [[nodiscard]] std::string path() const { return "inbound." + connector.name; }
  /// Where `setting` was written; the connector's opening line if it was not.
  [[nodiscard]] Origin origin_of(std::string_view setting) const {
    return {connector.at.file, provenance.line_of(setting).value_or(connector.at.line)};
  }
};

/// What the main file says that connectors refer to.
struct Surroundings {
  std::unordered_set<std::string> listeners;
  bool listeners_known = true;  // false: the main file could not be read, so no name is wrong
  bool signs = true;            // there is `signing`; also while that is not known
  std::string header_prefix;
};

/// Reads `node`, an entry of `inbound` in `file`; `index` names it in diagnostics while it has no name. `sources` reads and keeps list files.
Draft read_inbound(const Node& node, const std::string& file, int index, const Surroundings& around, SourceLists& sources, Report& report);

// What both kinds of connectors have in common.
inline constexpr Word<Mode> mode_words[] = {{"enforce", Mode::enforce}, {"audit", Mode::audit}};
inline constexpr Word<TlsVersion> tls_version_words[] = {{"TLSv1.2", TlsVersion::tls1_2}, {"TLSv1.3", TlsVersion::tls1_3}};
/// "inbound.NAME", or "inbound[INDEX]" of an entry without a good name.
std::string path_of_entry(const Node& entry, std::string_view list, int index);
/// The domain patterns of a setting; those that are none are reported and left out.
std::vector<DomainPattern> read_domains(Group& group, std::string_view setting);
/// The name of a connector, or nothing (reported) if it is missing or not a good one.
std::optional<std::string> read_connector_name(Group& group);

}  // namespace cm::config

// `file:PATH` in source_ips: one source a line, `#` comments. Each file is read once a load, however many connectors name it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "base/digest.h"
#include "config/reader.h"
#include "policy/ip.h"

namespace cm::config {

class SourceLists {
 public:
  /// `digest` gets the text of each file, and must live as long as this.
  explicit SourceLists(Digest& digest) : digest_(digest) {}
  /// The sources of the file that `place` names; null (reported at `place`) if it cannot be read or holds none. What is wrong inside it is
  /// reported with its own lines, once.
  const std::vector<Source>* read(const std::string& path, const Place& place);

 private:
  struct List {
    std::vector<Source> sources;
    std::string why;  // it is unusable
    bool sound = true;
  };
  List load(const std::string& path, const Place& place);
  Digest& digest_;
  std::map<std::string, List> lists_;
};

/// Warns about host bits in `source`, written at `at`.
void warn_of_host_bits(const Source& source, const Origin& at, const std::string& path, Report& report);

}  // namespace cm::config

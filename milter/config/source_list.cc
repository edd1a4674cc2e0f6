// List files: read once, each wrong line reported where it stands. A list with any error yields no source at all, never a part of them.
#include "config/source_list.h"

#include "config/tree.h"
#include "policy/text.h"

namespace cm::config {
namespace {

constexpr unsigned most_errors = 20;  // of one file: the rest is counted

std::string_view trim(std::string_view line) {
  constexpr std::string_view blanks = " \t\r\f";
  const auto first = line.find_first_not_of(blanks);
  return first == std::string_view::npos ? std::string_view{} : line.substr(first, line.find_last_not_of(blanks) - first + 1);
}

}  // namespace

void warn_of_host_bits(const Source& source, const Origin& at, const std::string& path, Report& report) {
  if (source.host_bits)
    report.warning(at, path, quote(source.text) + " has host bits set: it counts as " + source.decompose().front().to_string() + "; write that");
}

SourceLists::List SourceLists::load(const std::string& path, const Place& place) {
  List list;
  const auto content = read_file(path, list.why);
  if (!content) return list;
  digest_.add(*content);
  auto rest = std::string_view(*content);
  if (rest.starts_with("\xef\xbb\xbf")) rest.remove_prefix(3);
  unsigned errors = 0;
  for (unsigned line = 1; !rest.empty(); ++line) {
    const auto end = std::min(rest.find('\n'), rest.size());
    const auto entry = trim(rest.substr(0, std::min(rest.find('#'), end)));
    rest.remove_prefix(std::min(end + 1, rest.size()));
    if (entry.empty()) continue;
    auto source = entry.size() > 128 ? Parsed<Source>::error("the line is too long") : Source::parse(entry);
    if (source) {
      warn_of_host_bits(*source, {path, line}, place.path(), place.group->report());
      list.sources.push_back(*source);
    } else if (++errors <= most_errors) {
      place.group->report().error(
          {path, line}, place.path(),
          quote(entry) + ": " + (source.why.ends_with("file:PATH") ? "expected an IP address, a prefix or a range FIRST-LAST" : source.why));
    }
  }
  if (errors > most_errors) place.group->report().error({path, 1}, place.path(), std::to_string(errors - most_errors) + " more lines are wrong");
  list.sound = errors == 0;
  if (list.sound && list.sources.empty()) list.why = "holds no source";
  return list;
}

const std::vector<Source>* SourceLists::read(const std::string& path, const Place& place) {
  auto found = lists_.find(path);
  if (found == lists_.end()) found = lists_.emplace(path, load(path, place)).first;
  const auto& list = found->second;
  if (!list.why.empty()) place.error(quote(path, path_bytes) + " " + list.why);
  return list.why.empty() && list.sound ? &list.sources : nullptr;
}

}  // namespace cm::config

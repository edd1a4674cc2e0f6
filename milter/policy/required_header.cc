// The value is compared exactly: it stands for an identity.
#include "policy/required_header.h"

#include <algorithm>

#include "policy/demands.h"
#include "policy/text.h"

namespace cm {

void note_required_header(const Policy& policy, std::string_view name, std::string_view value, Content& content) {
  const auto& index = policy.index().required_headers;
  if (index.empty()) return;
  auto field = to_lower(name);
  const auto values = index.find(field);
  if (values == index.end()) return;
  const auto found = values->second.find(text::unfold(value));
  const bool is_known = found != values->second.end();
  if (std::find(content.header_seen.begin(), content.header_seen.end(), field) != content.header_seen.end()) {
    if (content.header_met.empty()) return;
    std::erase_if(content.header_met, [&](ConnectorId id) {
      return equals_ignoring_case(policy.connector(id).required_header, field) && !(is_known && contains(found->second, id));
    });
    return;
  }
  content.header_seen.push_back(std::move(field));
  if (!is_known) return;
  for (const auto id : found->second)
    if (!contains(content.header_met, id)) content.header_met.push_back(id);
}

}  // namespace cm

// The value is compared exactly: it stands for an identity.
#include "policy/required_header.h"

#include "policy/demands.h"
#include "policy/text.h"

namespace cm {

void note_required_header(const Policy& policy, std::string_view name, std::string_view value, std::vector<ConnectorId>& met) {
  const auto& index = policy.index().required_headers;
  if (index.empty()) return;
  const auto values = index.find(to_lower(name));
  if (values == index.end()) return;
  const auto found = values->second.find(text::unfold(value));
  if (found == values->second.end()) return;
  for (const auto id : found->second)
    if (!contains(met, id)) met.push_back(id);
}

}  // namespace cm

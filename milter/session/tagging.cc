// Verifying comes first: nothing of an arrived tag is used that one of our keys did not sign.
#include "session/tagging.h"

#include <algorithm>

#include "policy/limits.h"

namespace cm::session {
namespace {

// The trust header as it would be without signing, with the word and connector that the peer's tag has.
std::string speak_for(const seal::Tag& tag, const std::string& fields) {
  std::string out = tag.word;
  if (!tag.connector.empty()) out += "; connector=" + tag.connector;
  if (!tag.type.empty()) out += "; type=" + tag.type;
  return out + fields.substr(std::min(fields.find("; src="), fields.size()));
}

}  // namespace

void Tagging::header(std::string_view name, std::string_view value) {
  fields_.see(name, value);
  if (equals_ignoring_case(name, header_name_) && ++arrivals_ == 1) arrived_ = value.substr(0, limits::tag_bytes + 1);  // a longer one is none
}

void Tagging::sign(const Policy& policy, const Decision& decision, const Address& sender, std::int64_t now, std::vector<AddedHeader>& added) {
  const auto trust = std::find_if(added.begin(), added.end(), [&](const AddedHeader& h) { return h.name == header_name_; });
  if (trust == added.end()) return;
  const seal::Bound bound{seal::bound_sender(sender), fields_, body_.finish()};
  std::string via;
  if (decision.connector != no_connector && policy.connector(decision.connector).accept_tags && arrivals_ == 1) {
    if (const auto tag = seal::verify(*keys_, arrived_, bound, now)) {
      trust->value = speak_for(*tag, trust->value);
      via = tag->key;
    }
  }
  trust->value = seal::sign(keys_->front(), std::move(trust->value), via, now, bound);
}

}  // namespace cm::session

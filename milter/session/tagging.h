// What the trust tag of one message is made of, gathered while the message passes; at its end the tag of a peer is judged and our own
// is signed. Exists only for messages that come while there are keys.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/facts.h"
#include "seal/tag.h"

namespace cm::session {

/// What must be negotiated for the mail of this moment; a session that sees no body gives 421 to mail that needs it.
inline bool needs_body(const Policy& policy, const seal::Keys* keys) { return policy.counts_sizes() || (keys != nullptr && !keys->empty()); }

class Tagging {
 public:
  /// `keys`: not empty. `header_name`: of the trust header.
  Tagging(std::shared_ptr<const seal::Keys> keys, std::string header_name) : keys_(std::move(keys)), header_name_(std::move(header_name)) {}

  /// A field that came with the message, or that we add to it for good. `name` without blanks around it.
  void header(std::string_view name, std::string_view value);
  /// A field that we give to the message in place of what it had under that name.
  void replace(std::string_view name, std::string_view value) { fields_.replace(name, value); }
  void body(std::string_view octets) { body_.update(octets); }
  /// The bound fields are more than can be kept: the message can be given no tag.
  [[nodiscard]] bool impossible() const { return fields_.too_long(); }

  /// Signs the trust header among `added`, if there is one; call once. `sender`: as the message leaves. `now`: seconds since 1970.
  /// If the connector accepts tags and the one tag that the message brought is genuine, ours says what that one says.
  void sign(const Policy& policy, const Decision& decision, const Address& sender, std::int64_t now, std::vector<AddedHeader>& added);

 private:
  const std::shared_ptr<const seal::Keys> keys_;
  const std::string header_name_;
  seal::BoundFields fields_;
  seal::BodyDigest body_;
  std::string arrived_;  // the trust header of the peer
  int arrivals_ = 0;     // several: somebody added one, so none counts
};

}  // namespace cm::session

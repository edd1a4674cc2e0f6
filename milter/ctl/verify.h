// `connectorctl verify`: a delivered message -> is its trust tag genuine? What it reads is a stranger's: nothing of it is believed.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "policy/address.h"
#include "policy/parsed.h"
#include "seal/tag.h"

namespace cm::ctl {

/// A message as it lies in a file: line ends are LF or CR LF, an mbox line may stand before it.
struct DeliveredMessage {
  std::vector<std::pair<std::string_view, std::string_view>> header;  // names without blanks, values as they are, folds included
  std::string_view body;
};

/// Views into `text`. An error if the header is none.
Parsed<DeliveredMessage> read_message(std::string_view text);

/// The one tag of the message, if it is genuine at `now` (seconds since 1970); else why not. `header_name`: of the trust header.
Parsed<seal::Tag> judge(const DeliveredMessage& message, const seal::Keys& keys, std::string_view header_name, const Address& sender,
                        std::int64_t now);

}  // namespace cm::ctl

// An inbound connector as const data, with every effective value filled in: what the config room writes and the engine reads.
//
// Nothing here decides anything. Meanings and defaults: connector-milter.conf(5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.h"
#include "policy/domain.h"
#include "policy/ip.h"
#include "policy/rate_limit.h"
#include "policy/setting.h"

namespace cm {

struct InboundConnector {
  std::string name;
  Duty duty = Duty::partner;
  bool enabled = true;
  Mode mode = Mode::enforce;
  std::string comment;
  Origin at;

  // scope
  std::vector<std::string> listeners;         // empty: any
  std::vector<DomainPattern> sender_domains;  // partner only
  // identity: all that are given must hold
  std::vector<Source> source_ips;
  std::vector<DomainPattern> certificates;
  std::vector<std::string> certificate_issuers;  // narrows certificates; compared exactly
  std::vector<std::string> auth_users;           // "*": any login; compared exactly
  std::vector<std::string> via;                  // partner only: names of inbound connectors
  // transport
  bool require_tls = false;  // effective: also true with certificates by default, and with min_tls_version
  TlsVersion min_tls_version = TlsVersion::none;
  std::string required_header;               // require_header, on_premises only: the field's name; empty: none
  std::vector<std::string> required_values;  // one of which it must say
  // limits
  AddressLimit senders, recipients;
  std::uint64_t max_message_size = 0;  // bytes; 0: none
  std::uint32_t max_recipients = 0;    // 0: none
  std::optional<RateLimit> rate_limit;
  // what becomes of the mail
  Check check_header_from = Check::off;  // partner only; default there is audit
  OnViolation on_violation = OnViolation::reject;
  std::string trust;                                 // first word of the trust header; empty for relay
  bool accept_headers = false, accept_tags = false;  // on_premises only; the session verifies tags
  std::vector<AddedHeader> add_headers;
  Repair repair;               // device only
  std::string rewrite_sender;  // device only: the new envelope sender, local@domain with a normalised domain; empty: it stays

  [[nodiscard]] bool is_partner() const { return duty == Duty::partner; }
  [[nodiscard]] bool has_identity() const { return !source_ips.empty() || !certificates.empty() || !auth_users.empty(); }
  [[nodiscard]] bool requires_header() const { return !required_header.empty(); }
  /// A partner without identity settings (and without `via`) judges TLS alone and never claims a message.
  [[nodiscard]] bool demands_identity() const { return has_identity() || !via.empty(); }
  [[nodiscard]] bool demands_tls() const { return require_tls || min_tls_version != TlsVersion::none; }
};

}  // namespace cm

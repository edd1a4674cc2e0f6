// The policy: every connector and global rule as const data, and the indexes that answer for them.
//
// A Policy is built once, from PolicyData, and never changes; a reload builds another. It may be read from any number of threads.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "policy/connector.h"
#include "policy/facts.h"
#include "policy/outbound.h"

namespace cm {

struct Organization {
  std::vector<DomainPattern> domains;  // never `*` or `<>`
  bool vouch_authenticated = true;
  bool vouch_local = true;
  Check protect = Check::off;
};

struct Listener {
  std::string name;
  bool closed = false;
  Origin at{};
};

struct PolicyData {
  Organization organization;
  bool reject_unmatched = false;
  std::vector<Listener> listeners;
  std::string header_prefix = "X-Connector";
  std::vector<std::string> strip_headers = {"X-MS-Exchange-Organization-*", "X-MS-Exchange-Forest-*", "X-MS-Exchange-CrossPremises-*"};
  std::vector<InboundConnector> inbound;  // in configured order, disabled ones too
  std::vector<OutboundConnector> outbound;
};

using ConnectorId = std::uint32_t;  // position in PolicyData::inbound
inline constexpr ConnectorId no_connector = ~0U;

/// Which connectors take part: the enforced ones, or also those in mode audit as if they were enforced.
enum class Pass : std::uint8_t { enforced, audit };

struct PolicyIndex;    // policy/index.h: only the engine looks inside
struct OutboundIndex;  // policy/outbound_index.h: the same

class Policy {
 public:
  explicit Policy(PolicyData data);
  Policy(Policy&&) noexcept;
  Policy& operator=(Policy&&) = delete;
  ~Policy();

  [[nodiscard]] const PolicyData& data() const { return data_; }
  [[nodiscard]] const InboundConnector& connector(ConnectorId id) const { return data_.inbound[id]; }
  [[nodiscard]] const OutboundConnector& outbound(OutboundId id) const { return data_.outbound[id]; }
  [[nodiscard]] const PolicyIndex& index() const { return *index_; }
  [[nodiscard]] const OutboundIndex& outbound_index() const { return *outbound_index_; }

  [[nodiscard]] bool is_closed(std::string_view listener) const;
  /// One of the names in `listeners`, to which connectors may refer.
  [[nodiscard]] bool has_listener(std::string_view name) const { return closed_.contains(name); }
  /// The address is in the organization domains (never true of the null sender).
  [[nodiscard]] bool is_ours(const Address& address) const;
  /// A concrete domain of ours, for bare names.
  [[nodiscard]] const std::string& home_domain() const { return home_domain_; }
  [[nodiscard]] const DomainIndex& our_domains() const { return our_domains_; }

  // What the milter session must be able to see, and whether a second pass can differ.
  [[nodiscard]] bool counts_sizes() const { return counts_sizes_; }
  [[nodiscard]] bool rewrites_senders() const { return rewrites_senders_; }
  [[nodiscard]] bool has_closed_listener() const { return has_closed_listener_; }
  [[nodiscard]] bool has_audit_connectors() const { return has_audit_connectors_; }  // or protect = "audit"
  [[nodiscard]] bool has_audit_header_from() const { return has_audit_header_from_; }

  /// A header field that is removed from what comes in, whoever sent it: our family, and `X-` names that connectors add.
  [[nodiscard]] bool is_own_header(std::string_view name) const;
  /// A field of `headers.strip`: removed unless the peer's connector accepts it.
  [[nodiscard]] bool is_stripped_header(std::string_view name) const;

 private:
  PolicyData data_;
  DomainIndex our_domains_;
  std::string home_domain_;
  StringMap<bool> closed_;
  StringMap<bool> added_headers_;
  std::vector<std::string> strip_prefixes_, strip_names_;
  bool counts_sizes_ = false, rewrites_senders_ = false, has_closed_listener_ = false, has_audit_connectors_ = false, has_audit_header_from_ = false;
  std::unique_ptr<const PolicyIndex> index_;
  std::unique_ptr<const OutboundIndex> outbound_index_;
};

}  // namespace cm

// The indexes of a Policy: who is it by certificate, login or address; who restricts this sender domain; who may come in by this listener.
//
// The rule: a lookup costs hash probes and binary searches, and touches only connectors that this message concerns. Only enabled
// connectors are in here. Private to the policy room.
#pragma once

#include <memory>
#include <vector>

#include "policy/policy.h"
#include "policy/prefix_index.h"

namespace cm {

using Ids = DomainIndex::Ids;

/// How strong a proof of identity is; a stronger one beats any weaker one.
enum class Proof : std::uint8_t { source, login, certificate };

/// Connectors by their strongest identity setting. A candidate must still be tested with holds(): its other settings count too.
class ProofIndex {
 public:
  void add(const InboundConnector& connector, ConnectorId id);
  void freeze() { sources_.freeze(); }

  /// Calls f(id, proof, rank) for every connector whose strongest setting is met; one may come more than once.
  template <class F>
  void each_candidate(const Connection& connection, const Sender& sender, F&& f) const {
    if (sender.tls.certificate == CertificateState::verified && !sender.tls.subject_name.empty())
      each_certificate(sender.tls.subject_name, [&](ConnectorId id, Rank rank) { f(id, Proof::certificate, rank); });
    if (!sender.login.empty()) {
      if (const auto it = logins_.find(std::string_view(sender.login)); it != logins_.end())
        for (const auto id : it->second) f(id, Proof::login, exact_rank);
      for (const auto id : any_login_) f(id, Proof::login, any_rank);
    }
    if (connection.client && !connection.local)
      sources_.each_holding(*connection.client, [&](ConnectorId id, int length) { f(id, Proof::source, length); });
  }

 private:
  template <class F>
  void each_certificate(std::string_view name, F&& f) const {
    const auto call = [&f](const Ids* ids, Rank rank) {
      if (ids)
        for (const auto id : *ids) f(id, rank);
    };
    if (name.starts_with("*."))
      call(find_by_parent(name.substr(2)), exact_rank);
    else
      call(certificates_.exact(name), exact_rank);
    for (auto suffix = parent_domain(name); !suffix.empty(); suffix = parent_domain(suffix)) call(certificates_.below(suffix), count_labels(suffix));
  }
  [[nodiscard]] const Ids* find_by_parent(std::string_view parent) const {
    const auto it = certificates_by_parent_.find(parent);
    return it == certificates_by_parent_.end() ? nullptr : &it->second;
  }

  DomainIndex certificates_;
  StringMap<Ids> certificates_by_parent_;  // exact names, for a presented wildcard
  StringMap<Ids> logins_;
  Ids any_login_;
  PrefixIndex sources_;
};

/// What is precomputed for one connector.
struct Compiled {
  SourceSet sources;
  std::unique_ptr<const AddressSet> senders, recipients;  // null: no patterns
  Ids via;
  bool names_domain = false;  // has a sender scope other than `*` and `<>`
};

/// Who could still be accepted on a closed listener, and whose identity they would prove.
struct ClosedListener {
  Ids anyone;            // who needs no address for it
  PrefixIndex networks;  // -> connectors
};

struct PolicyIndex {
  std::vector<Compiled> compiled;  // parallel to PolicyData::inbound
  ProofIndex grants;               // on_premises, device, relay
  ProofIndex partners;             // partners with identity settings, for the null sender
  DomainIndex scopes;              // sender_domains of partners
  Ids header_from;                 // partners with a check_header_from and a scope that names a domain, gravest first
  StringMap<ClosedListener> closed;
  StringMap<StringMap<Ids>> required_headers;  // lower-case field name -> value -> connectors with that require_header

  static std::unique_ptr<const PolicyIndex> build(const PolicyData& data);
};

bool takes_part(const InboundConnector& connector, Pass pass);
bool names_listener(const InboundConnector& connector, std::string_view listener);
inline bool fits_listener(const InboundConnector& connector, std::string_view listener) {
  return connector.listeners.empty() || names_listener(connector, listener);
}

}  // namespace cm

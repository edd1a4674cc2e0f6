// Builds a Policy and its indexes. Everything that depends on the config alone is computed here, once.
#include "policy/policy.h"

#include <algorithm>

#include "policy/demands.h"
#include "policy/limits.h"
#include "policy/outbound_index.h"

namespace cm {
namespace {

Ids ids_by_name(const StringMap<ConnectorId>& by_name, const std::vector<std::string>& names) {
  Ids ids;
  for (const auto& name : names)
    if (const auto it = by_name.find(std::string_view(name)); it != by_name.end()) ids.push_back(it->second);
  return ids;
}

std::unique_ptr<const AddressSet> compile(const AddressLimit& limit) {
  if (limit.any || limit.patterns.empty()) return nullptr;
  return std::make_unique<const AddressSet>(limit.patterns);
}

bool names_domain(const DomainPattern& pattern) { return pattern.kind != DomainPattern::Kind::any && pattern.kind != DomainPattern::Kind::null; }

void open_for(ClosedListener& listener, const PolicyData& data, ConnectorId id) {
  const auto& connector = data.inbound[id];
  if (connector.source_ips.empty())
    listener.anyone.push_back(id);
  else
    for (const auto& source : connector.source_ips)
      for (const auto& network : source.decompose()) listener.networks.add(network, id);
}

void add_to_closed(PolicyIndex& index, const PolicyData& data, ConnectorId id) {
  const auto& connector = data.inbound[id];
  if (!takes_part(connector, Pass::enforced)) return;
  for (auto& [name, listener] : index.closed) {
    if (!fits_listener(connector, name)) continue;
    if (connector.has_identity() || !connector.demands_identity()) open_for(listener, data, id);
    for (const auto via : index.compiled[id].via)
      if (takes_part(data.inbound[via], Pass::enforced) && data.inbound[via].has_identity()) open_for(listener, data, via);
  }
}

}  // namespace

void ProofIndex::add(const InboundConnector& connector, ConnectorId id) {
  if (!connector.certificates.empty()) {
    for (const auto& pattern : connector.certificates) {
      certificates_.add(pattern, id);
      if (pattern.kind == DomainPattern::Kind::exact && !parent_domain(pattern.domain).empty())
        certificates_by_parent_[std::string(parent_domain(pattern.domain))].push_back(id);
    }
  } else if (!connector.auth_users.empty()) {
    for (const auto& login : connector.auth_users) (login == "*" ? any_login_ : logins_[login]).push_back(id);
  } else {
    for (const auto& source : connector.source_ips)
      for (const auto& network : source.decompose()) sources_.add(network, id);
  }
}

bool takes_part(const InboundConnector& connector, Pass pass) {
  return connector.enabled && (connector.mode == Mode::enforce || pass == Pass::audit);
}

bool names_listener(const InboundConnector& connector, std::string_view listener) {
  return std::find(connector.listeners.begin(), connector.listeners.end(), listener) != connector.listeners.end();
}

std::unique_ptr<const PolicyIndex> PolicyIndex::build(const PolicyData& data) {
  auto index = std::make_unique<PolicyIndex>();
  StringMap<ConnectorId> by_name;
  for (ConnectorId id = 0; id < data.inbound.size(); ++id) by_name.emplace(data.inbound[id].name, id);
  for (const auto& listener : data.listeners)
    if (listener.closed) index->closed[listener.name];
  index->compiled.reserve(data.inbound.size());
  for (ConnectorId id = 0; id < data.inbound.size(); ++id) {
    const auto& c = data.inbound[id];
    auto& compiled = index->compiled.emplace_back();
    compiled.sources = SourceSet(c.source_ips);
    compiled.senders = compile(c.senders);
    compiled.recipients = compile(c.recipients);
    compiled.via = ids_by_name(by_name, c.via);
    compiled.names_domain = std::any_of(c.sender_domains.begin(), c.sender_domains.end(), names_domain);
    if (!c.enabled) continue;
    if (c.has_identity()) (c.is_partner() ? index->partners : index->grants).add(c, id);
    for (const auto& pattern : c.sender_domains) index->scopes.add(pattern, id);
    if (c.is_partner() && c.check_header_from != Check::off && compiled.names_domain) index->header_from.push_back(id);
    for (const auto& value : c.required_values) index->required_headers[to_lower(c.required_header)][value].push_back(id);
    add_to_closed(*index, data, id);
  }
  // A field that nobody can read may hold any partner's domain: the one whose on_violation is gravest is asked first.
  const auto gravity = [&data](ConnectorId id) {
    const auto action = data.inbound[id].on_violation;
    return action == OnViolation::tag ? 2 : action == OnViolation::quarantine ? 1 : 0;
  };
  std::stable_sort(index->header_from.begin(), index->header_from.end(), [&](ConnectorId a, ConnectorId b) { return gravity(a) < gravity(b); });
  index->grants.freeze();
  index->partners.freeze();
  for (auto& [name, listener] : index->closed) listener.networks.freeze();
  return index;
}

bool could_accept(const PolicyData& data, const PolicyIndex& index, ConnectorId id, const std::optional<Ip>& client, Pass pass,
                  std::span<const ConnectorId> without) {
  const auto could_hold = [&](ConnectorId i) {
    const auto& c = data.inbound[i];
    return !contains(without, i) && c.has_identity() && (c.source_ips.empty() || (client && index.compiled[i].sources.contains(*client)));
  };
  const auto& connector = data.inbound[id];
  if (!connector.demands_identity() || could_hold(id)) return true;
  const auto& via = index.compiled[id].via;
  return std::any_of(via.begin(), via.end(), [&](ConnectorId v) { return takes_part(data.inbound[v], pass) && could_hold(v); });
}

Policy::Policy(PolicyData data) : data_(std::move(data)) {
  for (const auto& pattern : data_.organization.domains) our_domains_.add(pattern, 0);
  if (!data_.organization.domains.empty()) {
    const auto& first = data_.organization.domains.front();
    home_domain_ = first.kind == DomainPattern::Kind::below ? "localhost." + first.domain : first.domain;
  }
  for (const auto& listener : data_.listeners) {
    closed_[listener.name] = listener.closed;
    has_closed_listener_ |= listener.closed;
  }
  for (const auto& name : data_.strip_headers) {
    if (name.ends_with('*'))
      strip_prefixes_.push_back(to_lower(name.substr(0, name.size() - 1)));
    else
      strip_names_.push_back(to_lower(name));
  }
  for (const auto& c : data_.inbound) {
    if (!c.enabled) continue;
    counts_sizes_ |= c.max_message_size != 0;
    rewrites_senders_ |= c.mode == Mode::enforce && !c.rewrite_sender.empty();
    has_audit_connectors_ |= c.mode == Mode::audit;
    if (c.mode == Mode::enforce)
      for (const auto& header : c.add_headers)
        if (to_lower(header.name).starts_with("x-")) added_headers_[to_lower(header.name)] = true;
  }
  has_audit_connectors_ |= data_.organization.protect == Check::audit;
  index_ = PolicyIndex::build(data_);
  outbound_index_ = OutboundIndex::build(data_);
  for (const auto id : index_->header_from) has_audit_header_from_ |= data_.inbound[id].check_header_from == Check::audit;
}

Policy::Policy(Policy&&) noexcept = default;
Policy::~Policy() = default;

bool Policy::is_closed(std::string_view listener) const {
  const auto it = closed_.find(listener);
  return it != closed_.end() && it->second;
}

bool Policy::is_ours(const Address& address) const {
  return address.kind == Address::Kind::mailbox && !address.domain.empty() && our_domains_.match(address.domain) != no_match;
}

bool Policy::is_own_header(std::string_view name) const {
  while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
  const auto& prefix = data_.header_prefix;
  if (name.size() >= prefix.size() && equals_ignoring_case(name.substr(0, prefix.size()), prefix) &&
      (name.size() == prefix.size() || name[prefix.size()] == '-'))
    return true;
  return !added_headers_.empty() && added_headers_.contains(to_lower(name));
}

bool Policy::is_stripped_header(std::string_view name) const {
  while (name.ends_with(' ') || name.ends_with('\t')) name.remove_suffix(1);
  const auto matches_prefix = [&](const std::string& prefix) {
    return name.size() >= prefix.size() && equals_ignoring_case(name.substr(0, prefix.size()), prefix);
  };
  return std::any_of(strip_prefixes_.begin(), strip_prefixes_.end(), matches_prefix) ||
         std::any_of(strip_names_.begin(), strip_names_.end(), [&](const std::string& n) { return equals_ignoring_case(n, name); });
}

TlsVersion parse_tls_version(std::string_view name) {
  if (name.empty()) return TlsVersion::none;
  if (name == "TLSv1" || name == "TLSv1.0") return TlsVersion::tls1_0;
  if (name == "TLSv1.1") return TlsVersion::tls1_1;
  if (name == "TLSv1.2") return TlsVersion::tls1_2;
  if (name == "TLSv1.3") return TlsVersion::tls1_3;
  return TlsVersion::unknown;
}

void set_certificate_names(Tls& tls, std::string_view subject, std::string_view issuer) {
  const bool readable = subject.size() <= limits::certificate_name_bytes;
  tls.subject = readable ? std::string(subject) : "(too long)";
  if (readable) tls.subject_name = normalise_certificate_name(subject);
  if (issuer.size() <= limits::certificate_name_bytes) tls.issuer = issuer;
}

}  // namespace cm

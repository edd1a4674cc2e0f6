// The oracle's small questions: does this pattern, this identity setting, this demand of one connector hold? SPEC 3.2 and 3.3.
//
// Rule: each function is one sentence of the SPEC, quoted above it. Never calls a match function of the policy room.
#include <algorithm>

#include "reference.h"

namespace cm::reference {
namespace {

std::vector<std::string> labels(const std::string& domain) {
  std::vector<std::string> out(1);
  for (const char c : domain) {
    if (c == '.')
      out.emplace_back();
    else
      out.back() += c;
  }
  return out;
}

// "any subdomain at any depth, not d.example"; "an address literal compares as text", so it has no parent.
bool is_below(const std::string& domain, const std::string& suffix) {
  if (domain.empty() || domain[0] == '[') return false;
  auto inner = labels(domain), outer = labels(suffix);
  return inner.size() > outer.size() && std::equal(outer.rbegin(), outer.rend(), inner.rbegin());
}

int wildcard_level(const std::string& suffix) { return static_cast<int>(labels(suffix).size()); }

TlsVersion version_of(const std::string& name) {
  if (name.empty()) return TlsVersion::none;
  if (name == "TLSv1") return TlsVersion::tls1_0;
  if (name == "TLSv1.1") return TlsVersion::tls1_1;
  if (name == "TLSv1.2") return TlsVersion::tls1_2;
  if (name == "TLSv1.3") return TlsVersion::tls1_3;
  return TlsVersion::unknown;
}

// 3.2 Address: "a domain pattern or a full address; local parts compare case-insensitively".
bool address_fits(const AddressPattern& pattern, const Address& address) {
  if (!address.is_valid()) return false;
  if (address.is_null())
    return pattern.local.empty() && (pattern.domain.kind == DomainPattern::Kind::any || pattern.domain.kind == DomainPattern::Kind::null);
  if (domain_level(pattern.domain, address.domain) == unmet) return false;
  return pattern.local.empty() || pattern.local == address.local;
}

bool address_in_limit(const PolicyData& policy, const AddressLimit& limit, const Address& address) {
  if (limit.any) return true;
  if (limit.organization && in_organization(policy, address)) return true;
  return std::any_of(limit.patterns.begin(), limit.patterns.end(), [&](const auto& pattern) { return address_fits(pattern, address); });
}

int best_source(const Case& c, const InboundConnector& connector) {
  const auto& connection = c.facts.connection;
  int best = unmet;
  if (connection.local || !connection.client) return best;
  for (const auto& source : connector.source_ips) best = std::max(best, source_level(source, *connection.client));
  return best;
}

// "`*` any"; "a login beats `*`"; "logins compare exactly".
int best_login(const Case& c, const InboundConnector& connector) {
  const auto& login = c.facts.sender.login;
  int best = unmet;
  if (login.empty()) return best;
  for (const auto& user : connector.auth_users) best = std::max(best, user == login ? exact_level : user == "*" ? any_level : unmet);
  return best;
}

// "An absent, empty or unverified certificate meets nothing"; "issuers compare exactly".
int best_certificate(const Case& c, const InboundConnector& connector) {
  const auto& tls = c.facts.sender.tls;
  int best = unmet;
  if (tls.certificate != CertificateState::verified) return best;
  const auto& issuers = connector.certificate_issuers;
  if (!issuers.empty() && std::find(issuers.begin(), issuers.end(), tls.issuer) == issuers.end()) return best;
  for (const auto& name : connector.certificates) best = std::max(best, certificate_level(name, tls.subject_name));
  return best;
}

}  // namespace

// 3.2 Domain and Specificity: exact domain, longer wildcard, shorter wildcard, `*`; `.d.example` is exact for d.example itself.
int domain_level(const DomainPattern& pattern, const std::string& domain) {
  using Kind = DomainPattern::Kind;
  if (pattern.kind == Kind::any) return any_level;
  if (pattern.kind == Kind::null || domain.empty()) return unmet;  // "An address without a domain meets only `*`"
  if ((pattern.kind == Kind::exact || pattern.kind == Kind::at_and_below) && domain == pattern.domain) return exact_level;
  if ((pattern.kind == Kind::below || pattern.kind == Kind::at_and_below) && is_below(domain, pattern.domain)) return wildcard_level(pattern.domain);
  return unmet;
}

// 3.2 Certificate name.
int certificate_level(const DomainPattern& pattern, const std::string& presented) {
  using Kind = DomainPattern::Kind;
  if (presented.empty() || pattern.kind == Kind::any || pattern.kind == Kind::null) return unmet;
  if (pattern.kind == Kind::exact) {
    if (presented == pattern.domain) return exact_level;
    auto parts = labels(pattern.domain);  // "a presented wildcard `*.d.example` (one label)"
    if (parts.size() < 2) return unmet;
    parts[0] = std::string("*");
    return labels(presented) == parts ? exact_level : unmet;
  }
  if (pattern.kind == Kind::at_and_below && presented == pattern.domain) return exact_level;
  return is_below(presented, pattern.domain) ? wildcard_level(pattern.domain) : unmet;  // the presented `*.d.example` has one label more
}

// 3.2 "A range counts as the prefix, among those it decomposes into, that holds the client": the widest aligned block around the
// client that lies within the range.
int source_level(const Source& source, const Ip& client) {
  if (source.first.v6 != client.v6 || client.bits < source.first.bits || client.bits > source.last.bits) return unmet;
  const int width = client.v6 ? 128 : 32;
  for (int length = 0; length < width; ++length) {
    const int host = width - length;
    const Bits128 mask = host == 128 ? ~Bits128{0} : (Bits128{1} << host) - 1;
    if ((client.bits & ~mask) >= source.first.bits && (client.bits | mask) <= source.last.bits) return length;
  }
  return width;
}

// "organization domains"; the null sender and a bare name are in none.
bool in_organization(const PolicyData& policy, const Address& address) {
  if (address.kind != Address::Kind::mailbox) return false;
  const auto& ours = policy.organization.domains;
  return std::any_of(ours.begin(), ours.end(), [&](const auto& pattern) { return domain_level(pattern, address.domain) != unmet; });
}

// 3.5 "A grant or limit needs both to fit".
bool limit_fits(const PolicyData& policy, const AddressLimit& limit, const Envelope& envelope) {
  return address_in_limit(policy, limit, envelope.argument) && address_in_limit(policy, limit, envelope.resolved);
}

// 2 "A message is decided with the connectors in mode enforce only ... a second time with all of them".
bool takes_part(const Case& c, const InboundConnector& connector) {
  return connector.enabled && (connector.mode == Mode::enforce || c.pass == Pass::audit);
}

bool names_listener(const Case& c, const InboundConnector& connector) {
  return std::find(connector.listeners.begin(), connector.listeners.end(), c.facts.connection.listener) != connector.listeners.end();
}
bool listener_fits(const Case& c, const InboundConnector& connector) { return connector.listeners.empty() || names_listener(c, connector); }

bool source_holds(const Case& c, const InboundConnector& connector) { return best_source(c, connector) != unmet; }
bool login_holds(const Case& c, const InboundConnector& connector) { return best_login(c, connector) != unmet; }
bool certificate_holds(const Case& c, const InboundConnector& connector) { return best_certificate(c, connector) != unmet; }

// 3.3 "All identity settings that are given must hold". Without any there is nothing to hold.
bool identity_holds(const Case& c, const InboundConnector& connector) {
  if (connector.source_ips.empty() && connector.auth_users.empty() && connector.certificates.empty()) return false;
  return (connector.source_ips.empty() || source_holds(c, connector)) && (connector.auth_users.empty() || login_holds(c, connector)) &&
         (connector.certificates.empty() || certificate_holds(c, connector));
}

// 3.4.3 "an enforced connector named in its `via` holds": its own identity settings; its listeners do not matter.
bool via_holds(const Case& c, const InboundConnector& connector) {
  const auto holds = [&](const InboundConnector& other) {
    return std::find(connector.via.begin(), connector.via.end(), other.name) != connector.via.end() && other.required_header.empty() &&
           takes_part(c, other) && identity_holds(c, other);
  };
  return std::any_of(c.policy.inbound.begin(), c.policy.inbound.end(), holds);
}

// 3.3 `require_tls`; `min_tls_version` implies it; a version that we do not know is older than every demand.
bool tls_holds(const Case& c, const InboundConnector& connector) {
  const auto version = version_of(c.facts.sender.tls.version);
  if (connector.require_tls && version == TlsVersion::none) return false;
  return connector.min_tls_version == TlsVersion::none || version >= connector.min_tls_version;
}

// 3.4.1 "the stronger proof (certificate, SASL login, source address; only the strongest counts), then the more specific one".
std::pair<int, int> proof(const Case& c, const InboundConnector& connector) {
  if (!connector.certificates.empty()) return {3, best_certificate(c, connector)};
  if (!connector.auth_users.empty()) return {2, best_login(c, connector)};
  return {1, best_source(c, connector)};
}

}  // namespace cm::reference

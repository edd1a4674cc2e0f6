// A policy, a message and a decision in words: only what differs from the default is printed.
#include "describe.h"

#include <sstream>

namespace cm::reference {
namespace {

template <class List, class Text>
void list(std::ostream& out, const char* name, const List& values, Text text) {
  if (values.empty()) return;
  out << ' ' << name << "=[";
  const char* gap = "";
  for (const auto& value : values) {
    out << gap << text(value);
    gap = ", ";
  }
  out << ']';
}

std::string plain(const std::string& text) { return text; }
std::string pattern(const DomainPattern& p) { return p.to_string(); }

void limit(std::ostream& out, const char* name, const AddressLimit& limit) {
  if (limit.any) return;
  out << ' ' << name << (limit.organization ? "=internal" : "=");
  list(out, "+", limit.patterns, [](const AddressPattern& p) { return p.to_string(); });
}

std::string tls_version(TlsVersion version) { return version == TlsVersion::tls1_3 ? "TLSv1.3" : "TLSv1.2"; }

void connector(std::ostream& out, const InboundConnector& c) {
  out << "  " << c.name << ": " << to_string(c.duty) << (c.enabled ? "" : " DISABLED") << (c.mode == Mode::audit ? " AUDIT" : "");
  list(out, "listeners", c.listeners, plain);
  list(out, "sender_domains", c.sender_domains, pattern);
  list(out, "source_ips", c.source_ips, [](const Source& s) { return s.text; });
  list(out, "certificates", c.certificates, pattern);
  list(out, "certificate_issuers", c.certificate_issuers, plain);
  list(out, "auth_users", c.auth_users, plain);
  list(out, "via", c.via, plain);
  if (c.require_tls) out << " require_tls";
  if (c.min_tls_version != TlsVersion::none) out << " min_tls_version=" << tls_version(c.min_tls_version);
  if (c.requires_header()) list(out, ("require " + c.required_header).c_str(), c.required_values, plain);
  limit(out, "senders", c.senders);
  limit(out, "recipients", c.recipients);
  if (c.max_message_size != 0) out << " max_message_size=" << c.max_message_size;
  if (c.max_recipients != 0) out << " max_recipients=" << c.max_recipients;
  if (c.rate_limit) out << " rate_limit";
  if (c.is_partner()) out << " check_header_from=" << to_string(c.check_header_from);
  out << " on_violation=" << to_string(c.on_violation) << (c.accept_headers ? " accept_headers" : "") << '\n';
}

void header(std::ostream& out, const HeaderCondition& condition) { out << " header=" << condition.name << "=~/" << condition.pattern << "/"; }

void connector(std::ostream& out, const OutboundConnector& c) {
  out << "  " << c.name << ": outbound" << (c.enabled ? "" : " DISABLED") << (c.mode == Mode::audit ? " AUDIT" : "") << " cost=" << c.cost;
  list(out, "recipient_domains", c.recipient_domains, pattern);
  if (c.organization) out << " organization";
  list(out, "smart_hosts", c.smart_hosts, [](const SmartHost& h) { return h.next_hop + (h.address ? "=" + h.address->to_string() : ""); });
  out << " transport=" << c.transport << " tls=" << to_string(c.tls);
  list(out, "tls_domains", c.tls_domains, pattern);
  list(out, "fingerprints", c.fingerprints, plain);
  if (c.min_tls_version != TlsVersion::none) out << " min_tls_version=" << tls_version(c.min_tls_version);
  if (c.when) {
    out << " WHEN";
    list(out, "connectors", c.when->connectors, plain);
    list(out, "sender_domains", c.when->sender_domains, pattern);
    if (c.when->header) header(out, *c.when->header);
  }
  out << '\n';
}

std::string address(const Envelope& e) {
  const auto text = [](const Address& a) {
    return a.is_null() ? "<>" : !a.is_valid() ? "INVALID(" + a.text + ")" : "<" + a.local + "|" + a.domain + ">";
  };
  return "'" + e.argument.text + "' = " + text(e.argument) + " resolved " + text(e.resolved);
}

std::string way(OutboundId connector) { return connector == no_outbound ? "-" : "o" + std::to_string(connector); }
std::string id(ConnectorId connector) { return connector == no_connector ? "-" : "c" + std::to_string(connector); }

const char* stage(Stage stage) {
  constexpr const char* names[] = {"none", "connect", "mail", "rcpt", "eom"};
  return names[static_cast<std::size_t>(stage)];
}

template <class T>
std::string triple(const T& t) {
  return std::string(to_string(t.action)) + "/" + std::string(to_string(t.rule)) + "/" + id(t.connector);
}

}  // namespace

std::string describe(const PolicyData& policy) {
  std::ostringstream out;
  out << "policy:";
  list(out, "domains", policy.organization.domains, pattern);
  out << (policy.organization.vouch_authenticated ? " vouch authenticated" : "") << (policy.organization.vouch_local ? " vouch local" : "")
      << " protect=" << to_string(policy.organization.protect) << " unmatched=" << (policy.reject_unmatched ? "reject" : "accept");
  list(out, "closed", policy.listeners, [](const Listener& l) { return l.closed ? l.name : std::string{}; });
  out << '\n';
  for (const auto& c : policy.inbound) connector(out, c);
  for (const auto& c : policy.outbound) connector(out, c);
  return out.str();
}

std::string describe(const Facts& facts) {
  std::ostringstream out;
  const auto& [connection, sender, recipients, content] = facts;
  out << "facts: client=" << (connection.client ? connection.client->to_string() : "unknown") << " listener=" << connection.listener
      << (connection.local ? " LOCAL" : "") << " tls=" << (sender.tls.version.empty() ? "none" : sender.tls.version);
  if (sender.tls.certificate != CertificateState::absent)
    out << " cert=" << sender.tls.subject_name << " issuer=" << sender.tls.issuer
        << (sender.tls.certificate == CertificateState::verified ? "" : " UNVERIFIED");
  if (!sender.login.empty()) out << " login=" << sender.login;
  if (sender.declared_size) out << " SIZE=" << *sender.declared_size;
  list(out, "rates_exceeded", sender.rates_exceeded, id);
  out << "\n  from " << address(sender.envelope) << '\n';
  for (const auto& recipient : recipients) out << "  to " << address(recipient) << '\n';
  if (!content) return out.str();
  constexpr const char* kinds[] = {"absent", "parsed", "unparsable", "several"};
  out << "  content: From " << kinds[static_cast<std::size_t>(content->from.kind)];
  list(out, "", content->from.domains, plain);
  if (content->size) out << " size=" << *content->size;
  list(out, "header_rules", content->header_rules, way);
  list(out, "header_met", content->header_met, [](ConnectorId id) { return "c" + std::to_string(id); });
  out << (content->malformed_header ? " MALFORMED" : "") << '\n';
  return out.str();
}

std::string describe(const Decision& d) {
  std::ostringstream out;
  out << triple(d) << " stage=" << stage(d.stage) << " vouched=" << static_cast<int>(d.vouched) << (d.proven ? " proven" : "")
      << (d.marked ? " marked" : "") << (d.keeps_headers ? " keeps_headers" : "");
  list(out, "violations", d.violations, triple<Violation>);
  list(out, "recipients", d.recipients, triple<RecipientDecision>);
  list(out, "outbound", d.outbound, way);
  if (d.route != no_outbound) out << " route=" << way(d.route);
  if (d.audit_outbound != no_outbound) out << " audit_outbound=" << way(d.audit_outbound);
  out << " audit=" << (d.audit ? triple(*d.audit) : "none");
  return out.str();
}

}  // namespace cm::reference

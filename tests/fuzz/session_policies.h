// The two policies that the target of sessions switches between: one connector of every kind, and a way of every kind for the mail to leave.
#pragma once

#include "policy/policy.h"

namespace cm {

inline constexpr std::uint32_t printer_id = 1, printer_messages = 3;  // its place in the policy; its rate limit, while the clock stands

inline InboundConnector connector(const char* name, Duty duty) {
  InboundConnector c;
  c.name = name;
  c.duty = duty;
  c.trust = to_string(duty);
  return c;
}

inline InboundConnector partner(const char* name, const char* scope) {
  auto c = connector(name, Duty::partner);
  c.sender_domains.push_back(*DomainPattern::parse(scope).value);
  c.check_header_from = Check::enforce;
  return c;
}

inline OutboundConnector outbound(const char* name, const char* scope, std::uint32_t cost) {
  OutboundConnector c;
  c.name = name;
  c.cost = cost;
  if (*scope) c.recipient_domains.push_back(*DomainPattern::parse(scope).value);
  c.smart_hosts.push_back({"[10.0.0.2]", Ip::parse("10.0.0.2")});
  return c;
}

inline OutboundConnector rule(const char* name, const char* field, const char* pattern, std::uint32_t cost) {
  auto c = outbound(name, "", cost);
  c.when.emplace().header = HeaderCondition{field, pattern};
  return c;
}

// Two rules by header, one of them over a field that most have removed, one by connector, two choices by recipient, and one that is tried.
inline std::vector<OutboundConnector> rich_outbound(bool second) {
  auto by_connector = outbound("archive", ".us.example", 3), tried = outbound("tried", "d.example", 1);
  by_connector.when.emplace().connectors = {"printer", "lock"};
  for (const char* domain : {".us.example", "c.example"}) by_connector.when->sender_domains.push_back(*DomainPattern::parse(domain).value);
  tried.mode = Mode::audit;
  auto classified = rule("classified", "X-Class", "top secret", 1);
  if (second) classified.recipient_domains.push_back(*DomainPattern::parse("*").value);
  return {classified, rule("kept", "X-MS-Exchange-Organization-A", "^s", 2), by_connector, outbound("all", "*", 1), outbound("d", ".d.example", 1),
          tried};
}

// One connector of each kind; `second`: after a reload that asks for sizes, renames the family and tries something.
inline PolicyData rich_policy(bool second) {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".us.example").value);
  data.organization.protect = Check::enforce;
  data.listeners = {{"mx", false}, {"shut", true}};
  auto server = connector("server", Duty::on_premises), printer = connector("printer", Duty::device), backup = connector("backup", Duty::relay);
  server.source_ips.push_back(*Source::parse("10.0.0.0/28").value);
  server.accept_headers = true;
  server.add_headers.push_back({"X-Site", "one"});
  printer.source_ips.push_back(*Source::parse("10.0.0.4").value);
  printer.recipients = {false, true, {}};
  printer.senders = {false, false, {*AddressPattern::parse("p@us.example").value}};
  printer.max_recipients = 2;
  printer.rate_limit = RateLimit{printer_messages, 60, RateLimit::Key::connector};
  printer.repair = {true, second, true};
  if (second) printer.rewrite_sender = "Scans@us.example";
  backup.auth_users.push_back("b");
  auto lock = partner("lock", "*"), fabrikam = partner("fabrikam", "a.example"), tagged = partner("tagged", ".d.example"),
       tls = partner("tls", "*.a.example");
  lock.check_header_from = Check::off;
  lock.source_ips.push_back(*Source::parse("192.0.2.0/24").value);
  fabrikam.certificates.push_back(*DomainPattern::parse("*.a.example").value);
  fabrikam.certificate_issuers.push_back("CA");
  fabrikam.require_tls = true;
  fabrikam.via.push_back("lock");
  tagged.source_ips.push_back(*Source::parse("192.0.2.7").value);
  tagged.on_violation = second ? OnViolation::quarantine : OnViolation::tag;
  tls.require_tls = true;
  tls.min_tls_version = TlsVersion::tls1_2;
  tls.on_violation = OnViolation::tempfail;
  data.inbound = {server, printer, backup, lock, fabrikam, tagged, tls};
  data.outbound = rich_outbound(second);
  if (!second) return data;
  data.header_prefix = "X-Us";
  data.inbound[0].max_message_size = 300;
  data.inbound[0].required_header = data.outbound[0].when->header->name;
  data.inbound[0].required_values = {"top secret", "secret"};
  data.inbound[4].mode = Mode::audit;
  data.reject_unmatched = true;
  return data;
}

}  // namespace cm

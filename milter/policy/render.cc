// Replies and header fields. Untrusted text is put into words here and in explain.cc alone; all of it passes text::printable().
//
// The rule: say what was seen and which rule failed, never what would have been accepted.
#include "policy/render.h"

#include "policy/demands.h"
#include "policy/limits.h"
#include "policy/routing.h"
#include "policy/text.h"

namespace cm {
namespace {

struct Codes {
  int code;
  const char* xcode;
};
struct RuleCodes {
  Codes reject, tempfail;
};

// connector-milter.conf(5), RULES AND REPLIES; in the order of Rule.
constexpr RuleCodes codes_of_rule[] = {
    {{550, "5.7.1"}, {451, "4.7.1"}},    // none
    {{554, "5.7.1"}, {554, "5.7.1"}},    // closed
    {{553, "5.1.7"}, {553, "5.1.7"}},    // syntax; a recipient has 5.1.3
    {{550, "5.7.1"}, {451, "4.7.1"}},    // source
    {{550, "5.7.1"}, {451, "4.7.1"}},    // auth
    {{550, "5.7.10"}, {451, "4.7.10"}},  // tls
    {{550, "5.7.8"}, {451, "4.7.8"}},    // certificate
    {{550, "5.7.1"}, {451, "4.7.1"}},    // sender
    {{550, "5.7.1"}, {451, "4.7.1"}},    // protect
    {{550, "5.7.1"}, {451, "4.7.1"}},    // header_from
    {{550, "5.7.1"}, {451, "4.7.1"}},    // header
    {{550, "5.7.1"}, {451, "4.7.1"}},    // unmatched
    {{550, "5.7.1"}, {451, "4.7.1"}},    // recipient
    {{452, "4.5.3"}, {452, "4.5.3"}},    // recipients
    {{552, "5.3.4"}, {552, "5.3.4"}},    // size
    {{450, "4.7.28"}, {450, "4.7.28"}},  // rate
};

constexpr std::size_t echo_bytes = 100;  // of one untrusted value in a reply

std::string echo(std::string_view untrusted) { return text::printable(untrusted, echo_bytes); }
std::string bracketed(const Address& address) { return "<" + echo(address.text) + ">"; }
std::string client_text(const Connection& connection) {
  if (connection.local) return "this machine";
  return connection.client ? connection.client->to_string() : "unknown";
}

std::string certificate_seen(const Tls& tls) {
  if (tls.version.empty()) return "session is in clear text, without a client certificate";
  if (tls.certificate == CertificateState::absent) return "client presented no certificate, or one that is not trusted for client authentication";
  if (tls.certificate == CertificateState::unverified) return "client certificate was not verified";
  if (tls.subject.empty()) return "client certificate has no name";
  return "client certificate is for \"" + echo(tls.subject) + "\", " +
         (tls.issuer.empty() ? "issuer not given" : "issued by \"" + echo(tls.issuer) + "\"");
}

std::string tls_seen(const Tls& tls) { return tls.version.empty() ? "session is in clear text" : "session uses " + echo(tls.version); }

std::string login_seen(const Sender& sender) {
  return sender.login.empty() ? "client did not log in" : "client logged in as \"" + echo(sender.login) + "\"";
}

std::string syntax_seen(const Sender& sender, const Envelope* recipient) {
  if (!sender.envelope.argument.is_valid())
    return "sender address " + bracketed(sender.envelope.argument) + " is malformed: " + sender.envelope.argument.why;
  if (!recipient) return "message has a header field with a bare carriage return";
  const auto& why = recipient->argument.why;
  return "recipient address " + bracketed(recipient->argument) + " is malformed" + (why.empty() ? "" : ": " + why);
}

std::string seen(Rule rule, const Connection& connection, const Sender& sender, const Envelope* recipient) {
  switch (rule) {
    case Rule::none: break;
    case Rule::closed: return "client address " + client_text(connection) + " may not use this listener";
    case Rule::syntax: return syntax_seen(sender, recipient);
    case Rule::source: return "mail of " + bracketed(sender.envelope.argument) + " came from client address " + client_text(connection);
    case Rule::auth: return login_seen(sender);
    case Rule::tls: return tls_seen(sender.tls);
    case Rule::certificate: return certificate_seen(sender.tls);
    case Rule::sender: return "sender " + bracketed(sender.envelope.argument) + " is outside the limits of this client";
    case Rule::protect:
      return "sender " + bracketed(sender.envelope.argument) + " is ours, and client address " + client_text(connection) + " may not use it";
    case Rule::header_from: return "header From cannot be used by client address " + client_text(connection);
    case Rule::header: return "message lacks a header field";
    case Rule::unmatched:
      return "no connector is about mail of " + bracketed(sender.envelope.argument) + " from client address " + client_text(connection);
    case Rule::recipient:
      return "recipient" + (recipient ? " " + bracketed(recipient->argument) : std::string()) + " is outside the limits of this client";
    case Rule::recipients: return "too many recipients in this message";
    case Rule::size: return "message is too large";
    case Rule::rate: return "too many messages, try again later";
  }
  return "refused";
}

Codes codes_of(const RecipientDecision& verdict, const Sender& sender, const Envelope* recipient) {
  if (verdict.rule == Rule::syntax && sender.envelope.argument.is_valid()) return recipient ? Codes{553, "5.1.3"} : Codes{550, "5.6.0"};
  const auto& codes = codes_of_rule[static_cast<std::size_t>(verdict.rule)];
  return verdict.action == Action::tempfail ? codes.tempfail : codes.reject;
}

std::string tls_token(const Tls& tls) {
  if (tls.version.empty()) return "none";
  std::string token = text::printable(tls.version, 16);
  for (auto& c : token)
    if (c == ';' || c == ' ' || c == '=') c = '?';
  return token;
}

std::string trust_header(const Policy& policy, const Connection& connection, const Sender& sender, const Decision& d, std::string_view trace_id) {
  std::string value;
  if (d.vouched != Vouched::no)
    value = d.vouched == Vouched::local ? "local" : "user";
  else
    value = policy.connector(d.connector).trust + "; connector=" + policy.connector(d.connector).name +
            "; type=" + std::string(to_string(policy.connector(d.connector).duty));
  value += "; src=" + (connection.client ? connection.client->to_string() : "unknown");
  return value + "; tls=" + tls_token(sender.tls) + "; id=" + std::string(trace_id);
}

std::string name_of(const Policy& policy, ConnectorId id) { return id == no_connector ? std::string() : policy.connector(id).name; }

}  // namespace

Reply render_reply(const Policy& policy, const Connection& connection, const Sender& sender, const RecipientDecision& verdict,
                   const Envelope* recipient, std::string_view trace_id) {
  const auto codes = codes_of(verdict, sender, recipient);
  Reply reply{codes.code, codes.xcode, "[" + std::string(trace_id) + "] "};
  if (verdict.connector != no_connector) reply.text += "connector " + name_of(policy, verdict.connector) + ": ";
  const auto suffix = " (rule " + std::string(to_string(verdict.rule)) + ")";
  const auto room = limits::reply_text_bytes - reply.text.size() - suffix.size() - 3;
  reply.text += text::printable(seen(verdict.rule, connection, sender, recipient), room) + suffix;
  return reply;
}

std::vector<AddedHeader> render_headers(const Policy& policy, const Connection& connection, const Sender& sender, const Decision& d,
                                        std::string_view trace_id) {
  std::vector<AddedHeader> headers;
  const auto& prefix = policy.data().header_prefix;
  const auto id = "; id=" + std::string(trace_id);
  const auto connector_part = [&](ConnectorId c) { return c == no_connector ? std::string() : "; connector=" + name_of(policy, c); };
  if (is_refusal(d.action)) return headers;
  if (d.proven) headers.push_back({prefix + "-Trust", trust_header(policy, connection, sender, d, trace_id)});
  if (d.rule != Rule::none) headers.push_back({prefix + "-Violation", std::string(to_string(d.rule)) + connector_part(d.connector) + id});
  if (d.audit)
    headers.push_back({prefix + "-Audit", "would-" + std::string(to_string(d.audit->action)) +
                                              (d.audit->rule == Rule::none ? "" : "; rule=" + std::string(to_string(d.audit->rule))) +
                                              connector_part(d.audit->connector) + id});
  const auto outbound = common_outbound(d);
  if (outbound != no_outbound) headers.push_back({prefix + "-Outbound", policy.outbound(outbound).name});
  if (d.route != no_outbound) headers.push_back({prefix + "-Route", policy.outbound(d.route).name});
  if (d.marked)
    for (const auto& header : policy.connector(d.connector).add_headers) headers.push_back(header);
  return headers;
}

std::string render_audit(const Policy& policy, const AuditDifference& difference) {
  std::string out = "would-" + std::string(to_string(difference.action));
  if (difference.rule == Rule::none && difference.connector == no_connector) return out;
  out += "/" + (difference.rule == Rule::none ? std::string() : std::string(to_string(difference.rule)));
  if (difference.connector != no_connector) out += "/" + name_of(policy, difference.connector);
  return out;
}

}  // namespace cm

// Steps in words, and the steps for connectors that the engine had no reason to look at.
//
// Linear in the number of connectors, by purpose: somebody asked "and why not that one?". Never called for mail.
#include <algorithm>

#include "policy/decide.h"
#include "policy/demands.h"
#include "policy/render.h"
#include "policy/text.h"

namespace cm {
namespace {

std::string client_text(const Connection& connection) {
  if (connection.local) return "mail submitted on this machine";
  return connection.client ? "client address " + connection.client->to_string() : "an unknown client address";
}

std::string quoted(std::string_view untrusted) { return "\"" + text::printable(untrusted, 100) + "\""; }
std::string sender_text(const Sender& sender) {
  const auto& [argument, resolved] = sender.envelope;
  std::string out = "<" + text::printable(argument.text, 100) + ">";
  if (!argument.is_null() && (argument.local != resolved.local || argument.domain != resolved.domain))
    out += " (resolved: <" + text::printable(resolved.text, 100) + ">)";
  return out;
}

std::string field_unmet(const InboundConnector* connector) {
  return "the field " + (connector ? connector->required_header : std::string()) +
         " is missing, or has a value that its require_header does not name";
}

// The engine counts nothing.
std::string rate_aside(const InboundConnector* connector) {
  if (!connector || !connector->rate_limit) return {};
  const auto& limit = *connector->rate_limit;
  return "; assumed: its rate_limit of " + std::to_string(limit.messages) + " messages in " + duration_text(limit.seconds) + " is not used up";
}

std::string unmet(const InboundConnector* connector, const Connection& connection, const Sender& sender, Rule rule) {
  switch (rule) {
    case Rule::closed: return "the listener is closed, and no connector on it can accept " + client_text(connection);
    case Rule::syntax: return "an address or header field is malformed";
    case Rule::source:
      if (connector && !connector->has_identity()) return client_text(connection) + " is none of the connectors named in via";
      return client_text(connection) + " is not among its source_ips";
    case Rule::auth: return sender.login.empty() ? "client did not log in" : "login " + quoted(sender.login) + " is not among its auth_users";
    case Rule::tls:
      return sender.tls.version.empty() ? "TLS is demanded, the session is in clear text"
                                        : text::printable(sender.tls.version, 16) + " is older than its min_tls_version";
    case Rule::certificate:
      if (sender.tls.version.empty()) return "a client certificate is demanded, the session is in clear text";
      if (sender.tls.certificate == CertificateState::absent)
        return "the client presented no certificate, or one that is not trusted for client authentication";
      if (sender.tls.certificate == CertificateState::unverified) return "the client's certificate was not verified";
      return "certificate name " + quoted(sender.tls.subject) + " by issuer " + quoted(sender.tls.issuer) +
             " does not meet its certificates and certificate_issuers";
    case Rule::sender: return "sender " + sender_text(sender) + " is not among its senders";
    case Rule::protect: return "sender " + sender_text(sender) + " is in the organization domains, and nobody vouches for this client";
    case Rule::header_from: return "the header From names a domain in its scope without its proof, or cannot be read";
    case Rule::header: return field_unmet(connector) + ", and not every recipient is in the organization domains";
    case Rule::unmatched: return "no inbound connector is about this mail, and unmatched mail is rejected here";
    case Rule::recipient: return "a recipient is not among its recipients";
    case Rule::recipients: return "there are more recipients than max_recipients";
    case Rule::size: return "the message is larger than max_message_size";
    case Rule::rate: return "the rate limit is exceeded";
    case Rule::none: break;
  }
  return "nothing";
}

Because identity_gap(const Case& c, ConnectorId id) {
  const auto& tls = c.sender.tls;
  if (!source_holds(c, id)) return Because::other_source;
  if (!login_holds(c, id)) return c.sender.login.empty() ? Because::no_login : Because::other_login;
  if (certificate_holds(c, id)) return Because::weaker_proof;
  if (tls.certificate == CertificateState::absent) return Because::no_certificate;
  if (tls.certificate == CertificateState::unverified) return Because::unverified_certificate;
  const auto& patterns = c.connector(id).certificates;
  const bool named = std::any_of(patterns.begin(), patterns.end(), [&](const auto& p) { return match_certificate(p, tls.subject_name) != no_match; });
  return named ? Because::other_issuer : Because::other_certificate;
}

bool in_scope(const Case& c, ConnectorId id) {
  const auto& sender = c.sender.envelope;
  const auto& patterns = c.connector(id).sender_domains;
  return std::any_of(patterns.begin(), patterns.end(), [&sender](const DomainPattern& p) {
    if (sender.argument.is_null()) return p.match_null() != no_match;
    return p.match(sender.argument.domain) != no_match || p.match(sender.resolved.domain) != no_match;
  });
}

Because why_not(const Case& c, const Decision& d, ConnectorId id) {
  const auto& connector = c.connector(id);
  if (!connector.enabled) return Because::disabled;
  if (connector.mode == Mode::audit && c.pass == Pass::enforced) return Because::audit_only;
  if (!fits_listener(connector, c.connection.listener)) return Because::other_listener;
  if (!c.sender.envelope.argument.is_valid() && d.stage != Stage::connect) return Because::refused_before;
  if (!connector.is_partner() || d.stage == Stage::connect) return identity_gap(c, id);
  const bool granted = std::any_of(d.steps.begin(), d.steps.end(), [&](const Step& s) {
    return s.connector != no_connector && !c.connector(s.connector).is_partner() && !contains(d.without, s.connector) &&
           (s.outcome == Outcome::selected || s.outcome == Outcome::violated);
  });
  if (granted) return Because::grant_applies;
  if (d.vouched != Vouched::no) return Because::vouched_applies;
  return in_scope(c, id) ? Because::search_ended : Because::sender_out_of_scope;
}

Steps complete(const Policy& policy, const Facts& facts, const Decision& decision, Pass pass) {
  Steps steps = decision.steps;
  std::vector<bool> mentioned(policy.data().inbound.size());
  for (const auto& step : steps)
    if (step.connector != no_connector) mentioned[step.connector] = true;
  const Case c{policy, facts.connection, facts.sender, pass};
  for (ConnectorId id = 0; id < mentioned.size(); ++id)
    if (!mentioned[id]) steps.push_back({id, Outcome::not_selected, why_not(c, decision, id), Rule::none});
  return steps;
}

}  // namespace

Steps complete_steps(const Policy& policy, const Facts& facts, const Decision& decision) { return complete(policy, facts, decision, Pass::enforced); }

Steps audit_steps(const Policy& policy, const Facts& facts) {
  if (!policy.has_audit_connectors()) return {};
  Decision decision;
  Steps steps;
  if (is_refused_at_connect(policy, facts.connection, Pass::audit)) {
    decision.stage = Stage::connect;
    steps.push_back({no_connector, Outcome::violated, Because::rule_unmet, Rule::closed});
  } else {
    Side side(policy, facts.connection, Pass::audit);
    side.mail(facts.sender, &steps);
    for (const auto& recipient : facts.recipients) side.rcpt(facts.sender, recipient);
    decision = side.end(facts.sender, facts.content, &steps);
  }
  decision.steps = std::move(steps);
  return complete(policy, facts, decision, Pass::audit);
}

std::string render_step(const Policy& policy, const Connection& connection, const Sender& sender, const Step& step) {
  const auto* connector = step.connector == no_connector ? nullptr : &policy.connector(step.connector);
  switch (step.because) {
    case Because::disabled: return "it is not enabled";
    case Because::audit_only: return "its mode is audit: it takes part in the audit decision only";
    case Because::other_listener:
      return connection.listener.empty() ? "it is limited to listeners, and the listener has no name"
                                         : "listener " + quoted(connection.listener) + " is not among its listeners";
    case Because::other_source: return unmet(connector, connection, sender, Rule::source);
    case Because::no_login:
    case Because::other_login: return unmet(connector, connection, sender, Rule::auth);
    case Because::no_certificate:
    case Because::unverified_certificate:
    case Because::other_certificate: return unmet(connector, connection, sender, Rule::certificate);
    case Because::other_issuer: return "issuer " + quoted(sender.tls.issuer) + " is not among its certificate_issuers";
    case Because::weaker_proof: return "another connector has the stronger or more specific proof";
    case Because::sender_out_of_scope: return "sender " + sender_text(sender) + " is not in its sender_domains";
    case Because::search_ended: return "the search ended before it was asked";
    case Because::grant_applies: return "a grant or exemption applies, so no partner is asked";
    case Because::vouched_applies: return "the mail is vouched for, so no partner is asked";
    case Because::refused_before: return "the mail was refused before it was asked";
    case Because::identity_holds: return "every identity setting holds, and its demands are met" + rate_aside(connector);
    case Because::via_holds: return "a connector named in its via is proven, and its demands are met" + rate_aside(connector);
    case Because::demands_met: return "its TLS demands and limits are met; it asks for no identity" + rate_aside(connector);
    case Because::vouched_login: return "the client logged in as " + quoted(sender.login) + " and the sender is ours or null";
    case Because::vouched_local: return "the mail was submitted on this machine";
    case Because::nothing_in_scope: return "no inbound connector is about this mail, and unmatched mail is accepted here";
    case Because::header_unmet: return field_unmet(connector) + ": the mail is judged as if this connector did not exist";
    case Because::rule_unmet: return unmet(connector, connection, sender, step.rule);
  }
  return {};
}

}  // namespace cm

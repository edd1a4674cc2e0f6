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
std::string address_text(const Envelope& envelope) {
  const auto& [argument, resolved] = envelope;
  std::string out = "<" + text::printable(argument.text, 100) + ">";
  if (!argument.is_null() && (argument.local != resolved.local || argument.domain != resolved.domain))
    out += " (resolved: <" + text::printable(resolved.text, 100) + ">)";
  return out;
}
std::string sender_text(const Sender& sender) { return address_text(sender.envelope); }

// A few of many, as there may be thousands.
std::string some_of(const std::vector<std::string>& names) {
  constexpr std::size_t most = 3;
  std::string out;
  for (std::size_t i = 0; i < names.size() && i < most; ++i) out += (i == 0 ? "" : ", ") + names[i];
  return names.size() > most ? out + " and " + std::to_string(names.size() - most) + " more" : out;
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

bool is_named(const InboundConnector& connector, const Tls& tls) {
  return !tls.subject_name.empty() && std::any_of(connector.certificates.begin(), connector.certificates.end(),
                                                  [&](const auto& p) { return match_certificate(p, tls.subject_name) != no_match; });
}
bool is_issued(const InboundConnector& connector, const Tls& tls) {
  const auto& issuers = connector.certificate_issuers;
  return issuers.empty() || std::find(issuers.begin(), issuers.end(), tls.issuer) != issuers.end();
}

std::string name_gap(const InboundConnector& connector, const Tls& tls) {
  std::vector<std::string> expected;
  expected.reserve(connector.certificates.size());
  for (const auto& pattern : connector.certificates) expected.push_back(pattern.to_string());
  const auto among = "its certificates (" + some_of(expected) + ")";
  if (tls.subject.empty()) return "certificate name not given, it would have to be among " + among;
  return "certificate name " + quoted(tls.subject) + " is not among " + among;
}
std::string issuer_gap(const InboundConnector& connector, const Tls& tls) {
  std::vector<std::string> expected;
  expected.reserve(connector.certificate_issuers.size());
  for (const auto& issuer : connector.certificate_issuers) expected.push_back(quoted(issuer));
  const auto among = "its certificate_issuers (" + some_of(expected) + ")";
  if (tls.issuer.empty()) return "issuer not given, it would have to be among " + among;
  return "issuer " + quoted(tls.issuer) + " is not among " + among;
}

// Which of certificate name and issuer failed; the other one holds.
std::string certificate_gap(const InboundConnector* connector, const Tls& tls) {
  if (tls.version.empty()) return "a client certificate is demanded, the session is in clear text";
  if (tls.certificate == CertificateState::absent) return "the client presented no certificate, or one that is not trusted for client authentication";
  if (tls.certificate == CertificateState::unverified) return "the client's certificate was not verified";
  if (!connector) return "the client's certificate is another one";
  if (!is_named(*connector, tls)) return name_gap(*connector, tls) + (is_issued(*connector, tls) ? "" : ", and " + issuer_gap(*connector, tls));
  return issuer_gap(*connector, tls);
}

std::string recipients_gap(const Policy& policy, const Facts& facts, ConnectorId id) {
  std::vector<std::string> outside;
  for (const auto& recipient : facts.recipients)
    if (recipient.argument.is_valid() && !recipient.argument.is_null() && id != no_connector &&
        !fits_limit(policy, policy.connector(id).recipients, policy.index().compiled[id].recipients.get(), recipient))
      outside.push_back(address_text(recipient));
  if (outside.empty()) return "a recipient is not among its recipients";
  return (outside.size() == 1 ? "recipient " : "recipients ") + some_of(outside) + (outside.size() == 1 ? " is" : " are") +
         " not among its recipients";
}

// Mail of nobody is what a connector in mode audit would change most.
std::string audit_aside(const Policy& policy, const Facts& facts, Pass pass) {
  if (pass == Pass::audit) return {};
  std::vector<std::string> names;
  for (const auto& step : audit_steps(policy, facts)) {
    if (step.connector == no_connector || step.outcome == Outcome::not_selected) continue;
    const auto& connector = policy.connector(step.connector);
    if (connector.mode == Mode::audit && std::find(names.begin(), names.end(), connector.name) == names.end()) names.push_back(connector.name);
  }
  if (names.empty()) return {};
  return (names.size() == 1 ? "; connector " : "; connectors ") + some_of(names) + " would apply, but " + (names.size() == 1 ? "is" : "are") +
         " in mode audit";
}

std::string nobodys(const Connection& connection) {
  return std::string("no inbound connector applies: this is an ordinary stranger's mail") + (connection.local ? "" : " from the internet");
}

std::string unmet(const Policy& policy, const Facts& facts, Pass pass, ConnectorId id, Rule rule) {
  const auto& [connection, sender, recipients, content] = facts;
  const auto* connector = id == no_connector ? nullptr : &policy.connector(id);
  switch (rule) {
    case Rule::closed:
      return "the listener is closed, and no connector on it can accept " + client_text(connection) + audit_aside(policy, facts, pass);
    case Rule::syntax: return "an address or header field is malformed";
    case Rule::source:
      if (connector && !connector->has_identity()) return client_text(connection) + " is none of the connectors named in via";
      return client_text(connection) + " is not among its source_ips";
    case Rule::auth: return sender.login.empty() ? "client did not log in" : "login " + quoted(sender.login) + " is not among its auth_users";
    case Rule::tls:
      return sender.tls.version.empty() ? "TLS is demanded, the session is in clear text"
                                        : text::printable(sender.tls.version, 16) + " is older than its min_tls_version";
    case Rule::certificate: return certificate_gap(connector, sender.tls);
    case Rule::sender: return "sender " + sender_text(sender) + " is not among its senders";
    case Rule::protect:
      return "sender " + sender_text(sender) + " is in the organization domains, and nobody vouches for this client" +
             audit_aside(policy, facts, pass);
    case Rule::header_from: return "the header From names a domain in its scope without its proof, or cannot be read";
    case Rule::header: return field_unmet(connector) + ", and not every recipient is in the organization domains";
    case Rule::unmatched:
      return nobodys(connection) + ", and such mail is rejected here (" +
             (policy.data().reject_unmatched ? "unmatched = \"reject\"" : "the listener is closed") + ")" + audit_aside(policy, facts, pass);
    case Rule::recipient: return recipients_gap(policy, facts, id);
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
  return is_named(c.connector(id), tls) ? Because::other_issuer : Because::other_certificate;
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
  const bool by_header_from = facts.content && policy.has_audit_header_from();
  if (!policy.has_audit_connectors() && !by_header_from) return {};
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
  // Partners have their header From checked in audit unless told otherwise: that alone is worth words only if it finds something.
  const auto is_header_from = [](const Step& step) { return step.rule == Rule::header_from; };
  if (!policy.has_audit_connectors() && std::none_of(steps.begin(), steps.end(), is_header_from)) return {};
  decision.steps = std::move(steps);
  return complete(policy, facts, decision, Pass::audit);
}

std::string render_step(const Policy& policy, const Facts& facts, const Step& step, Pass pass) {
  const auto& [connection, sender, recipients, content] = facts;
  const auto* connector = step.connector == no_connector ? nullptr : &policy.connector(step.connector);
  switch (step.because) {
    case Because::disabled: return "it is not enabled";
    case Because::audit_only: return "its mode is audit: it takes part in the audit decision only";
    case Because::other_listener:
      return connection.listener.empty() ? "it is limited to listeners, and the listener has no name"
                                         : "listener " + quoted(connection.listener) + " is not among its listeners";
    case Because::other_source: return unmet(policy, facts, pass, step.connector, Rule::source);
    case Because::no_login:
    case Because::other_login: return unmet(policy, facts, pass, step.connector, Rule::auth);
    case Because::no_certificate:
    case Because::unverified_certificate:
    case Because::other_certificate:
    case Because::other_issuer: return certificate_gap(connector, sender.tls);
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
    case Because::nothing_in_scope:
      return nobodys(connection) + ", and such mail is accepted here (unmatched = \"accept\")" + audit_aside(policy, facts, pass);
    case Because::header_unmet: return field_unmet(connector) + ": the mail is judged as if this connector did not exist";
    case Because::rule_unmet: return unmet(policy, facts, pass, step.connector, step.rule);
  }
  return {};
}

}  // namespace cm

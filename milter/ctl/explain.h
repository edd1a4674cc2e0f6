// `connectorctl explain`: a message that need not exist, stated in words -> Facts -> the decision in words.
//
// It is the daemon's own engine without a mail system around it, so what it says is what would happen. The scenario tests call it in a
// loop. It must never decide anything itself, and never guess a fact that was not stated.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/decide.h"
#include "policy/parsed.h"
#include "policy/policy.h"

namespace cm::ctl {

/// The options of `explain` as they were given.
struct Question {
  std::optional<std::string> client, helo, listener, tls, cert_subject, cert_issuer, auth, from;
  bool cert_unverified = false;
  bool local = false;
  std::vector<std::string> to, headers;
  std::optional<std::string> size;           // SIZE=, bytes
  std::optional<std::string> measured_size;  // headers and body, bytes: scenarios only, a real message is counted at its end
};

/// What decide() is asked; an error (wrong usage, in the words of the options) if the question is incomplete or contradicts itself.
Parsed<Facts> make_facts(const Policy& policy, const Question& question);

struct ExplainedRecipient {
  std::string address, action;
  std::optional<std::string> reply;
  std::optional<std::string> outbound;  // the connector by which it leaves
  bool relay_check = false;             // not ours, and nothing in the config lets the client send to others: see relay_check_note
};
struct ExplainedStep {
  std::optional<std::string> connector;  // none: a rule about all mail
  std::string outcome, because;
  std::optional<std::string> at;  // FILE:LINE of the connector
  bool operator==(const ExplainedStep&) const = default;
};
struct ExplainedAudit {
  std::string action;
  std::optional<std::string> rule, connector;
  std::string text;  // would-ACTION/RULE/NAME
};

/// A decision in words. Nothing in it is a reference.
/// The rule-scoped connector, or the one common to all recipients; as the MTA is told.
struct ExplainedRoute {
  std::string connector, next_hop;
  std::optional<std::string> tls;
};

struct Explanation {
  std::optional<std::string> connector, type, vouched, stage, rule, reply;
  std::string action;
  std::vector<std::string> violations;
  std::optional<ExplainedAudit> audit;
  std::vector<ExplainedRecipient> recipients;
  std::vector<AddedHeader> add_headers;
  std::vector<std::string> strip_headers;     // names as given
  std::optional<std::string> rewrite_sender;  // the envelope sender that it leaves with, if that is another one
  std::optional<ExplainedRoute> route;
  std::vector<ExplainedStep> steps;
  std::vector<ExplainedStep> audit_steps;  // of the audit pass; empty if nothing in mode audit has a part in it or changes a word
};

/// Stands where a real message has its own trace id.
inline constexpr std::string_view explain_trace_id = "explain22222";
/// What `repair` would add, in words where a real message has the time of its receipt and the name of the mail server.
inline constexpr std::string_view explain_date = "(time of receipt)", explain_host = "(name of the mail server)";

/// Of recipients that another check is asked about before the milter.
inline constexpr std::string_view relay_check_note =
    "Postfix's own relay check comes first: unless smtpd_relay_restrictions permits this client (mynetworks, login), it answers Relay access denied";

/// `has_policy_service`: Postfix can ask the daemon which clients may send to others.
Explanation explain(const Policy& policy, const Question& question, const Facts& facts, bool has_policy_service = true);

/// Each renders the whole explanation, final newline included.
std::string to_text(const Explanation& explanation);
std::string to_json(const Explanation& explanation);

}  // namespace cm::ctl

// A Decision in words: SMTP replies and header fields (render.cc), explanations (explain.cc). Pure; every untrusted byte is made
// printable ASCII here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/decision.h"
#include "policy/facts.h"

namespace cm {

/// `CODE XCODE [TRACEID] connector NAME: TEXT` in parts. `text` begins at `[TRACEID]`, holds printable ASCII only, at most
/// limits::reply_text_bytes; a `%` is not doubled (that is the milter edge's business).
struct Reply {
  int code = 0;
  std::string xcode;
  std::string text;
  [[nodiscard]] std::string to_string() const { return std::to_string(code) + " " + xcode + " " + text; }
};

/// Characters of a trace id: 12 of [a-z2-7].
inline constexpr std::size_t trace_id_length = 12;

/// What the peer is told. `verdict` is a refusal; `recipient` may be null (refused at connect, MAIL or end of message).
Reply render_reply(const Policy& policy, const Connection& connection, const Sender& sender, const RecipientDecision& verdict,
                   const Envelope* recipient, std::string_view trace_id);

/// The header fields that an accepted message gets, in the order in which they shall stand (trust, violation, audit, outbound, route, then
/// add_headers).
std::vector<AddedHeader> render_headers(const Policy& policy, const Connection& connection, const Sender& sender, const Decision& decision,
                                        std::string_view trace_id);

/// One step of the explanation in this pass as a clause: "client address 192.0.2.9 is not among its source_ips". For explain() alone: it
/// may decide the message again, to name the connectors in mode audit that a stranger's mail would hit.
std::string render_step(const Policy& policy, const Facts& facts, const Step& step, Pass pass = Pass::enforced);

/// The steps of a decision completed by one for every connector that it did not mention, each with the first reason why not.
/// Linear in the number of connectors: for explain(), never for mail.
Steps complete_steps(const Policy& policy, const Facts& facts, const Decision& decision);
/// The same of the audit pass, for explain() too; empty unless Policy::has_audit_connectors() or a check_header_from finds something.
Steps audit_steps(const Policy& policy, const Facts& facts);

/// would-ACTION/RULE/NAME for the log; what is absent at the end is left out, a missing RULE before a NAME stays empty: would-accept//hub.
std::string render_audit(const Policy& policy, const AuditDifference& difference);

}  // namespace cm

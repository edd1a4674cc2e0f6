// The state machine of one MTA connection. Decides nothing about mail itself: that is policy/decide.h.
#include "session/session.h"

#include <algorithm>

#include "observe/record.h"
#include "policy/required_header.h"
#include "policy/text.h"
#include "session/received.h"
#include "session/trace_id.h"

namespace cm::session {
namespace {

// Octets of a field on the wire; the MTA hands folds over as a bare LF.
std::uint64_t wire_size(std::string_view name, std::string_view value) {
  std::uint64_t size = name.size() + value.size() + 4;
  for (auto at = value.find('\n'); at != std::string_view::npos; at = value.find('\n', at + 1))
    if (at == 0 || value[at - 1] != '\r') ++size;
  return size;
}

Reply plain_reply(int code, const char* xcode, std::string_view trace_id, std::string_view text) {
  Reply reply{code, xcode, {}};
  if (!trace_id.empty()) reply.text = "[" + std::string(trace_id) + "] ";
  reply.text += text;
  return reply;
}

}  // namespace

Reply internal_failure(std::string_view trace_id) { return plain_reply(451, "4.3.0", trace_id, "Internal failure, please try again later"); }

Answer Session::connect(Connection connection, const Policy& policy) {
  observe::add(shared_.counters.connections);
  message_.reset();
  connected_ = false;  // a failure below leaves a session that takes no mail
  connection_ = std::move(connection);
  Answer answer;
  connected_ = !policy.has_closed_listener() || !is_refused_at_connect(policy, connection_);
  if (connected_) return answer;
  const RecipientDecision verdict{Action::reject, Rule::closed, no_connector};
  const auto trace_id = make_trace_id();
  answer.refusal = render_reply(policy, connection_, Sender{}, verdict, nullptr, trace_id);
  count(verdict);
  shared_.record(
      observe::render({.policy = &policy, .connection = &connection_, .verdict = verdict, .reply = &*answer.refusal, .trace_id = trace_id}));
  return answer;
}

Envelope Session::envelope(const Policy& policy, const std::string& argument, const std::optional<std::string>& resolved) const {
  Envelope result;
  result.argument = Address::from_argument(argument);
  result.resolved = resolved ? Address::from_resolved(*resolved) : resolve_as_postfix(result.argument, policy.our_domains(), policy.home_domain());
  return result;
}

Answer Session::mail(MailEvent event) {
  message_.reset();
  InFlight hold(shared_.in_flight);  // before the look at `draining`, so that a shutdown never misses a message
  observe::add(shared_.counters.messages);
  observe::add(shared_.counters.of(parse_tls_version(event.tls.version)));
  const auto policy = shared_.policy.get();
  Sender sender{envelope(*policy, event.argument, event.resolved), std::move(event.tls), std::move(event.login), event.declared_size, {}};
  if (!connected_) return {internal_failure(), {}, {}};
  if (shared_.draining) return refuse_mail(*policy, sender, event.queue_id, {421, "4.3.2", "Service is shutting down, please try again later"});
  const auto keys = shared_.keys ? shared_.keys->get() : nullptr;
  if ((needs_body(*policy, keys.get()) && !sees_body_) || (policy->rewrites_senders() && !changes_sender_))
    return refuse_mail(*policy, sender, event.queue_id, {421, "4.3.0", "Configuration has changed, please connect again"});
  message_.emplace(policy, connection_, std::move(hold));
  if (keys && !keys->empty()) message_->tagging.emplace(keys, policy->data().header_prefix + "-Trust");
  message_->trace_id = make_trace_id();
  message_->queue_id = std::move(event.queue_id);
  message_->dsn_arguments = std::move(event.dsn_arguments);
  message_->host = std::move(event.host);
  const auto verdict = message_->deliberation.mail(std::move(sender));
  if (!is_refusal(verdict.action)) return {};
  auto answer = refuse(*message_, verdict, nullptr, std::nullopt);
  message_.reset();
  return answer;
}

Answer Session::refuse_mail(const Policy& policy, const Sender& sender, std::string_view queue_id, const PlainRefusal& why) {
  const auto trace_id = make_trace_id();
  Answer answer;
  answer.refusal = plain_reply(why.code, why.xcode, trace_id, why.text);
  const RecipientDecision verdict{why.code < 500 ? Action::tempfail : Action::reject, why.rule, no_connector};
  count(verdict);
  shared_.record(observe::render({.policy = &policy,
                                  .connection = &connection_,
                                  .sender = &sender,
                                  .queue_id = queue_id,
                                  .verdict = verdict,
                                  .reply = &*answer.refusal,
                                  .trace_id = trace_id}));
  return answer;
}

Answer Session::refuse_content(const Message& message, const PlainRefusal& why) {
  Answer answer;
  answer.refusal = plain_reply(why.code, why.xcode, message.trace_id, why.text);
  const RecipientDecision verdict{why.code < 500 ? Action::tempfail : Action::reject, why.rule, no_connector};
  count(verdict);
  shared_.record(line(message, verdict, &*answer.refusal, message.first_recipient.empty() ? nullptr : &message.first_recipient, nullptr));
  return answer;
}

Answer Session::refuse(Message& message, const RecipientDecision& verdict, const Envelope* recipient, const std::optional<AuditDifference>& audit,
                       bool logged) {
  Answer answer;
  count(message, audit);
  const auto& sender = message.deliberation.sender();
  answer.refusal = render_reply(*message.policy, connection_, sender, verdict, recipient, message.trace_id);
  count(verdict);
  if (const auto own = tally(message, verdict.connector)) observe::add(own->of(verdict.action));
  const auto* to = recipient ? &recipient->argument.text : message.first_recipient.empty() ? nullptr : &message.first_recipient;
  if (logged) shared_.record(line(message, verdict, &*answer.refusal, to, &audit));
  return answer;
}

// A message takes its tokens at the first recipient that is acceptable otherwise, and keeps them until it is accepted or comes to nothing.
void Session::ask_rates(Message& message, const std::vector<ConnectorId>& limited) {
  for (const auto id : limited) {
    auto token = shared_.rates.take(message.policy->connector(id), connection_, message.deliberation.sender());
    message.deliberation.note_rate(id, !token);
    if (token) message.tokens.emplace_back(id, std::move(token));
  }
}

Answer Session::rcpt(RcptEvent event) {
  if (!message_) return {internal_failure(), {}, {}};
  if (message_->failed) return {internal_failure(message_->trace_id), {}, {}};
  auto& message = *message_;
  if (!event.queue_id.empty()) message.queue_id = std::move(event.queue_id);
  const auto recipient = envelope(*message.policy, event.argument, event.resolved);
  ask_rates(message, message.deliberation.rates_before(recipient));
  const auto verdict = message.deliberation.rcpt(recipient);
  if (is_refusal(verdict.action)) {
    const bool surplus = verdict.rule == Rule::recipients;
    auto answer = refuse(message, verdict, &recipient, message.deliberation.last_difference(), !surplus || !message.surplus_logged);
    message.surplus_logged = message.surplus_logged || surplus;
    return answer;
  }
  if (message.recipients++ == 0) message.first_recipient = recipient.argument.text;
  return {};
}

void Session::header(std::string_view name, std::string_view value) {
  if (!message_) return;
  auto& message = *message_;
  if (text::has_bare_cr(name) || text::has_bare_cr(value)) message.content.malformed_header = true;
  if (sees_body_) message.bytes += wire_size(name, value);
  message.removable.see(*message.policy, name);
  const auto bare_name = text::trim(name);
  if (message.tagging) message.tagging->header(bare_name, value);
  message.fields.see(bare_name, value);
  note_header(*message.policy, bare_name, value, message.content.header_rules);
  note_required_header(*message.policy, bare_name, value, message.content);
  if (equals_ignoring_case(bare_name, "From"))
    message.content.from.add(value);
  else if (message.message_id.empty() && equals_ignoring_case(bare_name, "Message-ID"))
    message.message_id = text::trim(value).substr(0, 1000);
}

void Session::body(std::string_view octets) {
  if (!message_) return;
  message_->bytes += octets.size();
  if (message_->tagging) message_->tagging->body(octets);
}

Answer Session::end_of_message(std::string queue_id) {
  if (!message_ || message_->failed) {
    Answer failed{internal_failure(message_ ? std::string_view(message_->trace_id) : std::string_view{}), {}, {}};
    message_.reset();
    return failed;
  }
  auto& message = *message_;
  if (!queue_id.empty()) message.queue_id = std::move(queue_id);
  if (sees_body_) message.content.size = message.bytes + 2;  // the empty line
  if (message.removable.too_many()) {
    auto answer = refuse_content(message, {550, "5.6.0", "Message has too many header fields that are removed here", Rule::syntax});
    message_.reset();
    return answer;
  }
  ask_rates(message, message.deliberation.rates_before_end(message.content));
  const auto decision = message.deliberation.end(message.content);
  const RecipientDecision verdict{decision.action, decision.rule, decision.connector};
  Answer answer;
  if (is_refusal(verdict.action)) {
    answer = refuse(message, verdict, nullptr, decision.audit);
  } else if (message.recipients == 0) {  // no MTA ends a message without RCPT; nobody judged this one
    answer = refuse_content(message, {451, "4.3.0", "Message has no recipient"});
  } else if (decision.proven && message.tagging && message.tagging->impossible()) {
    answer = refuse_content(message, {550, "5.6.0", "Message has header fields that are too long to be signed", Rule::syntax});
  } else {
    accept(message, decision, answer);
  }
  answer.hold = std::move(message.hold);
  message_.reset();
  return answer;
}

void Session::accept(Message& message, const Decision& decision, Answer& answer) {
  const auto& policy = *message.policy;
  const auto& sender = message.deliberation.sender();
  const auto now = shared_.unix_time();
  auto added = render_headers(policy, connection_, sender, decision, message.trace_id);
  const auto repaired = repairs(policy, sender, decision, message.fields, receipt(message.trace_id, now, message.host, policy.home_domain()));
  const auto leaving = leaving_sender(policy, sender, decision);
  for (const auto& field : repaired) {
    if (message.tagging) message.tagging->replace(field.name, field.value);
    if (field.name == "Message-ID") message.message_id = field.value;
  }
  if (message.tagging) message.tagging->sign(policy, decision, leaving, now, added);
  answer.edits = plan_edits(message.removable, policy, decision, added, message.trace_id);
  plan_repairs(repaired, answer.edits);
  if (is_sender_rewritten(policy, decision)) answer.edits.push_back(change_sender(leaving, message.dsn_arguments));
  const RecipientDecision verdict{decision.action, decision.rule, decision.connector};
  answer.accepted = {verdict, decision.audit.has_value() && !message.difference_counted,
                     line(message, verdict, nullptr, &message.first_recipient, &decision.audit, &decision)};
  note_counts(message, decision, answer.accepted);
  for (auto& [id, token] : message.tokens)  // of a connector that is as if it did not exist the token goes back
    if (std::find(decision.without.begin(), decision.without.end(), id) == decision.without.end()) answer.accepted.tokens.push_back(std::move(token));
}

void Session::accepted(Accepted& accepted) {
  for (auto& token : accepted.tokens) token.spend();
  count(accepted.verdict);
  for (const auto& counter : accepted.counts) observe::add(*counter);
  if (accepted.audit_differs) observe::add(shared_.counters.audit_differences);
  shared_.record(accepted.log_line);
}

void Session::fail() noexcept {
  if (message_) message_->failed = true;
}

std::string Session::line(const Message& message, const RecipientDecision& verdict, const Reply* reply, const std::string* recipient,
                          const std::optional<AuditDifference>* audit, const Decision* accepted) const {
  const bool about_all = !reply || recipient == &message.first_recipient;  // a refused recipient's line counts nobody else
  return observe::render({.policy = message.policy.get(),
                          .connection = &connection_,
                          .sender = &message.deliberation.sender(),
                          .queue_id = message.queue_id,
                          .verdict = verdict,
                          .recipient = recipient,
                          .recipients = about_all ? message.recipients : 0,
                          .size = message.content.size ? message.content.size : message.deliberation.sender().declared_size,
                          .message_id = message.message_id,
                          .accepted = accepted,
                          .audit = audit,
                          .reply = reply,
                          .trace_id = message.trace_id});
}

void Session::count(Message& message, const std::optional<AuditDifference>& audit) {
  if (!audit || message.difference_counted) return;
  message.difference_counted = true;
  observe::add(shared_.counters.audit_differences);
  if (const auto own = tally(message, audit->connector)) observe::add(own->audit_differences);
}

std::shared_ptr<observe::Tally> Session::tally(const Message& message, ConnectorId id) {
  return id == no_connector ? nullptr : tallies_.find(message.policy->connector(id).name);
}

// Looked up while the message is there, counted once the MTA has taken its edits.
void Session::note_counts(const Message& message, const Decision& decision, Accepted& accepted) {
  const auto note = [&accepted](std::shared_ptr<observe::Tally> own, observe::Counter& counter) {
    accepted.counts.emplace_back(std::move(own), &counter);
  };
  if (const auto own = tally(message, decision.connector)) note(own, own->of(decision.action));
  if (accepted.audit_differs)
    if (const auto own = tally(message, decision.audit->connector)) note(own, own->audit_differences);
  for (auto id = decision.outbound.begin(); id != decision.outbound.end(); ++id)
    if (*id != no_outbound && std::find(decision.outbound.begin(), id, *id) == id)
      if (const auto own = tallies_.find(message.policy->outbound(*id).name)) note(own, own->sent);
}

void Session::count(const RecipientDecision& verdict) {
  observe::add(shared_.counters.of(verdict.action));
  if (verdict.rule != Rule::none) observe::add(shared_.counters.of(verdict.rule));
}

}  // namespace cm::session

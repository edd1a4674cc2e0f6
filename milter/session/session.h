// One MTA connection as a state machine without any MTA in it: events in, answers out. The facts of a message start empty at every
// MAIL, and the policy in force there judges the whole message.
//
// The order of events is the MTA's: MAIL may follow MAIL, an abort may be missing, a close may come at any time; whatever comes, nothing
// learned for one message is seen by the next. Calls of one session never overlap, but may come from different threads.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "policy/decide.h"
#include "session/answer.h"
#include "session/mta.h"
#include "session/shared.h"
#include "session/tagging.h"

namespace cm::session {

/// "451 4.3.0": the answer to whatever goes wrong in here.
Reply internal_failure(std::string_view trace_id = {});

class Session {
 public:
  /// `sees_body`, `changes_sender`: the body step, and that action, were negotiated.
  Session(Shared& shared, bool sees_body, bool changes_sender = false)
      : shared_(shared), sees_body_(sees_body), changes_sender_(changes_sender), tallies_(shared.tallies) {}
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  /// A refusal here refuses the whole connection; the MTA words the reply.
  Answer connect(Connection connection, const Policy& policy);
  Answer mail(MailEvent event);
  Answer rcpt(RcptEvent event);
  void header(std::string_view name, std::string_view value);
  void body(std::string_view octets);
  Answer end_of_message(std::string queue_id);
  /// Logs and counts an accepted message, after its edits were performed.
  void accepted(Accepted& accepted);
  void abort() { message_.reset(); }
  /// Something went wrong in a step that has no answer: the message gets a tempfail at the next one.
  void fail() noexcept;

 private:
  struct Message {
    Message(std::shared_ptr<const Policy> p, const Connection& connection, InFlight h)
        : policy(std::move(p)), deliberation(*policy, connection), hold(std::move(h)) {}
    std::shared_ptr<const Policy> policy;
    Deliberation deliberation;
    InFlight hold;
    std::string trace_id, queue_id, message_id, dsn_arguments, host;
    std::string first_recipient;  // accepted
    std::size_t recipients = 0;   // accepted
    bool surplus_logged = false, difference_counted = false, failed = false;
    Content content;
    std::uint64_t bytes = 0;
    RemovableHeaders removable;
    SeenFields fields;
    std::optional<Tagging> tagging;  // only if there are keys
    std::vector<std::pair<ConnectorId, RateLimits::Token>> tokens;
  };
  Answer refuse_mail(const Policy& policy, const Sender& sender, std::string_view queue_id, const PlainRefusal& why);
  void ask_rates(Message& message, const std::vector<ConnectorId>& limited);
  Answer refuse_content(const Message& message, const PlainRefusal& why);
  void accept(Message& message, const Decision& decision, Answer& answer);
  Answer refuse(Message& message, const RecipientDecision& verdict, const Envelope* recipient, const std::optional<AuditDifference>& audit,
                bool logged = true);
  Envelope envelope(const Policy& policy, const std::string& argument, const std::optional<std::string>& resolved) const;
  [[nodiscard]] std::string line(const Message& message, const RecipientDecision& verdict, const Reply* reply, const std::string* recipient,
                                 const std::optional<AuditDifference>* audit, const Decision* accepted = nullptr) const;
  std::shared_ptr<observe::Tally> tally(const Message& message, ConnectorId id);
  void note_counts(const Message& message, const Decision& decision, Accepted& accepted);
  void count(const RecipientDecision& verdict);
  void count(Message& message, const std::optional<AuditDifference>& audit);

  Shared& shared_;
  const bool sees_body_, changes_sender_;
  observe::Tallies::View tallies_;
  bool connected_ = false;  // and not refused
  Connection connection_;
  std::optional<Message> message_;
};

}  // namespace cm::session

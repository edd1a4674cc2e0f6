// libmilter callbacks. Each does three things: read facts (mta.h), tell the session, carry out its answer.
//
// Sources: libmilter/engine.c and comm.c (8.17) for states and replies; Postfix milter8.c for what it asks and skips.
#include "session/milter.h"

#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <unistd.h>

#include <csignal>
#include <cstring>
#include <exception>

namespace cm::session {
namespace {

// The process's one filter; set before libmilter starts, never changed after.
struct Filter {
  Shared* shared = nullptr;
  Log* log = nullptr;
  bool may_skip_replies = false;  // over TCP every write without an answer waits for a delayed acknowledgement
};
Filter filter;

// One MTA connection. What was negotiated is fixed for its life.
struct Client {
  Client(bool sees_body, bool changes_sender, unsigned long protocol, std::shared_ptr<const Policy> p)
      : session(*filter.shared, sees_body, changes_sender), policy(std::move(p)), protocol_steps(protocol) {}
  Session session;
  std::shared_ptr<const Policy> policy;  // for the answer to connect: its need for one was negotiated
  const unsigned long protocol_steps;
  Mta mta = Mta::unknown;
  [[nodiscard]] bool answers(unsigned long no_reply_step) const { return (protocol_steps & no_reply_step) == 0; }
};

Client* client_of(SMFICTX* ctx) { return static_cast<Client*>(smfi_getpriv(ctx)); }

Macros macros_of(SMFICTX* ctx) {
  return {[](void* where, const char* name) -> const char* { return smfi_getsymval(static_cast<SMFICTX*>(where), const_cast<char*>(name)); }, ctx};
}

void report_failure(const char* step, const char* what) noexcept {
  observe::add(filter.shared->counters.internal_failures);
  try {
    filter.log->error(std::string("internal failure at ") + step + ": " + what);
  } catch (...) {  // no memory for the line; the count stands
  }
}

// libmilter takes `%` for a format character, and keeps a reply that was not sent: set it only right before returning its class.
sfsistat send_reply(SMFICTX* ctx, const Reply& reply) {
  std::string text;
  for (const char c : reply.text) text.append(c == '%' ? 2 : 1, c);
  auto code = std::to_string(reply.code), xcode = reply.xcode;
  if (smfi_setreply(ctx, code.data(), xcode.data(), text.data()) != MI_SUCCESS) report_failure("reply", "libmilter refused the reply text");
  return reply.code >= 500 ? SMFIS_REJECT : SMFIS_TEMPFAIL;
}

// The one way from C into our code: whatever goes wrong becomes a tempfail, here or, in a step that has no answer, at the next one.
template <class Step>
sfsistat guarded(SMFICTX* ctx, const char* name, unsigned long no_reply_step, Step&& step) noexcept {
  Client* client = client_of(ctx);
  const bool answers = !client || client->answers(no_reply_step);
  try {
    if (!client) throw std::runtime_error("no session");
    const sfsistat result = step(*client);
    return answers ? result : SMFIS_NOREPLY;
  } catch (const std::exception& e) {
    report_failure(name, e.what());
  } catch (...) {
    report_failure(name, "unknown exception");
  }
  if (client) client->session.fail();
  if (!answers) return SMFIS_NOREPLY;
  if (no_reply_step == SMFIP_NR_CONN) return client ? SMFIS_CONTINUE : SMFIS_TEMPFAIL;  // with a session MAIL has the tempfail
  try {
    return send_reply(ctx, internal_failure());
  } catch (...) {
    return SMFIS_TEMPFAIL;
  }
}

constexpr unsigned long always_needed = SMFIF_ADDHDRS | SMFIF_CHGHDRS | SMFIF_QUARANTINE | SMFIF_SETSYMLIST;
unsigned long needed_actions(const Policy& policy) { return always_needed | (policy.rewrites_senders() ? SMFIF_CHGFROM : 0UL); }

// Asks for exactly the steps that the policy and the keys need, as far as the MTA can leave others out.
unsigned long wanted_steps(const Policy& policy, unsigned long offered) {
  unsigned long steps = SMFIP_NOUNKNOWN;
  const auto keys = filter.shared->keys ? filter.shared->keys->get() : nullptr;
  if (!needs_body(policy, keys.get())) steps |= SMFIP_NOBODY;
  if (filter.may_skip_replies) {
    steps |= SMFIP_NOHELO | SMFIP_NODATA | SMFIP_NOEOH | SMFIP_NR_HDR | SMFIP_NR_BODY;
    if (!policy.has_closed_listener()) steps |= SMFIP_NR_CONN;
  }
  return steps & offered;
}

bool ask_for_macros(SMFICTX* ctx) {
  const auto ask = [ctx](int stage, const char* list) { return smfi_setsymlist(ctx, stage, const_cast<char*>(list)) == MI_SUCCESS; };
  return ask(SMFIM_CONNECT, connect_macros) && ask(SMFIM_HELO, helo_macros) && ask(SMFIM_ENVFROM, mail_macros) && ask(SMFIM_ENVRCPT, rcpt_macros) &&
         ask(SMFIM_EOH, end_macros) && ask(SMFIM_EOM, end_macros);
}

bool perform(SMFICTX* ctx, MtaAction& action) {
  switch (action.kind) {
    case MtaAction::Kind::delete_header: return smfi_chgheader(ctx, action.name.data(), action.index, nullptr) == MI_SUCCESS;
    case MtaAction::Kind::insert_header: return smfi_insheader(ctx, action.index, action.name.data(), action.value.data()) == MI_SUCCESS;
    case MtaAction::Kind::change_header: return smfi_chgheader(ctx, action.name.data(), action.index, action.value.data()) == MI_SUCCESS;
    case MtaAction::Kind::change_sender:
      return smfi_chgfrom(ctx, action.name.data(), action.value.empty() ? nullptr : action.value.data()) == MI_SUCCESS;
    case MtaAction::Kind::quarantine: return smfi_quarantine(ctx, action.value.data()) == MI_SUCCESS;
  }
  return false;
}

}  // namespace

extern "C" {

// libmilter starts a thread that waits for HUP, TERM and INT and takes each for a wish to stop. The kernel offers them to the main thread
// first, but not always: a SIGTERM right after the start ended the daemon without a drain. That thread, the only one of the process to
// call sigwait, calls this instead and waits for good; all signals are blocked in it. Source: libmilter/signal.c (mi_signal_thread).
int sigwait(const sigset_t*, int*) {
  for (;;) ::pause();
}

static sfsistat on_negotiate(SMFICTX* ctx, unsigned long actions, unsigned long steps, unsigned long, unsigned long, unsigned long* want_actions,
                             unsigned long* want_steps, unsigned long* want2, unsigned long* want3) noexcept {
  try {
    auto policy = filter.shared->policy.get();
    const auto needed = needed_actions(*policy);
    if ((actions & needed) != needed) {
      filter.log->error(std::string("the MTA does not offer what is needed (milter protocol 6 with header changes, quarantine") +
                        (policy->rewrites_senders() ? ", sender changes" : "") + " and macro lists): refusing it");
      return SMFIS_REJECT;
    }
    const auto wanted = wanted_steps(*policy, steps);
    auto client = std::make_unique<Client>((wanted & SMFIP_NOBODY) == 0, policy->rewrites_senders(), wanted, std::move(policy));
    if (!ask_for_macros(ctx) || smfi_setpriv(ctx, client.get()) != MI_SUCCESS) throw std::runtime_error("libmilter refused the macro lists");
    static_cast<void>(client.release());  // on_close owns it now
    *want_actions = needed;
    *want_steps = wanted;
    *want2 = *want3 = 0;
    return SMFIS_CONTINUE;
  } catch (const std::exception& e) {
    report_failure("negotiate", e.what());
  } catch (...) {
    report_failure("negotiate", "unknown exception");
  }
  return SMFIS_REJECT;
}

static sfsistat on_connect(SMFICTX* ctx, char*, _SOCK_ADDR* address) noexcept {
  return guarded(ctx, "connect", SMFIP_NR_CONN, [&](Client& client) -> sfsistat {
    const auto policy = client.policy ? std::move(client.policy) : filter.shared->policy.get();
    const auto macros = macros_of(ctx);
    client.mta = recognise(macros);
    return client.session.connect(read_connection(client.mta, macros, address), *policy).refusal ? SMFIS_REJECT : SMFIS_CONTINUE;
  });
}

static sfsistat on_mail(SMFICTX* ctx, char** arguments) noexcept {
  return guarded(ctx, "MAIL", 0, [&](Client& client) -> sfsistat {
    const auto answer = client.session.mail(read_mail(client.mta, macros_of(ctx), arguments));
    return answer.refusal ? send_reply(ctx, *answer.refusal) : SMFIS_CONTINUE;
  });
}

static sfsistat on_rcpt(SMFICTX* ctx, char** arguments) noexcept {
  return guarded(ctx, "RCPT", 0, [&](Client& client) -> sfsistat {
    const auto answer = client.session.rcpt(read_rcpt(client.mta, macros_of(ctx), arguments));
    return answer.refusal ? send_reply(ctx, *answer.refusal) : SMFIS_CONTINUE;
  });
}

static sfsistat on_header(SMFICTX* ctx, char* name, char* value) noexcept {
  return guarded(ctx, "header", SMFIP_NR_HDR, [&](Client& client) -> sfsistat {
    client.session.header(name, value);
    return SMFIS_CONTINUE;
  });
}

static sfsistat on_body(SMFICTX* ctx, unsigned char* octets, size_t bytes) noexcept {
  return guarded(ctx, "body", SMFIP_NR_BODY, [&](Client& client) -> sfsistat {
    client.session.body({reinterpret_cast<const char*>(octets), bytes});
    return SMFIS_CONTINUE;
  });
}

static sfsistat on_end_of_message(SMFICTX* ctx) noexcept {
  return guarded(ctx, "end of message", 0, [&](Client& client) -> sfsistat {
    auto answer = client.session.end_of_message(read_queue_id(macros_of(ctx)));
    if (answer.refusal) return send_reply(ctx, *answer.refusal);
    for (auto& edit : answer.edits)
      if (!perform(ctx, edit)) throw std::runtime_error("libmilter refused an edit of the message");
    client.session.accepted(answer.accepted);
    return SMFIS_CONTINUE;
  });
}

static sfsistat on_abort(SMFICTX* ctx) noexcept {
  if (Client* client = client_of(ctx)) client->session.abort();
  return SMFIS_CONTINUE;
}

static sfsistat on_close(SMFICTX* ctx) noexcept {
  delete client_of(ctx);  // null if nothing was negotiated
  smfi_setpriv(ctx, nullptr);
  return SMFIS_CONTINUE;
}

}  // extern "C"

std::string open_milter(const MilterOptions& options, Shared& shared, Log& log) {
  filter = {&shared, &log, options.address.starts_with("unix:") || options.address.starts_with("local:")};
  static char name[] = "connector-milter";
  smfiDesc description{};
  description.xxfi_name = name;
  description.xxfi_version = SMFI_VERSION;
  description.xxfi_flags = always_needed | SMFIF_CHGFROM;
  description.xxfi_connect = on_connect;
  description.xxfi_envfrom = on_mail;
  description.xxfi_envrcpt = on_rcpt;
  description.xxfi_header = on_header;
  description.xxfi_body = on_body;
  description.xxfi_eom = on_end_of_message;
  description.xxfi_abort = on_abort;
  description.xxfi_close = on_close;
  description.xxfi_negotiate = on_negotiate;
  auto address = options.address;
  if (smfi_register(description) != MI_SUCCESS) return "libmilter cannot be set up: out of memory, or headers and library of different versions";
  if (smfi_setconn(address.data()) != MI_SUCCESS) return "\"" + options.address + "\" is no milter address: expected unix:PATH or inet:PORT@HOST";
  if (smfi_settimeout(options.timeout) != MI_SUCCESS || smfi_setbacklog(options.backlog) != MI_SUCCESS) return "libmilter refuses its settings";
  if (smfi_opensocket(true) != MI_SUCCESS) return "cannot listen on " + options.address + ": " + std::strerror(errno);
  return {};
}

int run_milter() { return smfi_main(); }

}  // namespace cm::session

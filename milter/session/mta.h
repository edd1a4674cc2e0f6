// The single place that knows how an MTA words its facts: macros and addresses in, facts out.
//
// Postfix and Sendmail use the same macro names for different things ({cert_subject} of Sendmail names a certificate that nobody
// verified), so the MTA is recognised first. An MTA that is not recognised proves no certificate unless it says {verify} = OK.
// A value over its limit is never cut and then compared: it becomes a fact that meets nothing.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>

#include "policy/facts.h"

namespace cm::session {

/// How to ask for a macro. The pointer returned is valid until the MTA's next event; null: the MTA did not send it.
struct Macros {
  const char* (*find)(void* where, const char* name);
  void* where;
  const char* operator()(const char* name) const { return find(where, name); }
};

enum class Mta : std::uint8_t { postfix, sendmail, unknown };

/// What MAIL and RCPT bring. `resolved`: nullopt if the MTA did not say what it made of the argument.
struct MailEvent {
  std::string argument;
  std::optional<std::string> resolved;
  std::optional<std::uint64_t> declared_size;
  Tls tls;
  std::string login;
  std::string queue_id;
  std::string dsn_arguments;  // `RET=` and `ENVID=` as they were given
  std::string host;           // the MTA's own name
};
struct RcptEvent {
  std::string argument;
  std::optional<std::string> resolved;
  std::string queue_id;
};

/// The macro lists to ask for, by stage. Each holds one macro that is never empty (`j`): an MTA that sends an empty list leaves the
/// values of an earlier event in place, and facts of one message would be read for the next.
inline constexpr const char* connect_macros = "j v {daemon_name} {client_port}";
inline constexpr const char* helo_macros = "j";
inline constexpr const char* mail_macros =
    "j i {mail_addr} {auth_authen} {tls_version} {cert_subject} {cert_issuer} {verify} {cn_subject} {cn_issuer}";
inline constexpr const char* rcpt_macros = "j i {rcpt_addr}";
inline constexpr const char* end_macros = "j i";  // end of header too: Sendmail drops the one without the other

/// At connect. `v` is `Postfix VERSION` there, a bare version number in Sendmail.
Mta recognise(const Macros& macros);
/// At connect; `address` may be null (Postfix: XCLIENT with an unavailable address; libmilter: unknown family).
Connection read_connection(Mta mta, const Macros& macros, const sockaddr* address);
/// At MAIL. `arguments` ends with a null pointer; the first is the sender.
MailEvent read_mail(Mta mta, const Macros& macros, const char* const* arguments);
RcptEvent read_rcpt(Mta mta, const Macros& macros, const char* const* arguments);
std::string read_queue_id(const Macros& macros);

}  // namespace cm::session

// Macros -> facts, for Postfix, Sendmail and what we do not know. Nothing is remembered from one event to the next.
#include "session/mta.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <charconv>
#include <cstring>
#include <limits>

#include "policy/domain.h"
#include "policy/limits.h"
#include "policy/text.h"

namespace cm::session {
namespace {

std::string_view text(const Macros& macros, const char* name) {
  const char* value = macros(name);
  return value ? std::string_view(value) : std::string_view{};
}

std::string bounded(std::string_view value, std::size_t most) { return value.size() <= most ? std::string(value) : std::string{}; }

// Sendmail writes names of certificates and logins in xtext: a `+` in a login is `+2B` there.
std::string plain(Mta mta, std::string_view value) { return mta == Mta::sendmail ? cm::text::decode_xtext(value) : std::string(value); }

std::optional<Ip> client_of(const sockaddr* address) {
  if (!address) return std::nullopt;
  char buffer[INET6_ADDRSTRLEN] = "";
  if (address->sa_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, address, sizeof v4);
    inet_ntop(AF_INET, &v4.sin_addr, buffer, sizeof buffer);
  } else if (address->sa_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, address, sizeof v6);
    inet_ntop(AF_INET6, &v6.sin6_addr, buffer, sizeof buffer);
  }
  return Ip::parse(buffer);
}

bool is_loopback(const Ip& ip) { return ip.v6 ? ip.bits == 1 : (ip.bits >> 24) == 127; }

// Postfix sends {cert_subject}, the CN, only for a certificate that it verified (smtpd_milter.c).
void read_postfix_certificate(const Macros& macros, Tls& tls) {
  const char* subject = macros("{cert_subject}");
  if (!subject) return;
  tls.certificate = CertificateState::verified;
  set_certificate_names(tls, subject, text(macros, "{cert_issuer}"));
}

// Sendmail sends the names of any certificate, in xtext; only {verify} tells (tls.c). In place of a CN it could not read it writes one of its
// own.
void read_other_certificate(Mta mta, const Macros& macros, Tls& tls) {
  const auto verify = text(macros, "{verify}");
  if (verify.empty() ? text(macros, "{cert_subject}").empty() : verify == "NO" || verify == "NOT" || verify == "NONE") return;
  tls.certificate = verify == "OK" ? CertificateState::verified : CertificateState::unverified;
  set_certificate_names(tls, plain(mta, text(macros, "{cn_subject}")), plain(mta, text(macros, "{cn_issuer}")));
  if (tls.subject.starts_with("BadCertificate")) tls.subject_name.clear();
  if (tls.issuer.starts_with("BadCertificate")) tls.issuer.clear();
}

Tls read_tls(Mta mta, const Macros& macros) {
  Tls tls;
  const auto version = text(macros, "{tls_version}");
  if (version.empty()) return tls;
  tls.version = version.size() <= limits::tls_version_bytes ? std::string(version) : "unknown";
  if (mta == Mta::postfix)
    read_postfix_certificate(macros, tls);
  else
    read_other_certificate(mta, macros, tls);
  return tls;
}

// What the MTA made of an address. Sendmail's is bare for local users, and empty where it has nothing to say: then nothing was said.
std::optional<std::string> read_resolved(Mta mta, const Macros& macros, const char* name, std::string_view argument) {
  const char* value = macros(name);
  if (!value) return std::nullopt;
  const std::string_view resolved(value);
  const bool is_null_argument = argument.empty() || argument == "<>";
  if (resolved.empty() && !is_null_argument) return std::nullopt;
  if (mta != Mta::postfix && resolved.find('@') == std::string_view::npos && !is_null_argument) return std::nullopt;
  return std::string(resolved);
}

// SIZE= of RFC 1870. A number too big for us is as big as can be, never ignored.
std::optional<std::uint64_t> read_size(const char* const* arguments) {
  for (; *arguments; ++arguments) {
    const std::string_view argument(*arguments);
    if (argument.size() < 6 || !equals_ignoring_case(argument.substr(0, 5), "SIZE=")) continue;
    std::uint64_t size = 0;
    const auto [end, error] = std::from_chars(argument.data() + 5, argument.data() + argument.size(), size);
    if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
    if (error == std::errc{} && end == argument.data() + argument.size()) return size;
  }
  return std::nullopt;
}

// RFC 3461 sections 4.3 and 4.4: what a new sender would lose. Everything else of MAIL stays with the message.
std::string read_dsn_arguments(const char* const* arguments) {
  std::string out;
  for (; *arguments; ++arguments) {
    const std::string_view argument(*arguments);
    const bool is_dsn = equals_ignoring_case(argument.substr(0, 4), "RET=") || equals_ignoring_case(argument.substr(0, 6), "ENVID=");
    if (!is_dsn || argument.size() > limits::dsn_argument_bytes ||
        std::any_of(argument.begin(), argument.end(), [](char c) { return c <= ' ' || c > '~'; }))
      continue;
    if (!out.empty()) out += ' ';
    out += argument;
  }
  return out;
}

// Submitted on this machine, by no listener. Postfix shows that as a client on loopback with port 0 (cleanup_milter.c). `sendmail -bs` whose
// input is no socket has no client at all, and port 0 (srvrsmtp.c); a socket from inetd has its peer's address.
bool is_local(Mta mta, const Macros& macros, const sockaddr* address, const std::optional<Ip>& client) {
  if (text(macros, "{client_port}") != "0") return false;
  if (mta == Mta::postfix) return client && is_loopback(*client);
  return mta == Mta::sendmail && !address && text(macros, "{daemon_name}").empty();
}

}  // namespace

Mta recognise(const Macros& macros) {
  const auto version = text(macros, "v");
  if (version.starts_with("Postfix ")) return Mta::postfix;
  return version.starts_with("8.") ? Mta::sendmail : Mta::unknown;
}

Connection read_connection(Mta mta, const Macros& macros, const sockaddr* address) {
  Connection connection;
  connection.client = client_of(address);
  connection.local = is_local(mta, macros, address, connection.client);
  if (connection.local && !connection.client) connection.client = Ip::parse("127.0.0.1");
  if (!connection.local) connection.listener = text(macros, "{daemon_name}");
  return connection;
}

MailEvent read_mail(Mta mta, const Macros& macros, const char* const* arguments) {
  MailEvent event;
  event.argument = arguments[0] ? arguments[0] : "";
  event.resolved = read_resolved(mta, macros, "{mail_addr}", event.argument);
  if (arguments[0]) {
    event.declared_size = read_size(arguments + 1);
    event.dsn_arguments = read_dsn_arguments(arguments + 1);
  }
  event.host = text(macros, "j");
  event.tls = read_tls(mta, macros);
  event.login = bounded(plain(mta, text(macros, "{auth_authen}")), limits::login_bytes);
  event.queue_id = read_queue_id(macros);
  return event;
}

RcptEvent read_rcpt(Mta mta, const Macros& macros, const char* const* arguments) {
  RcptEvent event;
  event.argument = arguments[0] ? arguments[0] : "";
  event.resolved = read_resolved(mta, macros, "{rcpt_addr}", event.argument);
  event.queue_id = read_queue_id(macros);
  return event;
}

std::string read_queue_id(const Macros& macros) { return bounded(text(macros, "i"), 64); }

}  // namespace cm::session

// What is known about one connection and one message. Facts grow by stage; none is ever guessed.
//
// The session gathers them from the MTA, `explain` from its options, tests write them down. decide() sees nothing else.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "policy/address.h"
#include "policy/connector.h"
#include "policy/ip.h"

namespace cm {

/// Known at connect.
struct Connection {
  std::optional<Ip> client;  // nullopt: the MTA did not say; no source holds
  std::string listener;      // {daemon_name}
  bool local = false;        // submitted on this machine, not over SMTP: no source holds
};

enum class CertificateState : std::uint8_t { absent, unverified, verified };

/// Read at every MAIL: STARTTLS comes after connect.
struct Tls {
  std::string version;  // as the MTA names it ("TLSv1.3"); empty: clear text
  CertificateState certificate = CertificateState::absent;
  std::string subject;                              // CN as presented: untrusted unless verified
  std::string subject_name;                         // normalise_certificate_name(subject): what is compared
  std::string issuer;                               // CN of the issuer
  std::string fingerprint, public_key_fingerprint;  // as the MTA prints them; only Postfix's policy protocol says them
};

/// Known at MAIL.
struct Sender {
  Envelope envelope;
  Tls tls;
  std::string login;                           // SASL login; empty: not authenticated
  std::optional<std::uint64_t> declared_size;  // SIZE=
  std::vector<std::uint32_t> rates_exceeded;   // inbound connectors whose bucket is empty: the rate verdict, taken outside
};

/// The From header fields of a message.
struct HeaderFrom {
  enum class Kind : std::uint8_t { absent, parsed, unparsable, several };
  Kind kind = Kind::absent;
  std::vector<std::string> domains;  // of all mailboxes, normalised

  /// One more From field, as it came (header_from.cc).
  void add(std::string_view value);
};

/// Known at end of message.
struct Content {
  std::optional<std::uint64_t> size;  // headers and body; nullopt: not counted
  HeaderFrom from;
  std::vector<std::uint32_t> header_rules;  // outbound connectors whose `when.header` was met, see note_header() (routing.h)
  std::vector<std::uint32_t> header_met;    // inbound connectors whose `require_header` is met, see note_required_header()
  std::vector<std::string> header_seen;     // lower-case names of the fields that it was asked of so far
  bool malformed_header = false;            // a bare CR in a header field: two parsers may see two messages
};

/// A whole message, as `explain` and the tests state it.
struct Facts {
  Connection connection;
  Sender sender;
  std::vector<Envelope> recipients;
  std::optional<Content> content;  // nullopt: headers are not known, header rules are not asked
};

/// "TLSv1.2" -> tls1_2; empty -> none; anything else -> unknown.
TlsVersion parse_tls_version(std::string_view name);

/// The certificate's names as the MTA said them, decoded: one over its bound meets nothing.
void set_certificate_names(Tls& tls, std::string_view subject, std::string_view issuer);

}  // namespace cm

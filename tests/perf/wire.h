// One SMTP session of one message as Postfix 3.7 puts it on a milter's socket, and what a milter answers.
//
// The rule: the bytes are those that Postfix writes (negotiation, macro packets, headers, ABORT ABORT QUIT, and in how many writes), as
// far as the milter's negotiated steps and macro lists ask for them. Source: Postfix milter8.c, and a recording of 3.7.11.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cm::perf {

/// What one session sends. `tls_name` empty: clear text; else a verified certificate of that name over TLS 1.3.
struct Message {
  std::string client, sender, recipient, tls_name;
};

struct Answers {
  unsigned inserted = 0;  // header fields
  bool accepted = false;
};

/// Connects to `socket_path`, plays the session and hangs up. Throws std::runtime_error if the milter breaks the protocol.
Answers play(const std::string& socket_path, const Message& message);

/// Lines "CLIENT SENDER RECIPIENT [TLS_NAME]". Throws std::runtime_error if there is none.
std::vector<Message> read_messages(const std::string& file);

}  // namespace cm::perf

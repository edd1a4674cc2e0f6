#include "wire.h"

#include <arpa/inet.h>
#include <libmilter/mfapi.h>
#include <libmilter/mfdef.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string_view>
#include <utility>

#include "base/fd.h"

namespace cm::perf {
namespace {

using namespace std::string_view_literals;
using Macros = std::vector<std::pair<std::string, std::string>>;

constexpr std::uint32_t offered_actions = 0x1ff, offered_steps = 0x1fffff;

// Nine fields, as a common mail program and one relay before us leave them.
constexpr std::pair<std::string_view, std::string_view> headers[] = {
    {"Received",
     "from client.partner.example (client.partner.example [203.0.113.77])\n\tby mail.partner.example (Postfix) with ESMTPS id 4jX28R34R7z1bYT0\n\t"
     "for <anna@contoso.example>; Mon,  5 Jan 2026 10:00:00 +0000 (UTC)"},
    {"From", "\"The Boss\" <boss@partner.example>"},
    {"To", "Anna <anna@contoso.example>"},
    {"Subject", "Figures of the last quarter, with a subject of usual length"},
    {"Date", "Mon, 05 Jan 2026 10:00:00 +0000"},
    {"Message-ID", "<20260105100000.3395795519311013337@client.partner.example>"},
    {"MIME-Version", "1.0"},
    {"Content-Type", "text/plain; charset=utf-8"},
    {"User-Agent", "Some Mail Program 1.2.3 (X11)"},
};

class Wire {
 public:
  explicit Wire(const std::string& path) : fd_(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    path.copy(address.sun_path, sizeof address.sun_path - 1);
    const auto* generic = reinterpret_cast<const sockaddr*>(&address);
    if (::connect(fd_.get(), generic, sizeof address) != 0) throw std::runtime_error("cannot connect to " + path + ": " + std::strerror(errno));
  }

  void put(char command, std::string_view data) {
    const auto size = htonl(static_cast<std::uint32_t>(data.size() + 1));
    out_.append(reinterpret_cast<const char*>(&size), sizeof size);
    out_ += command;
    out_ += data;
  }
  void flush() {
    for (std::string_view rest = out_; !rest.empty();) {
      const auto sent = ::send(fd_.get(), rest.data(), rest.size(), MSG_NOSIGNAL);
      if (sent <= 0) throw std::runtime_error("the milter hung up");
      rest.remove_prefix(static_cast<std::size_t>(sent));
    }
    out_.clear();
  }
  /// One packet; the first byte is its command.
  std::string get() {
    std::uint32_t size = 0;
    need(sizeof size);
    std::memcpy(&size, in_.data(), sizeof size);
    size = ntohl(size);
    need(sizeof size + size);
    auto packet = in_.substr(sizeof size, size);
    in_.erase(0, sizeof size + size);
    return packet;
  }

 private:
  void need(std::size_t bytes) {
    while (in_.size() < bytes) {
      std::array<char, 4096> buffer;
      const auto got = ::recv(fd_.get(), buffer.data(), buffer.size(), 0);
      if (got <= 0) throw std::runtime_error("the milter hung up");
      in_.append(buffer.data(), static_cast<std::size_t>(got));
    }
  }

  Fd fd_;
  std::string out_, in_;
};

std::string strings(std::initializer_list<std::string_view> parts) {
  std::string out;
  for (const auto part : parts) out.append(part) += '\0';
  return out;
}

std::uint32_t number_at(std::string_view packet, std::size_t at) {
  std::uint32_t value = 0;
  if (packet.size() < at + sizeof value) throw std::runtime_error("the milter's negotiation is too short");
  std::memcpy(&value, packet.data() + at, sizeof value);
  return ntohl(value);
}

std::string negotiation() {
  const std::array<std::uint32_t, 3> words = {htonl(6), htonl(offered_actions), htonl(offered_steps)};
  return {reinterpret_cast<const char*>(words.data()), sizeof words};
}

class SmtpSession {
 public:
  SmtpSession(const std::string& path, const Message& message) : wire_(path), message_(message) {
    values_ = {{"j", "mail.contoso.example"}, {"v", "Postfix 3.7.11"},         {"{daemon_name}", "mx"},
               {"{client_port}", "39172"},    {"{mail_addr}", message.sender}, {"{rcpt_addr}", message.recipient}};
    if (message.tls_name.empty()) return;
    values_.insert({{"{tls_version}", "TLSv1.3"}, {"{cert_subject}", message.tls_name}, {"{cert_issuer}", "Example Root"}});
  }

  Answers play() {
    negotiate();
    macros('C', SMFIM_CONNECT);
    const auto port = htons(39172);
    event('C', SMFIP_NOCONNECT, SMFIP_NR_CONN,
          strings({"client.partner.example"}) + "4" + std::string(reinterpret_cast<const char*>(&port), sizeof port) + strings({message_.client}));
    macros('H', SMFIM_HELO);
    event('H', SMFIP_NOHELO, SMFIP_NR_HELO, strings({"client.partner.example"}));
    macros('M', SMFIM_ENVFROM);
    event('M', SMFIP_NOMAIL, SMFIP_NR_MAIL, strings({"<" + message_.sender + ">", "SIZE=4242"}));
    macros('R', SMFIM_ENVRCPT);
    event('R', SMFIP_NORCPT, SMFIP_NR_RCPT, strings({"<" + message_.recipient + ">"}));
    return refused_ ? hang_up() : content();
  }

 private:
  void negotiate() {
    wire_.put('O', negotiation());
    wire_.flush();
    const auto answer = wire_.get();
    if (answer.empty() || answer[0] != 'O') throw std::runtime_error("the milter does not negotiate");
    steps_ = number_at(answer, 9);
    for (std::size_t at = 13; at + 4 < answer.size();) {
      const auto stage = number_at(answer, at);
      const std::string list = answer.c_str() + at + 4;
      at += 4 + list.size() + 1;
      if (stage < lists_.size()) lists_[stage] = list;
    }
  }

  // Sent even where the step itself is not.
  void macros(char command, int stage) {
    std::string data(1, command);
    std::istringstream names(lists_[static_cast<std::size_t>(stage)]);
    for (std::string name; names >> name;)
      if (const auto value = values_.find(name); value != values_.end()) data += strings({name, value->second});
    wire_.put('D', data);
  }

  void event(char command, std::uint32_t skip, std::uint32_t no_reply, std::string_view data) {
    if (steps_ & skip) return;
    wire_.put(command, data);
    if (steps_ & no_reply) return;
    wire_.flush();
    answer();
  }

  // Until the packet that ends the step's answer.
  void answer() {
    for (;;) {
      const auto packet = wire_.get();
      switch (packet.empty() ? '\0' : packet[0]) {
        case 'i': ++answers_.inserted; continue;
        case 'm':
        case 'q':
        case 'p': continue;
        case 'c':
        case 'a': return;
        case 'y':
        case 't':
        case 'r': refused_ = true; return;
        default: throw std::runtime_error("the milter answers with an unknown packet");
      }
    }
  }

  Answers content() {
    values_["i"] = "4jX28R34R7z1bYT0";
    macros('T', SMFIM_DATA);
    event('T', SMFIP_NODATA, SMFIP_NR_DATA, {});
    for (const auto& [name, value] : headers) {
      macros('L', SMFIM_EOH);
      const bool is_from = name == "From"sv;
      event('L', SMFIP_NOHDRS, SMFIP_NR_HDR, strings({name, is_from ? "The Boss <" + message_.sender + ">" : std::string(value)}));
    }
    if (!(steps_ & SMFIP_NOEOH)) macros('N', SMFIM_EOH);
    event('N', SMFIP_NOEOH, SMFIP_NR_EOH, {});
    if (!(steps_ & SMFIP_NOBODY)) {
      macros('B', SMFIM_EOM);
      event('B', SMFIP_NOBODY, SMFIP_NR_BODY, std::string(4000, 'x'));
    }
    macros('E', SMFIM_EOM);
    event('E', 0, 0, {});
    answers_.accepted = !refused_;
    return hang_up();
  }

  Answers hang_up() {
    wire_.put('A', {});
    wire_.put('A', {});
    wire_.put('Q', {});
    wire_.flush();
    return answers_;
  }

  Wire wire_;
  const Message& message_;
  std::map<std::string, std::string> values_;
  std::array<std::string, SMFIM_LAST + 1> lists_ = {"j {daemon_name} v", "{tls_version}", "i {mail_addr}", "i {rcpt_addr}", "i", "i", "i"};
  std::uint32_t steps_ = 0;
  Answers answers_;
  bool refused_ = false;
};

}  // namespace

Answers play(const std::string& socket_path, const Message& message) { return SmtpSession(socket_path, message).play(); }

std::vector<Message> read_messages(const std::string& file) {
  std::vector<Message> messages;
  std::ifstream in(file);
  for (std::string line; std::getline(in, line);) {
    std::istringstream fields(line);
    Message m;
    if (fields >> m.client >> m.sender >> m.recipient) {
      fields >> m.tls_name;
      messages.push_back(std::move(m));
    }
  }
  if (messages.empty()) throw std::runtime_error(file + " holds no message");
  return messages;
}

}  // namespace cm::perf

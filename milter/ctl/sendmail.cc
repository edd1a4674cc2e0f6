// What a config needs of Sendmail, one function a subject; sendmail_lines() is the order in which they are printed.
#include "ctl/sendmail.h"

#include <algorithm>
#include <cctype>

#include "ctl/connectors.h"

namespace cm::ctl {
namespace {

using Kind = SendmailLine::Kind;

/// Whether it may stand in an option of sendmail.mc: no character that m4 or Sendmail reads as more than itself.
bool is_plain(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || std::string_view("/._-+:@[]").find(static_cast<char>(c)) != std::string_view::npos;
  });
}

/// Our socket as Sendmail names it: local:PATH, inet:PORT@[IP], inet6:PORT@[IP], inet:PORT@HOST.
std::string endpoint(const std::string& address) {
  if (address.starts_with("unix:")) return "local:" + address.substr(5);
  const auto at = address.find('@');  // inet:PORT@HOST
  auto host = address.substr(at + 1);
  const auto bare = host.starts_with('[') ? host.substr(1, host.size() - 2) : host;
  const bool v6 = bare.find(':') != std::string::npos;
  if (v6 || bare.find_first_not_of("0123456789.") == std::string::npos) host = "[" + bare + "]";  // in brackets it is not looked up
  return (v6 ? "inet6:" : "inet:") + address.substr(5, at - 5) + "@" + host;
}

class Writer {
 public:
  Writer(const PolicyData& policy, const config::Service& service) : policy_(policy), service_(service) {}

  void filter();
  void tls();
  void client_certificates();
  void listeners();
  void local_submission();
  void what_sendmail_does_not_ask();
  std::vector<SendmailLine> lines;

 private:
  void add(Kind kind, std::string value, std::string reason, std::string listener = {}) {
    lines.push_back({kind, std::move(listener), std::move(value), std::move(reason)});
  }
  void define(Kind kind, const std::string& name, const std::string& value, std::string reason) {
    add(kind, "define(`" + name + "', `" + value + "')dnl", std::move(reason));
  }

  const PolicyData& policy_;
  const config::Service& service_;
};

void Writer::filter() {
  const auto address = endpoint(service_.milter.address);
  if (!is_plain(address)) {
    add(Kind::note, "", "The path of milter.socket holds characters that sendmail.mc cannot: choose another");
    return;
  }
  add(Kind::macro, "INPUT_MAIL_FILTER(`connector-milter', `S=" + address + ", F=T, T=C:10s;S:10s;R:30s;E:2m')dnl",
      "All mail that comes by SMTP is shown to the connectors, before other filters see it; if they cannot be asked, it is put off (F=T), never "
      "accepted. No directory above the socket may be writable for a group or all");
}

void Writer::tls() {
  const auto names = enabled_names(policy_.inbound, [](const auto& c) { return c.require_tls || !c.certificates.empty(); });
  if (names.empty()) return;
  define(Kind::example, "confSERVER_CERT", "/etc/mail/tls/sendmail-server.crt", some_of(names) + ": without a certificate STARTTLS is not offered");
  define(Kind::example, "confSERVER_KEY", "/etc/mail/tls/sendmail-server.key", "Its key, readable by root alone");
  define(Kind::example, "confCACERT_PATH", "/etc/mail/tls/client-ca",
         "Sendmail offers STARTTLS only if this directory exists. The CAs in it count as well (by the names that openssl rehash gives them): not "
         "/etc/ssl/certs, if certificates of clients matter");
}

void Writer::client_certificates() {
  const auto names = enabled_names(policy_.inbound, [](const auto& c) { return !c.certificates.empty(); });
  const auto all = enabled_names(policy_.inbound, [](const auto& c) { return c.require_tls || !c.certificates.empty(); });
  if (all.empty()) return;
  define(Kind::example, "confCACERT", "/etc/mail/tls/client-ca.crt",
         names.empty() ? "Sendmail wants this file as well"
                       : "Whose client certificates count: the CAs of these peers and no others, since a connector sees only names of a certificate");
  if (names.empty()) return;
  define(Kind::macro, "confTLS_SRV_OPTIONS", "", some_of(names) + ": clients are asked for a certificate (the option V would turn that off)");
}

void Writer::listeners() {
  for (const auto& listener : policy_.listeners) {
    if (is_plain(listener.name))
      add(Kind::listener, "Name=" + listener.name,
          "By this name the connectors know the listener: it belongs into the DAEMON_OPTIONS of its port, which must not have InputMailFilters of "
          "its own",
          listener.name);
    else
      add(Kind::note, "", "The listener " + listener.name + " has characters in its name that sendmail.mc cannot hold: choose another");
  }
}

void Writer::local_submission() {
  const auto loopback = Ip::parse("127.0.0.1");
  const auto covers = [&](const auto& c) {
    return std::any_of(c.source_ips.begin(), c.source_ips.end(), [&](const auto& source) { return source.contains(*loopback); });
  };
  if (!policy_.organization.vouch_local || !enabled_names(policy_.inbound, covers).empty()) return;
  add(Kind::note, "",
      "Local programs hand their mail to Sendmail by SMTP, from 127.0.0.1: vouch = \"local\" is not about it. Where something would refuse it, it "
      "needs "
      "a connector with source_ips = [ \"127.0.0.1\", \"::1\" ]");
}

void Writer::what_sendmail_does_not_ask() {
  if (const auto names = enabled_names(policy_.outbound, [](const auto&) { return true; }); !names.empty())
    add(Kind::note, "", some_of(names) + ": outbound connectors steer Postfix; Sendmail does not ask, and their headers change nothing in it");
  if (service_.policy) add(Kind::note, "", "Sendmail does not ask the policy service: who may relay is for its own access database");
  if (!service_.signing_keys.empty()) add(Kind::note, "", "Trust tags are not taken off mail that leaves through Sendmail");
}

}  // namespace

std::vector<SendmailLine> sendmail_lines(const PolicyData& policy, const config::Service& service) {
  Writer writer(policy, service);
  writer.filter();
  writer.tls();
  writer.client_certificates();
  writer.listeners();
  writer.local_submission();
  writer.what_sendmail_does_not_ask();
  return std::move(writer.lines);
}

}  // namespace cm::ctl

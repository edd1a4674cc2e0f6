// `connectorctl sendmail`: each line is there exactly when the config needs it, and can be pasted into sendmail.mc.
#define BOOST_TEST_DYN_LINK
#include "ctl/sendmail.h"

#include <boost/test/unit_test.hpp>
#include <nlohmann/json.hpp>
#include <set>

using namespace cm;
using namespace cm::ctl;
using nlohmann::json;
using Kind = SendmailLine::Kind;

namespace {

/// A config that can be changed, and what it needs.
struct Needs {
  PolicyData policy;
  config::Service service;

  Needs() { policy.organization.vouch_local = false; }
  InboundConnector& inbound(std::string name) {
    auto& c = policy.inbound.emplace_back();
    c.name = std::move(name);
    return c;
  }
  [[nodiscard]] std::vector<SendmailLine> lines() const { return sendmail_lines(policy, service); }
  /// The value that begins so, "(none)" if there is none; an example has a `?` before it.
  [[nodiscard]] std::string value(const std::string& start) const {
    for (const auto& line : lines())
      if (line.value.starts_with(start)) return (line.kind == Kind::example ? "?" : "") + line.value;
    return "(none)";
  }
  [[nodiscard]] std::string filter(const std::string& address) {
    service.milter.address = address;
    const std::string start = "INPUT_MAIL_FILTER(`connector-milter', `S=";
    const auto found = value(start);
    return found == "(none)" ? found : found.substr(start.size(), found.find(", F=T") - start.size());
  }
  [[nodiscard]] bool notes(const std::string& words) const {
    for (const auto& line : lines())
      if (line.kind == Kind::note && line.reason.find(words) != std::string::npos) return true;
    return false;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(sendmail)

BOOST_FIXTURE_TEST_CASE(a_config_without_connectors_needs_the_filter_alone, Needs) {
  BOOST_TEST(lines().size() == 1);
  BOOST_TEST(value("INPUT") ==
             "INPUT_MAIL_FILTER(`connector-milter', `S=local:/var/spool/postfix/connector-milter/milter.sock, F=T, T=C:10s;S:10s;R:30s;E:2m')dnl");
}

BOOST_FIXTURE_TEST_CASE(the_socket_as_sendmail_names_it, Needs) {
  BOOST_TEST(filter("unix:/run/c/m.sock") == "local:/run/c/m.sock");
  BOOST_TEST(filter("inet:8891@127.0.0.1") == "inet:8891@[127.0.0.1]");
  BOOST_TEST(filter("inet:8891@::1") == "inet6:8891@[::1]");
  BOOST_TEST(filter("inet:8891@[::1]") == "inet6:8891@[::1]");
  BOOST_TEST(filter("inet:8891@milter.example") == "inet:8891@milter.example");
}

BOOST_FIXTURE_TEST_CASE(no_text_of_the_config_ends_a_quotation_or_an_option, Needs) {
  policy.listeners = {{"a'b", false}, {"a,Port=1", false}, {"a`b", false}, {"mx-1.a_b", false}};
  for (const auto* path : {"unix:/run/a'b", "unix:/run/a,F=R", "unix:/run/a`b", "unix:/run/a;b", "unix:/run/a(b", "unix:/run/a$b", "unix:/run/a b"}) {
    BOOST_TEST(filter(path) == "(none)", path);
    BOOST_TEST(notes("milter.socket"));
  }
  BOOST_TEST(notes("The listener a'b has characters"));
  BOOST_TEST(value("Name=") == "Name=mx-1.a_b");
}

BOOST_FIXTURE_TEST_CASE(certificates_of_clients_and_of_the_server, Needs) {
  auto& c = inbound("p");
  c.source_ips = {*Source::parse("192.0.2.1")};
  BOOST_TEST(value("define(") == "(none)");
  c.require_tls = true;
  BOOST_TEST(value("define(`confSERVER_CERT'").starts_with("?"));
  BOOST_TEST(value("define(`confSERVER_KEY'").starts_with("?"));
  BOOST_TEST(value("define(`confCACERT'").starts_with("?"));
  BOOST_TEST(value("define(`confCACERT_PATH'").starts_with("?"));
  BOOST_TEST(value("define(`confTLS_SRV_OPTIONS'") == "(none)");
  c.require_tls = false;
  c.certificates = {*DomainPattern::parse("mail.p.example")};
  BOOST_TEST(value("define(`confTLS_SRV_OPTIONS'") == "define(`confTLS_SRV_OPTIONS', `')dnl");
  BOOST_TEST(value("define(`confCACERT'").starts_with("?"));
  c.mode = Mode::audit;
  BOOST_TEST(value("define(`confTLS_SRV_OPTIONS'") != "(none)");
  c.enabled = false;
  BOOST_TEST(value("define(") == "(none)");
}

BOOST_FIXTURE_TEST_CASE(what_sendmail_does_not_do_is_said, Needs) {
  BOOST_TEST(!notes(""));
  policy.organization.vouch_local = true;
  BOOST_TEST(notes("127.0.0.1"));
  inbound("here").source_ips = {*Source::parse("127.0.0.0/8")};
  BOOST_TEST(!notes(""));
  policy.outbound.emplace_back().name = "to-d";
  BOOST_TEST(notes("to-d: outbound"));
  service.policy = config::Socket{};
  BOOST_TEST(notes("policy service"));
  service.signing_keys.push_back({"k", "/k", {}, ""});
  BOOST_TEST(notes("Trust tags"));
}

BOOST_FIXTURE_TEST_CASE(what_must_be_placed_or_chosen_is_commented_out, Needs) {
  policy.listeners = {{"mx", false}};
  policy.organization.vouch_local = true;
  inbound("p").certificates = {*DomainPattern::parse("mail.p.example")};
  const auto text = to_text(lines());
  std::size_t settings = 0;
  for (std::size_t at = 0; at < text.size(); at = text.find('\n', at) + 1)
    if (text.compare(at, 3, "dnl") != 0) ++settings;
  BOOST_TEST(settings == 2);
  BOOST_TEST(text.find("\nINPUT_MAIL_FILTER(") != std::string::npos);
  BOOST_TEST(text.find("\ndefine(`confTLS_SRV_OPTIONS', `')dnl\n") != std::string::npos);
  BOOST_TEST(text.find("\ndnl define(`confCACERT', ") != std::string::npos);
  BOOST_TEST(text.find("\ndnl DAEMON_OPTIONS(`Name=mx, Port=...')dnl\n") != std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(json_says_what_each_line_is, Needs) {
  policy.listeners = {{"mx", false}};
  policy.organization.vouch_local = true;
  inbound("p").certificates = {*DomainPattern::parse("mail.p.example")};
  std::set<std::string> kinds;
  for (const auto& line : json::parse(to_json(lines()))) {
    std::string keys;
    for (const auto& [key, value] : line.items()) keys += key + (value.is_null() ? "=null " : " ");
    kinds.insert(keys);
  }
  BOOST_TEST((kinds == std::set<std::string>{"reason value ", "example reason value=null ", "listener reason value ", "reason value=null "}));
}

BOOST_AUTO_TEST_SUITE_END()

// `repair` and `rewrite_sender` in a session: what a device's message gets that it lacks, and what nobody else's gets.
#include <boost/test/unit_test.hpp>

#include "session/received.h"
#include "session/session.h"

namespace {

using namespace cm;
using namespace cm::session;
using Kind = MtaAction::Kind;

constexpr std::int64_t moment = 1795341600;

// `wanted` is of the printers' connector, which may use any sender.
PolicyData usual(Repair wanted, const std::string& sender = "") {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  InboundConnector printers, server;
  printers.name = "printers", server.name = "server";
  printers.duty = Duty::device, server.duty = Duty::on_premises;
  printers.trust = "device", server.trust = "internal";
  printers.source_ips.push_back(*Source::parse("10.2.0.0/24"));
  server.source_ips.push_back(*Source::parse("10.1.0.0/24"));
  printers.recipients = {false, true, {}};
  printers.repair = wanted;
  printers.rewrite_sender = sender;
  data.inbound = {printers, server};
  return data;
}

struct World {
  Published<Policy> policy{std::make_shared<const Policy>(usual({true, true, true}))};
  observe::Counters counters;
  std::string log;
  Shared shared{policy, counters, [this](std::string_view line) { log = line; }};
  std::string sender = "<Scanner@contoso.example>", host = "mail.contoso.example", dsn, trace;
  std::optional<std::string> resolved;
  std::vector<std::pair<const char*, std::string>> fields{{"Subject", "Scan"}};
  std::vector<std::string> recipients{"<anna@contoso.example>"};
  bool changes_sender = true;

  World() {
    shared.unix_time = [] { return moment; };
  }
  void use(PolicyData data) { policy.set(std::make_shared<const Policy>(std::move(data))); }

  // "~Date: value" changed or added, "-Date/2" deleted, "<a> b" the sender changed; the headers of our own left out.
  std::string send(const char* client = "10.2.0.9") {
    Session session(shared, false, changes_sender);
    session.connect({Ip::parse(client), "mx", false}, *policy.get());
    MailEvent event;
    event.argument = sender;
    event.resolved = resolved;
    event.host = host;
    event.dsn_arguments = dsn;
    const auto begun = session.mail(event);
    if (begun.refusal) return begun.refusal->to_string().substr(0, 9);
    for (const auto& to : recipients) session.rcpt({to, std::nullopt, "Q1"});
    for (const auto& [name, value] : fields) session.header(name, value);
    auto answer = session.end_of_message("Q1");
    if (answer.refusal) return answer.refusal->to_string().substr(0, 9);
    session.accepted(answer.accepted);
    const auto id = log.find(" id=");
    trace = log.substr(id + 4, 12);
    std::string out;
    for (const auto& edit : answer.edits) {
      if (edit.kind == Kind::change_header) out += "~" + edit.name + ": " + edit.value + "\n";
      if (edit.kind == Kind::change_header) BOOST_TEST(edit.index == 1);
      if (edit.kind == Kind::delete_header) out += "-" + edit.name + "/" + std::to_string(edit.index) + "\n";
      if (edit.kind == Kind::change_sender) out += edit.name + " " + edit.value + "\n";
    }
    return out;
  }
  std::string author() {
    use(usual({false, false, true}));
    return send();
  }
};

}  // namespace

BOOST_AUTO_TEST_CASE(dates_are_those_of_rfc_5322) {
  BOOST_TEST(message_date(0) == "Thu, 1 Jan 1970 00:00:00 +0000");
  BOOST_TEST(message_date(951782400 + 86399) == "Tue, 29 Feb 2000 23:59:59 +0000");
  BOOST_TEST(message_date(moment) == "Sun, 22 Nov 2026 10:00:00 +0000");
  BOOST_TEST(message_date(253402300799) == "Fri, 31 Dec 9999 23:59:59 +0000");
}

BOOST_AUTO_TEST_CASE(a_host_that_is_none_gives_way_to_a_domain_of_ours) {
  BOOST_TEST(receipt("id", 5, "mail.contoso.example", "us.example").host == "mail.contoso.example");
  for (const auto& odd : {std::string(), std::string("a b"), std::string("a>"), std::string(".a"), std::string("a..b"), std::string(300, 'a')})
    BOOST_TEST(receipt("id", 5, odd, "us.example").host == "us.example");
  BOOST_TEST(receipt("id", 5, "h", "us.example").id == "id.5");
}

BOOST_FIXTURE_TEST_CASE(what_a_device_leaves_out_is_added, World) {
  const auto edits = send();
  BOOST_TEST(edits == "~Date: Sun, 22 Nov 2026 10:00:00 +0000\n~Message-ID: <" + trace + ".1795341600@mail.contoso.example>\n" +
                          "~From: <Scanner@contoso.example>\n");
  BOOST_TEST((log.find("msgid=<" + trace + ".1795341600@mail.contoso.example>") != std::string::npos));
}

BOOST_FIXTURE_TEST_CASE(only_what_is_asked_for, World) {
  use(usual({true, false, false}));
  BOOST_TEST(send().starts_with("~Date: "));
  BOOST_TEST(send().find("~Message-ID") == std::string::npos);
  BOOST_TEST(author() == "~From: <Scanner@contoso.example>\n");
  use(usual({}));
  BOOST_TEST(send() == "");
}

BOOST_FIXTURE_TEST_CASE(what_a_device_says_stays, World) {
  fields = {{"date", "yesterday"}, {"MESSAGE-ID ", "4711"}, {"From", "Scanner"}};
  BOOST_TEST(send() == "");
  fields.emplace_back("Date", "");  // beside one that says something
  BOOST_TEST(send() == "");
}

BOOST_FIXTURE_TEST_CASE(a_field_without_a_value_says_nothing, World) {
  use(usual({true, true, false}));
  fields = {{"Date", ""}, {"Message-ID", " < > "}, {"DATE", "\t\n "}, {"Date", " "}};
  const auto edits = send();
  BOOST_TEST(edits == "-Date/3\n-Date/2\n~Date: Sun, 22 Nov 2026 10:00:00 +0000\n~Message-ID: <" + trace + ".1795341600@mail.contoso.example>\n");
  fields.assign(limits::removable_headers + 1, {"Date", ""});  // they stay: cleaning up would take too long
  BOOST_TEST(send().find("Date") == std::string::npos);
}

BOOST_FIXTURE_TEST_CASE(nobody_elses_mail_is_repaired, World) {
  BOOST_TEST(send("10.1.0.9") == "");
  BOOST_TEST(send("192.0.2.66") == "");
  recipients.emplace_back("<x@elsewhere.example>");  // refused: not all of its demands are met
  BOOST_TEST(send() == "");
  auto data = usual({true, true, true}, "scans@contoso.example");
  data.inbound[0].mode = Mode::audit;
  use(data);
  recipients.resize(1);
  changes_sender = false;
  BOOST_TEST(send() == "");
}

BOOST_FIXTURE_TEST_CASE(authors_are_proper_addresses, World) {
  sender = "<>";
  use(usual({false, false, true}));
  BOOST_TEST(send() == "~From: <MAILER-DAEMON@mail.contoso.example>\n");
  sender = "<\"a b\\\"\"@Contoso.example>";
  BOOST_TEST(send() == "~From: <\"a b\\\"\"@contoso.example>\n");
  resolved = "\"a b\\\"\"@contoso.example";
  BOOST_TEST(send() == "~From: <\"a b\\\"\"@contoso.example>\n");
  sender = "<Anna%there@contoso.example>", resolved = "anna@there";  // the MTA knows better who that is
  BOOST_TEST(send() == "~From: <anna@there>\n");
  sender = "<Copier>", resolved = "copier";
  BOOST_TEST(send() == "~From: <Copier@mail.contoso.example>\n");
  sender = "<a@contoso.example>", resolved = "a\tb@contoso.example";
  BOOST_TEST(send() == "~From: <a?b@contoso.example>\n");
}

BOOST_FIXTURE_TEST_CASE(another_sender_keeps_the_arguments_about_notifications, World) {
  use(usual({false, false, true}, "Scans@contoso.example"));
  BOOST_TEST(send() == "~From: <Scans@contoso.example>\n<Scans@contoso.example> \n");
  dsn = "RET=HDRS ENVID=x+2By";
  BOOST_TEST(send() == "~From: <Scans@contoso.example>\n<Scans@contoso.example> RET=HDRS ENVID=x+2By\n");
  BOOST_TEST((log.find("from=<Scanner@contoso.example>") != std::string::npos));
  sender = "<>";
  BOOST_TEST(send().find("<Scans@contoso.example> RET") != std::string::npos);
  BOOST_TEST(send("10.1.0.9") == "");
}

BOOST_FIXTURE_TEST_CASE(a_policy_that_rewrites_senders_asks_for_a_new_connection, World) {
  changes_sender = false;
  BOOST_TEST(send().starts_with("~Date"));
  use(usual({}, "scans@contoso.example"));
  BOOST_TEST(send() == "421 4.3.0");
  BOOST_TEST(send("192.0.2.66") == "421 4.3.0");
  auto off = usual({}, "scans@contoso.example");
  off.inbound[0].enabled = false;
  use(off);
  BOOST_TEST(send() == "");
}

// One MTA connection, event by event: answers, what is forgotten between messages, and what happens when things go wrong.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE session
#include "session/session.h"

#include <boost/test/unit_test.hpp>
#include <set>

#include "session/trace_id.h"

namespace {

using namespace cm;
using namespace cm::session;
using Kind = MtaAction::Kind;

InboundConnector partner(const char* name, const char* domain) {
  InboundConnector c;
  c.name = name;
  c.trust = "partner";
  c.sender_domains.push_back(*DomainPattern::parse(domain));
  return c;
}

PolicyData usual() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  data.listeners = {{"mx", false}, {"relay", true}};
  auto fabrikam = partner("fabrikam", "fabrikam.example");
  fabrikam.require_tls = true;
  auto quarantined = partner("litware", "litware.example");
  quarantined.require_tls = true;
  quarantined.on_violation = OnViolation::quarantine;
  InboundConnector hq;
  hq.name = "hq";
  hq.duty = Duty::on_premises;
  hq.trust = "internal";
  hq.source_ips.push_back(*Source::parse("10.1.0.0/24"));
  InboundConnector printer = hq;
  printer.name = "printer";
  printer.duty = Duty::device;
  printer.trust = "device";
  printer.source_ips = {*Source::parse("10.2.0.0/24")};
  printer.max_recipients = 2;
  data.inbound = {fabrikam, quarantined, hq, printer};
  return data;
}

PolicyData with_sizes() {
  auto data = usual();
  data.inbound[2].max_message_size = 1000;
  return data;
}

std::shared_ptr<const Policy> make(PolicyData data) { return std::make_shared<const Policy>(std::move(data)); }

struct World {
  Published<Policy> policy{make(usual())};
  observe::Counters counters;
  std::vector<std::string> log;
  Shared shared{policy, counters, [this](std::string_view line) { log.emplace_back(line); }};
  std::unique_ptr<Session> session;

  Answer connect(const char* client, bool sees_body = false, const char* listener = "mx") {
    session = std::make_unique<Session>(shared, sees_body);
    return session->connect({Ip::parse(client), listener, false}, *policy.get());
  }
  std::string mail(const char* from, const char* tls = "", std::optional<std::uint64_t> size = {}) {
    MailEvent event;
    event.argument = from;
    event.tls.version = tls;
    event.declared_size = size;
    return code(session->mail(event));
  }
  std::string rcpt(const std::string& to) { return code(session->rcpt({to, std::nullopt, "Q1"})); }
  Answer end() {
    auto answer = session->end_of_message("Q1");
    if (!answer.refusal) session->accepted(answer.accepted);
    return answer;
  }
  // "" to proceed, else the reply up to the enhanced code
  static std::string code(const Answer& answer) {
    return answer.refusal ? std::to_string(answer.refusal->code) + " " + answer.refusal->xcode : std::string();
  }
  static std::string edits(const Answer& answer) {
    std::string out;
    for (const auto& edit : answer.edits)
      out += (edit.kind == Kind::delete_header ? "-" : edit.kind == Kind::insert_header ? "+" : "!") + edit.name + " ";
    return out;
  }
  static std::string trust(const Answer& answer) {
    for (const auto& edit : answer.edits)
      if (edit.kind == Kind::insert_header && edit.name == "X-Connector-Trust") return edit.value.substr(0, edit.value.find(';'));
    return {};
  }
};

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

}  // namespace

BOOST_AUTO_TEST_CASE(trace_ids_are_twelve_letters_and_never_the_same) {
  std::set<std::string> seen;
  for (int i = 0; i < 10000; ++i) {
    const auto id = make_trace_id();
    BOOST_REQUIRE_EQUAL(id.size(), 12U);
    BOOST_REQUIRE(id.find_first_not_of("abcdefghijklmnopqrstuvwxyz234567") == std::string::npos);
    seen.insert(id);
  }
  BOOST_TEST(seen.size() == 10000U);
}

BOOST_FIXTURE_TEST_CASE(a_required_header_is_read_before_it_is_removed_and_known_for_one_message_alone, World) {
  auto data = usual();
  data.inbound[2].required_header = "X-MS-Exchange-Organization-Site";
  data.inbound[2].required_values = {"contoso one"};
  policy.set(make(std::move(data)));
  connect("10.1.0.5");
  const auto send = [&](const char* to, const char* header) {
    BOOST_TEST(mail("<anna@contoso.example>").empty());
    BOOST_TEST(rcpt(to).empty());
    if (header) session->header("x-ms-exchange-organization-SITE ", header);
    return end();
  };
  const auto ours = send("<u@elsewhere.example>", " contoso\n\tone ");
  BOOST_TEST(trust(ours) == "internal");
  BOOST_TEST(edits(ours) == "-x-ms-exchange-organization-SITE +X-Connector-Trust ");
  const auto refused = send("<u@elsewhere.example>", nullptr);
  BOOST_TEST(code(refused) == "550 5.7.1");
  BOOST_TEST(contains(log.back(), "connector=hq type=on_premises action=reject rule=header"));
  BOOST_TEST(contains(log.back(), "to=<u@elsewhere.example>"));
  const auto strange = send("<u@contoso.example>", "contoso two");
  BOOST_TEST(trust(strange).empty());
  BOOST_TEST(edits(strange) == "-x-ms-exchange-organization-SITE ");
  BOOST_TEST(!contains(log.back(), "connector="));
}

BOOST_FIXTURE_TEST_CASE(a_missing_header_costs_the_rate_of_the_connector_that_applies_instead, World) {
  auto data = usual();
  const RateLimit one_a_day{1, 86400, RateLimit::Key::connector};
  auto& hq = data.inbound[2];
  hq.source_ips = {*Source::parse("10.2.0.5")};  // more specific than the printers
  hq.required_header = "X-Site";
  hq.required_values = {"one"};
  hq.rate_limit = data.inbound[3].rate_limit = one_a_day;
  policy.set(make(std::move(data)));
  connect("10.2.0.5");
  const auto send = [&](const char* site) {
    BOOST_TEST(mail("<anna@contoso.example>").empty());
    if (const auto refused = rcpt("<u@contoso.example>"); !refused.empty()) return "at RCPT " + refused;
    session->header("X-Site", site);
    const auto answer = end();
    return answer.refusal ? "at the end " + code(answer) : trust(answer);
  };
  BOOST_TEST(send("two") == "device");
  BOOST_TEST(send("two") == "at the end 450 4.7.28");
  BOOST_TEST(contains(log.back(), "connector=printer type=device action=tempfail rule=rate"));
  BOOST_TEST(send("one") == "internal");
  BOOST_TEST(send("one") == "at RCPT 450 4.7.28");
  BOOST_TEST(send("two") == "at RCPT 450 4.7.28");
}

BOOST_FIXTURE_TEST_CASE(a_message_without_recipients_is_never_accepted, World) {
  connect("10.1.0.5");
  BOOST_TEST(mail("<anna@contoso.example>").empty());
  const auto answer = end();
  BOOST_TEST(code(answer) == "451 4.3.0");
  BOOST_TEST(edits(answer).empty());
  BOOST_TEST(log.size() == 1U);
}

BOOST_FIXTURE_TEST_CASE(an_accepted_message, World) {
  BOOST_TEST(code(connect("10.1.0.5")).empty());
  BOOST_TEST(mail("<anna@contoso.example>").empty());
  BOOST_TEST(rcpt("<x@elsewhere.example>").empty());
  session->header("x-CONNECTOR-trust", "internal");
  session->header("Message-ID", " <1@contoso.example>\n");
  const auto answer = end();
  BOOST_TEST(code(answer).empty());
  BOOST_TEST(edits(answer) == "-x-CONNECTOR-trust +X-Connector-Trust ");
  BOOST_TEST(trust(answer) == "internal");
  BOOST_REQUIRE_EQUAL(log.size(), 1U);
  BOOST_TEST(
      log[0].starts_with("Q1: connector=hq type=on_premises action=accept client=10.1.0.5 from=<anna@contoso.example> "
                         "to=<x@elsewhere.example> nrcpt=1 msgid=<1@contoso.example> listener=mx id="));
  BOOST_TEST(counters.messages == 1U);
  BOOST_TEST(counters.of(Action::accept) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_refused_recipient_is_told_why, World) {
  connect("192.0.2.66");
  BOOST_TEST(mail("<bob@fabrikam.example>").empty());
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
  BOOST_REQUIRE_EQUAL(log.size(), 1U);
  BOOST_TEST(contains(log[0], " connector=fabrikam type=partner action=reject rule=tls "));
  BOOST_TEST(contains(log[0], " to=<anna@contoso.example> listener=mx reply=\"550 5.7.10 ["));
  BOOST_TEST(counters.of(Rule::tls) == 1U);
}

BOOST_FIXTURE_TEST_CASE(a_refusal_that_an_audit_connector_would_lift_says_so, World) {
  auto data = usual();
  auto tried = data.inbound[2];
  tried.name = "tried";
  tried.mode = Mode::audit;
  tried.source_ips = {*Source::parse("192.0.2.66")};
  data.inbound.push_back(tried);
  policy.set(make(std::move(data)));
  connect("192.0.2.66");
  BOOST_TEST(mail("<bob@fabrikam.example>").empty());
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
  BOOST_TEST(rcpt("<otto@contoso.example>") == "550 5.7.10");
  BOOST_REQUIRE_EQUAL(log.size(), 2U);
  BOOST_TEST(contains(log[0], " audit=would-accept//tried listener=mx reply="));
  BOOST_TEST(counters.audit_differences == 1U);  // one message
}

BOOST_FIXTURE_TEST_CASE(the_declared_size_stands_in_for_a_size_not_counted, World) {
  connect("192.0.2.66");
  BOOST_TEST(mail("<a@b.example>", "", 4711).empty());
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  end();
  BOOST_TEST(contains(log.back(), " size=4711 "));
}

BOOST_FIXTURE_TEST_CASE(no_fact_of_a_message_reaches_the_next, World) {
  connect("192.0.2.66");
  BOOST_TEST(mail("<bob@fabrikam.example>", "TLSv1.3").empty());
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  session->header("X-Connector-Trust", "forged");
  session->header("Message-ID", "<1@fabrikam.example>");
  session->abort();
  BOOST_TEST(mail("<bob@fabrikam.example>").empty());  // now in clear text, as the MTA says
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
  BOOST_TEST(mail("<a@b.example>").empty());  // MAIL after MAIL, no abort
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  const auto answer = end();
  BOOST_TEST(edits(answer).empty());
  BOOST_TEST(!contains(log.back(), "msgid="));
  BOOST_TEST(code(end()) == "451 4.3.0");  // a second end of message: nothing is known of it
}

BOOST_FIXTURE_TEST_CASE(events_without_a_message_are_not_accepted, World) {
  connect("10.1.0.5");
  BOOST_TEST(rcpt("<anna@contoso.example>") == "451 4.3.0");
  session->header("From", "<a@b.example>");
  session->body("0123456789");
  session->fail();
  session->abort();
  BOOST_TEST(code(end()) == "451 4.3.0");
}

BOOST_FIXTURE_TEST_CASE(mail_to_nobody_is_not_accepted, World) {
  connect("10.1.0.5");
  BOOST_TEST(mail("<anna@contoso.example>").empty());
  const auto answer = end();
  BOOST_TEST(code(answer) == "451 4.3.0");
  BOOST_TEST(answer.edits.empty());
}

BOOST_FIXTURE_TEST_CASE(without_a_connect_nothing_is_accepted, World) {
  session = std::make_unique<Session>(shared, false);
  BOOST_TEST(mail("<anna@contoso.example>") == "451 4.3.0");
}

BOOST_FIXTURE_TEST_CASE(a_failure_at_connect_lets_nothing_in, World) {
  auto closed = usual();
  closed.inbound.clear();
  policy.set(make(std::move(closed)));
  BOOST_TEST(code(connect("10.1.0.5")).empty());
  shared.record = [](std::string_view) { throw std::bad_alloc(); };
  BOOST_CHECK_THROW(session->connect({Ip::parse("192.0.2.66"), "relay", false}, *policy.get()), std::bad_alloc);
  shared.record = [](std::string_view) {};
  MailEvent event;  // would be vouched for, had the connection not been refused
  event.argument = "<anna@contoso.example>";
  event.login = "anna";
  BOOST_TEST(code(session->mail(event)) == "451 4.3.0");
}

BOOST_FIXTURE_TEST_CASE(a_message_without_a_recipient_is_not_accepted, World) {
  connect("192.0.2.66");
  mail("<bob@fabrikam.example>");  // to be refused, at RCPT
  BOOST_TEST(code(end()) == "451 4.3.0");
}

BOOST_FIXTURE_TEST_CASE(a_failure_in_a_step_without_answer_is_answered_at_the_next, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  session->fail();
  BOOST_TEST(rcpt("<anna@contoso.example>") == "451 4.3.0");
  mail("<anna@contoso.example>");
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  session->fail();
  BOOST_TEST(code(end()) == "451 4.3.0");
  mail("<anna@contoso.example>");
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  BOOST_TEST(code(end()).empty());
}

BOOST_FIXTURE_TEST_CASE(the_policy_at_mail_judges_the_whole_message, World) {
  connect("192.0.2.66");
  mail("<bob@fabrikam.example>");
  auto open = usual();
  open.inbound.clear();
  policy.set(make(std::move(open)));
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
  mail("<bob@fabrikam.example>");
  policy.set(make(usual()));
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  BOOST_TEST(code(end()).empty());
}

BOOST_FIXTURE_TEST_CASE(a_policy_that_needs_the_body_asks_for_a_new_connection, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  policy.set(make(with_sizes()));
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  BOOST_TEST(code(end()).empty());
  BOOST_TEST(mail("<anna@contoso.example>") == "421 4.3.0");
  BOOST_TEST(contains(log.back(), " action=tempfail "));
  connect("10.1.0.5", true);
  BOOST_TEST(mail("<anna@contoso.example>").empty());
}

BOOST_FIXTURE_TEST_CASE(the_size_counts_headers_and_body, World) {
  policy.set(make(with_sizes()));
  connect("10.1.0.5", true);
  const auto message = [&](std::size_t body) {
    mail("<anna@contoso.example>");
    rcpt("<anna@contoso.example>");
    session->header("Subject", "a\n b");  // 7 + 2 + 5 on the wire + 2 = 16
    session->body(std::string(body / 2, 'x'));
    session->body(std::string(body - body / 2, 'x'));
    return code(end());
  };
  BOOST_TEST(message(1000 - 16 - 2).empty());
  BOOST_TEST(contains(log.back(), " size=1000 "));
  BOOST_TEST(message(1000 - 16 - 1) == "552 5.3.4");
  BOOST_TEST(contains(log.back(), " nrcpt=1 size=1001 "));
  BOOST_TEST(message(10).empty());  // nothing of the other messages is counted
}

BOOST_FIXTURE_TEST_CASE(a_declared_size_is_refused_at_mail, World) {
  policy.set(make(with_sizes()));
  connect("10.1.0.5", true);
  BOOST_TEST(mail("<anna@contoso.example>", "", 1001) == "552 5.3.4");
  BOOST_TEST(shared.in_flight == 0);
  BOOST_TEST(contains(log.back(), " rule=size "));
  BOOST_TEST(mail("<anna@contoso.example>", "", 1000).empty());
}

BOOST_FIXTURE_TEST_CASE(draining_takes_no_new_message_and_finishes_the_old, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  BOOST_TEST(shared.in_flight == 1);
  shared.draining = true;
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  {
    const auto answer = end();
    BOOST_TEST(code(answer).empty());
    BOOST_TEST(shared.in_flight == 1);  // until the edits are sent
  }
  BOOST_TEST(shared.in_flight == 0);
  BOOST_TEST(mail("<anna@contoso.example>") == "421 4.3.2");
  BOOST_TEST(shared.in_flight == 0);
}

BOOST_FIXTURE_TEST_CASE(a_refused_mail_ends_the_message_before_it, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  shared.draining = true;
  BOOST_TEST(mail("<anna@contoso.example>") == "421 4.3.2");
  BOOST_TEST(rcpt("<anna@contoso.example>") == "451 4.3.0");
  BOOST_TEST(shared.in_flight == 0);
}

BOOST_FIXTURE_TEST_CASE(messages_in_flight_are_counted_however_they_end, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  mail("<anna@contoso.example>");
  BOOST_TEST(shared.in_flight == 1);
  session->abort();
  BOOST_TEST(shared.in_flight == 0);
  session->abort();
  BOOST_TEST(shared.in_flight == 0);
  mail("<anna@contoso.example>");
  session.reset();  // the MTA went away
  BOOST_TEST(shared.in_flight == 0);
}

BOOST_FIXTURE_TEST_CASE(a_closed_listener_refuses_at_connect, World) {
  const auto stranger = connect("192.0.2.66", false, "relay");
  BOOST_TEST(code(stranger).empty());  // a partner that demands only TLS may still come
  auto closed = usual();
  closed.inbound.erase(closed.inbound.begin(), closed.inbound.begin() + 2);
  policy.set(make(std::move(closed)));
  BOOST_TEST(code(connect("192.0.2.66", false, "relay")) == "554 5.7.1");
  BOOST_TEST(contains(log.back(), "NOQUEUE: action=reject rule=closed client=192.0.2.66 listener=relay reply="));
  BOOST_TEST(code(connect("192.0.2.66", false, "mx")).empty());
  BOOST_TEST(code(connect("10.1.0.5", false, "relay")).empty());
}

BOOST_FIXTURE_TEST_CASE(a_client_without_address_meets_no_source, World) {
  session = std::make_unique<Session>(shared, false);
  BOOST_TEST(code(session->connect({std::nullopt, "mx", false}, *policy.get())).empty());
  mail("<anna@contoso.example>");
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  const auto answer = end();
  BOOST_TEST(trust(answer).empty());
  BOOST_TEST(!contains(log.back(), "client="));
}

BOOST_FIXTURE_TEST_CASE(quarantine_is_an_edit, World) {
  connect("192.0.2.66");
  mail("<a@litware.example>");
  BOOST_TEST(rcpt("<anna@contoso.example>").empty());
  const auto answer = end();
  BOOST_TEST(edits(answer) == "+X-Connector-Violation ! ");
  BOOST_TEST(contains(log.back(), " action=quarantine rule=tls "));
}

BOOST_FIXTURE_TEST_CASE(surplus_recipients_are_refused_each_and_logged_once, World) {
  connect("10.2.0.5");
  mail("<scanner@contoso.example>");
  for (int i = 0; i < 1000; ++i) BOOST_TEST(rcpt("<r" + std::to_string(i) + "@contoso.example>") == (i < 2 ? "" : "452 4.5.3"));
  BOOST_TEST(log.size() == 1U);
  BOOST_TEST(code(end()).empty());
  BOOST_TEST(log.size() == 2U);
  BOOST_TEST(contains(log.back(), " to=<r0@contoso.example> nrcpt=2 "));
}

BOOST_FIXTURE_TEST_CASE(a_thousand_recipients, World) {
  connect("10.1.0.5");
  mail("<anna@contoso.example>");
  for (int i = 0; i < 1000; ++i) BOOST_REQUIRE(rcpt("<r" + std::to_string(i) + "@elsewhere.example>").empty());
  BOOST_TEST(code(end()).empty());
  BOOST_TEST(contains(log.back(), " nrcpt=1000 "));
}

BOOST_FIXTURE_TEST_CASE(three_hundred_forged_headers_all_go, World) {
  connect("192.0.2.66");
  mail("<a@b.example>");
  rcpt("<anna@contoso.example>");
  for (int i = 0; i < 300; ++i) session->header(i % 2 ? "X-Connector-Trust" : "x-connector-trust", "internal");
  BOOST_TEST(end().edits.size() == 300U);
}

BOOST_FIXTURE_TEST_CASE(more_forged_headers_than_can_be_removed_are_refused, World) {
  connect("192.0.2.66");
  mail("<a@b.example>");
  rcpt("<anna@contoso.example>");
  for (std::size_t i = 0; i <= limits::removable_headers; ++i) session->header("X-Connector-Trust", "internal");
  BOOST_TEST(code(end()) == "550 5.6.0");
  BOOST_TEST(contains(log.back(), " action=reject rule=syntax "));
  BOOST_TEST(shared.in_flight == 0);
}

BOOST_FIXTURE_TEST_CASE(a_bare_carriage_return_in_a_header_is_refused, World) {
  const auto with = [&](std::string_view name, std::string_view value) {
    connect("192.0.2.66");
    mail("<a@b.example>");
    rcpt("<anna@contoso.example>");
    session->header(name, value);
    return code(end());
  };
  BOOST_TEST(!with("Subject", "a\rX-Connector-Trust: internal").empty());
  BOOST_TEST(!with("Subject", "a\r").empty());
  BOOST_TEST(!with("Sub\rject", "a").empty());
  BOOST_TEST(with("Subject", "a\r\n b\n c").empty());
}

BOOST_FIXTURE_TEST_CASE(header_from_is_judged, World) {
  auto strict = usual();
  strict.inbound[0].check_header_from = Check::enforce;
  policy.set(make(std::move(strict)));
  const auto with = [&](std::initializer_list<std::string> fields) {
    connect("192.0.2.66");
    mail("<a@b.example>");
    rcpt("<anna@contoso.example>");
    for (const auto& field : fields) session->header("fRoM", field);
    return code(end());
  };
  BOOST_TEST(with({}).empty());
  BOOST_TEST(with({"<a@b.example>"}).empty());
  BOOST_TEST(!with({"Bob <bob@fabrikam.example>"}).empty());
  BOOST_TEST(!with({"<a@b.example>", "<a@b.example>"}).empty());
  BOOST_TEST(!with({"nonsense"}).empty());
  BOOST_TEST(!with({"<a@b.example> (" + std::string(limits::header_from_bytes, 'c') + ")"}).empty());
}

BOOST_FIXTURE_TEST_CASE(an_address_the_mta_resolves_elsewhere_is_judged_as_both, World) {
  connect("192.0.2.66");
  MailEvent event;
  event.argument = "<bob%fabrikam.example@contoso.example>";
  event.resolved = "bob@fabrikam.example";
  BOOST_TEST(code(session->mail(event)).empty());
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
  event.resolved.reset();  // an MTA that does not say: as Postfix would
  BOOST_TEST(code(session->mail(event)).empty());
  BOOST_TEST(rcpt("<anna@contoso.example>") == "550 5.7.10");
}

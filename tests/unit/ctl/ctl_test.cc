// connectorctl as it is called: arguments in, two streams and an exit status out. Configs are written below the current directory.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE ctl
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <boost/test/unit_test.hpp>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/fd.h"
#include "base/netstring.h"
#include "ctl/command.h"
#include "ctl/output.h"

namespace fs = std::filesystem;
using namespace cm;
using nlohmann::json;

namespace {

constexpr const char* good = R"(
organization = { domains = ".contoso.example"; };
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = "fabrikam.example"; source_ips = ( "203.0.113.0/28", "2001:db8:1::/64" );
    min_tls_version = "TLSv1.2"; },
  { name = "printer"; type = "device"; source_ips = "192.0.2.9"; recipients = "internal"; comment = "it is \"old\""; }
);
)";

struct Directory {
  Directory() {
    char name[] = "ctl_test.XXXXXX";
    BOOST_REQUIRE(::mkdtemp(name));
    path = name;
  }
  ~Directory() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  [[nodiscard]] std::string write(const std::string& name, const std::string& text) const {
    std::ofstream(path / name) << text;
    return (path / name).string();
  }
  fs::path path;
};

struct Result {
  int status;
  std::string out, err;
  [[nodiscard]] json data() const { return json::parse(out); }
};

Result run(std::vector<std::string> arguments) {
  std::ostringstream out, err;
  const int status = ctl::run(std::move(arguments), out, err);
  return {status, out.str(), err.str()};
}

bool has(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

Result explain(const std::string& config, std::vector<std::string> more) {
  std::vector<std::string> arguments{"explain", "-c", config, "--json", "--from", "a@fabrikam.example", "--to", "u@contoso.example"};
  arguments.insert(arguments.end(), more.begin(), more.end());
  return run(std::move(arguments));
}

/// Answers one request on a unix socket, on a thread of its own; `heard` holds the request after join.
class OneAnswer {
 public:
  OneAnswer(const fs::path& path, std::string answer) : answer_(std::move(answer)) {
    listener_ = Fd(::socket(AF_UNIX, SOCK_STREAM, 0));
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    std::strncpy(address.sun_path, path.c_str(), sizeof address.sun_path - 1);
    BOOST_REQUIRE_EQUAL(::bind(listener_.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address), 0);
    BOOST_REQUIRE_EQUAL(::listen(listener_.get(), 1), 0);
    thread_ = std::thread([this] { serve(); });
  }
  ~OneAnswer() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept() if nobody came
    if (thread_.joinable()) thread_.join();
  }
  std::string heard() {
    thread_.join();
    return heard_;
  }

 private:
  void serve() {
    const Fd peer(::accept(listener_.get(), nullptr, nullptr));
    char buffer[100];
    const auto got = ::recv(peer.get(), buffer, sizeof buffer, 0);
    heard_.assign(buffer, static_cast<std::size_t>(std::max<ssize_t>(got, 0)));
    (void)!::send(peer.get(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
  }
  std::string answer_, heard_;
  Fd listener_;
  std::thread thread_;
};

}  // namespace

BOOST_FIXTURE_TEST_SUITE(offline, Directory)

BOOST_AUTO_TEST_CASE(nothing_steers_the_terminal) {
  BOOST_TEST(ctl::safe("a\x1b[31m\x7f") == "a?[31m?");
  BOOST_TEST(ctl::safe("b\xc3\xbcro \xe2\x82\xac") == "b\xc3\xbcro \xe2\x82\xac");
  BOOST_TEST(ctl::safe("\xc2\x9b"
                       "31m\xe2\x80\xae!") == "?31m?!");
  BOOST_TEST(ctl::safe("\xff\xc3\xbc") == "???");
}

BOOST_AUTO_TEST_CASE(wrong_usage_is_2) {
  const std::vector<std::vector<std::string>> wrong{{},
                                                    {"frobnicate"},
                                                    {"check", "--bar"},
                                                    {"show"},
                                                    {"check", "extra"},
                                                    {"doctor", "--config-dir"},
                                                    {"new", "x"},
                                                    {"key", "new"},
                                                    {"stats", "now"},
                                                    {"key"},
                                                    {"key", "new", "a/b"},
                                                    {"key", "new", ".."},
                                                    {"verify"},
                                                    {"postfix", "--bar"},
                                                    {"sendmail", "--bar"},
                                                    {"import", "--bar"},
                                                    {"-c"},
                                                    {"explain", "--expect", "nonsense"}};
  for (const auto& arguments : wrong) {
    const auto result = run(arguments);
    BOOST_TEST(result.status == 2);
    BOOST_TEST(has(result.err, "connectorctl: "));
    BOOST_TEST(result.out.empty());
  }
  BOOST_TEST(has(run({"validate"}).err, "not implemented in this version"));
  BOOST_TEST(has(run({"frobnicate"}).err, "frobnicate"));
}

BOOST_AUTO_TEST_CASE(postfix_prints_what_it_is_told_about) {
  const auto config = write("c.conf", good);
  const auto text = run({"postfix", "-c", config, "--postfix-version", "3.8.4", "--queue-directory", "/srv/queue"});
  BOOST_TEST(text.status == 0);
  BOOST_TEST(text.err.empty());
  BOOST_TEST(has(text.out, "of Postfix 3.8.4, queue directory /srv/queue."));
  BOOST_TEST(has(text.out, "\nsmtpd_forbid_bare_newline = yes\n"));
  BOOST_TEST(has(text.out, "it is not below /srv/queue.\nsmtpd_milters = { unix:/var/spool/postfix/connector-milter/milter.sock, "));
  const auto data = run({"postfix", "-c", config, "--json", "--postfix-version", "3.8.4", "--queue-directory", "/srv/queue"});
  BOOST_TEST(data.status == 0);
  BOOST_TEST(data.data()[0]["name"] == "smtpd_milters");
  for (const auto* version : {"3", "new"}) BOOST_TEST(run({"postfix", "-c", config, "--postfix-version", version}).status == 2);
  BOOST_TEST(run({"postfix", "-c", config, "--queue-directory", "spool"}).status == 2);
  const auto bad = run({"postfix", "-c", write("bad.conf", "x"), "--postfix-version", "3.8.4", "--queue-directory", "/srv/queue"});
  BOOST_TEST(bad.status == 1);
  BOOST_TEST(bad.out.empty());
  BOOST_TEST(has(bad.err, ": error: "));
}

BOOST_AUTO_TEST_CASE(help_and_version_are_0) {
  BOOST_TEST(run({"--help"}).status == 0);
  BOOST_TEST(has(run({"explain", "--help"}).out, "--cert-unverified"));
  BOOST_TEST(has(run({"--version"}).out, "connectorctl "));
}

BOOST_AUTO_TEST_CASE(config_may_be_named_before_and_after_the_command) {
  const auto config = write("c.conf", good);
  BOOST_TEST(run({"-c", config, "check"}).out == "2 connectors, 0 errors, 0 warnings\n");
  BOOST_TEST(run({"check", "-c", config}).out == run({"-c", config, "check"}).out);
  BOOST_TEST(run({"--json", "list", "-c", config}).out == run({"list", "--json", "-c", config}).out);
}

BOOST_AUTO_TEST_CASE(check_counts_and_exits) {
  const auto config = write(
      "c.conf",
      "organization = { domains = \".contoso.example\"; };\ninbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1/24\"; } );\n");
  const auto result = run({"check", "-c", config});
  BOOST_TEST(result.status == 0);
  BOOST_TEST(has(result.out, config + ":2: warning: "));
  BOOST_TEST(has(result.out, "\n1 connectors, 0 errors, 1 warnings\n"));
  BOOST_TEST(run({"check", "--strict", "-c", config}).status == 1);

  const auto broken = write("b.conf", "organization = { domian = \".contoso.example\"; };\n");
  BOOST_TEST(run({"check", "-c", broken}).status == 1);
  const auto data = run({"check", "--json", "-c", broken}).data();
  BOOST_TEST(data["errors"].get<int>() == static_cast<int>(data["diagnostics"].size()));
  BOOST_TEST(data["diagnostics"].at(0).at("line") == 1);
  BOOST_TEST(run({"check", "-c", "nowhere.conf"}).status == 1);
}

BOOST_AUTO_TEST_CASE(list_names_what_matters) {
  const auto config = write("c.conf", good);
  const auto text = run({"list", "-c", config});
  BOOST_TEST(text.status == 0);
  BOOST_TEST(has(text.out, "fabrikam  partner  enforce  yes      source(2)"));
  const auto data = run({"list", "--json", "-c", config}).data();
  BOOST_TEST(data.size() == 2U);
  BOOST_TEST(data.at(1).at("type") == "device");
  BOOST_TEST(data.at(0).at("at") == config + ":4");
}

BOOST_AUTO_TEST_CASE(show_tells_every_value_and_its_origin) {
  const auto config = write("c.conf", good);
  const auto text = run({"show", "fabrikam", "-c", config});
  BOOST_TEST(text.status == 0);
  BOOST_TEST(has(text.out, "min_tls_version = \"TLSv1.2\";"));
  BOOST_TEST(has(text.out, "# " + config + ":5"));
  BOOST_TEST(has(text.out, "require_tls = true;"));
  BOOST_TEST(has(text.out, "# max_recipients is not set"));
  BOOST_TEST(has(text.out, "# rate_limit is not set"));
  BOOST_TEST(!has(text.out, "accept_headers"));
  BOOST_TEST(has(run({"show", "printer", "-c", config}).out, "comment = \"it is \\\"old\\\"\";"));
  BOOST_TEST(has(run({"show", "printer", "-c", config}).out, "senders = [ \".contoso.example\" ];"));
  BOOST_TEST(run({"show", "nobody", "-c", config}).status == 1);
}

BOOST_AUTO_TEST_CASE(show_has_values_of_their_own_type_in_json) {
  const auto shown = run({"show", "fabrikam", "--json", "-c", write("c.conf", good)});
  std::map<std::string, json> values;
  const auto data = json::parse(shown.out);
  for (const auto& setting : data["settings"]) values[setting["name"].get<std::string>()] = setting["value"];
  BOOST_TEST(values["type"] == "partner");
  BOOST_TEST(values["require_tls"] == true);
  BOOST_TEST(values["source_ips"] == json({"203.0.113.0/28", "2001:db8:1::/64"}));
  BOOST_TEST(values["max_recipients"].is_null());
}

// What show prints can be given back to the config as it stands.
BOOST_AUTO_TEST_CASE(show_speaks_the_config_language) {
  for (const std::string name : {"fabrikam", "printer"}) {
    const auto shown = run({"show", name, "-c", write("c.conf", good)});
    const auto again = write("again.conf", "organization = { domains = \".contoso.example\"; };\ninbound = (\n" + shown.out + ");\n");
    BOOST_TEST(run({"check", "-c", again}).status == 0, run({"check", "-c", again}).out);
  }
}

BOOST_AUTO_TEST_CASE(broken_config_is_said_on_the_error_stream) {
  const auto broken = write("b.conf", "organization = {\n");
  for (const auto& arguments : std::vector<std::vector<std::string>>{
           {"list"}, {"show", "x"}, {"explain", "--client", "192.0.2.1", "--from", "a@x.example", "--to", "b@y.example"}}) {
    auto with = arguments;
    with.insert(with.end(), {"-c", broken});
    const auto result = run(with);
    BOOST_TEST(result.status == 1);
    BOOST_TEST(has(result.err, broken + ":"));
    BOOST_TEST(result.out.empty());
  }
}

BOOST_AUTO_TEST_CASE(a_required_header_is_shown_and_its_absence_told) {
  const auto config =
      write("c.conf",
            "organization = { domains = \".contoso.example\"; };\ninbound = ( { name = \"cloud\"; type = \"on_premises\"; source_ips = "
            "\"203.0.113.5\"; require_header = { name = \"X-OriginatorOrg\"; values = [ \"contoso.example\" ]; }; } );\n");
  BOOST_TEST(has(run({"show", "cloud", "-c", config}).out, "require_header = { name = \"X-OriginatorOrg\"; values = [ \"contoso.example\" ]; };"));
  const auto said = [&](std::vector<std::string> more) {
    std::vector<std::string> arguments{"explain", "-c", config, "--from", "a@fabrikam.example", "--to", "u@contoso.example", "--client"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(std::move(arguments)).err;
  };
  BOOST_TEST(has(said({"203.0.113.5"}), "note: the message was taken to have the X-OriginatorOrg field that connector cloud requires"));
  BOOST_TEST(said({"203.0.113.6"}).empty());
  BOOST_TEST(said({"203.0.113.5", "--header", "X-OriginatorOrg: contoso.example"}).empty());
  BOOST_TEST(said({"203.0.113.5", "--json"}).empty());
}

BOOST_AUTO_TEST_CASE(explain_has_every_key) {
  const auto config = write("c.conf", good);
  for (const auto& data :
       {explain(config, {"--client", "203.0.113.5", "--tls", "TLSv1.3"}).data(), explain(config, {"--client", "198.51.100.1"}).data()}) {
    std::vector<std::string> keys;
    for (auto it = data.begin(); it != data.end(); ++it) keys.push_back(it.key());
    std::vector<std::string> expected{"connector",      "type",  "vouched", "action",      "stage",       "rule",
                                      "violations",     "audit", "reply",   "recipients",  "add_headers", "strip_headers",
                                      "rewrite_sender", "route", "steps",   "audit_steps", "relay_check"};
    std::sort(expected.begin(), expected.end());
    BOOST_TEST(keys == expected, boost::test_tools::per_element());
    BOOST_TEST(data["audit_steps"] == json::array());
    BOOST_TEST(data["route"].is_null());
    BOOST_TEST(data["recipients"].at(0).at("outbound").is_null());
    for (const auto& step : data["steps"]) BOOST_TEST(step.size() == 4U);
  }
}

BOOST_AUTO_TEST_CASE(explain_tells_a_refusal) {
  const auto config = write("c.conf", good);
  const auto result = explain(config, {"--client", "198.51.100.1", "--expect", "reject"});
  BOOST_TEST(result.status == 0);
  const auto data = result.data();
  BOOST_TEST(data["action"] == "reject");
  BOOST_TEST(data["stage"] == "rcpt");
  BOOST_TEST(data["violations"] == json({"source", "tls"}));
  BOOST_TEST(data["reply"] == data["recipients"].at(0).at("reply"));
  BOOST_TEST(has(data["reply"].get<std::string>(), "550 5.7.1 [explain22222] connector fabrikam: "));
  BOOST_TEST(data["steps"].at(0).at("at") == config + ":4");
  BOOST_TEST(explain(config, {"--client", "198.51.100.1", "--expect", "accept"}).status == 1);
}

BOOST_AUTO_TEST_CASE(explain_reminds_of_a_forgotten_listener) {
  const auto config = write("l.conf",
                            "organization = { domains = \".contoso.example\"; }; listeners = ( { name = \"mx\"; } );\n"
                            "inbound = ( { name = \"hub\"; type = \"relay\"; source_ips = \"192.0.2.1\"; listeners = \"mx\"; } );\n");
  const std::vector<std::string> question{"explain", "-c", config, "--client", "192.0.2.1", "--from", "a@x.example", "--to", "u@contoso.example"};
  BOOST_TEST(has(run(question).err, "--listener NAME"));
  auto with = question;
  with.insert(with.end(), {"--listener", "mx"});
  BOOST_TEST(run(with).err.empty());
}

BOOST_AUTO_TEST_CASE(a_listener_that_is_none_is_wrong_usage) {
  const std::string start = "organization = { domains = \".contoso.example\"; };\n";
  const auto asked = [&](const std::string& listeners, const std::string& name) {
    return explain(write("l.conf", start + listeners), {"--client", "192.0.2.1", "--listener", name});
  };
  const std::string two = "listeners = ( { name = \"mx\"; }, { name = \"submission\"; } );";
  const auto wrong = asked(two, "MX");
  BOOST_TEST(wrong.status == 2);
  BOOST_TEST(wrong.out.empty());
  BOOST_TEST(wrong.err == "connectorctl: explain: --listener: \"MX\" is not one of listeners (mx, submission)\n");
  BOOST_TEST(asked(two, "submission").status == 0);
  BOOST_TEST(asked(two, "").status == 0);
  BOOST_TEST(asked("", "MX").status == 0);
  std::string many = "listeners = ( { name = \"l0\"; }";
  for (int i = 1; i < 11; ++i) many += ", { name = \"l" + std::to_string(i) + "\"; }";
  BOOST_TEST(has(asked(many + " );", "x").err, "(l0, l1, l2, l3, l4, l5, l6, l7, l8, l9, ...)"));
}

namespace {

std::string outcome_of(const json& steps, const std::string& connector) {
  for (const auto& step : steps)
    if (step["connector"] == connector) return step["outcome"].get<std::string>() + ": " + step["because"].get<std::string>();
  return "none";
}

}  // namespace

BOOST_AUTO_TEST_CASE(explain_tells_clients_apart_in_audit) {
  const std::string start = "organization = { domains = \".contoso.example\"; };\ninbound = ( ";
  const std::string device = "type = \"device\"; senders = \"*\"; recipients = \"internal\"; source_ips = ";
  const std::string trial = "{ name = \"trial\"; mode = \"audit\"; " + device + "\"192.0.2.0/24\"; }";
  const auto config = write("a.conf", start + trial + " );\n");
  const auto asked = [&](const std::string& from, const std::string& client) { return explain(from, {"--client", client}).data(); };
  const auto inside = asked(config, "192.0.2.9"), outside = asked(config, "198.51.100.1");
  for (const auto& data : {inside, outside}) {
    BOOST_TEST(data["audit"].is_null());
    BOOST_TEST(outcome_of(data["steps"], "trial") == "not selected: its mode is audit: it takes part in the audit decision only");
  }
  BOOST_TEST(outcome_of(inside["audit_steps"], "trial") == "selected: every identity setting holds, and its demands are met");
  BOOST_TEST(outcome_of(outside["audit_steps"], "trial") == "not selected: client address 198.51.100.1 is not among its source_ips");
  BOOST_TEST(inside["audit_steps"].at(0).at("at") == config + ":2");
  const auto text = run({"explain", "-c", config, "--client", "192.0.2.9", "--from", "a@fabrikam.example", "--to", "u@contoso.example"}).out;
  BOOST_TEST(has(text, "\naudit steps, as if everything in mode audit were enforced\n  trial      selected "));

  // Beside an enforced twin the one in audit counts; a connector that is not enabled counts in neither.
  const auto twins = asked(write("t.conf", start + "{ name = \"twin\"; " + device + "\"192.0.2.0/24\"; },\n" + trial + " );\n"), "192.0.2.9");
  BOOST_TEST(outcome_of(twins["steps"], "twin").starts_with("selected"));
  BOOST_TEST(outcome_of(twins["audit_steps"], "trial").starts_with("selected"));
  BOOST_TEST(outcome_of(twins["audit_steps"], "twin").starts_with("not selected"));
  const auto off = asked(write("o.conf", start + "{ enabled = false; " + trial.substr(1) + " );\n"), "192.0.2.9");
  BOOST_TEST(off["audit_steps"] == json::array());

  const auto shut = write("s.conf", "listeners = ( { name = \"mx\"; closed = true; } );\n" + start + trial + " );\n");
  const auto open = explain(shut, {"--client", "192.0.2.9", "--listener", "mx"}).data();
  BOOST_TEST(open["stage"] == "connect");
  BOOST_TEST(outcome_of(open["audit_steps"], "trial").starts_with("selected"));
  const auto closed = explain(shut, {"--client", "198.51.100.1", "--listener", "mx"}).data();
  BOOST_TEST(closed["audit_steps"].at(0).at("because") == "the listener is closed, and no connector on it can accept client address 198.51.100.1");
  BOOST_TEST(outcome_of(closed["audit_steps"], "trial") == "not selected: client address 198.51.100.1 is not among its source_ips");
}

BOOST_AUTO_TEST_CASE(explain_reads_headers) {
  const auto config = write("c.conf", good);
  const auto data =
      explain(config, {"--client", "203.0.113.5", "--tls", "TLSv1.3", "--header", "X-CONNECTOR-x : 1", "--header", "Subject: [a]"}).data();
  BOOST_TEST(data["strip_headers"] == json({"X-CONNECTOR-x"}));
  BOOST_TEST(data["add_headers"].at(0).at("name") == "X-Connector-Trust");
  const auto refused = explain(config, {"--client", "203.0.113.5", "--tls", "TLSv1.3", "--header", "Subject: a\rb"}).data();
  BOOST_TEST(refused["stage"] == "eom");
  BOOST_TEST(refused["rule"] == "syntax");
}

BOOST_AUTO_TEST_CASE(explain_refuses_what_contradicts_itself) {
  const auto config = write("c.conf", good);
  const std::vector<std::pair<std::vector<std::string>, std::string>> wrong{
      {{}, "--client"},
      {{"--client", "300.1.1.1"}, "300.1.1.1"},
      {{"--client", "192.0.2.1", "--local"}, "exclude"},
      {{"--client", "192.0.2.1", "--cert-subject", "x.example"}, "--tls"},
      {{"--client", "192.0.2.1", "--cert-issuer", "x"}, "--tls"},
      {{"--client", "192.0.2.1", "--cert-unverified"}, "--tls"},
      {{"--client", "192.0.2.1", "--tls", "1.3"}, "1.3"},
      {{"--client", "192.0.2.1", "--size", "10K"}, "10K"},
      {{"--client", "192.0.2.1", "--header", "no colon"}, "no colon"},
      {{"--client", "192.0.2.1", "--header", ": no name"}, "no name"},
  };
  for (const auto& [options, word] : wrong) {
    const auto result = explain(config, options);
    BOOST_TEST(result.status == 2);
    BOOST_TEST(has(result.err, word), result.err);
  }
  BOOST_TEST(run({"explain", "-c", config, "--client", "192.0.2.1", "--to", "u@contoso.example"}).status == 2);
  BOOST_TEST(run({"explain", "-c", config, "--client", "192.0.2.1", "--from", "a@x.example"}).status == 2);
}

BOOST_AUTO_TEST_CASE(the_null_sender_can_be_said_in_three_ways) {
  const auto config = write("c.conf", good);
  for (const auto& from : std::vector<std::vector<std::string>>{{"--from", ""}, {"--from="}, {"--from", "<>"}}) {
    std::vector<std::string> arguments{"explain", "-c", config, "--client", "192.0.2.1", "--to", "u@contoso.example"};
    arguments.insert(arguments.begin() + 1, from.begin(), from.end());
    const auto result = run(arguments);
    BOOST_TEST(result.status == 0, result.err);
    BOOST_TEST(has(result.out, "sender <> is not"));
  }
}

BOOST_AUTO_TEST_CASE(local_submission_comes_from_this_machine) {
  const auto config = write("c.conf", good);
  const auto data = run({"explain", "--json", "-c", config, "--local", "--from", "root@contoso.example", "--to", "u@x.example"}).data();
  BOOST_TEST(data["vouched"] == "local");
  BOOST_TEST(has(data["add_headers"].at(0).at("value").get<std::string>(), "src=127.0.0.1; tls=none"));
}

// Brackets and commas mean lists to the option parser; in addresses and headers they mean themselves.
BOOST_AUTO_TEST_CASE(brackets_are_no_lists) {
  const auto data = explain(write("c.conf", good), {"--client", "192.0.2.1", "--to", "[a,b]", "--to", "c,d"}).data();
  BOOST_TEST(data["recipients"].size() == 3U);
  BOOST_TEST(data["recipients"].at(1).at("address") == "[a,b]");
}

BOOST_AUTO_TEST_SUITE_END()

BOOST_FIXTURE_TEST_SUITE(online, Directory)

BOOST_AUTO_TEST_CASE(no_daemon_is_3) {
  const auto config = write("c.conf", std::string(good) + "control = { socket = \"unix:" + (path / "none.sock").string() + "\"; };\n");
  for (const std::string command : {"status", "reload"}) {
    const auto result = run({command, "-c", config});
    BOOST_TEST(result.status == 3);
    BOOST_TEST(has(result.err, (path / "none.sock").string()));
  }
}

BOOST_AUTO_TEST_CASE(status_prints_what_the_daemon_says) {
  const auto socket = path / "s";
  OneAnswer daemon(socket, netstring::encode(R"({"ok":true,"version":"1","counters":{"messages":3}})"));
  const auto result = run({"status", "--socket", socket.string()});
  BOOST_TEST(result.status == 0);
  BOOST_TEST(result.out == "ok: true\nversion: 1\ncounters.messages: 3\n");
  BOOST_TEST(daemon.heard() == "6:status,");
}

BOOST_AUTO_TEST_CASE(reload_tells_why_it_was_refused) {
  const auto socket = path / "s";
  // The config has an error, but where the socket is can still be read in it.
  const auto config = write("c.conf", "organization = { domians = 1; };\ncontrol = { socket = \"unix:" + socket.string() + "\"; };\n");
  OneAnswer daemon(socket, netstring::encode(R"({"ok":false,"diagnostics":["c.conf:1: error: no such setting"]})"));
  const auto result = run({"reload", "-c", config});
  BOOST_TEST(result.status == 1);
  BOOST_TEST(has(result.out, "c.conf:1: error: no such setting\n"));
  BOOST_TEST(daemon.heard() == "6:reload,");
}

BOOST_AUTO_TEST_CASE(what_is_not_the_daemon_is_not_believed) {
  for (const std::string answer : {"", "hello", "5:hello,", "2:[],", "02:{},", "99999999999:"}) {
    const auto socket = path / "s";
    fs::remove(socket);
    OneAnswer daemon(socket, answer);
    BOOST_TEST(run({"status", "--socket", socket.string()}).status == 3);
  }
  fs::remove(path / "s");
  OneAnswer daemon(path / "s", netstring::encode(R"({"ok":"yes"})"));
  BOOST_TEST(run({"reload", "--socket", (path / "s").string()}).status == 1);
}

BOOST_AUTO_TEST_CASE(a_path_that_is_too_long_is_said_so) { BOOST_TEST(run({"status", "--socket", std::string(200, 'x')}).status == 3); }

BOOST_AUTO_TEST_SUITE_END()

// Every global setting: its default, its values, and what is said about a wrong one.
#define BOOST_TEST_DYN_LINK
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

BOOST_AUTO_TEST_CASE(global_defaults) {
  const Directory directory;
  directory.write("main.conf", "organization = { domains = \"us.example\"; };");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  const auto& data = result.config->policy.data();
  const auto& service = result.config->service;
  BOOST_TEST(data.organization.domains.size() == 1);
  BOOST_TEST((data.organization.vouch_authenticated && data.organization.vouch_local));
  BOOST_TEST((data.organization.protect == Check::off));
  BOOST_TEST(!data.reject_unmatched);
  BOOST_TEST(data.header_prefix == "X-Connector");
  BOOST_TEST(data.strip_headers.size() == 3);
  BOOST_TEST(service.milter.address == "unix:/var/spool/postfix/connector-milter/milter.sock");
  BOOST_TEST(service.milter.group == "postfix");
  BOOST_TEST(service.milter.mode == 0660);
  BOOST_TEST(service.control.address == "unix:/run/connector-milter/control.sock");
  BOOST_TEST((service.log_target == LogTarget::syslog && service.log_level == LogLevel::info));
  BOOST_TEST((!service.maps && !service.policy));
}

BOOST_AUTO_TEST_CASE(maps_and_policy_are_there_if_their_group_is) {
  const Directory directory;
  directory.write("main.conf", base + "maps = { };\npolicy = { socket = \"unix:/run/p.sock\"; group = \"mail\"; mode = \"0600\"; };");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  const auto& service = result.config->service;
  BOOST_REQUIRE((service.maps && service.policy));
  BOOST_TEST(service.maps->address == "unix:/var/spool/postfix/connector-milter/maps.sock");
  BOOST_TEST(service.maps->group == "postfix");
  BOOST_TEST(service.maps->mode == 0660);
  BOOST_TEST(service.policy->address == "unix:/run/p.sock");
  BOOST_TEST(service.policy->group == "mail");
  BOOST_TEST(service.policy->mode == 0600);
  directory.write("main.conf", base + "policy = { };");
  BOOST_TEST(directory.load().config->service.policy->address == "unix:/var/spool/postfix/connector-milter/policy.sock");
}

BOOST_AUTO_TEST_CASE(global_values) {
  const Directory directory;
  directory.write("main.conf", R"(
organization = { domains = ( "us.example", ".Bücher.example" ); vouch = "local"; protect = "enforce"; };
unmatched = "reject";
listeners = ( { name = "mx"; }, { name = "relay"; closed = true; } );
milter = { socket = "inet:8891@127.0.0.1"; group = ""; mode = "0600"; };
control = { socket = "unix:/run/x.sock"; };
log = { target = "stderr"; level = "debug"; };
headers = { prefix = "X-Own"; strip = [ "X-A-*", "x-b" ]; };
)");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  const auto& data = result.config->policy.data();
  const auto& service = result.config->service;
  BOOST_TEST(data.organization.domains.at(1).to_string() == ".xn--bcher-kva.example");
  BOOST_TEST((!data.organization.vouch_authenticated && data.organization.vouch_local));
  BOOST_TEST((data.organization.protect == Check::enforce));
  BOOST_TEST(data.reject_unmatched);
  BOOST_TEST((!data.listeners.at(0).closed && data.listeners.at(1).closed));
  BOOST_TEST(service.milter.address == "inet:8891@127.0.0.1");
  BOOST_TEST(service.milter.group == "");
  BOOST_TEST(service.milter.mode == 0600);
  BOOST_TEST((service.log_target == LogTarget::standard_error && service.log_level == LogLevel::debug));
  BOOST_TEST(data.header_prefix == "X-Own");
  BOOST_TEST(data.strip_headers.size() == 2);
}

BOOST_AUTO_TEST_CASE(organization_errors) {
  check("\n", {
                  {"", {"main.conf:1: error: organization: is missing: say which domains are ours:..."}},
                  {"organization = [ ];", {"main.conf:2: error: organization: expected a group { }, found a list [ ]"}},
                  {"organization = {\n };",
                   {"main.conf:2: error: organization.domains: is missing: the domains that are ours, such as [ \".contoso.example\" ]"}},
                  {"organization = { domains = [ ]; };",
                   {"main.conf:2: error: organization.domains: the list is empty: name at least one, or leave the setting out"}},
                  {"organization = { domains = 5; };",
                   {"main.conf:2: error: organization.domains: expected a string or a list of strings, found a number"}},
                  {"organization = { domains = ( \"a.example\", 5,\n\"b..example\", \"*\", \"<>\", \"a@b.example\" ); };",
                   {"main.conf:2: error: organization.domains[1]: expected a string in double quotes, found a number",
                    "main.conf:3: error: organization.domains[2]: \"b..example\": the domain has an empty label",
                    "main.conf:3: error: organization.domains[3]: \"*\" cannot be a domain of ours: name the domains themselves",
                    "main.conf:3: error: organization.domains[4]: \"<>\" cannot be a domain of ours: name the domains themselves",
                    "main.conf:3: error: organization.domains[5]: \"a@b.example\": expected a domain, not an address"}},
                  {"organization = { domains = \"a.example\"; vouch = [ \"authentificated\" ]; protect = \"enforced\"; domain = 1; };",
                   {"main.conf:2: error: organization.vouch[0]: \"authentificated\" is not known here: expected \"authenticated\" or \"local\" (did "
                    "you mean \"authenticated\"?)",
                    "main.conf:2: error: organization.protect: \"enforced\" is not known here: expected \"off\", \"audit\" or \"enforce\" (did you "
                    "mean \"enforce\"?)",
                    "main.conf:2: error: organization.domain: unknown setting (did you mean \"domains\"?)"}},
                  {"organization = { domains = \"a.example\"; vouch = [ ]; };", {}},
              });
}

BOOST_AUTO_TEST_CASE(other_global_errors) {
  check(
      base,
      {
          {"unmatched = true;", {"main.conf:3: error: unmatched: expected a string in double quotes, found true or false"}},
          {"unmatchd = 1; zzz = 2;",
           {"main.conf:3: error: unmatchd: unknown setting (did you mean \"unmatched\"?)", "main.conf:3: error: zzz: unknown setting"}},
          {"signing = 1;", {"main.conf:3: error: signing: expected a group { }, found a number"}},
          {"signing = { };", {"main.conf:3: error: signing.keys: is missing: name at least one, the first signs: ..."}},
          {"signing = { keys = ( ); key = 1; };",
           {"main.conf:3: error: signing.keys: is missing: name at least one, the first signs: ...",
            "main.conf:3: error: signing.key: unknown setting (did you mean \"keys\"?)"}},
          {"signing = { keys = \"a\"; };", {"main.conf:3: error: signing.keys: expected a list ( { }, { } ), found a string"}},
          {"signing = { keys = (\n{ id = \"a b\"; file = \"k\"; }, { id = \"x\"; file = \"\"; }, 5,\n{ id = \"x\"; file = \"k\"; }, { },\n"
           "{ id = \"y\"; file = \"k\"; fle = 1; } ); };",
           {"main.conf:4: error: signing.keys[2]: expected a group { }, found a number",
            "main.conf:4: error: signing.keys[0].id: \"a b\" is no key id: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\"",
            "main.conf:4: error: signing.keys[1].file: the path is empty",
            "main.conf:5: error: signing.keys[3].id: the key \"x\" is already there in line 4",
            "main.conf:5: error: signing.keys[4].id: is missing: the name under which a tag refers to this key, such as \"2026a\"",
            "main.conf:5: error: signing.keys[4].file: is missing: where the key is; connectorctl key new makes one",
            "main.conf:6: error: signing.keys[5].fle: unknown setting (did you mean \"file\"?)"}},
          {"maps = {\n socket = 1; mod = 1; };\npolicy = { socket = \"inet:8892@127.0.0.1\"; mode = \"x\"; group = 1; };",
           {"main.conf:4: error: maps.socket: expected a string in double quotes, found a number",
            "main.conf:4: error: maps.mod: unknown setting (did you mean \"mode\"?)",
            "main.conf:5: error: policy.socket: \"inet:8892@127.0.0.1\": expected unix:PATH",
            "main.conf:5: error: policy.group: expected a string in double quotes, found a number",
            "main.conf:5: error: policy.mode: \"x\" is no file mode: expected octal digits, such as \"0660\""}},
          {"maps = ( );\npolicy = \"unix:/a\";",
           {"main.conf:3: error: maps: expected a group { }, found a list ( )", "main.conf:4: error: policy: expected a group { }, found a string"}},
          {"milter = { socket = \"local:/x\"; group = 5; mode = 660; };",
           {"main.conf:3: error: milter.socket: \"local:/x\": expected unix:PATH or inet:PORT@HOST",
            "main.conf:3: error: milter.group: expected a string in double quotes, found a number",
            "main.conf:3: error: milter.mode: expected a string in double quotes, found a number"}},
          {"milter = { socket = \"unix:run/x\"; mode = \"0999\"; };",
           {"main.conf:3: error: milter.socket: \"unix:run/x\": the path of a socket must begin with /",
            "main.conf:3: error: milter.mode: \"0999\" is no file mode: expected octal digits, such as \"0660\""}},
          {"milter = { socket = \"unix:/" + std::string(107, 'a') + "\"; };", {"main.conf:3: error: milter.socket: ..."}},
          {"milter = { socket = \"unix:/run/\"; };", {"main.conf:3: error: milter.socket: \"unix:/run/\": the path names a directory"}},
          {"milter = { socket = \"inet:0@h\"; };", {"main.conf:3: error: milter.socket: \"inet:0@h\": the port must be 1 to 65535"}},
          {"milter = { socket = \"inet:65536@h\"; };", {"main.conf:3: error: milter.socket: \"inet:65536@h\": the port must be 1 to 65535"}},
          {"milter = { socket = \"inet:8891\"; };",
           {"main.conf:3: error: milter.socket: \"inet:8891\": the host is missing: write inet:PORT@HOST, such as \"inet:8891@127.0.0.1\""}},
          {"control = { socket = \"inet:8891@h\"; mode = \"0600\"; };",
           {"main.conf:3: error: control.socket: \"inet:8891@h\": expected unix:PATH", "main.conf:3: error: control.mode: unknown setting"}},
          {"milter = { socket = \"unix:/a\"; };\ncontrol = { socket = \"unix:/a\"; };",
           {"main.conf:4: error: control: milter and control have the same socket \"unix:/a\""}},
          {"policy = { socket = \"unix:/a\"; };\nmaps = { socket = \"unix:/a\"; };",
           {"main.conf:3: error: policy: maps and policy have the same socket \"unix:/a\""}},
          {"maps = { };\nmilter = { socket = \"unix:/var/spool/postfix/connector-milter/maps.sock\"; };",
           {"main.conf:3: error: maps: milter and maps have the same socket..."}},
          {"policy = { socket = \"unix:/run/connector-milter/control.sock\"; };",
           {"main.conf:3: error: policy: policy and control have the same socket..."}},
          {"log = { target = \"sylog\"; level = \"trace\"; };",
           {"main.conf:3: error: log.target: \"sylog\" is not known here: expected \"syslog\" or \"stderr\" (did you mean \"syslog\"?)",
            "main.conf:3: error: log.level: \"trace\" is not known here: expected \"error\", \"warning\", \"info\" or \"debug\""}},
          {"headers = { prefix = \"X\"; };", {"main.conf:3: error: headers.prefix: \"X\" would make every X- header ours..."}},
          {"headers = { prefix = \"X:Y\"; };",
           {"main.conf:3: error: headers.prefix: \"X:Y\" is no header name: printable ASCII without blanks and colon was expected"}},
          {"headers = { prefix = \"X-Y-\"; };", {"main.conf:3: error: headers.prefix: \"X-Y-\" is no header prefix:..."}},
          {"headers = { prefix = \"content\"; };", {"main.conf:3: error: headers.prefix: \"content\" is or covers a field every message has:..."}},
          {"headers = { prefix = \"Received\"; };", {"main.conf:3: error: headers.prefix: \"Received\" is or covers a field every message has:..."}},
          {"headers = { strip = [ \"*\", \"X-*-Y\", \"Rec*\", \"from\", \"X A\", \"X-Fine*\", \"Content-Foo\" ]; };",
           {"main.conf:3: error: headers.strip[0]: \"*\" would remove every header: name a family, such as \"X-Contoso-*\"",
            "main.conf:3: error: headers.strip[1]: \"X-*-Y\": a wildcard may only be the last character",
            "main.conf:3: error: headers.strip[2]: \"Rec*\" covers fields a message cannot lose, such as From or Received",
            "main.conf:3: error: headers.strip[3]: \"from\" covers fields a message cannot lose, such as From or Received",
            "main.conf:3: error: headers.strip[4]: \"X A\" is no header name: printable ASCII without blanks and colon was expected",
            "main.conf:3: error: headers.strip[6]: \"Content-Foo\" covers fields a message cannot lose, such as From or Received"}},
          {"headers = { strip = [ ]; };", {}},
      });
  check("organization = { domains = \"a.example\"; };\n",
        {
            {"listeners = ( { name = \"mx\"; },\n { }, { name = \"mx\"; clsed = true; }, { name = \"m x\"; }, { name = 5; }, \"y\" );",
             {"main.conf:3: error: listeners[5]: expected a group { }, found a string",
              "main.conf:3: error: listeners[1].name: is missing: the MTA's name for the listener ({daemon_name})",
              "main.conf:3: error: listeners[2].clsed: unknown setting (did you mean \"closed\"?)",
              "main.conf:3: error: listeners[2].name: the listener \"mx\" is already declared in line 2",
              "main.conf:3: error: listeners[3].name: expected a name of printable ASCII without blanks",
              "main.conf:3: error: listeners[4].name: expected a string in double quotes, found a number"}},
            {"listeners = ( \"x\", { name = 5; } );",
             {"main.conf:2: error: listeners[0]: expected a group { }, found a string",
              "main.conf:2: error: listeners[1].name: expected a string in double quotes, found a number"}},
            {"listeners = [ \"mx\" ];", {"main.conf:2: error: listeners[0]: expected a group { }, found a string"}},
        });
}

BOOST_AUTO_TEST_CASE(signing_keys) {
  const Directory directory;
  directory.write("main.conf", base + "signing = { keys = ( { id = \"2026a\"; file = \"/etc/k\"; },\n{ id = \"b.c_d-e\"; file = \"keys/b\"; } ); };");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  const auto& keys = result.config->service.signing_keys;
  BOOST_REQUIRE_EQUAL(keys.size(), 2U);
  BOOST_TEST((keys[0].id == "2026a" && keys[0].file == "/etc/k"));
  BOOST_TEST((keys[1].id == "b.c_d-e" && keys[1].file == (directory.path / "keys/b").string()));
  const auto diagnostic = bad_key_file(keys[1], "cannot be opened");
  BOOST_TEST(directory.lines({nullptr, {diagnostic}, 0})[0] == "main.conf:4: error: signing.keys[1].file: \"keys/b\" cannot be opened");
}

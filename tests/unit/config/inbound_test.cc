// Every inbound setting: its default, its values, and what is said about a wrong one.
#define BOOST_TEST_DYN_LINK
#include "config/rate_limit.h"
#include "fixture.h"

using namespace cm;
using namespace cm::config;
using namespace cm::config::test;

BOOST_AUTO_TEST_CASE(effective_values_by_type) {
  const auto server = connector("{ name = \"a\"; type = \"on_premises\"; source_ips = \"192.0.2.1\"; }");
  BOOST_TEST((server.duty == Duty::on_premises && server.enabled && server.mode == Mode::enforce && !server.require_tls));
  BOOST_TEST((server.senders.any && server.recipients.any && server.check_header_from == Check::off));
  BOOST_TEST((server.on_violation == OnViolation::reject && !server.accept_headers));
  BOOST_TEST(server.trust == "internal");
  BOOST_TEST(server.max_message_size == 0U);

  const auto device = connector("{ name = \"a\"; type = \"device\"; certificates = \"c.us.example\"; }");
  BOOST_TEST(device.require_tls);
  BOOST_TEST((!device.senders.any && device.senders.organization && device.senders.patterns.empty()));
  BOOST_TEST(device.trust == "device");

  const auto relay = connector("{ name = \"a\"; type = \"relay\"; auth_users = \"*\"; }");
  BOOST_TEST(relay.trust == "");
  const auto partner = connector("{ name = \"a\"; type = \"partner\"; sender_domains = \"*\"; min_tls_version = \"TLSv1.3\"; }");
  BOOST_TEST((partner.require_tls && partner.min_tls_version == TlsVersion::tls1_3 && partner.check_header_from == Check::audit));
  BOOST_TEST(partner.trust == "partner");
  BOOST_TEST(!partner.demands_identity());
  BOOST_TEST(!connector("{ name = \"a\"; type = \"relay\"; certificates = \"c.example\"; require_tls = false; }").require_tls);
}

BOOST_AUTO_TEST_CASE(values_as_written) {
  const auto c = connector(R"({ name = "a"; type = "on_premises"; mode = "audit"; comment = "x"; listeners = ( "mx", "relay" );
    source_ips = [ "192.0.2.0/24", "2001:db8::1", "192.0.2.1-192.0.2.9" ]; certificates = [ ".C.example" ]; certificate_issuers = "CA 1";
    auth_users = [ "u" ]; senders = [ "A@b.example", "*.c.example" ]; recipients = [ "internal", "x@y.example" ]; max_message_size = "10M";
    max_recipients = 7; on_violation = "tempfail"; trust = "own"; accept_headers = true;
    add_headers = ( { name = "X-A"; value = "b c"; }, { name = "Y"; value = "d"; } ); })");
  BOOST_TEST((c.mode == Mode::audit && c.listeners.size() == 2 && c.source_ips.size() == 3 && c.require_tls));
  BOOST_TEST(c.certificates.at(0).to_string() == ".c.example");
  BOOST_TEST(c.certificate_issuers.at(0) == "CA 1");
  BOOST_TEST((!c.senders.any && !c.senders.organization && c.senders.patterns.size() == 2));
  BOOST_TEST((!c.recipients.any && c.recipients.organization && c.recipients.patterns.size() == 1));
  BOOST_TEST(c.max_message_size == 10485760U);
  BOOST_TEST(c.max_recipients == 7U);
  BOOST_TEST((c.on_violation == OnViolation::tempfail && c.accept_headers));
  BOOST_TEST(c.trust == "own");
  BOOST_TEST(c.add_headers.at(1).value == "d");
  BOOST_TEST(c.at.line == 3U);
}

BOOST_AUTO_TEST_CASE(provenance_says_where) {
  const Directory directory;
  directory.write("main.conf", base + "inbound = (\n{ name = \"a\";\n type = \"relay\";\n source_ips =\n \"192.0.2.1\"; } );");
  const auto result = directory.load();
  BOOST_REQUIRE(result.config);
  const auto& provenance = result.config->inbound_provenance.at(0);
  BOOST_TEST(provenance.line_of("source_ips").value() == 6U);
  BOOST_TEST(provenance.line_of("type").value() == 5U);
  BOOST_TEST(!provenance.contains("mode"));
}

BOOST_AUTO_TEST_CASE(sizes) {
  const auto size = [](const std::string& text) {
    return connector("{ name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\"; max_message_size = " + text + "; }").max_message_size;
  };
  BOOST_TEST(size("1000") == 1000U);
  BOOST_TEST(size("\"1000\"") == 1000U);
  BOOST_TEST(size("\"2K\"") == 2048U);
  BOOST_TEST(size("\"3g\"") == 3221225472U);
  BOOST_TEST(size("5000000000L") == 5000000000U);
  check(base + "inbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\";\n max_message_size = ",
        {
            {"\"10 M\"",
             {"main.conf:4: error: inbound.a.max_message_size: \"10 M\" is no size: expected digits, then K, M, G or nothing, such as \"10M\""}},
            {"\"10MB\"", {"main.conf:4: error: inbound.a.max_message_size: \"10MB\" is no size..."}},
            {"\"\"", {"main.conf:4: error: inbound.a.max_message_size: \"\" is no size..."}},
            {"\"-1\"", {"main.conf:4: error: inbound.a.max_message_size: \"-1\" is no size..."}},
            {"\"99999999999G\"", {"main.conf:4: error: inbound.a.max_message_size: \"99999999999G\" is too large"}},
            {"\"99999999999999999999999\"", {"main.conf:4: error: inbound.a.max_message_size: \"99999999999999999999999\" is too large"}},
            {"0", {"main.conf:4: error: inbound.a.max_message_size: must be at least 1, found 0; for no limit leave the setting out"}},
            {"\"0K\"", {"main.conf:4: error: inbound.a.max_message_size: must be at least 1; for no limit leave the setting out"}},
            {"1.5", {"main.conf:4: error: inbound.a.max_message_size: expected a size such as \"10M\" or a number of bytes, found a fraction"}},
            {"1; max_recipients = -3",
             {"main.conf:4: error: inbound.a.max_recipients: must be 1 to 2147483647, found -3; for no limit leave the setting out"}},
            {"1; max_recipients = \"3\"", {"main.conf:4: error: inbound.a.max_recipients: expected a whole number without quotes, found a string"}},
        },
        "; } );");
}

BOOST_AUTO_TEST_CASE(names_and_types) {
  check_inbound({
      {"{ type = \"relay\"; source_ips = \"192.0.2.1\"; },\n{ name = \"\"; type = \"relay\"; source_ips = \"192.0.2.2\"; }",
       {"main.conf:3: error: inbound[0].name: is missing: every connector needs a name of its own",
        "main.conf:4: error: inbound[1].name: \"\" is no connector name: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\""}},
      {"{ name = \"a b\"; type = \"relay\"; source_ips = \"192.0.2.1\"; }", {"main.conf:3: error: inbound[0].name: \"a b\" is no connector name..."}},
      {"{ name = \"" + std::string(65, 'a') + "\"; type = \"relay\"; source_ips = \"192.0.2.1\"; }", {"main.conf:3: error: inbound[0].name: ..."}},
      {"{ name = \"" + std::string(64, 'a') + "\"; type = \"relay\"; source_ips = \"192.0.2.1\"; }", {}},
      {"{ name = 5; type = 5; }",
       {"main.conf:3: error: inbound[0].name: expected a string in double quotes, found a number",
        "main.conf:3: error: inbound[0].type: expected a string in double quotes, found a number"}},
      {"\n { name = \"a\";\n }", {"main.conf:4: error: inbound.a.type: is missing: one of on_premises, device, relay, partner"}},
      {"{ name = \"a\"; type = \"on-premises\"; }",
       {"main.conf:3: error: inbound.a.type: \"on-premises\" is not known here: expected \"on_premises\", \"device\", \"relay\" or \"partner\" (did "
        "you mean \"on_premises\"?)"}},
      {"{ name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\"; mode = \"Audit\"; enabled = \"no\"; comment = 1; source_ip = 1; }",
       {"main.conf:3: error: inbound.a.enabled: expected true or false without quotes, found a string",
        "main.conf:3: error: inbound.a.comment: expected a string in double quotes, found a number",
        "main.conf:3: error: inbound.a.mode: \"Audit\" is not known here: expected \"enforce\" or \"audit\" (did you mean \"audit\"?)",
        "main.conf:3: error: inbound.a.source_ip: unknown setting (did you mean \"source_ips\"?)"}},
      {"\"x\", 5",
       {"main.conf:3: error: inbound[0]: expected a group { }, found a string",
        "main.conf:3: error: inbound[1]: expected a group { }, found a number"}},
  });
}

BOOST_AUTO_TEST_CASE(settings_by_type) {
  check_inbound({
      {"{ name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\";\nsender_domains = \"*\"; via = \"b\"; check_header_from = \"off\";\nsenders = "
       "\"x\"; recipients = \"any\"; trust = \"y\"; accept_headers = true; }",
       {"main.conf:4: error: inbound.a.sender_domains: relay connectors do not take this setting: it is for partner",
        "main.conf:4: error: inbound.a.via: relay connectors do not take this setting: it is for partner",
        "main.conf:4: error: inbound.a.check_header_from: relay connectors do not take this setting: it is for partner",
        "main.conf:5: error: inbound.a.senders: relay connectors do not take this setting: it is for on_premises, device",
        "main.conf:5: error: inbound.a.recipients: relay connectors do not take this setting: it is for on_premises, device",
        "main.conf:5: error: inbound.a.trust: relay connectors do not take this setting: it is for on_premises, device, partner",
        "main.conf:5: error: inbound.a.accept_headers: relay connectors do not take this setting: it is for on_premises"}},
      {"{ name = \"a\"; type = \"device\"; recipients = \"internal\"; source_ips = \"192.0.2.1\";\naccept_tags = true; require_header = { }; }",
       {"main.conf:4: error: inbound.a.accept_tags: device connectors do not take this setting: it is for on_premises",
        "main.conf:4: error: inbound.a.require_header: device connectors do not take this setting: it is for on_premises"}},
      {"{ name = \"a\"; type = \"on_premises\"; source_ips = \"192.0.2.1\";\naccept_tags = true;\nrequire_header = { }; }",
       {"main.conf:4: error: inbound.a.accept_tags: needs signing.keys of the main file: without a key no tag can be verified",
        "main.conf:5: error: inbound.a.require_header.name: is missing: the header's name",
        "main.conf:5: error: inbound.a.require_header.values: is missing: what the field may say"}},
      {"{ name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\"; on_violation = \"tag\"; }",
       {"main.conf:3: error: inbound.a.on_violation: \"tag\" is for partners: expected \"reject\" or \"tempfail\""}},
      {"{ name = \"a\"; type = \"partner\"; sender_domains = \"*\"; require_tls = true; on_violation = \"quarantine\"; }", {}},
      {"{ name = \"a\"; type = \"on_premises\"; }",
       {"main.conf:3: error: inbound.a: on_premises connectors need an identity, or every stranger would be one: add source_ips, certificates or "
        "auth_users"}},
      {"{ name = \"a\"; type = \"relay\"; require_tls = true; }", {"main.conf:3: error: inbound.a: relay connectors need an identity..."}},
      {"{ name = \"a\"; type = \"partner\"; }",
       {"main.conf:3: error: inbound.a.sender_domains: is missing: a partner needs the sender domains it is about; \"*\" is every one",
        "main.conf:3: error: inbound.a: this partner demands nothing: add source_ips, certificates, auth_users, via or require_tls = true"}},
  });
}

BOOST_AUTO_TEST_CASE(required_headers) {
  const auto with = [](const std::string& header) {
    return "{ name = \"a\"; type = \"on_premises\"; source_ips = \"192.0.2.1\";\nrequire_header = " + header + "; }";
  };
  const auto c = connector(with("{ name = \"X-OriginatorOrg\"; values = [ \"us.example\", \"other.us.example\", \"us.example\" ]; }"));
  BOOST_TEST(c.requires_header());
  BOOST_TEST(c.required_header == "X-OriginatorOrg");
  BOOST_TEST(c.required_values == Lines({"us.example", "other.us.example"}), boost::test_tools::per_element());
  BOOST_TEST(!connector("{ name = \"a\"; type = \"on_premises\"; source_ips = \"192.0.2.1\"; }").requires_header());
  BOOST_TEST(connector(with("{ name = \"X-MS-Exchange-Organization-Id\"; values = \"a b\"; }")).requires_header());
  check_inbound({
      {with("\"X-OriginatorOrg\""), {"main.conf:4: error: inbound.a.require_header: expected a group { }, found a string"}},
      {with("{ name = \"X-Connector-Trust\"; values = \"internal\"; }"),
       {"main.conf:4: error: inbound.a.require_header.name: \"X-Connector-Trust\" belongs to our own family (headers.prefix), which is removed from "
        "all mail: this never holds"}},
      {with("{ name = \"X Y\"; values = [ ]; value = \"z\"; }"),
       {"main.conf:4: error: inbound.a.require_header.values: ...", "main.conf:4: error: inbound.a.require_header.value: unknown setting...",
        "main.conf:4: error: inbound.a.require_header.name: \"X Y\" is no header name: printable ASCII without blanks and colon was expected"}},
      {with("{ name = \"X-Y\"; values = [ \"\", \" z\", \"a\\nb\" ]; }"),
       {"main.conf:4: error: inbound.a.require_header.values[0]: the header value is empty",
        "main.conf:4: error: inbound.a.require_header.values[1]: the header value begins or ends with a blank",
        "main.conf:4: error: inbound.a.require_header.values[2]: the header value holds a line end: it must be one line"}},
      {with("{ name = \"X-Y\"; values = \"z\"; }") + ",\n{ name = \"b\"; type = \"relay\"; source_ips = \"192.0.2.2\"; add_headers = ( { name = "
                                                     "\"x-y\"; value = \"z\"; } ); }",
       {"main.conf:4: error: inbound.a.require_header.name: \"X-Y\" is added by the inbound connector \"b\" (main.conf:5) and so removed from all "
        "mail "
        "that comes in: ask for a field that only the peer sets"}},
  });
}

BOOST_AUTO_TEST_CASE(rate_limits) {
  const auto with = [](const std::string& limit) {
    return "{ name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\";\nrate_limit = " + limit + "; }";
  };
  const std::string at = "main.conf:4: error: inbound.a.rate_limit";
  check_inbound({
      {with("{ messages = 30; per = \"1m\"; key = \"sender\"; }"), {}},
      {with("{ messages = 1000000; per = \"366d\"; }"), {}},
      {with("{ }"),
       {at + ".messages: is missing: how many messages are allowed within `per`",
        at + ".per: is missing: the time in which as many messages are allowed, such as \"1m\""}},
      {with("30"), {at + ": expected a group { }, found a number"}},
      {with("{ messages = 0; per = \"1m\"; }"), {at + ".messages: must be 1 to 2147483647, found 0; for no limit leave rate_limit out"}},
      {with("{ messages = 1000001; per = \"1m\"; }"), {at + ".messages: is more than 1000000: for no limit leave rate_limit out"}},
      {with("{ messages = 1; per = 60; }"), {at + ".per: expected a string in double quotes, found a number"}},
      {with("{ messages = 1; per = \"0m\"; }"), {at + ".per: \"0m\" is no time: expected at least \"1s\""}},
      {with("{ messages = 1; per = \"367d\"; }"), {at + ".per: \"367d\" is too long: at most \"366d\""}},
      {with("{ messages = 1; per = \"99999999999999999999s\"; }"), {at + ".per: \"99999999999999999999s\" is too long: at most \"366d\""}},
      {with("{ messages = 1; per = \"1 m\"; }"), {at + ".per: \"1 m\" is no duration: expected digits, then s, m, h or d, such as \"1m\""}},
      {with("{ messages = 1; per = \"m\"; }"), {at + ".per: \"m\" is no duration..."}},
      {with("{ messages = 1; per = \"-1m\"; }"), {at + ".per: \"-1m\" is no duration..."}},
      {with("{ messages = 1; per = \"1m\"; key = \"client\"; }"),
       {at + ".key: \"client\" is not known here: expected \"source\", \"connector\" or \"sender\""}},
      {with("{ messages = 1; per = \"1m\"; keys = \"source\"; }"), {at + ".keys: unknown setting (did you mean \"key\"?)"}},
  });
}

BOOST_AUTO_TEST_CASE(durations) {
  const auto seconds = [](const char* text) { return *config::parse_duration(text); };
  BOOST_TEST(seconds("1s") == 1U);
  BOOST_TEST(seconds("90s") == 90U);
  BOOST_TEST(seconds("2m") == 120U);
  BOOST_TEST(seconds("3h") == 10800U);
  BOOST_TEST(seconds("366d") == 31622400U);
}

BOOST_AUTO_TEST_CASE(identity_errors) {
  check(
      base + "inbound = ( { name = \"a\"; type = \"partner\"; sender_domains = [ \"d.example\", \"<>\" ];\n",
      {
          {"source_ips = [ \"192.0.2.1/33\", \"::1\", \"192.0.2.9-192.0.2.1\", \"x\" ];",
           {"main.conf:4: error: inbound.a.source_ips[0]: \"192.0.2.1/33\": the prefix length must be 0 to 32 (96 to 128 for an IPv4-mapped address)",
            "main.conf:4: error: inbound.a.source_ips[2]: \"192.0.2.9-192.0.2.1\": the range ends before it begins",
            "main.conf:4: error: inbound.a.source_ips[3]: \"x\": expected an IP address, a prefix, a range FIRST-LAST or file:PATH"}},
          {"source_ips = [ ];", {"main.conf:4: error: inbound.a.source_ips: the list is empty: name at least one, or leave the setting out"}},
          {"certificates = [ \"*\", \"a.*.b\", \"x@d.example\" ];",
           {"main.conf:4: error: inbound.a.certificates[0]: \"*\" is no certificate name: any certificate would do; name the peer's, such as "
            "\"mail.d.example\"",
            "main.conf:4: error: inbound.a.certificates[1]: \"a.*.b\": a wildcard may only stand alone (`*`) or as the whole first label "
            "(`*.d.example`)",
            "main.conf:4: error: inbound.a.certificates[2]: \"x@d.example\": expected a domain, not an address"}},
          {"require_tls = true; certificate_issuers = \"CA\";",
           {"main.conf:4: error: inbound.a.certificate_issuers: narrows `certificates`, which is not given: add certificates or remove this"}},
          {"certificates = \"c.example\"; certificate_issuers = [ \"\" ];",
           {"main.conf:4: error: inbound.a.certificate_issuers[0]: \"\": expected 1 to 256 bytes without control characters"}},
          {"auth_users = [ \"a\\nb\" ];",
           {"main.conf:4: error: inbound.a.auth_users[0]: \"a\\x0ab\": expected 1 to 256 bytes without control characters"}},
          {"require_tls = false; min_tls_version = \"TLSv1.2\";",
           {"main.conf:4: error: inbound.a.min_tls_version: implies require_tls, which is false: remove one of the two"}},
          {"min_tls_version = \"TLSv1.1\";",
           {"main.conf:4: error: inbound.a.min_tls_version: \"TLSv1.1\" is not known here: expected \"TLSv1.2\" or \"TLSv1.3\" (did you mean "
            "\"TLSv1.2\"?)"}},
          {"require_tls = true; listeners = [ \"mxx\", \"submission\" ];",
           {"main.conf:4: error: inbound.a.listeners[0]: there is no listener \"mxx\" (did you mean \"mx\"?): declare it in `listeners` of the main "
            "file",
            "main.conf:4: error: inbound.a.listeners[1]: there is no listener \"submission\": declare it in `listeners` of the main file"}},
          {"require_tls = true; check_header_from = \"on\";",
           {"main.conf:4: error: inbound.a.check_header_from: \"on\" is not known here: expected \"off\", \"audit\" or \"enforce\""}},
          {"require_tls = true; trust = \"internal\";",
           {"main.conf:4: error: inbound.a.trust: a partner's mail may not be called \"internal\": that word is for our own"}},
          {"require_tls = true; trust = \"Device\";",
           {"main.conf:4: error: inbound.a.trust: a partner's mail may not be called \"Device\": that word is for our own"}},
          {"require_tls = true; trust = \"a b\";",
           {"main.conf:4: error: inbound.a.trust: \"a b\" is no trust word: expected 1 to 32 letters, digits, \".\", \"_\" or \"-\""}},
          {"require_tls = true; trust = \"vetted\";", {}},
      },
      "} );");
}

BOOST_AUTO_TEST_CASE(limits_and_headers) {
  check(base + "inbound = ( { name = \"a\"; type = \"on_premises\"; source_ips = \"192.0.2.1\";\n",
        {
            {"senders = [ \"any\", \"a@\", \"*@b.example\" ];",
             {"main.conf:4: error: inbound.a.senders[0]: \"any\" is a word of `recipients`: write address patterns here, \"*\" for any sender",
              "main.conf:4: error: inbound.a.senders[1]: \"a@\": ...",
              "main.conf:4: error: inbound.a.senders[2]: \"*@b.example\": a wildcard cannot stand for a local part; for every address there write "
              "\"b.example\""}},
            {"recipients = [ \"Internal\" ];",
             {"main.conf:4: error: inbound.a.recipients[0]: \"Internal\": expected \"any\", \"internal\" or an address pattern (did you mean "
              "\"internal\"?)"}},
            {"recipients = [ ];", {"main.conf:4: error: inbound.a.recipients: the list is empty: name at least one, or leave the setting out"}},
            {"recipients = ( \"any\", \"x@y.example\", \"<>\" );", {}},
            {"add_headers = { name = \"X\"; };", {"main.conf:4: error: inbound.a.add_headers: expected a list ( { }, { } ), found a group { }"}},
            {"add_headers = ( { nme = \"X\"; } );",
             {"main.conf:4: error: inbound.a.add_headers[0].name: is missing: the header's name",
              "main.conf:4: error: inbound.a.add_headers[0].value: is missing: the header's value",
              "main.conf:4: error: inbound.a.add_headers[0].nme: unknown setting (did you mean \"name\"?)"}},
            {"add_headers = ( { name = \"X:A\"; value = \"a\\r\\nB: c\"; },\n{ name = \"x-connector\"; value = \"\"; },\n{ name = "
             "\"X-Connector-Foo\"; value = \" a\"; },\n{ name = \"From\"; value = \"caf\xc3\xa9\"; } );",
             {"main.conf:4: error: inbound.a.add_headers[0].name: \"X:A\" is no header name: printable ASCII without blanks and colon was expected",
              "main.conf:4: error: inbound.a.add_headers[0].value: the header value holds a line end: it must be one line",
              "main.conf:5: error: inbound.a.add_headers[1].name: \"x-connector\" belongs to our own family...",
              "main.conf:5: error: inbound.a.add_headers[1].value: the header value is empty",
              "main.conf:6: error: inbound.a.add_headers[2].name: \"X-Connector-Foo\" belongs to our own family...",
              "main.conf:6: error: inbound.a.add_headers[2].value: the header value begins or ends with a blank",
              "main.conf:7: error: inbound.a.add_headers[3].name: \"From\" is a field the message itself has...",
              "main.conf:7: error: inbound.a.add_headers[3].value: \"caf\xc3\xa9\" is no header value: printable ASCII was expected (other text "
              "needs RFC 2047 encoding)"}},
            {"add_headers = ( { name = \"DKIM-Signature\"; value = \"x\"; }, { name = \"X-Connectors\"; value = \"x\"; } );",
             {"main.conf:4: error: inbound.a.add_headers[0].name: \"DKIM-Signature\" is a field the message itself has..."}},
            {"add_headers = ( );", {}},
        },
        "} );");
}

BOOST_AUTO_TEST_CASE(repairs_of_a_devices_mail) {
  const auto device = connector(R"({ name = "a"; type = "device"; source_ips = "192.0.2.1"; recipients = "internal"; repair = [ "from", "date" ];
    rewrite_sender = "Scans@Mail.US.example."; })");
  BOOST_TEST((device.repair.date && device.repair.from && !device.repair.message_id));
  BOOST_TEST(device.rewrite_sender == "Scans@mail.us.example");
  const auto plain = connector(R"({ name = "a"; type = "device"; source_ips = "192.0.2.1"; recipients = "internal"; })");
  BOOST_TEST((!plain.repair.date && !plain.repair.message_id && !plain.repair.from && plain.rewrite_sender.empty()));
  const auto wrong = [](const char* address, const char* why) {
    return Case{std::string("rewrite_sender = \"") + address + "\";",
                {std::string("main.conf:4: error: inbound.a.rewrite_sender: \"") + address + "\" is no address to send from: expected one such as " +
                 "\"scans@contoso.example\"" + why}};
  };
  check(
      base + "inbound = ( { name = \"a\"; type = \"device\"; source_ips = \"192.0.2.1\"; recipients = \"internal\";\n",
      {{"repair = \"messageid\";",
        {"main.conf:4: error: inbound.a.repair: \"messageid\" is not known here: expected \"date\", \"message_id\" or \"from\" (did you mean "
         "\"message_id\"?)"}},
       {"repair = [ ];", {"main.conf:4: error: inbound.a.repair: the list is empty: name at least one, or leave the setting out"}},
       {"repair = true;", {"main.conf:4: error: inbound.a.repair: expected ..."}},
       {"rewrite_sender = [ \"a@us.example\" ];", {"main.conf:4: error: inbound.a.rewrite_sender: expected ..."}},
       wrong("scans", ""),
       wrong("us.example", ""),
       wrong("<>", ""),
       wrong("", ""),
       wrong("a%b@us.example", ""),
       wrong("a!b@us.example", ""),
       wrong("a@[192.0.2.1]", ""),
       wrong("a@b@us.example", " (the domain holds a character that no domain can have)"),
       {"rewrite_sender = \"a@elsewhere.example\";",
        {"main.conf:4: warning: inbound.a.rewrite_sender: \"a@elsewhere.example\" is not in the organization domains: bounces of this device's mail "
         "will go there, and its domain's SPF record may not name our servers; use an address of our own"}}},
      "} );");
  check(base + "inbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\";\n",
        {{"repair = \"date\"; rewrite_sender = \"a@us.example\";",
          {"main.conf:4: error: inbound.a.repair: relay connectors do not take this setting: it is for device",
           "main.conf:4: error: inbound.a.rewrite_sender: relay connectors do not take this setting: it is for device"}}},
        "} );");
}

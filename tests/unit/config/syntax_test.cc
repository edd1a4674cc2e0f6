// The text itself: what a file may hold, and the one message about a file that does not parse.
#define BOOST_TEST_DYN_LINK
#define BOOST_TEST_MODULE config
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>

#include "fixture.h"

// libconfig 1.5 itself loses some bytes when a text does not parse; under LeakSanitizer that is not ours to answer for.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libconfig++.so\n"; }

using namespace cm::config;
using namespace cm::config::test;

BOOST_AUTO_TEST_CASE(syntax_errors_are_one_and_clear) {
  check("",
        {
            {"a = 1;\na = 2;\nb = ;", {"main.conf:2: error: the setting \"a\" is given twice in the same group"}},
            {base + "log = {\n level = \"info\";\n level = \"debug\"; };",
             {"main.conf:5: error: the setting \"level\" is given twice in the same group (the one that line 3 opens)"}},
            {"a = [ \"x\",\n \"y\", # last\n ];", {"main.conf:2: error: a comma before \"]\": remove it (the last element of a list has none)"}},
            {"a = ( 1, /* x */ );", {"main.conf:1: error: a comma before \")\": remove it (the last element of a list has none)"}},
            {"\n @include \"x.conf\"\n",
             {"main.conf:2: error: @include is not supported: put connectors into connectors.d/*.conf beside the main file"}},
            {"a = 1;\n/* never\nclosed", {"main.conf:2: error: the comment that begins with /* is never closed"}},
            {"a = 1;\nb = \"never\nclosed;\n", {"main.conf:2: error: the string is never closed: a quote is missing"}},
            {"a = \"one;\nb = \"two\";\n",
             {"main.conf:1: error: syntax error: the string that begins here runs over the line end; is its closing quote missing?"}},
            {"a = {\n b = 1;\n", {"main.conf:1: error: \"{\" is never closed"}},
            {"a = (\n { b = 1; )\n;", {"main.conf:2: error: \")\" does not close the \"{\" of line 2"}},
            {"a = 1; }", {"main.conf:1: error: \"}\" closes nothing"}},
            {"unmatched = accept;", {"main.conf:1: error: \"accept\" is no value: write it in double quotes"}},
            {"unmatched = 'accept';", {"main.conf:1: error: single quotes mean nothing here: use double quotes"}},
            {"a = 192.0.2.1;", {"main.conf:1: error: \"192.0.2.1\" is no value: write addresses in double quotes"}},
            {"a = 1;\nb = = 2;", {"main.conf:2: error: syntax error: look for a missing quote, comma, \"=\", \";\" or bracket here or just above"}},
            {"a = 1;\nb 2;\nc = 1; c = 1;",
             {"main.conf:2: error: syntax error: look for a missing quote, comma, \"=\", \";\" or bracket here or just above"}},
            {"a = [ 1, \"x\" ];", {"main.conf:1: error: syntax error: mismatched element type in array"}},
            {std::string("a = 1;\nb = \0;", 13), {"main.conf:2: error: the file holds a NUL byte: it is not text"}},
            {"a = 1;\n# caf\xe9\n", {"main.conf:2: error: the text is not valid UTF-8"}},
            {"\xff\xfe", {"main.conf:1: error: the text is not valid UTF-8"}},
            {std::string("a = ") + std::string(100000, '('), {"main.conf:1: error: brackets are nested too deeply"}},
            {std::string(100000, ')'), {"main.conf:1: error: \")\" closes nothing"}},
        });
}

BOOST_AUTO_TEST_CASE(odd_texts_that_are_fine) {
  BOOST_TEST(diagnose("\xef\xbb\xbf" + base).empty());
  std::string crlf;
  for (const char c : base) crlf += c == '\n' ? std::string("\r\n") : std::string(1, c);
  BOOST_TEST(diagnose(crlf + "unmatched = \"accept\";\r\n").empty());
  BOOST_TEST(diagnose(base + "unmatched : \"accept\" # no semicolon, a colon\n// and\n/* every\ncomment */ outbound = ();").empty());
  BOOST_TEST(diagnose(base + "headers = { prefix = \"X-\" \"Own\" };").empty());
}

BOOST_AUTO_TEST_CASE(values_libconfig_would_misread) {
  check(
      base + "inbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"192.0.2.1\";\n",
      {
          {"max_message_size = 5000000000;",
           {"main.conf:4: error: inbound.a.max_message_size: the number 5000000000 is too large; a size this large is written in double quotes,..."}},
          {"max_message_size = 0xffffffff;", {"main.conf:4: error: inbound.a.max_message_size: the number 0xffffffff is too large..."}},
          {"max_message_size = 5000000000L;", {}},
          {"max_message_size = 99999999999999999999L;",
           {"main.conf:4: error: inbound.a.max_message_size: the number 99999999999999999999L is too large..."}},
          {"max_recipients = 2147483647;", {}},
          {"max_recipients = 2147483648;", {"main.conf:4: error: inbound.a.max_recipients: the number 2147483648 is too large..."}},
          {"max_recipients = 4294967297;", {"main.conf:4: error: inbound.a.max_recipients: the number 4294967297 is too large..."}},
          {"comment = \"a\\x00b\";", {"main.conf:4: error: inbound.a.comment: the string holds a NUL (\\x00), which no setting may have"}},
          {"comment = \"a\\xe9b\";", {"main.conf:4: error: inbound.a.comment: the string is not valid UTF-8"}},
          {"auth_users = [ \"x\"\n \"y\",\n\"z\" ];",
           {"main.conf:4: warning: inbound.a.auth_users[0]: strings side by side are joined into one: is a comma missing?"}},
          {"auth_users = [\n\"x\",\n\"\"\n,\"z\" ];",
           {"main.conf:6: error: inbound.a.auth_users[1]: \"\": expected 1 to 256 bytes without control characters"}},
      },
      "} );");
}

BOOST_AUTO_TEST_CASE(files_that_are_no_config) {
  const Directory directory;
  BOOST_TEST(
      directory.lines(directory.load()) == Lines{"main.conf: error: the file cannot be read: No such file or directory: name the main file with -c"},
      boost::test_tools::per_element());
  fs::create_directory(directory.path / "main.conf");
  BOOST_TEST(directory.lines(directory.load()) == Lines{"main.conf: error: the file is a directory, not a file"}, boost::test_tools::per_element());
  BOOST_TEST(load("/dev/null").diagnostics.size() == 1);
  BOOST_TEST(load("/dev/null").diagnostics.at(0).message == "the file is not a regular file");
  BOOST_TEST(diagnose("").size() == 1);
}

// While it lives, root may read only what the modes of files let it read.
class MereUser {
 public:
  MereUser() {
    BOOST_REQUIRE(syscall(SYS_capget, &header_, before_.data()) == 0);
    auto less = before_;
    for (const auto capability : {CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH}) less[0].effective &= ~(1U << static_cast<unsigned>(capability));
    BOOST_REQUIRE(syscall(SYS_capset, &header_, less.data()) == 0);
  }
  MereUser(const MereUser&) = delete;
  ~MereUser() { BOOST_TEST(syscall(SYS_capset, &header_, before_.data()) == 0); }

 private:
  __user_cap_header_struct header_{_LINUX_CAPABILITY_VERSION_3, 0};
  std::array<__user_cap_data_struct, 2> before_{};
};

// Only this is said, whatever lies beside it.
BOOST_AUTO_TEST_CASE(files_that_may_not_be_read) {
  const Directory directory;
  const std::string remedy = ": Permission denied: do this as root, or as a user who may read it";
  const auto as_nobody = [&] {
    const MereUser here;
    return directory.lines(directory.load());
  };
  directory.write("main.conf", base);
  directory.write("connectors.d/a.conf", "(");
  fs::permissions(directory.path / "main.conf", fs::perms::none);
  BOOST_TEST(as_nobody() == Lines{"main.conf: error: the file cannot be read" + remedy}, boost::test_tools::per_element());
  fs::permissions(directory.path, fs::perms::none);
  BOOST_TEST(as_nobody() == Lines{"main.conf: error: the file cannot be read" + remedy}, boost::test_tools::per_element());
  fs::permissions(directory.path, fs::perms::all);
  fs::permissions(directory.path / "main.conf", fs::perms::all);
  fs::permissions(directory.path / "connectors.d/a.conf", fs::perms::none);
  BOOST_TEST(as_nobody() == Lines{"connectors.d/a.conf: error: the file cannot be read" + remedy}, boost::test_tools::per_element());
  fs::permissions(directory.path / "connectors.d", fs::perms::none);
  BOOST_TEST(as_nobody() == Lines{"connectors.d: error: the directory cannot be read" + remedy}, boost::test_tools::per_element());
  fs::permissions(directory.path / "connectors.d", fs::perms::all);
}

BOOST_AUTO_TEST_CASE(connectors_d) {
  const Directory directory;
  directory.write("main.conf", base + "inbound = ( { name = \"m\"; type = \"relay\"; source_ips = \"192.0.2.1\"; } );");
  directory.write("connectors.d/20.conf", "inbound = ( { name = \"b\"; type = \"relay\"; source_ips = \"192.0.2.2\"; } );");
  directory.write("connectors.d/10.conf", "inbound = ( { name = \"a\"; type = \"relay\"; auth_users = \"x\"; } ); outbound = ();");
  directory.write("connectors.d/.hidden.conf", "nonsense");
  directory.write("connectors.d/30.conf.bak", "nonsense");
  directory.write("connectors.d/40.conf", "");
  const auto good = directory.load();
  BOOST_REQUIRE(good.config);
  BOOST_TEST(good.connectors == 3);
  const auto& inbound = good.config->policy.data().inbound;
  BOOST_TEST((inbound.at(0).name + inbound.at(1).name + inbound.at(2).name) == "mab");
  BOOST_TEST(inbound.at(1).at.file == (directory.path / "connectors.d/10.conf").string());
  BOOST_TEST(good.config->inbound_provenance.at(1).line_of("auth_users").value() == 1U);

  directory.write("connectors.d/15.conf",
                  "inbound = ( { name = \"m\"; type = \"relay\"; source_ips = \"192.0.2.3\"; } );\nunmatched = \"reject\";\ninbond = ();");
  directory.write("connectors.d/16.conf", "inbound = (\n");
  directory.write("connectors.d/17.conf",
                  "inbound = {};\noutbound = ( { name = \"b\"; recipient_domains = \"d.example\"; enabled = false; }, { } );");
  fs::create_directory(directory.path / "connectors.d/50.conf");
  const auto bad = directory.load();
  BOOST_TEST(!bad.config);
  BOOST_TEST(bad.connectors == 6);
  BOOST_TEST(
      directory.lines(bad) ==
          (Lines{
              "connectors.d/15.conf:1: error: inbound.m: the name \"m\" is taken by the inbound connector in main.conf:3: names are unique",
              "connectors.d/15.conf:2: error: unmatched: belongs in the main file: files of connectors.d hold the lists inbound and outbound alone",
              "connectors.d/15.conf:3: error: inbond: unknown setting (did you mean \"inbound\"?)",
              "connectors.d/16.conf:1: error: \"(\" is never closed",
              "connectors.d/17.conf:1: error: inbound: expected a list ( { }, { } ), found a group { }",
              "connectors.d/17.conf:2: error: outbound[1].name: is missing: every connector needs a name of its own",
              "connectors.d/17.conf:2: error: outbound[1].recipient_domains: is missing: the domains whose mail leaves this way: patterns, "
              "\"organization\", or \"*\" for all others",
              "connectors.d/17.conf:2: error: outbound.b: the name \"b\" is taken by the inbound connector in connectors.d/20.conf:1: names are "
              "unique",
              "connectors.d/50.conf: error: the file is a directory, not a file"}),
      boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(a_connectors_d_that_cannot_be_looked_at_is_an_error) {
  const Directory directory;
  auto deep = directory.path.string();  // so that main.conf has a path that the kernel takes, and connectors.d has not
  while (deep.size() < 4000) deep += "/" + std::string(50, 'd');
  deep += "/" + std::string(4084 - deep.size() - 1, 'd');
  fs::create_directories(deep);
  std::ofstream(deep + "/main.conf") << base;
  const auto result = load(deep + "/main.conf");
  BOOST_TEST(result.config == nullptr);
  BOOST_REQUIRE_EQUAL(result.diagnostics.size(), 1U);
  BOOST_TEST(result.diagnostics[0].message == "the directory cannot be read: File name too long");
  BOOST_TEST(result.diagnostics[0].at.line == 0U);
}

BOOST_AUTO_TEST_CASE(list_files) {
  const Directory directory;
  const auto entry = [](const std::string& name, const std::string& file) {
    return "{ name = \"" + name + "\"; type = \"relay\"; source_ips = [\n \"file:" + file + "\" ]; }";
  };
  directory.write("main.conf", base + "inbound = ( " + entry("a", "lists/a") + " );");
  directory.write("lists/a", "\xef\xbb\xbf# ours\r\n192.0.2.1\r\n\r\n  192.0.2.4-192.0.2.9 # range\n2001:db8::/32");
  const auto good = directory.load();
  BOOST_REQUIRE(good.config);
  BOOST_TEST(good.config->policy.data().inbound.at(0).source_ips.size() == 3);

  directory.write("lists/a", "192.0.2.1/24\n192.0.2.300\nfile:b\n");
  directory.write("lists/empty", "# nothing\n");
  directory.write("main.conf", base + "inbound = ( " + entry("a", "lists/a") + ", " + entry("b", "lists/a") + ",\n" + entry("c", "none") + ",\n" +
                                   entry("d", "lists/empty") + ",\n" + entry("e", "") + ", " + entry("f", "lists") + " );");
  BOOST_TEST(directory.lines(directory.load()) ==
                 (Lines{"lists/a:1: warning: inbound.a.source_ips[0]: \"192.0.2.1/24\" has host bits set: it counts as 192.0.2.0/24; write that",
                        "lists/a:2: error: inbound.a.source_ips[0]: \"192.0.2.300\": expected an IP address, a prefix or a range FIRST-LAST",
                        "lists/a:3: error: inbound.a.source_ips[0]: \"file:b\": expected an IP address, a prefix or a range FIRST-LAST",
                        "main.conf:7: error: inbound.c.source_ips[0]: \"none\" cannot be read: No such file or directory",
                        "main.conf:9: error: inbound.d.source_ips[0]: \"lists/empty\" holds no source",
                        "main.conf:11: error: inbound.e.source_ips[0]: the path is missing: write file:PATH",
                        "main.conf:12: error: inbound.f.source_ips[0]: \"lists\" is a directory, not a file"}),
             boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(the_digest_is_of_every_file) {
  const Directory directory;
  const auto digest = [&](const std::string& file, const std::string& text) {
    directory.write(file, text);
    const auto result = directory.load();
    return result.config ? result.config->digest : "none";
  };
  const auto main = base + "inbound = ( { name = \"a\"; type = \"relay\"; source_ips = \"file:list\"; } );";
  directory.write("list", "192.0.2.1\n");
  const auto first = digest("main.conf", main);
  BOOST_TEST(first.size() == 16U);
  BOOST_TEST(digest("main.conf", main) == first);
  const auto second = digest("list", "192.0.2.2\n");
  BOOST_TEST(second != first);
  const auto third = digest("connectors.d/x.conf", "inbound = ( );");
  BOOST_TEST(third != second);
  BOOST_TEST(digest("connectors.d/x.conf", "inbound = ( ); # said again") != third);
}

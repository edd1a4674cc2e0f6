// doctor: what postconf(1) prints, and Postfix's lists, taken apart; what is not understood is never skipped.
#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>

#include "ctl/doctor/live.h"

using namespace cm::ctl::doctor;

BOOST_AUTO_TEST_SUITE(doctor_reading)

BOOST_AUTO_TEST_CASE(parameters) {
  const auto values = parse_parameters("a = b = c\nempty =\n\nlist = { x, y = z } w\n");
  BOOST_REQUIRE(values);
  BOOST_TEST(values->at("a") == "b = c");
  BOOST_TEST(values->at("empty") == "");
  BOOST_TEST(values->at("list") == "{ x, y = z } w");
  for (const char* bad : {"a", "a=b\n", " = b\n", "a b = c\n", "postconf: warning: a = b\n", "a =b\n"}) BOOST_TEST(!parse_parameters(bad), bad);
}

BOOST_AUTO_TEST_CASE(master_cf) {
  const auto services = parse_services(
      "smtp/inet/service = smtp\nsmtp/inet/type = inet\nsmtp/inet/chroot = y\nsmtp/inet/command = smtpd -o a=b\n"
      "127.0.0.1:25/inet/chroot = -\n127.0.0.1:25/inet/command = /usr/lib/postfix/sbin/smtpd\n",
      "smtp/inet/a = b\n", false);
  BOOST_REQUIRE(services);
  BOOST_TEST(services->size() == 2U);
  BOOST_TEST(services->at(0).entry() == "smtp/inet");
  BOOST_TEST(services->at(0).chroot);
  BOOST_TEST(services->at(0).program == "smtpd");
  BOOST_TEST(services->at(0).settings.at("a") == "b");
  BOOST_TEST(services->at(1).entry() == "127.0.0.1:25/inet");
  BOOST_TEST(!services->at(1).chroot);
  BOOST_TEST(services->at(1).program == "smtpd");
  BOOST_TEST(parse_services("x/unix/chroot = -\n", "", true)->at(0).chroot);
  BOOST_TEST(!parse_services("x/unix/chroot = maybe\n", "", true));
  BOOST_TEST(!parse_services("smtp\n", "", true));
  BOOST_TEST(!parse_services("smtp/inet/chroot = y\n", "other/inet/a = b\n", true));
}

BOOST_AUTO_TEST_CASE(lists) {
  BOOST_TEST(split("a, {b, c d} e\t{ {f} g }") == (std::vector<std::string>{"a", "{b, c d}", "e", "{ {f} g }"}), boost::test_tools::per_element());
  const auto endpoint = Endpoint::parse("{ inet:[::1]:25, default_action = x, { protocol = 6 } }");
  BOOST_TEST(endpoint.address == "inet:[::1]:25");
  BOOST_TEST(endpoint.options.at("protocol") == "6");
  BOOST_TEST(networks("127.0.0.0/8, !10.0.0.1 [2001:db8::]/32 /etc/file hash:/x").size() == 2U);
  BOOST_TEST(socketmaps("hash:/a unionmap:{socketmap:unix:x/maps.sock:transport,inline:{a=b}} socketmap:inet:localhost:1:route").size() == 2U);
}

BOOST_AUTO_TEST_CASE(programs) {
  BOOST_TEST(run_program({"no-such-program-here"}).why == "there is no program no-such-program-here here");
  BOOST_TEST(*run_program({"echo", "a  b", "$HOME"}) == "a  b $HOME\n");
  BOOST_TEST(!run_program({"false"}));
  BOOST_TEST(run_program({"cat", "/no/such/file"}).why.find("/no/such/file") != std::string::npos);
}

BOOST_AUTO_TEST_SUITE_END()

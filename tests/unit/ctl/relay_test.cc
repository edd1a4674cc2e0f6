// `connectorctl postfix`, relaying for grants with require_header: offered, never set, and no wider than the connector's identity.
#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>

#include "ctl/postfix_relay.h"

using namespace cm;
using namespace cm::ctl;

namespace {

struct Cloud {
  PolicyData policy;
  InboundConnector& c;

  Cloud() : c(policy.inbound.emplace_back()) {
    c.name = "cloud";
    c.duty = Duty::on_premises;
    c.required_header = "X-OriginatorOrg";
    c.source_ips = {*Source::parse("192.0.2.0-192.0.2.2"), *Source::parse("2001:db8::/32")};
  }
  /// The choice for smtpd_relay_restrictions; an empty line if there is none.
  [[nodiscard]] PostfixLine choice(const std::string& name = "smtpd_relay_restrictions") const {
    std::vector<PostfixLine> lines;
    add_relay_by_header(
        policy, [](const std::string& listener, const std::string& more) { return "[" + listener + "] " + more + "reject"; }, lines);
    for (const auto& line : lines) {
      BOOST_TEST(line.example);
      if (line.name == name) return line;
    }
    return {};
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(relay)

BOOST_FIXTURE_TEST_CASE(its_networks_are_let_through, Cloud) {
  BOOST_TEST(choice().value == "[] check_client_access cidr:{{192.0.2.0/31 permit}, {192.0.2.2/32 permit}, {2001:db8::/32 permit}}, reject");
  BOOST_TEST(choice().reason.starts_with("cloud: its require_header is not known when a recipient is named"));
  for (int i = 0; i < 14; ++i) c.source_ips.push_back(*Source::parse("10.0.0." + std::to_string(i)));
  BOOST_TEST(choice().value == "[] check_client_access cidr:/etc/postfix/cloud.cidr, reject");
}

BOOST_FIXTURE_TEST_CASE(or_its_certificates, Cloud) {
  c.certificates = {*DomainPattern::parse("mail.cloud.example")};
  c.listeners = {"cloud"};
  BOOST_TEST(choice().value == "[cloud] permit_tls_clientcerts, reject");
  BOOST_TEST((choice().place == PostfixLine::Place::listener && choice().service == "cloud"));
  BOOST_TEST(choice("relay_clientcerts").value == "inline:{ {FINGERPRINT = cloud} }");
}

BOOST_FIXTURE_TEST_CASE(where_there_is_need, Cloud) {
  BOOST_TEST(!choice().value.empty());
  c.mode = Mode::audit;  // the milter would refuse nothing
  BOOST_TEST(choice().value.empty());
  c.mode = Mode::enforce;
  c.auth_users = {"cloud"};  // logins are let through anyway
  BOOST_TEST(choice().value.empty());
  c.auth_users.clear();
  c.recipients = {false, true, {}};
  BOOST_TEST(choice().value.empty());
  c.recipients.patterns = {*AddressPattern::parse("elsewhere.example")};
  BOOST_TEST(!choice().value.empty());
  c.required_header.clear();
  BOOST_TEST(choice().value.empty());
  c.required_header = "X-OriginatorOrg";
  c.enabled = false;
  BOOST_TEST(choice().value.empty());
}

BOOST_AUTO_TEST_SUITE_END()

// Headers seen + decision -> edits: what goes, in which order, and what never goes in.
#define BOOST_TEST_DYN_LINK
#include "session/edits.h"

#include <boost/test/unit_test.hpp>
#include <stdexcept>

namespace {

using namespace cm;
using namespace cm::session;
using Kind = MtaAction::Kind;

Policy policy() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".contoso.example"));
  InboundConnector hq;
  hq.name = "hq";
  hq.duty = Duty::on_premises;
  hq.source_ips.push_back(*Source::parse("10.1.0.0/24"));
  hq.add_headers = {{"X-Campus", "yes"}, {"Organization", "Contoso"}};
  data.inbound.push_back(hq);
  return Policy(std::move(data));
}

struct Seen {
  Policy policy = ::policy();
  RemovableHeaders headers;
  Decision decision;
  void see(std::initializer_list<std::string_view> names) {
    for (const auto name : names) headers.see(policy, name);
  }
  // "-Name/2" deleted, "+Name: value@0" inserted, "!reason" quarantined
  std::string edits(const std::vector<AddedHeader>& added = {}) {
    std::string out;
    for (const auto& edit : plan_edits(headers, policy, decision, added, "abcdefghijkl")) {
      if (edit.kind == Kind::delete_header) out += "-" + edit.name + "/" + std::to_string(edit.index) + " ";
      if (edit.kind == Kind::insert_header) out += "+" + edit.name + ": " + edit.value + "@" + std::to_string(edit.index) + " ";
      if (edit.kind == Kind::quarantine) out += "!" + edit.value + " ";
    }
    return out;
  }
};

}  // namespace

BOOST_AUTO_TEST_SUITE(edits)

BOOST_FIXTURE_TEST_CASE(other_headers_stay, Seen) {
  see({"From", "Received", "X-Connecto", "X-Connectors", "Organization", "X-MS-Exchange-Organization", ""});
  BOOST_TEST(edits().empty());
}

BOOST_FIXTURE_TEST_CASE(our_family_goes_in_any_spelling_from_the_last_to_the_first, Seen) {
  see({"X-Connector-Trust", "x-connector-TRUST", "X-Connector", "X-Connector-Trust ", "X-CONNECTOR-Anything\t", "x-campus"});
  BOOST_TEST(edits() == "-X-Connector-Trust/3 -X-Connector-Trust/2 -X-Connector-Trust/1 -X-Connector/1 -X-CONNECTOR-Anything/1 -x-campus/1 ");
}

BOOST_FIXTURE_TEST_CASE(the_strip_family_stays_with_a_peer_that_may_send_it_ours_never, Seen) {
  see({"X-MS-Exchange-Organization-SCL", "X-Connector-Trust"});
  BOOST_TEST(edits() == "-X-MS-Exchange-Organization-SCL/1 -X-Connector-Trust/1 ");
  decision.keeps_headers = true;
  BOOST_TEST(edits() == "-X-Connector-Trust/1 ");
}

BOOST_FIXTURE_TEST_CASE(three_hundred_copies, Seen) {
  for (int i = 0; i < 300; ++i) see({i % 2 ? "X-Connector-Trust" : "X-CONNECTOR-trust"});
  const auto actions = plan_edits(headers, policy, decision, {}, "abcdefghijkl");
  BOOST_REQUIRE_EQUAL(actions.size(), 300U);
  for (std::size_t i = 0; i < actions.size(); ++i) BOOST_TEST(actions[i].index == 300 - static_cast<int>(i));
  BOOST_TEST(!headers.too_many());
}

BOOST_FIXTURE_TEST_CASE(more_than_can_be_removed_is_noticed_and_not_kept, Seen) {
  for (std::size_t i = 0; i < limits::removable_headers; ++i) headers.see(policy, "X-Connector-" + std::to_string(i));
  BOOST_TEST(!headers.too_many());
  for (int i = 0; i < 100000; ++i) headers.see(policy, "X-Connector-Flood-" + std::to_string(i));
  BOOST_TEST(headers.too_many());
  BOOST_TEST(headers.names().size() == limits::removable_headers);
}

BOOST_FIXTURE_TEST_CASE(added_headers_stand_at_the_top_in_their_order, Seen) {
  see({"X-Connector-Trust"});
  BOOST_TEST(edits({{"X-Connector-Trust", "internal"}, {"X-Campus", "yes"}}) ==
             "-X-Connector-Trust/1 +X-Campus: yes@0 +X-Connector-Trust: internal@0 ");
}

BOOST_FIXTURE_TEST_CASE(quarantine_says_why, Seen) {
  decision.action = Action::quarantine;
  decision.rule = Rule::tls;
  BOOST_TEST(edits() == "!tls [abcdefghijkl] ");
  decision.connector = 0;
  BOOST_TEST(edits() == "!connector hq: tls [abcdefghijkl] ");
}

BOOST_FIXTURE_TEST_CASE(a_header_of_ours_never_holds_a_line_break, Seen) {
  for (const auto& bad : {std::string("a\nb"), std::string("a\rb"), std::string("a\0b", 3)}) {
    BOOST_CHECK_THROW(edits({{"X-Campus", bad}}), std::invalid_argument);
    BOOST_CHECK_THROW(edits({{bad, "yes"}}), std::invalid_argument);
  }
}

BOOST_AUTO_TEST_SUITE_END()

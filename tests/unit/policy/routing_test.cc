// How mail leaves: what the oracle of tests/reference cannot say, because both sides would read it alike. Words for the MTA, header
// fields as they arrive, and who may steer.
#define BOOST_TEST_DYN_LINK
#include "policy/routing.h"

#include <boost/test/unit_test.hpp>

#include "policy/decide.h"

using namespace cm;

namespace {

DomainPattern pattern(const char* text) { return *DomainPattern::parse(text); }

OutboundConnector to(std::string name, std::vector<const char*> domains, std::vector<std::string> hosts = {}) {
  OutboundConnector c;
  c.name = std::move(name);
  for (const auto* domain : domains) c.recipient_domains.push_back(pattern(domain));
  for (auto& host : hosts) c.smart_hosts.push_back({host, {}});
  return c;
}

PolicyData with(std::vector<OutboundConnector> outbound) {
  PolicyData data;
  data.organization.domains = {pattern(".us.example")};
  data.outbound = std::move(outbound);
  return data;
}

std::string chosen(const Policy& policy, const char* domain, Pass pass = Pass::enforced) {
  const auto id = choose_outbound(policy, domain, pass).id;
  return id == no_outbound ? "-" : policy.outbound(id).name;
}

Envelope address(const char* text) { return {Address::from_argument(text), Address::from_argument(text)}; }

}  // namespace

BOOST_AUTO_TEST_CASE(exact_before_wildcard_before_star_then_the_lowest_cost) {
  auto dear = to("dear", {"d.example"});
  dear.cost = 5;
  const Policy policy(with({to("star", {"*"}), to("below", {"*.d.example"}), dear, to("exact", {"d.example"}), to("deeper", {"*.a.d.example"})}));
  BOOST_TEST(chosen(policy, "d.example") == "exact");
  BOOST_TEST(chosen(policy, "x.d.example") == "below");
  BOOST_TEST(chosen(policy, "x.a.d.example") == "deeper");
  BOOST_TEST(chosen(policy, "a.d.example") == "below");
  BOOST_TEST(chosen(policy, "other.example") == "star");
  BOOST_TEST(chosen(policy, "[192.0.2.1]") == "star");
  BOOST_TEST(chosen(policy, "") == "-");
  BOOST_TEST(choose_outbound(policy, "other.example").rank == any_rank);
}

BOOST_AUTO_TEST_CASE(star_never_covers_our_own_domains) {
  auto own = to("own", {});
  own.organization = true;
  BOOST_TEST(chosen(Policy(with({to("star", {"*"})})), "mail.us.example") == "-");
  BOOST_TEST(chosen(Policy(with({to("star", {"*"}), own})), "us.example") == "own");
  BOOST_TEST(chosen(Policy(with({to("star", {"*"}), own, to("exact", {"mail.us.example"})})), "mail.us.example") == "exact");
}

BOOST_AUTO_TEST_CASE(audit_beats_what_it_ties_with_in_the_audit_pass_alone) {
  auto tried = to("tried", {"d.example"});
  tried.mode = Mode::audit;
  auto disabled = to("disabled", {"x.example"});
  disabled.enabled = false;
  const Policy policy(with({to("old", {"d.example"}), tried, disabled}));
  BOOST_TEST(chosen(policy, "d.example") == "old");
  BOOST_TEST(chosen(policy, "d.example", Pass::audit) == "tried");
  BOOST_TEST(chosen(policy, "x.example", Pass::audit) == "-");
}

BOOST_AUTO_TEST_CASE(words_for_the_mta) {
  auto c = to("c", {"d.example"}, {"[mx.d.example]:25", "[192.0.2.7]"});
  BOOST_TEST(transport_of(c) == "smtp:[mx.d.example]:25, [192.0.2.7]");
  BOOST_TEST(transport_of(to("mx", {"d.example"})) == "smtp:");
  BOOST_TEST(tls_policy_of(c) == "");
  const auto level = [&c](OutboundTls tls) {
    c.tls = tls;
    return tls_policy_of(c);
  };
  BOOST_TEST(level(OutboundTls::none) == "none");
  BOOST_TEST(level(OutboundTls::opportunistic) == "may");
  BOOST_TEST(level(OutboundTls::encrypt) == "encrypt");
  BOOST_TEST(level(OutboundTls::verify) == "secure");
  BOOST_TEST(level(OutboundTls::dane) == "dane");
  BOOST_TEST(level(OutboundTls::dane_only) == "dane-only");
  c.fingerprints = {"AA:BB", "CC:DD"};
  BOOST_TEST(level(OutboundTls::fingerprint) == "fingerprint match=AA:BB|CC:DD");
  c.tls_domains = {pattern("a.example"), pattern("*.b.example"), pattern(".c.example")};
  c.min_tls_version = TlsVersion::tls1_2;
  BOOST_TEST(level(OutboundTls::verify) == "secure match=a.example:.b.example:c.example:.c.example protocols=>=TLSv1.2");
  c.min_tls_version = TlsVersion::tls1_3;
  BOOST_TEST(level(OutboundTls::encrypt) == "encrypt protocols=>=TLSv1.3");
}

BOOST_AUTO_TEST_CASE(next_hops_and_rules_are_found_as_long_as_they_are_enforced) {
  auto rule = to("rule", {}, {"[gate.example]"});
  rule.when.emplace().sender_domains = {pattern("*")};
  auto audit = to("audit", {"a.example"}, {"[audit.example]"});
  audit.mode = Mode::audit;
  const Policy policy(with({to("d", {"d.example"}, {"mx.d.example"}), rule, audit, to("star", {"*"})}));
  BOOST_TEST(outbound_by_next_hop(policy, "MX.d.example") == 0U);
  BOOST_TEST(outbound_by_next_hop(policy, "[mx.d.example]") == no_outbound);
  BOOST_TEST(outbound_by_next_hop(policy, "[gate.example]") == 1U);
  BOOST_TEST(outbound_by_next_hop(policy, "[audit.example]") == no_outbound);
  BOOST_TEST(rule_by_name(policy, "rule") == 1U);
  BOOST_TEST(rule_by_name(policy, "Rule") == no_outbound);
  BOOST_TEST(rule_by_name(policy, "d") == no_outbound);
  BOOST_TEST(default_outbound(policy) == 3U);
}

BOOST_AUTO_TEST_CASE(header_rules_see_every_instance_unfolded) {
  auto rule = to("rule", {}, {"[gate.example]"});
  rule.when.emplace().header = HeaderCondition{"X-Class", "^Top Secret$"};
  const Policy policy(with({rule}));
  const auto met = [&policy](std::vector<std::pair<const char*, const char*>> fields) {
    std::vector<OutboundId> held;
    for (const auto& [name, value] : fields) note_header(policy, name, value, held);
    return held.size();
  };
  BOOST_TEST(met({{"X-Class", "Top Secret"}}) == 1U);
  BOOST_TEST(met({{"x-cLASS", " Top\r\n Secret"}}) == 1U);
  BOOST_TEST(met({{"X-Class", "\n\tTop Secret"}}) == 1U);
  BOOST_TEST(met({{"X-Class", "Top Secret \t"}}) == 1U);
  BOOST_TEST(met({{"X-Class", "public"}, {"X-Class", "Top Secret"}, {"X-Class", "Top Secret"}}) == 1U);
  BOOST_TEST(met({{"X-Class", "top secret"}}) == 0U);
  BOOST_TEST(met({{"X-Classes", "Top Secret"}, {"Subject", "Top Secret"}}) == 0U);
  BOOST_TEST(met({{"X-Class", "Top Secret\xff"}}) == 0U);
  // What cannot be seen does not declassify.
  for (const auto* value : {"Top Secret ", "\tTop Secret\t", "Top Secret\r\n ", "Top\r\n\tSecret", "Top \n  Secret \n\t\n "})
    BOOST_TEST(met({{"X-Class", value}}) == 1U);
  BOOST_TEST(met({{"X-Class", "Top  Secret"}}) == 0U);
}

BOOST_AUTO_TEST_CASE(header_rules_see_past_bytes_of_another_character_set) {
  auto rule = to("rule", {}, {"[gate.example]"});
  rule.when.emplace().header = HeaderCondition{"X-Class", "^Geheim.*, secret$"};
  const Policy policy(with({rule}));
  for (const auto* value : {"Geheim, secret", "Geheim f\xc3\xbcr, secret", "Geheim f\xfcr, secret"}) {
    std::vector<OutboundId> held;
    note_header(policy, "X-Class", value, held);
    BOOST_TEST(held.size() == 1U, value);
  }
  rule.when->header = HeaderCondition{"X-Class", "^f\xc3\xbcr alle$"};  // and what is UTF-8 stays what it is
  const Policy umlaut(with({rule}));
  std::vector<OutboundId> held;
  note_header(umlaut, "X-Class", "f\xc3\xbcr alle", held);
  BOOST_TEST(held.size() == 1U);
}

BOOST_AUTO_TEST_CASE(a_pattern_must_be_one) {
  BOOST_TEST(why_bad_pattern("(?i)^secret|confidential$") == "");
  BOOST_TEST(why_bad_pattern("(secret") != "");
  BOOST_TEST(why_bad_pattern("(a)\\1") != "");
}

BOOST_AUTO_TEST_CASE(mail_that_its_own_smart_host_hands_back_is_not_taken_again) {
  auto rule = to("rule", {});
  rule.smart_hosts = {{"[192.0.2.1]:25", Ip::parse("192.0.2.1")}};
  rule.when.emplace().sender_domains = {pattern("us.example")};
  auto data = with({rule});
  InboundConnector grant;
  grant.name = "own";
  grant.duty = Duty::on_premises;
  grant.trust = "internal";
  grant.source_ips = {*Source::parse("192.0.2.0/24")};
  data.inbound = {grant};
  const Policy policy(std::move(data));
  const auto route = [&policy](const char* client) {
    Facts facts;
    facts.connection.client = Ip::parse(client);
    facts.sender.envelope = address("a@us.example");
    facts.recipients = {address("b@d.example")};
    return decide(policy, facts).route;
  };
  BOOST_TEST(route("192.0.2.2") == 0U);
  BOOST_TEST(route("192.0.2.1") == no_outbound);
  BOOST_TEST(route("198.51.100.1") == no_outbound);  // a stranger who uses our name
}

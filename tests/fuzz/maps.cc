// Requests of the map service: what Postfix would read, whatever was asked.
#include "serve/maps.h"

#include <algorithm>

#include "base/netstring.h"
#include "fuzz.h"
#include "policy/text.h"

using namespace cm;

static OutboundConnector to(const char* name, std::initializer_list<const char*> domains, std::initializer_list<const char*> smart_hosts,
                            OutboundTls tls) {
  OutboundConnector c;
  c.name = name;
  for (const char* domain : domains) c.recipient_domains.push_back(*DomainPattern::parse(domain));
  for (const char* host : smart_hosts) c.smart_hosts.push_back({host, std::nullopt});
  c.tls = tls;
  return c;
}

static PolicyData usual() {
  PolicyData data;
  data.organization.domains.push_back(*DomainPattern::parse(".us.example"));
  data.outbound = {to("a", {".a.example"}, {"[mx.a.example]:587", "mx2.a.example"}, OutboundTls::verify),
                   to("b", {"b.example", "*.wide.b.example"}, {}, OutboundTls::encrypt), to("c", {"xn--mnchen-3ya.example"}, {}, OutboundTls::unset),
                   to("any", {"*"}, {"[out.example]"}, OutboundTls::dane_only), to("rule", {}, {"[192.0.2.1]"}, OutboundTls::none)};
  data.outbound.back().when = When{{}, {*DomainPattern::parse("us.example")}, {}};
  return data;
}

static const Policy& policy() {
  static const Policy built(usual());
  return built;
}

static std::string answer_to(std::string_view request) {
  static const Published<Policy> published{std::shared_ptr<const Policy>(&policy(), [](const Policy*) {})};
  static observe::Counters counters;
  static const serve::Maps maps(published, counters, [](std::string_view) { REQUIRE(!"an exception came out of a lookup"); });
  return maps.answer(request);
}

static bool starts_with_any_of(std::string_view text, std::initializer_list<std::string_view> starts) {
  return std::any_of(starts.begin(), starts.end(), [&](std::string_view start) { return text.starts_with(start); });
}

// Some pattern other than `*` of a connector that is not rule-scoped meets the domain behind the last at sign.
static bool is_covered(std::string_view key) {
  const auto at = key.rfind('@');
  const auto domain = normalise_domain(at == std::string_view::npos ? "" : key.substr(at + 1));
  if (!domain) return false;
  for (const auto& connector : policy().data().outbound)
    for (const auto& pattern : connector.recipient_domains)
      if (pattern.match(*domain) > any_rank) return true;
  return false;
}

FUZZ_TARGET(maps) {
  const auto answer = answer_to(in);
  REQUIRE(starts_with_any_of(answer, {"OK ", "NOTFOUND ", "TEMP ", "PERM "}) && fuzz::is_printable(answer) && answer.size() < 1000);
  REQUIRE(answer != "OK ");
  const bool is_lookup = starts_with_any_of(in, {"transport ", "default_route ", "tls_policy ", "route "});
  REQUIRE(is_lookup == !answer.starts_with("PERM "));
  const auto key = is_lookup ? in.substr(in.find(' ') + 1) : in;
  const auto ask = [&](const char* map, std::string_view about) { return answer_to(std::string(map) + " " + std::string(about)); };
  REQUIRE(ask("transport", key).starts_with("OK ") == is_covered(key));
  REQUIRE(ask("default_route", key) == "OK smtp:[out.example]");
  for (const char* map : {"transport", "tls_policy"}) REQUIRE(ask(map, key) == ask(map, fuzz::swap_case(key)));
  REQUIRE(ask("transport", "x" + std::string(key)) == ask("transport", key));
  REQUIRE(!ask("tls_policy", "." + std::string(key)).starts_with("OK "));
  // Only our own header steers, and a name that is not there never means ordinary delivery.
  const auto routed = ask("route", "X-Connector-Route:" + std::string(key));
  REQUIRE(routed == "OK FILTER smtp:[192.0.2.1]" ? text::trim(key) == "rule" : routed.starts_with("TEMP "));
  REQUIRE(ask("route", "Subject: " + std::string(key)) == "NOTFOUND ");
  REQUIRE(answer_to(std::string("transports ") + std::string(key)).starts_with("PERM "));
  const auto framed = netstring::encode(answer);
  REQUIRE(netstring::take(framed, 100000).payload == answer);
}

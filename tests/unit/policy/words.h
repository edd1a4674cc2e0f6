// A policy, a client and its mail, and what is said of them: for the tests of words_test.cc and reasons_test.cc.
#pragma once

#include <string>

#include "policy/render.h"

namespace cm::test {

inline constexpr const char* id = "aaaabbbbcccc";

inline Envelope envelope(std::string_view text) { return {Address::from_argument(text), Address::from_argument(text)}; }

struct Words {
  Words() : policy(data()) {
    connection.client = Ip::parse("192.0.2.9");
    connection.listener = "mx";
    sender.envelope = envelope("p@d.example");
    recipient = envelope("x@us.example");
  }
  static PolicyData data() {
    PolicyData data;
    data.organization.domains.push_back(*DomainPattern::parse("us.example"));
    InboundConnector c;
    c.name = "c";
    c.trust = "partner";
    c.source_ips.push_back(*Source::parse("10.0.0.1"));
    c.sender_domains.push_back(*DomainPattern::parse("d.example"));
    c.add_headers.push_back({"X-A", "b"});
    c.required_header = "X-Org";
    auto only_via = c;
    only_via.name = "v";
    only_via.duty = Duty::device;
    only_via.source_ips.clear();
    data.inbound = {c, only_via};
    return data;
  }
  [[nodiscard]] std::string reply(Rule rule, Action action, ConnectorId connector = 0, bool has_recipient = true) const {
    return render_reply(policy, connection, sender, {action, rule, connector}, has_recipient ? &recipient : nullptr, id).to_string();
  }
  [[nodiscard]] std::string text(Rule rule) const {
    const auto whole = reply(rule, Action::reject);
    const auto begin = whole.find("connector c: ") + 13, end = whole.rfind(" (rule ");
    return whole.substr(begin, end - begin);
  }
  [[nodiscard]] std::string step(Because because, Rule rule = Rule::none, ConnectorId connector = 0) const {
    return render_step(policy, {connection, sender, {recipient}, {}}, {connector, Outcome::violated, because, rule});
  }
  [[nodiscard]] std::string unmet(Rule rule, ConnectorId connector = 0) const { return step(Because::rule_unmet, rule, connector); }
  [[nodiscard]] std::string headers(const Decision& decision) const {
    std::string out;
    for (const auto& header : render_headers(policy, connection, sender, decision, id)) out += header.name + ": " + header.value + "\n";
    return out;
  }
  Policy policy;
  Connection connection;
  Sender sender;
  Envelope recipient;
};

}  // namespace cm::test

// Requests of the policy service: the first throws make a policy and a client, what follows a blank line is a request of the fuzzer's own.
// Nobody may relay whom the oracle does not grant it, and the codec knows early what it knows.
#include "serve/access_policy.h"

#include <map>

#include "base/attribute_list.h"
#include "fuzz.h"
#include "reference/generate.h"
#include "reference/reference.h"

using namespace cm;
using State = Taken::State;

static const std::string permit = "action=permit", dunno = "action=DUNNO";

static bool has_any(std::string_view text, const char* of) { return text.find_first_of(of) != std::string_view::npos; }

static void check_framing(std::string_view in) {
  constexpr std::size_t most = 300;
  std::size_t fresh = 0, kept = 0;
  const auto whole = attribute_list::take(in, most, fresh);
  bool decided = false;
  for (std::size_t length = 0; length <= in.size() && length < most + 8; ++length) {
    if (decided) break;
    const auto part = attribute_list::take(in.substr(0, length), most, kept);
    std::size_t none = 0;
    REQUIRE(attribute_list::take(in.substr(0, length), most, none).state == part.state);
    decided = part.state != State::incomplete;
    if (decided) REQUIRE(part.state == whole.state && part.length == whole.length);
    if (part.state == State::complete) REQUIRE(part.payload.size() <= most && part.payload.find("\n\n") == std::string_view::npos);
  }
  REQUIRE(decided || whole.state == State::incomplete || in.size() >= most);
}

// What Postfix would send of these facts. Its addresses have no quotes.
static std::string request_of(const Facts& facts) {
  const auto& sender = facts.sender;
  const auto& tls = sender.tls;
  std::string out = "request=smtpd_access_policy\nprotocol_state=RCPT\n";
  const auto add = [&out](const char* name, const std::string& value) { out += name + ("=" + value) + "\n"; };
  add("client_address", facts.connection.client ? facts.connection.client->to_string() : "unknown");
  add("sender", sender.envelope.argument.text);
  add("recipient", facts.recipients.empty() ? "" : facts.recipients.front().argument.text);
  add("size", std::to_string(sender.declared_size.value_or(0)));
  add("sasl_username", sender.login);
  add("encryption_protocol", tls.version);
  add("ccert_subject", tls.certificate == CertificateState::verified ? tls.subject : "");
  add("ccert_issuer", tls.certificate == CertificateState::verified ? tls.issuer : "");
  add("ccert_fingerprint", tls.certificate == CertificateState::absent ? "" : "AB:CD");
  add("policy_context", facts.connection.listener);
  return out;
}

// The facts as the oracle is to see them: only what the attributes say.
static Facts facts_of(const Policy& policy, std::map<std::string, std::string> said, const Facts& generated) {
  Facts facts = generated;  // TLS and login as they were
  facts.connection.local = false;
  facts.content.reset();
  facts.sender.rates_exceeded.clear();
  if (facts.sender.declared_size == 0U) facts.sender.declared_size.reset();
  if (facts.sender.tls.certificate == CertificateState::verified && facts.sender.tls.subject.empty())
    facts.sender.tls.certificate = CertificateState::unverified;
  if (facts.sender.tls.certificate != CertificateState::verified)
    facts.sender.tls.subject = facts.sender.tls.subject_name = facts.sender.tls.issuer = {};
  const auto envelope = [&](const char* name) {
    const auto argument = Address::from_argument(said[name]);
    return Envelope{argument, resolve_as_postfix(argument, policy.our_domains(), policy.home_domain())};
  };
  facts.sender.envelope = envelope("sender");
  facts.recipients = {envelope("recipient")};
  return facts;
}

static bool oracle_grants(const PolicyData& data, const Facts& facts) {
  if (!facts.sender.envelope.argument.is_valid()) return false;
  const auto decision = reference::reference_decide(data, facts);
  if (decision.connector == no_connector || decision.rule != Rule::none || decision.recipients[0].action != Action::accept) return false;
  const auto duty = data.inbound[decision.connector].duty;
  return decision.vouched == Vouched::no && (duty == Duty::on_premises || duty == Duty::device);
}

FUZZ_TARGET(access_policy) {
  check_framing(in);
  const auto split = in.find("\n\n");
  reference::Dice dice(in.substr(0, split));
  const auto data = reference::random_policy(dice);
  auto generated = reference::random_facts(dice, data);
  const Published<Policy> policy{std::make_shared<const Policy>(data)};
  observe::Counters counters;
  const serve::AccessPolicy service(policy, counters, [](std::string_view line) { REQUIRE(fuzz::is_printable(line)); });

  const auto request = request_of(generated);
  std::map<std::string, std::string> said;
  const auto attributes = attribute_list::Attributes::parse(request);
  REQUIRE(attributes.has_value());
  for (const char* name : {"sender", "recipient"}) said[name] = (*attributes)[name];
  const auto answer = service.answer(request);
  REQUIRE(answer == permit || answer == dunno);
  const auto recipient = std::string_view(said["recipient"]);
  const bool odd = has_any(recipient.substr(0, recipient.rfind('@')), "%!@\"\\") || has_any(recipient, "<>") || has_any(said["sender"], "<>");
  const bool granted = !odd && oracle_grants(data, facts_of(*policy.get(), said, generated));
  REQUIRE((answer == permit) == granted);
  // What is said besides changes nothing; what is said twice says nothing.
  REQUIRE(service.answer(request + "mail_version=3.9.1\n") == answer);
  REQUIRE(service.answer(request + "sender=\n") == dunno);
  if (split == std::string_view::npos) return;
  const auto own = in.substr(split + 2);
  const auto reply = service.answer(own);
  REQUIRE(reply == permit || reply == dunno);
  if (reply == permit)
    REQUIRE(own.starts_with("request=smtpd_access_policy\n") || own.find("\nrequest=smtpd_access_policy") != std::string_view::npos);
  const auto appended = service.answer(request + std::string(own));
  REQUIRE(appended == answer || appended == dunno);
}

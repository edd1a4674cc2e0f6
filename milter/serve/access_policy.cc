// Attributes -> facts -> the engine. Addresses come in Postfix's internal form: without quotes, so that what needed quotes is not understood
// here and gets DUNNO. A certificate's names come only if Postfix verified it, a fingerprint always.
#include "serve/access_policy.h"

#include <charconv>
#include <limits>
#include <optional>

#include "base/attribute_list.h"
#include "policy/decide.h"
#include "policy/limits.h"
#include "policy/text.h"

namespace cm::serve {
namespace {

using attribute_list::Attributes;

constexpr std::string_view needed[] = {"protocol_state", "client_address", "sender", "recipient"};

// A local part that Postfix could take for a route to somewhere else, or that stood in quotes: `user%evil`, `evil!user`, `user@evil`.
bool may_be_routed(std::string_view recipient) {
  const auto local = recipient.substr(0, recipient.rfind('@'));
  return local.find_first_of("%!@\"\\") != std::string_view::npos;
}

// Angle brackets are part of an internal address only if they stood in quotes.
Address parse_internal(std::string_view text) {
  return Address::from_argument(text.find_first_of("<>") == std::string_view::npos ? text : std::string_view("<"));
}

Envelope envelope_of(const Policy& policy, std::string_view text) {
  const auto argument = parse_internal(text);
  return {argument, resolve_as_postfix(argument, policy.our_domains(), policy.home_domain())};
}

// 0 stands for a size that the client did not say. One too big for us is as big as can be.
std::optional<std::uint64_t> size_of(std::string_view text) {
  std::uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error == std::errc::result_out_of_range) return std::numeric_limits<std::uint64_t>::max();
  return size == 0 ? std::nullopt : std::optional(size);
}

Tls tls_of(const Attributes& attributes) {
  Tls tls;
  const auto version = attributes["encryption_protocol"];
  if (version.empty()) return tls;
  tls.version = version.size() <= limits::tls_version_bytes ? version : "unknown";
  tls.fingerprint = attributes["ccert_fingerprint"];
  tls.public_key_fingerprint = attributes["ccert_pubkey_fingerprint"];
  if (const auto subject = attributes["ccert_subject"]; !subject.empty()) {
    tls.certificate = CertificateState::verified;
    set_certificate_names(tls, text::decode_xtext(subject), text::decode_xtext(attributes["ccert_issuer"]));
  } else if (!tls.fingerprint.empty()) {
    tls.certificate = CertificateState::unverified;
  }
  return tls;
}

Sender sender_of(const Policy& policy, const Attributes& attributes) {
  Sender sender;
  sender.envelope = envelope_of(policy, attributes["sender"]);
  sender.tls = tls_of(attributes);
  if (const auto login = attributes["sasl_username"]; login.size() <= limits::login_bytes) sender.login = login;
  sender.declared_size = size_of(attributes["size"]);
  return sender;
}

bool is_granted(const Policy& policy, const Connection& connection, const Sender& sender, const Envelope& recipient) {
  if (!sender.envelope.argument.is_valid() || is_refused_at_connect(policy, connection)) return false;
  Side side(policy, connection, Pass::enforced);
  if (side.mail(sender, nullptr).rule != Rule::none || side.rcpt(sender, recipient).rule != Rule::none ||
      side.attribution().connector == no_connector)
    return false;
  const auto& connector = policy.connector(side.attribution().connector);
  if (connector.requires_header()) return false;  // which nobody knows before the end of the message
  return connector.duty == Duty::on_premises || connector.duty == Duty::device;
}

}  // namespace

AccessPolicy::AccessPolicy(const Published<Policy>& policy, observe::Counters& counters, std::function<void(std::string_view)> report)
    : policy_(policy), counters_(counters), report_(std::move(report)) {}

void AccessPolicy::report_once(Oddity oddity, std::string_view line) const {
  if (!reported_[static_cast<std::size_t>(oddity)].exchange(true))
    report_(std::string(line) + ": answered with DUNNO, as will be others like it, which are not reported again");
}

bool AccessPolicy::may_relay(std::string_view request) const {
  const auto attributes = Attributes::parse(request);
  if (!attributes || (*attributes)["request"] != "smtpd_access_policy") {
    report_once(Oddity::malformed, "a policy request is malformed (expected request=smtpd_access_policy and lines NAME=VALUE, each name once)");
    return false;
  }
  for (const auto name : needed)
    if (!attributes->find(name)) {
      report_once(Oddity::incomplete, "a policy request lacks the attribute " + std::string(name));
      return false;
    }
  const auto state = (*attributes)["protocol_state"];
  if (state != "RCPT") {
    if (state != "VRFY")  // Postfix asks the restrictions of RCPT for it
      report_once(Oddity::other_state, "a policy request came for another state than RCPT (only smtpd_relay_restrictions should ask this service)");
    return false;
  }
  const auto recipient = (*attributes)["recipient"];
  if (may_be_routed(recipient)) return false;
  const auto policy = policy_.get();
  const Connection connection{.client = Ip::parse((*attributes)["client_address"]), .listener = std::string((*attributes)["policy_context"])};
  return is_granted(*policy, connection, sender_of(*policy, *attributes), envelope_of(*policy, recipient));
}

std::string AccessPolicy::answer(std::string_view request) const {
  observe::add(counters_.policy_requests);
  try {
    if (!may_relay(request)) return dunno;
    observe::add(counters_.policy_permits);
    return "action=permit";
  } catch (const std::exception& e) {
    observe::add(counters_.internal_failures);
    report_("a policy request could not be answered:");  // two lines: there may be no memory to join them
    report_(e.what());
  }
  return "action=DEFER_IF_PERMIT 4.3.0 internal failure of the policy service";
}

}  // namespace cm::serve

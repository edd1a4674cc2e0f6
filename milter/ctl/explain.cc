// Facts out of the options of `explain`, and the engine's decision turned into words. Every word about the decision itself is the
// policy room's (policy/render.h); this file only puts them together.
#include "ctl/explain.h"

#include <algorithm>
#include <charconv>

#include "policy/render.h"
#include "policy/repair.h"
#include "policy/required_header.h"
#include "policy/routing.h"
#include "policy/text.h"

namespace cm::ctl {
namespace {

constexpr std::string_view name_of(Stage stage) {
  constexpr std::string_view names[] = {"none", "connect", "mail", "rcpt", "eom"};
  return names[static_cast<std::size_t>(stage)];
}
constexpr std::string_view name_of(Outcome outcome) {
  constexpr std::string_view names[] = {"selected", "not selected", "violated", "passed"};
  return names[static_cast<std::size_t>(outcome)];
}
constexpr std::string_view name_of(Vouched vouched) { return vouched == Vouched::local ? "local" : "authenticated"; }

std::optional<std::string> name_of(const Policy& policy, ConnectorId id) {
  return id == no_connector ? std::nullopt : std::optional(policy.connector(id).name);
}
std::optional<std::string> name_of(Rule rule) { return rule == Rule::none ? std::nullopt : std::optional(std::string(to_string(rule))); }

Parsed<std::optional<std::uint64_t>> parse_bytes(std::string_view option, const std::optional<std::string>& text) {
  using Result = Parsed<std::optional<std::uint64_t>>;
  if (!text) return Result(std::nullopt);
  std::uint64_t bytes = 0;
  const auto [end, failure] = std::from_chars(text->data(), text->data() + text->size(), bytes);
  if (failure != std::errc{} || end != text->data() + text->size())
    return Result::error(std::string(option) + " takes a number of bytes, not '" + *text + "'");
  return Result(bytes);
}

Envelope make_envelope(const Policy& policy, std::string_view text) {
  const auto argument = Address::from_argument(text);
  return {argument, resolve_as_postfix(argument, policy.our_domains(), policy.home_domain())};
}

// The name may be a typing error, and what is said then is about no mail at all. Without declared names every one may be right.
std::string unknown_listener(const Policy& policy, const std::string& name) {
  const auto& listeners = policy.data().listeners;
  if (name.empty() || listeners.empty() || policy.has_listener(name)) return {};
  constexpr std::size_t most = 10;
  std::string known;
  for (std::size_t i = 0; i < listeners.size() && i < most; ++i) known += (i == 0 ? "" : ", ") + listeners[i].name;
  return "--listener: \"" + name + "\" is not one of listeners (" + known + (listeners.size() > most ? ", ..." : "") + ")";
}

Parsed<Connection> make_connection(const Policy& policy, const Question& question) {
  if (question.local && question.client)
    return Parsed<Connection>::error("--client and --local exclude each other: local submission has no SMTP client");
  Connection connection;
  if (question.listener) connection.listener = *question.listener;
  connection.local = question.local;
  if (auto why = unknown_listener(policy, connection.listener); !why.empty()) return Parsed<Connection>::error(std::move(why));
  if (!question.client && !question.local) return Parsed<Connection>::error("--client IP (or --local) is required");
  connection.client = Ip::parse(question.local ? "127.0.0.1" : *question.client);
  if (!connection.client) return Parsed<Connection>::error("--client takes an IPv4 or IPv6 address, not '" + *question.client + "'");
  return connection;
}

Parsed<Tls> make_tls(const Question& question) {
  Tls tls;
  const bool certificate = question.cert_subject || question.cert_issuer || question.cert_unverified;
  if (!question.tls) {
    if (certificate) return Parsed<Tls>::error("a client certificate needs TLS: add --tls TLSv1.3");
    return tls;
  }
  if (!question.tls->starts_with("TLSv") && !question.tls->starts_with("SSLv"))
    return Parsed<Tls>::error("--tls takes a version as the mail server names it (TLSv1.2, TLSv1.3), not '" + *question.tls + "'");
  tls.version = *question.tls;
  if (!certificate) return tls;
  tls.certificate = question.cert_unverified ? CertificateState::unverified : CertificateState::verified;
  tls.subject = question.cert_subject.value_or("");
  tls.subject_name = normalise_certificate_name(tls.subject);
  tls.issuer = question.cert_issuer.value_or("");
  return tls;
}

struct Header {
  std::string_view name, value;
};
Header split_header(std::string_view field) {
  const auto colon = field.find(':');
  if (colon == std::string_view::npos) return {};
  return {text::trim(field.substr(0, colon)), text::trim(field.substr(colon + 1))};
}

bool is_from(std::string_view name) { return to_lower(name) == "from"; }

Parsed<std::optional<Content>> make_content(const Policy& policy, const Question& question) {
  using Result = Parsed<std::optional<Content>>;
  const auto measured = parse_bytes("--measured-size", question.measured_size);
  if (!measured) return Result::error(measured.why);
  if (question.headers.empty() && !*measured) return Result(std::nullopt);
  Content content;
  content.size = *measured;
  for (const auto& field : question.headers) {
    const auto header = split_header(field);
    if (header.name.empty()) return Result::error("--header takes 'Name: value', not '" + field + "'");
    content.malformed_header = content.malformed_header || text::has_bare_cr(header.value);
    note_header(policy, header.name, header.value, content.header_rules);
    note_required_header(policy, header.name, header.value, content);
    if (is_from(header.name)) content.from.add(header.value);
  }
  return Result(content);
}

// A refusal is given to a recipient of its own, or to the whole message: then the recipient has no part in its words.
bool is_about_message(Stage stage) { return stage == Stage::connect || stage == Stage::mail || stage == Stage::eom; }

std::string reply_for(const Policy& policy, const Facts& facts, const RecipientDecision& verdict, const Envelope* recipient) {
  return render_reply(policy, facts.connection, facts.sender, verdict, recipient, explain_trace_id).to_string();
}

void explain_recipients(const Policy& policy, const Facts& facts, const Decision& decision, Explanation& explanation) {
  const RecipientDecision message{decision.action, decision.rule, decision.connector};
  const bool refused = is_refusal(decision.action), whole = refused && is_about_message(decision.stage);
  if (whole) explanation.reply = reply_for(policy, facts, message, nullptr);
  for (std::size_t i = 0; i < facts.recipients.size(); ++i) {
    const auto& verdict = i < decision.recipients.size() ? decision.recipients[i] : message;
    ExplainedRecipient recipient{facts.recipients[i].argument.text, std::string(to_string(verdict.action)), {}, {}};
    if (whole && verdict == message)
      recipient.reply = explanation.reply;
    else if (is_refusal(verdict.action))
      recipient.reply = reply_for(policy, facts, verdict, &facts.recipients[i]);
    if (i < decision.outbound.size() && decision.outbound[i] != no_outbound) recipient.outbound = policy.outbound(decision.outbound[i]).name;
    if (refused && !explanation.reply && verdict == message) explanation.reply = recipient.reply;
    explanation.recipients.push_back(std::move(recipient));
  }
}

// The policy service permits what an enforced grant covers; a login has its own permission, and what local programs submit needs none.
void explain_relay_check(const Policy& policy, const Facts& facts, const Decision& decision, bool has_policy_service, Explanation& explanation) {
  if (facts.connection.local || !facts.sender.login.empty() || policy.data().organization.domains.empty()) return;
  if (decision.stage == Stage::connect || decision.stage == Stage::mail) return;  // no recipient is named any more
  const bool grants = has_policy_service && std::any_of(decision.steps.begin(), decision.steps.end(), [&](const Step& step) {
                        if (step.connector == no_connector || step.outcome != Outcome::selected) return false;
                        const auto& connector = policy.connector(step.connector);
                        return !connector.requires_header() && (connector.duty == Duty::on_premises || connector.duty == Duty::device);
                      });
  for (std::size_t i = 0; i < facts.recipients.size(); ++i) {
    const auto& to = facts.recipients[i];
    auto& recipient = explanation.recipients[i];
    const bool is_refused_when_named =
        is_refusal(decision.recipients.empty() ? decision.action : decision.recipients[i].action) && decision.stage != Stage::eom;
    recipient.relay_check = to.argument.is_valid() && !to.argument.is_null() && !policy.is_ours(to.resolved) && (!grants || is_refused_when_named);
  }
}

void explain_headers(const Policy& policy, const Question& question, const Facts& facts, const Decision& decision, Explanation& explanation) {
  if (is_refusal(decision.action)) return;  // there is no message left to edit
  explanation.add_headers = render_headers(policy, facts.connection, facts.sender, decision, explain_trace_id);
  SeenFields seen;
  for (const auto& field : question.headers) seen.see(split_header(field).name, split_header(field).value);
  const Receipt receipt{std::string(explain_date), std::string(explain_trace_id), std::string(explain_host)};
  for (auto& field : repairs(policy, facts.sender, decision, seen, receipt)) explanation.add_headers.push_back({field.name, field.value});
  if (is_sender_rewritten(policy, decision)) explanation.rewrite_sender = leaving_sender(policy, facts.sender, decision).text;
  for (const auto& field : question.headers) {
    const auto name = split_header(field).name;
    if (policy.is_own_header(name) || (policy.is_stripped_header(name) && !decision.keeps_headers)) explanation.strip_headers.emplace_back(name);
  }
}

std::string place_of(const Origin& at) { return at.file + ":" + std::to_string(at.line); }

std::vector<ExplainedStep> in_words(const Policy& policy, const Facts& facts, const Steps& steps, Pass pass) {
  std::vector<ExplainedStep> words;
  for (const auto& step : steps) {
    ExplainedStep explained{name_of(policy, step.connector), std::string(name_of(step.outcome)), render_step(policy, facts, step, pass), {}};
    if (step.connector != no_connector) explained.at = place_of(policy.connector(step.connector).at);
    words.push_back(std::move(explained));
  }
  return words;
}

void add_outbound(const Policy& policy, const std::vector<OutboundStep>& steps, std::vector<ExplainedStep>& words) {
  for (const auto& step : steps) {
    const auto& connector = policy.outbound(step.connector);
    words.push_back({connector.name, std::string(name_of(step.outcome)), step.because, place_of(connector.at)});
  }
}

void explain_steps(const Policy& policy, const Facts& facts, const Decision& decision, Explanation& explanation) {
  explanation.steps = in_words(policy, facts, complete_steps(policy, facts, decision), Pass::enforced);
  explanation.audit_steps = in_words(policy, facts, audit_steps(policy, facts), Pass::audit);
  // A check_header_from in audit may find what is refused anyway.
  if (!policy.has_audit_connectors() && explanation.audit_steps == explanation.steps) explanation.audit_steps.clear();
  add_outbound(policy, explain_outbound(policy, facts, decision), explanation.steps);
  add_outbound(policy, explain_audit_outbound(policy, facts, decision), explanation.audit_steps);
}

void explain_route(const Policy& policy, const Decision& decision, Explanation& explanation) {
  const auto id = common_outbound(decision);
  if (id == no_outbound) return;
  const auto& connector = policy.outbound(id);
  explanation.route = ExplainedRoute{connector.name, transport_of(connector), {}};
  if (auto tls = tls_policy_of(connector); !tls.empty()) explanation.route->tls = std::move(tls);
}

}  // namespace

Parsed<Facts> make_facts(const Policy& policy, const Question& question) {
  const auto connection = make_connection(policy, question);
  if (!connection) return Parsed<Facts>::error(connection.why);
  if (!question.from) return Parsed<Facts>::error("--from ADDRESS is required ('<>' is the null sender)");
  if (question.to.empty()) return Parsed<Facts>::error("at least one --to ADDRESS is required");
  const auto tls = make_tls(question);
  if (!tls) return Parsed<Facts>::error(tls.why);
  const auto declared = parse_bytes("--size", question.size);
  if (!declared) return Parsed<Facts>::error(declared.why);
  const auto content = make_content(policy, question);
  if (!content) return Parsed<Facts>::error(content.why);

  Facts facts{*connection, {}, {}, *content};
  facts.sender.envelope = make_envelope(policy, *question.from);
  facts.sender.tls = *tls;
  facts.sender.login = question.auth.value_or("");
  facts.sender.declared_size = *declared;
  for (const auto& to : question.to) facts.recipients.push_back(make_envelope(policy, to));
  return facts;
}

Explanation explain(const Policy& policy, const Question& question, const Facts& facts, bool has_policy_service) {
  const auto decision = decide(policy, facts);
  Explanation explanation;
  explanation.connector = name_of(policy, decision.connector);
  if (decision.connector != no_connector) explanation.type = to_string(policy.connector(decision.connector).duty);
  if (decision.vouched != Vouched::no) explanation.vouched = name_of(decision.vouched);
  if (decision.stage != Stage::none) explanation.stage = name_of(decision.stage);
  explanation.action = to_string(decision.action);
  explanation.rule = name_of(decision.rule);
  for (const auto& violation : decision.violations) {
    const std::string rule(to_string(violation.rule));
    if (std::find(explanation.violations.begin(), explanation.violations.end(), rule) == explanation.violations.end())
      explanation.violations.push_back(rule);
  }
  if (decision.audit) {
    explanation.audit = ExplainedAudit{std::string(to_string(decision.audit->action)), name_of(decision.audit->rule),
                                       name_of(policy, decision.audit->connector), render_audit(policy, *decision.audit)};
  }
  explain_recipients(policy, facts, decision, explanation);
  explain_relay_check(policy, facts, decision, has_policy_service, explanation);
  explain_headers(policy, question, facts, decision, explanation);
  explain_route(policy, decision, explanation);
  explain_steps(policy, facts, decision, explanation);
  return explanation;
}

}  // namespace cm::ctl

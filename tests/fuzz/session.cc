// A whole MTA connection: bytes become macros and milter events; what a session answers is held against the oracle, message by message.
//
// The invariants: nothing is accepted that the oracle refuses or that no MAIL and RCPT preceded; every header of our family that was seen is
// deleted, from the highest index down; the way a message is told to take is the oracle's; a reply is printable ASCII of one class, short enough for
// libmilter; a log line is one line; what a printer's message lacks it gets once, and nothing of anybody else's is repaired.
#include "session/session.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
#include <map>

#include "fuzz.h"
#include "reference/outbound.h"
#include "reference/reference.h"
#include "session_policies.h"

using namespace cm;
using namespace cm::session;

namespace {

// A line of the input with a fold for each vertical tab.
std::string folded(std::string_view line) {
  std::string out;
  for (const char c : line) out += c == '\v' ? std::string("\n ") : std::string(1, c);
  return out;
}
// Line feeds that become CR LF on the wire.
std::size_t line_ends(const std::string& value) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < value.size(); ++i) count += value[i] == '\n' && (i == 0 || value[i - 1] != '\r') ? 1 : 0;
  return count;
}
std::string trimmed(const std::string& name) {
  const auto first = name.find_first_not_of(" \t");
  return first == std::string::npos ? std::string() : name.substr(first, name.find_last_not_of(" \t") - first + 1);
}

void check_reply(const Reply& reply) {
  const auto percents = static_cast<std::size_t>(std::count(reply.text.begin(), reply.text.end(), '%'));  // doubled at the edge
  REQUIRE(fuzz::is_printable(reply.text) && reply.text.size() + percents <= 980);
  REQUIRE((reply.code / 100 == 4 || reply.code / 100 == 5) && reply.code < 600 && reply.xcode.size() >= 5);
  REQUIRE(reply.xcode[0] == '0' + reply.code / 100 && reply.xcode[1] == '.');
}

class MacroTable {
 public:
  void set(fuzz::Bytes& bytes) {
    constexpr const char* names[] = {"v", "{daemon_name}",  "{client_port}", "{mail_addr}",  "{rcpt_addr}", "{auth_authen}", "{tls_version}",
                                     "i", "{cert_subject}", "{cert_issuer}", "{cn_subject}", "{cn_issuer}", "{verify}",      "j"};
    const auto* name = bytes.of(names);
    std::string value(bytes.line());
    value.resize(std::min(value.find('\0'), value.size()));  // a C string
    values_[name] = value;
  }
  void clear() { values_.clear(); }
  Macros macros() { return {find, this}; }
  bool has(const char* name) const { return values_.contains(name); }

 private:
  static const char* find(void* where, const char* name) {
    const auto& values = static_cast<MacroTable*>(where)->values_;
    const auto it = values.find(name);
    return it == values.end() ? nullptr : it->second.c_str();
  }
  std::map<std::string, std::string> values_;
};

class Model {
 public:
  Model(bool sees_body, bool changes_sender) : sees_body_(sees_body), changes_sender_(changes_sender), session_(shared_, sees_body, changes_sender) {
    if (sees_body) shared_.keys = &keys_;
  }

  void run(fuzz::Bytes bytes) {
    for (int events = 0; !bytes.empty() && events < 200; ++events) {
      switch (bytes.below(12)) {
        case 0: macros_.set(bytes); break;
        case 1: connect(bytes); break;
        case 2: mail(bytes); break;
        case 3:
        case 4: rcpt(bytes); break;
        case 5:
        case 6: header(bytes); break;
        case 7: body(bytes); break;
        case 8:
        case 9: end(); break;
        case 10: abort(); break;
        case 11: change(bytes); break;
      }
    }
    abort();
    REQUIRE(shared_.in_flight == 0);
  }

 private:
  void abort() {
    session_.abort();
    open_ = false;
  }

  void change(fuzz::Bytes& bytes) {
    switch (bytes.below(6)) {
      case 0: shared_.draining = !shared_.draining; break;
      case 1:
        session_.fail();
        failed_ = true;
        break;
      case 2: macros_.clear(); break;
      default: second_ = !second_; published_.set(policies()[second_]);
    }
  }

  static const std::shared_ptr<const Policy>* policies() {
    static const std::shared_ptr<const Policy> both[] = {std::make_shared<const Policy>(rich_policy(false)),
                                                         std::make_shared<const Policy>(rich_policy(true))};
    return both;
  }

  void connect(fuzz::Bytes& bytes) {
    constexpr const char* clients[] = {"10.0.0.1", "10.0.0.4", "192.0.2.7", "192.0.2.9", "198.51.100.1", "127.0.0.1", "", "unknown"};
    sockaddr_in address{};
    address.sin_family = AF_INET;
    const bool known = inet_pton(AF_INET, bytes.of(clients), &address.sin_addr) == 1;
    mta_ = recognise(macros_.macros());
    facts_.connection = read_connection(mta_, macros_.macros(), known ? reinterpret_cast<const sockaddr*>(&address) : nullptr);
    REQUIRE(facts_.connection.client.has_value() == known && (!facts_.connection.local || mta_ == Mta::postfix));
    open_ = false;
    const auto policy = published_.get();
    const auto answer = session_.connect(facts_.connection, *policy);
    facts_.sender = {};
    facts_.recipients.assign(1, {Address::from_argument("x@y.example"), Address::from_argument("x@y.example")});
    facts_.content.reset();
    const bool closed = reference::reference_decide(policy->data(), facts_).stage == Stage::connect;
    REQUIRE(answer.refusal.has_value() == closed);
    connected_ = !closed;  // an MTA sends nothing more
    if (closed) check_reply(*answer.refusal);
  }

  void mail(fuzz::Bytes& bytes) {
    if (!connected_ && bytes.below(4) != 0) return;
    const std::string argument(bytes.line()), parameter(bytes.line());
    const char* const arguments[] = {argument.c_str(), parameter.c_str(), nullptr};
    auto event = read_mail(mta_, macros_.macros(), arguments);
    if (event.tls.certificate == CertificateState::verified) REQUIRE(macros_.has(mta_ == Mta::postfix ? "{cert_subject}" : "{verify}"));
    REQUIRE(event.login.size() <= 256 && event.tls.version.size() <= 16 && event.queue_id.size() <= 64);
    pinned_ = published_.get();
    facts_.sender = {envelope(event.argument, event.resolved), event.tls, event.login, event.declared_size, {}};
    facts_.recipients.clear();
    facts_.content.emplace();
    fields_.clear();
    accepted_ = seen_own_ = seen_ = 0;
    from_fields_ = 0;
    size_ = 2;
    failed_ = asked_ = false;
    const bool serves =
        connected_ && !shared_.draining && (sees_body_ || !pinned_->counts_sizes()) && (changes_sender_ || !pinned_->rewrites_senders());
    const auto answer = session_.mail(std::move(event));
    open_ = !answer.refusal;
    if (answer.refusal) check_reply(*answer.refusal);
    if (!serves) REQUIRE(answer.refusal && answer.refusal->code / 100 == 4);
    if (serves && answer.refusal) REQUIRE(answer.refusal->code == 552);
  }

  Envelope envelope(const std::string& argument, const std::optional<std::string>& resolved) const {
    const auto parsed = Address::from_argument(argument);
    return {parsed, resolved ? Address::from_resolved(*resolved) : resolve_as_postfix(parsed, pinned_->our_domains(), pinned_->home_domain())};
  }

  void rcpt(fuzz::Bytes& bytes) {
    const std::string argument(bytes.line());
    const char* const arguments[] = {argument.c_str(), nullptr};
    auto event = read_rcpt(mta_, macros_.macros(), arguments);
    if (open_ && !failed_) {
      facts_.recipients.push_back(envelope(event.argument, event.resolved));
      ask_rate();
    }
    const auto answer = session_.rcpt(std::move(event));
    if (answer.refusal) check_reply(*answer.refusal);
    if (!open_ || failed_) return REQUIRE(answer.refusal && answer.refusal->code == 451);
    auto facts = facts_;
    facts.content.reset();
    const auto wanted = reference::reference_decide(pinned_->data(), facts).recipients.back();
    REQUIRE(answer.refusal.has_value() == is_refusal(wanted.action));
    accepted_ += answer.refusal ? 0 : 1;
    REQUIRE(!answer.refusal || (wanted.action == Action::tempfail) == (answer.refusal->code / 100 == 4));
  }

  // The oracle is told of an empty bucket when the session finds it: at the first recipient that is acceptable otherwise.
  void ask_rate() {
    auto facts = facts_;
    facts.content.reset();
    facts.recipients = {facts_.recipients.back()};
    const auto decision = reference::reference_decide(pinned_->data(), facts);
    if (asked_ || decision.rule != Rule::none || decision.connector != printer_id) return;
    asked_ = true;
    if (sent_ == printer_messages) facts_.sender.rates_exceeded.push_back(printer_id);
  }

  void header(fuzz::Bytes& bytes) {
    constexpr const char* names[] = {"From",
                                     "fROM ",
                                     "X-Connector-Trust",
                                     "x-connector-AUDIT",
                                     "X-Connector",
                                     "X-Connectors",
                                     "X-Us-Trust \t",
                                     "X-Us",
                                     "X-MS-Exchange-Organization-A",
                                     "X-Site",
                                     "Message-ID",
                                     "Subject",
                                     ""};
    const auto choice = bytes.of(names);
    const std::string name(*choice ? std::string_view(choice) : bytes.line());
    const auto value = folded(bytes.line());
    session_.header(name, value);
    if (!open_) return;
    note(name);
    fields_.push_back({trimmed(name), value});
    auto& content = *facts_.content;
    size_ += name.size() + value.size() + 4 + line_ends(value);
    for (const auto* text : {&name, &value}) content.malformed_header = content.malformed_header || text->find('\r') != std::string::npos;
    if (to_lower(trimmed(name)) != "from") return;
    const auto domains = parse_header_from(value);
    content.from.kind = from_fields_++ > 0 ? HeaderFrom::Kind::several : domains ? HeaderFrom::Kind::parsed : HeaderFrom::Kind::unparsable;
    if (domains) content.from.domains = *domains;
  }

  void note(std::string name) {
    while (name.ends_with(' ') || name.ends_with('\t')) name.pop_back();
    const auto folded = to_lower(name), prefix = to_lower(pinned_->data().header_prefix);
    const bool own = folded == prefix || folded.starts_with(prefix + "-") || folded == "x-site";
    seen_own_ += own ? 1 : 0;
    seen_ += own || folded.starts_with("x-ms-exchange-organization-") || folded.starts_with("x-ms-exchange-forest-") ||
                     folded.starts_with("x-ms-exchange-crosspremises-")
                 ? 1
                 : 0;
  }

  void body(fuzz::Bytes& bytes) {
    const std::size_t octets = bytes.byte() * 2U;
    session_.body(std::string(octets, 'x'));
    size_ += octets;
  }

  void end() {
    auto answer = session_.end_of_message("Q1");
    const bool was_open = open_ && !failed_ && !facts_.recipients.empty();
    open_ = false;
    if (answer.refusal) check_reply(*answer.refusal);
    if (!was_open) return REQUIRE(answer.refusal && answer.refusal->code == 451 && answer.edits.empty());
    if (sees_body_) facts_.content->size = size_;
    facts_.content->header_rules = reference::header_rules(pinned_->data(), fields_);
    facts_.content->header_met = reference::required_headers_met(pinned_->data(), fields_);
    const auto wanted = reference::reference_decide(pinned_->data(), facts_);
    const bool too_many = seen_ > limits::removable_headers;
    REQUIRE(answer.refusal.has_value() == (is_refusal(wanted.action) || too_many));
    REQUIRE(answer.refusal || accepted_ > 0);
    if (answer.refusal) return;
    check_edits(answer.edits, wanted);
    check_repairs(answer.edits, wanted);
    session_.accepted(answer.accepted);
    sent_ += asked_ ? 1 : 0;
  }

  void check_edits(const std::vector<MtaAction>& edits, const Decision& wanted) const {
    std::map<std::string, int> next;
    std::size_t deleted = 0, quarantined = 0;
    bool inserted = false, trusted = false;
    std::vector<std::string> routing;
    for (const auto& edit : edits) {
      REQUIRE((edit.name + edit.value).find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos);
      if (is_repair(edit)) continue;
      if (edit.kind == MtaAction::Kind::delete_header) {
        const auto [at, first] = next.emplace(to_lower(edit.name), edit.index);
        REQUIRE(edit.index >= 1 && !inserted && (first || at->second - 1 == edit.index));
        at->second = edit.index;
        ++deleted;
      } else if (edit.kind == MtaAction::Kind::insert_header) {
        inserted = true;
        trusted = trusted || edit.name == pinned_->data().header_prefix + "-Trust";
        if (edit.name == pinned_->data().header_prefix + "-Trust") REQUIRE((edit.value.find("; k=k; h=") != std::string::npos) == sees_body_);
        if (edit.name.ends_with("-Outbound") || edit.name.ends_with("-Route")) routing.push_back(edit.name + ": " + edit.value);
        REQUIRE(fuzz::is_printable(edit.value) && edit.index == 0 &&
                (edit.name.starts_with(pinned_->data().header_prefix + "-") || edit.name == "X-Site"));
      } else {
        ++quarantined;
      }
    }
    for (const auto& [name, last] : next) REQUIRE(last == 1);
    const auto routes = reference::routing_headers(pinned_->data(), wanted);
    REQUIRE(std::is_permutation(routing.begin(), routing.end(), routes.begin(), routes.end()));
    REQUIRE(deleted == (wanted.keeps_headers ? seen_own_ : seen_));
    REQUIRE(trusted == wanted.proven && quarantined == (wanted.action == Action::quarantine ? 1U : 0U));
  }

  static bool is_repair(const MtaAction& edit) {
    using Kind = MtaAction::Kind;
    const auto name = to_lower(edit.name);
    return edit.kind == Kind::change_header || edit.kind == Kind::change_sender ||
           (edit.kind == Kind::delete_header && (name == "date" || name == "message-id" || name == "from"));
  }

  // How many fields of a name there are, if none of them has a value.
  std::optional<int> empty_fields(const std::string& name) const {
    int count = 0;
    for (const auto& field : fields_) {
      if (to_lower(field.name) != name) continue;
      auto value = field.value;
      std::erase_if(value, [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; });
      if (!value.empty() && value != "<>") return std::nullopt;
      ++count;
    }
    return count;
  }

  void check_repairs(const std::vector<MtaAction>& edits, const Decision& wanted) const {
    const auto* c = wanted.marked ? &pinned_->connector(wanted.connector) : nullptr;
    const bool printers = c != nullptr && c->name == "printer";
    std::string seen, expected;
    for (const auto& edit : edits)
      if (is_repair(edit)) seen += edit.name + std::to_string(edit.index) + (edit.kind == MtaAction::Kind::delete_header ? "- " : " ");
    for (const char* name : {"Date", "Message-ID", "From"}) {
      const auto empty = empty_fields(to_lower(name));
      const bool is_wanted = printers && (std::string_view(name) != "Message-ID" || c->repair.message_id);
      if (!is_wanted || !empty) continue;
      for (int i = *empty; i > 1; --i) expected += name + std::to_string(i) + "- ";
      expected += name + std::string("1 ");
    }
    if (printers && !c->rewrite_sender.empty()) expected += "<Scans@us.example>0 ";
    REQUIRE(seen == expected);
  }

  Published<Policy> published_{policies()[0]};
  observe::Counters counters_;
  Shared shared_{.policy = published_,
                 .counters = counters_,
                 .record = [](std::string_view line) { REQUIRE(fuzz::is_printable(line) && line.size() < 8000 && !line.empty()); },
                 .rates = RateLimits([] { return std::chrono::milliseconds(0); })};
  static std::shared_ptr<const seal::Keys> one_key() {
    seal::Keys keys;
    keys.push_back({"k", std::string(32, 'k')});
    return std::make_shared<const seal::Keys>(std::move(keys));
  }
  Published<seal::Keys> keys_{one_key()};
  const bool sees_body_, changes_sender_;
  Session session_;
  MacroTable macros_;
  Mta mta_ = Mta::unknown;
  bool second_ = false, connected_ = false, open_ = false, failed_ = false, asked_ = false;
  std::uint32_t sent_ = 0;  // by the printer
  std::shared_ptr<const Policy> pinned_;
  Facts facts_;
  std::vector<reference::HeaderField> fields_;
  std::size_t accepted_ = 0, seen_own_ = 0, seen_ = 0;
  int from_fields_ = 0;
  std::uint64_t size_ = 0;
};

}  // namespace

FUZZ_TARGET(session) {
  fuzz::Bytes bytes(in);
  const auto negotiated = bytes.byte();
  Model(negotiated % 2 != 0, negotiated / 2 % 2 == 0).run(bytes);
}

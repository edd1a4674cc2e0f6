// One inbound connector, setting by setting: which type takes which, defaults by type, and the least it must demand.
//
// The rule: a value that no fact can ever equal is an error, not a connector that never holds; and no stranger is a peer by omission.
#include "config/inbound.h"

#include <algorithm>

#include "config/fields.h"
#include "config/rate_limit.h"
#include "policy/limits.h"

namespace cm::config {
namespace {

constexpr unsigned bit(Duty duty) { return 1U << static_cast<unsigned>(duty); }
constexpr unsigned on_premises = bit(Duty::on_premises), device = bit(Duty::device), relay = bit(Duty::relay), partner = bit(Duty::partner);
constexpr unsigned grants = on_premises | device;

struct Limited {
  std::string_view name;
  unsigned duties;
};
// Settings that not every type takes.
constexpr Limited limited[] = {{"sender_domains", partner},     {"via", partner},
                               {"check_header_from", partner},  {"senders", grants},
                               {"recipients", grants},          {"trust", grants | partner},
                               {"accept_headers", on_premises}, {"accept_tags", on_premises},
                               {"require_header", on_premises}, {"repair", device},
                               {"rewrite_sender", device}};

constexpr Word<Duty> duties[] = {{"on_premises", Duty::on_premises}, {"device", Duty::device}, {"relay", Duty::relay}, {"partner", Duty::partner}};
constexpr Word<Check> checks[] = {{"off", Check::off}, {"audit", Check::audit}, {"enforce", Check::enforce}};
constexpr Word<OnViolation> violations[] = {
    {"reject", OnViolation::reject}, {"tempfail", OnViolation::tempfail}, {"quarantine", OnViolation::quarantine}, {"tag", OnViolation::tag}};
constexpr Word<bool Repair::*> repairs[] = {{"date", &Repair::date}, {"message_id", &Repair::message_id}, {"from", &Repair::from}};
constexpr std::string_view recipient_words[] = {"any", "internal"};

class Inbound {
 public:
  Inbound(Group group, Draft& draft, const Surroundings& around, SourceLists& sources)
      : group_(std::move(group)), draft_(draft), c_(draft.connector), around_(around), sources_(sources) {}

  void read() {
    const auto type = group_.word("type", duties);
    if (!group_.has("type")) group_.missing("type", "one of on_premises, device, relay, partner");
    c_.duty = type.value_or(Duty::partner);
    typed_ = type.has_value();
    remove_what_cannot_stand();
    c_.enabled = group_.boolean("enabled").value_or(true);
    c_.comment = group_.text("comment").value_or("");
    c_.mode = group_.word("mode", mode_words).value_or(Mode::enforce);
    read_scope();
    read_identity();
    read_transport();
    read_required_header();
    read_limits();
    read_marks();
    group_.finish();
    group_.each_known([this](std::string_view setting, unsigned line) { draft_.provenance.add(setting, line); });
    draft_.provenance.shrink_to_fit();
    if (typed_) check_demands();
  }

 private:
  // Settings of other types; reported here, not looked at again.
  void remove_what_cannot_stand() {
    for (const auto& child : group_.node().children) {
      const auto entry = std::find_if(std::begin(limited), std::end(limited), [&](const Limited& l) { return l.name == child.name; });
      const bool refused = typed_ && entry != std::end(limited) && (entry->duties & bit(c_.duty)) == 0;
      if (refused) {
        refused_.push_back(entry->name);
        report(child, std::string(to_string(c_.duty)) + " connectors do not take this setting: it is for " + types(entry->duties));
      }
    }
    for (const auto& entry : limited) group_.take(entry.name);
  }
  void report(const Node& setting, std::string message) {
    group_.report().error({group_.file(), setting.name_line}, group_.path_of(setting.name), std::move(message));
  }
  static std::string types(unsigned mask) {
    std::string out;
    for (const auto& word : duties)
      if ((mask & bit(word.value)) != 0) out += (out.empty() ? "" : ", ") + std::string(word.word);
    return out;
  }
  [[nodiscard]] bool takes(std::string_view name) const { return std::find(refused_.begin(), refused_.end(), name) == refused_.end(); }
  [[nodiscard]] bool given(std::string_view name) const { return group_.has(name) && takes(name); }

  Strings strings(std::string_view name) { return takes(name) ? group_.strings(name) : Strings{}; }

  void read_scope() {
    for (const auto& item : strings("listeners").items) {
      const std::string name(item.text);
      if (around_.listeners_known && !around_.listeners.contains(name)) {
        const std::vector<std::string_view> known(around_.listeners.begin(), around_.listeners.end());
        item.place.error("there is no listener " + quote(name) + did_you_mean(name, known) + ": declare it in `listeners` of the main file");
      }
      c_.listeners.push_back(name);
    }
    if (takes("sender_domains")) c_.sender_domains = read_domains(group_, "sender_domains");
    if (typed_ && c_.is_partner() && !group_.has("sender_domains"))
      group_.missing("sender_domains", "a partner needs the sender domains it is about; \"*\" is every one");
  }

  void read_identity() {
    read_sources();
    for (const auto& item : strings("certificates").items) {
      const auto pattern = DomainPattern::parse(item.text);
      if (!pattern)
        item.place.error(quote(item.text) + ": " + pattern.why);
      else if (pattern->kind == DomainPattern::Kind::any || pattern->kind == DomainPattern::Kind::null)
        item.place.error(quote(item.text) + " is no certificate name: any certificate would do; name the peer's, such as \"mail.d.example\"");
      else
        c_.certificates.push_back(*pattern);
    }
    c_.certificate_issuers = texts("certificate_issuers", limits::certificate_name_bytes);
    c_.auth_users = texts("auth_users", limits::login_bytes);
    if (given("certificate_issuers") && !group_.has("certificates"))
      group_.place("certificate_issuers").error("narrows `certificates`, which is not given: add certificates or remove this");
    for (const auto& item : strings("via").items) draft_.via.push_back({std::string(item.text), item.place.origin(), item.place.path()});
    for (const auto& via : draft_.via) c_.via.push_back(via.name);
  }

  void read_sources() {
    for (const auto& item : strings("source_ips").items) {
      if (item.text.starts_with("file:")) {
        const auto path = std::filesystem::path(group_.file()).parent_path() / std::string(item.text.substr(5));
        if (item.text.size() == 5)
          item.place.error("the path is missing: write file:PATH");
        else if (const auto* list = sources_.read(path.string(), item.place))
          c_.source_ips.insert(c_.source_ips.end(), list->begin(), list->end());
        else
          draft_.sound = false;
        continue;
      }
      const auto source = Source::parse(item.text);
      if (source) {
        warn_of_host_bits(*source, item.place.origin(), item.place.path(), group_.report());
        c_.source_ips.push_back(*source);
      } else {
        item.place.error(quote(item.text) + ": " + source.why);
      }
    }
  }

  // Compared exactly: a value that no fact can equal is an error, not a connector that never holds.
  std::vector<std::string> texts(std::string_view name, std::size_t most) {
    std::vector<std::string> out;
    for (const auto& item : strings(name).items) {
      const bool controls = std::any_of(item.text.begin(), item.text.end(), [](char c) { return (c >= 0 && c < ' ') || c == 0x7f; });
      if (item.text.empty() || item.text.size() > most || controls)
        item.place.error(quote(item.text) + ": expected 1 to " + std::to_string(most) + " bytes without control characters");
      else
        out.emplace_back(item.text);
    }
    return out;
  }

  void read_transport() {
    const auto require = group_.boolean("require_tls");
    c_.min_tls_version = group_.word("min_tls_version", tls_version_words).value_or(TlsVersion::none);
    if (require == false && c_.min_tls_version != TlsVersion::none)
      group_.place("min_tls_version").error("implies require_tls, which is false: remove one of the two");
    c_.require_tls = require.value_or(group_.has("certificates")) || c_.min_tls_version != TlsVersion::none;
  }

  // Values are compared exactly: one that no field can have is an error.
  void read_required_header() {
    const auto* node = given("require_header") ? group_.group("require_header") : nullptr;
    if (node == nullptr) return;
    Group header(*node, group_.file(), group_.path_of("require_header"), group_.report());
    if (!header.has("name")) header.missing("name", "the header's name");
    if (!header.has("values")) header.missing("values", "what the field may say");
    const auto name = header.text("name");
    const auto values = header.strings("values");
    header.finish();
    if (name) {
      draft_.required_header_at = header.place("name").origin();
      if (auto why = check_condition_field(*name, around_.header_prefix); !why.empty()) header.place("name").error(std::move(why));
      c_.required_header = *name;
    }
    for (const auto& item : values.items) {
      if (auto why = check_field_value(item.text); !why.empty())
        item.place.error(std::move(why));
      else if (std::find(c_.required_values.begin(), c_.required_values.end(), item.text) == c_.required_values.end())
        c_.required_values.emplace_back(item.text);
    }
  }

  AddressLimit addresses(std::string_view name, bool with_words) {
    AddressLimit limit{false, false, {}};
    for (const auto& item : strings(name).items) {
      const bool word = std::find(std::begin(recipient_words), std::end(recipient_words), item.text) != std::end(recipient_words);
      if (word && with_words) {
        (item.text == "any" ? limit.any : limit.organization) = true;
      } else if (word) {
        item.place.error(quote(item.text) + " is a word of `recipients`: write address patterns here, \"*\" for any sender");
      } else if (const auto pattern = AddressPattern::parse(item.text); !pattern) {
        item.place.error(quote(item.text) + ": " + pattern.why);
      } else if (pattern->local.find('*') != std::string::npos) {
        item.place.error(quote(item.text) + ": a wildcard cannot stand for a local part; for every address there write " +
                         quote(pattern->domain.to_string()));
      } else if (const auto meant = did_you_mean(item.text, recipient_words);
                 with_words && item.text.find_first_of(".@*<") == std::string_view::npos && !meant.empty()) {
        item.place.error(quote(item.text) + ": expected \"any\", \"internal\" or an address pattern" + meant);
      } else {
        limit.patterns.push_back(*pattern);
      }
    }
    return limit;
  }

  void read_limits() {
    if (given("senders"))
      c_.senders = addresses("senders", false);
    else if (typed_ && c_.duty == Duty::device)
      c_.senders = {false, true, {}};
    if (given("recipients")) c_.recipients = addresses("recipients", true);
    c_.max_message_size = group_.size("max_message_size").value_or(0);
    c_.max_recipients = group_.positive("max_recipients").value_or(0);
    c_.rate_limit = read_rate_limit(group_);
  }

  void read_marks() {
    c_.check_header_from = typed_ && c_.is_partner() ? Check::audit : Check::off;
    if (given("check_header_from")) c_.check_header_from = group_.word("check_header_from", checks).value_or(c_.check_header_from);
    c_.on_violation = group_.word("on_violation", violations).value_or(OnViolation::reject);
    if (typed_ && !c_.is_partner() && (c_.on_violation == OnViolation::quarantine || c_.on_violation == OnViolation::tag))
      group_.place("on_violation").error(quote(to_string(c_.on_violation)) + " is for partners: expected \"reject\" or \"tempfail\"");
    read_trust();
    if (given("accept_headers")) c_.accept_headers = group_.boolean("accept_headers").value_or(false);
    read_tags();
    read_added_headers();
    read_repair();
  }

  void read_tags() {
    if (given("accept_tags")) c_.accept_tags = group_.boolean("accept_tags").value_or(false);
    if (c_.accept_tags && !around_.signs)
      group_.place("accept_tags").error("needs signing.keys of the main file: without a key no tag can be verified");
  }

  void read_trust() {
    constexpr std::string_view defaults[] = {"internal", "device", "", "partner"};
    if (typed_) c_.trust = defaults[static_cast<std::size_t>(c_.duty)];
    if (!given("trust")) return;
    const auto word = group_.text("trust");
    if (!word) return;
    const bool plain = std::all_of(word->begin(), word->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
    });
    constexpr std::string_view reserved[] = {"internal", "device", "user", "local"};
    const auto* found = std::find_if(std::begin(reserved), std::end(reserved), [&](auto r) { return equals_ignoring_case(r, *word); });
    if (word->empty() || word->size() > 32 || !plain)
      group_.place("trust").error(quote(*word) + " is no trust word: expected 1 to 32 letters, digits, \".\", \"_\" or \"-\"");
    else if (typed_ && c_.is_partner() && found != std::end(reserved))
      group_.place("trust").error("a partner's mail may not be called " + quote(*word) + ": that word is for our own");
    else
      c_.trust = *word;
  }

  void read_added_headers() {
    for (const auto& [node, index] : group_.groups("add_headers")) {
      Group header(*node, group_.file(), group_.path_of("add_headers") + "[" + std::to_string(index) + "]", group_.report());
      if (!header.has("name")) header.missing("name", "the header's name");
      if (!header.has("value")) header.missing("value", "the header's value");
      const auto name = header.text("name"), value = header.text("value");
      header.finish();
      if (name)
        if (auto why = check_added_field(*name, around_.header_prefix); !why.empty()) header.place("name").error(std::move(why));
      if (value)
        if (auto why = check_field_value(*value); !why.empty()) header.place("value").error(std::move(why));
      if (name && value) c_.add_headers.push_back({*name, *value});
    }
  }

  void read_repair() {
    for (const auto& item : strings("repair").items)
      if (const auto field = Group::meaning(item.text, item.place, repairs)) c_.repair.*(*field) = true;
    if (!given("rewrite_sender")) return;
    const auto text = group_.text("rewrite_sender");
    if (!text) return;
    auto sender = read_mailbox(*text);
    if (sender)
      c_.rewrite_sender = *sender;
    else
      group_.place("rewrite_sender").error(std::move(sender.why));
  }

  // What is written counts, also where its values are wrong: those are reported already.
  void check_demands() {
    const bool identity = group_.has("source_ips") || group_.has("certificates") || group_.has("auth_users");
    if (identity) return;
    if (!c_.is_partner())
      group_.report().error(c_.at, group_.path(),
                            std::string(to_string(c_.duty)) +
                                " connectors need an identity, or every stranger would be one: add source_ips, certificates or auth_users");
    else if (!group_.has("via") && !c_.require_tls && !group_.has("min_tls_version"))
      group_.report().error(c_.at, group_.path(),
                            "this partner demands nothing: add source_ips, certificates, auth_users, via or require_tls = true");
  }

  Group group_;
  Draft& draft_;
  InboundConnector& c_;
  const Surroundings& around_;
  SourceLists& sources_;
  std::vector<std::string_view> refused_;
  bool typed_ = false;
};

}  // namespace

std::optional<std::string> read_connector_name(Group& group) {
  if (!group.has("name")) group.missing("name", "every connector needs a name of its own");
  auto name = group.text("name");
  if (!name || is_plain_name(*name)) return name;
  group.place("name").error(quote(*name) + " is no connector name: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\"");
  return std::nullopt;
}

std::string path_of_entry(const Node& entry, std::string_view list, int index) {
  const auto name = std::find_if(entry.children.begin(), entry.children.end(), [](const Node& n) { return n.name == "name"; });
  const bool usable = name != entry.children.end() && name->kind == Node::Kind::string && is_plain_name(name->text);
  return std::string(list) + (usable ? "." + name->text : "[" + std::to_string(index) + "]");
}

std::vector<DomainPattern> read_domains(Group& group, std::string_view setting) {
  std::vector<DomainPattern> out;
  for (const auto& item : group.strings(setting).items) {
    if (const auto pattern = DomainPattern::parse(item.text))
      out.push_back(*pattern);
    else
      item.place.error(quote(item.text) + ": " + pattern.why);
  }
  return out;
}

Draft read_inbound(const Node& node, const std::string& file, int index, const Surroundings& around, SourceLists& sources, Report& report) {
  Draft draft;
  const auto errors = report.errors();
  Group group(node, file, path_of_entry(node, "inbound", index), report);
  const auto name = read_connector_name(group);
  draft.named = name.has_value();
  draft.connector.name = name.value_or("");
  draft.connector.at = {file, node.line};
  Inbound(std::move(group), draft, around, sources).read();
  draft.sound = draft.sound && report.errors() == errors;
  return draft;
}

}  // namespace cm::config

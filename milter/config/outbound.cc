// One outbound connector, setting by setting: which recipients, where to, how safely, and which messages as a whole.
//
// The rule: a demand that the MTA would not make, or that nothing can meet, is an error and not a connector that looks safe.
#include "config/outbound.h"

#include <algorithm>

#include "config/fields.h"
#include "config/smart_host.h"
#include "policy/limits.h"
#include "policy/routing.h"

namespace cm::config {
namespace {

constexpr Word<OutboundTls> tls_words[] = {{"none", OutboundTls::none},
                                           {"opportunistic", OutboundTls::opportunistic},
                                           {"encrypt", OutboundTls::encrypt},
                                           {"verify", OutboundTls::verify},
                                           {"dane", OutboundTls::dane},
                                           {"dane_only", OutboundTls::dane_only},
                                           {"fingerprint", OutboundTls::fingerprint}};
// Services of the master.cf that Postfix comes with: a certificate given to one of them would be shown to everybody.
constexpr std::string_view stock_transports[] = {"smtp", "relay", "lmtp", "local", "virtual", "error", "retry", "discard"};
// Of these, the ones that smtp_tls_policy_maps does not reach.
constexpr std::string_view transports_without_policy[] = {"lmtp", "local", "virtual", "error", "retry", "discard"};
constexpr std::string_view organization_word[] = {"organization"};

class Outbound {
 public:
  Outbound(Group group, OutboundDraft& draft, const Surroundings& around)
      : group_(std::move(group)), draft_(draft), c_(draft.connector), around_(around) {}

  void read() {
    c_.enabled = group_.boolean("enabled").value_or(true);
    c_.comment = group_.text("comment").value_or("");
    c_.mode = group_.word("mode", mode_words).value_or(Mode::enforce);
    read_recipients();
    c_.cost = group_.positive("cost", "the lowest cost wins, and the default is 1").value_or(1);
    read_smart_hosts();
    read_tls();
    read_certificate();
    read_transport();
    read_when();
    group_.finish();
    group_.each_known([this](std::string_view setting, unsigned line) { draft_.provenance.add(setting, line); });
    draft_.provenance.shrink_to_fit();
  }

 private:
  void read_recipients() {
    if (!group_.has("recipient_domains") && !group_.has("when"))
      group_.missing("recipient_domains", "the domains whose mail leaves this way: patterns, \"organization\", or \"*\" for all others");
    for (const auto& item : group_.strings("recipient_domains").items) {
      if (item.text == organization_word[0]) {
        c_.organization = true;
        continue;
      }
      const auto pattern = DomainPattern::parse(item.text);
      if (!pattern)
        item.place.error(quote(item.text) + ": " + pattern.why);
      else if (pattern->kind == DomainPattern::Kind::null)
        item.place.error("\"<>\" is the null sender, and no recipient has that address: remove it");
      else if (const auto meant = did_you_mean(item.text, organization_word); count_labels(pattern->domain) == 1 && !meant.empty())
        item.place.error(quote(item.text) + ": expected \"organization\" or a domain pattern" + meant);
      else
        c_.recipient_domains.push_back(*pattern);
    }
  }

  void read_smart_hosts() {
    for (const auto& item : group_.strings("smart_hosts").items) {
      if (auto host = parse_smart_host(item.text))
        c_.smart_hosts.push_back(std::move(*host.value));
      else
        item.place.error(quote(item.text) + ": " + host.why);
    }
    if (group_.has("when") && !group_.has("smart_hosts"))
      group_.missing("smart_hosts", "a connector with `when` takes whole messages, and the MX of one recipient is no place for the others");
  }

  void read_tls() {
    const auto tls = group_.word("tls", tls_words);
    c_.tls = tls.value_or(OutboundTls::unset);
    c_.min_tls_version = group_.word("min_tls_version", tls_version_words).value_or(TlsVersion::none);
    read_tls_domains();
    for (const auto& item : group_.strings("fingerprints").items) read_fingerprint(item);
    if (group_.has("tls") && !tls) return;  // reported; what it was meant to be is not known
    only_with("tls_domains", OutboundTls::verify);
    only_with("fingerprints", OutboundTls::fingerprint);
    if (c_.tls == OutboundTls::fingerprint && !group_.has("fingerprints"))
      group_.missing("fingerprints", "the SHA-256 fingerprints of the next hop's certificate or public key");
    if (!group_.has("min_tls_version")) return;
    if (c_.tls == OutboundTls::unset)
      group_.place("min_tls_version").error("needs tls: without it the MTA decides by itself whether to encrypt at all; add tls = \"encrypt\"");
    else if (c_.tls == OutboundTls::none)
      group_.place("min_tls_version").error("demands a version of TLS, which tls = \"none\" turns off: remove one of the two");
  }
  void only_with(std::string_view setting, OutboundTls tls) {
    if (!group_.has(setting) || c_.tls == tls) return;
    group_.place(setting).error("is for tls = " + quote(to_string(tls)) + ", and tls is " +
                                (c_.tls == OutboundTls::unset ? std::string("not set") : quote(to_string(c_.tls))));
  }
  void read_tls_domains() {
    for (const auto& item : group_.strings("tls_domains").items) {
      const auto pattern = DomainPattern::parse(item.text);
      if (!pattern)
        item.place.error(quote(item.text) + ": " + pattern.why);
      else if (pattern->kind == DomainPattern::Kind::any || pattern->kind == DomainPattern::Kind::null)
        item.place.error(quote(item.text) + " is no certificate name: any certificate would do; name the next hop's, or use tls = \"encrypt\"");
      else if (pattern->domain.front() == '[')
        item.place.error(quote(item.text) + " is an address: verify compares names; pin the certificate with tls = \"fingerprint\"");
      else
        c_.tls_domains.push_back(*pattern);
    }
  }
  // As Postfix shows them: upper case, a colon between two bytes.
  void read_fingerprint(const Strings::Item& item) {
    constexpr std::size_t digits = 64;
    const bool colons = item.text.size() == digits / 2 * 3 - 1;
    std::string out;
    std::size_t seen = 0;
    for (std::size_t i = 0; i < item.text.size(); ++i) {
      const char c = item.text[i];
      if (colons && i % 3 == 2 && c == ':') continue;
      if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'))) break;
      if (seen > 0 && seen % 2 == 0) out += ':';
      out += c >= 'a' ? static_cast<char>(c - 'a' + 'A') : c;
      ++seen;
    }
    if (seen == digits && (colons || item.text.size() == digits))
      c_.fingerprints.push_back(std::move(out));
    else
      item.place.error(quote(item.text) +
                       " is no SHA-256 fingerprint: expected 64 hexadecimal digits, with a colon between every two or without any");
  }

  void read_certificate() {
    c_.client_certificate = path("client_certificate");
    c_.client_key = path("client_key");
    constexpr std::string_view pair[] = {"client_certificate", "client_key"};
    for (int i = 0; i < 2; ++i)
      if (group_.has(pair[i]) && !group_.has(pair[1 - i])) group_.place(pair[i]).error("needs " + std::string(pair[1 - i]) + " beside it");
  }
  // What Postfix can be told in one word of master.cf.
  std::string path(std::string_view setting) {
    auto text = group_.text(setting);
    if (!text) return {};
    const bool plain = std::none_of(text->begin(), text->end(), [](char c) {
      return (static_cast<unsigned char>(c) <= ' ') || c == 0x7f || std::string_view("$,{}").find(c) != std::string_view::npos;
    });
    if (text->starts_with('/') && !text->ends_with('/') && plain) return std::move(*text);
    group_.place(setting).error(quote(*text) + ": expected the full path of a file, beginning with / and without blanks, \"$\", \",\" and braces");
    return {};
  }

  void read_transport() {
    c_.transport = group_.has("client_certificate") ? "smtp-" + c_.name : "smtp";
    const auto given = group_.text("transport");
    if (!given) return;
    const bool plain = std::all_of(given->begin(), given->end(), [](char c) {
      return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '-';
    });
    if (given->empty() || given->size() > 2 * limits::connector_name_bytes || !plain || given->front() == '.')
      group_.place("transport").error(quote(*given) + " is no service of master.cf: expected letters, digits, \".\", \"_\" or \"-\"");
    else if (group_.has("client_certificate") &&
             std::find(std::begin(stock_transports), std::end(stock_transports), *given) != std::end(stock_transports))
      group_.place("transport")
          .error(quote(*given) + " serves other mail too, and would present the client_certificate to everybody: leave transport out (" +
                 quote(c_.transport) + " is then made for this connector)");
    else if (group_.has("tls") &&
             std::find(std::begin(transports_without_policy), std::end(transports_without_policy), *given) != std::end(transports_without_policy))
      group_.place("transport")
          .error("with " + quote(*given) + " the MTA never asks for tls: remove one of the two, or name a transport that runs its SMTP client");
    else
      c_.transport = *given;
  }

  void read_when() {
    const auto* node = group_.group("when");
    if (node == nullptr) return;
    Group group(*node, group_.file(), group_.path_of("when"), group_.report());
    auto& when = c_.when.emplace();
    for (const auto& item : group.strings("connectors").items) {
      when.connectors.emplace_back(item.text);
      draft_.when_connectors.push_back({when.connectors.back(), item.place.origin(), item.place.path()});
    }
    when.sender_domains = read_domains(group, "sender_domains");
    if (const auto* header = group.group("header")) read_header(*header, group, when);
    group.finish();
    if (!group.has("connectors") && !group.has("sender_domains") && !group.has("header"))
      group_.place("when").error("holds no condition: add connectors, sender_domains or header, or leave it out");
  }
  void read_header(const Node& node, const Group& when, When& out) {
    Group group(node, when.file(), when.path_of("header"), when.report());
    if (!group.has("name")) group.missing("name", "the header's name");
    if (!group.has("matches")) group.missing("matches", "an RE2 pattern; \"\" is found in every value");
    const auto name = group.text("name"), pattern = group.text("matches");
    group.finish();
    if (name)
      if (auto why = check_condition_field(*name, around_.header_prefix); !why.empty()) group.place("name").error(std::move(why));
    if (pattern)
      if (auto why = why_bad_pattern(*pattern); !why.empty()) group.place("matches").error(quote(*pattern) + " is no RE2 pattern: " + quote(why));
    draft_.header_at = group.place("name").origin();
    if (name && pattern) out.header = HeaderCondition{*name, *pattern};
  }

  Group group_;
  OutboundDraft& draft_;
  OutboundConnector& c_;
  const Surroundings& around_;
};

}  // namespace

OutboundDraft read_outbound(const Node& node, const std::string& file, int index, const Surroundings& around, Report& report) {
  OutboundDraft draft;
  const auto errors = report.errors();
  Group group(node, file, path_of_entry(node, "outbound", index), report);
  const auto name = read_connector_name(group);
  draft.named = name.has_value();
  draft.connector.name = name.value_or("");
  draft.connector.at = {file, node.line};
  Outbound(std::move(group), draft, around).read();
  draft.sound = report.errors() == errors;
  return draft;
}

}  // namespace cm::config

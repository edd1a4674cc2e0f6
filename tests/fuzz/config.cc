// Config text: main file, a file of connectors.d and a source list, separated by lines `%%`, in a directory of this process.
//
// The properties: a Config or at least one error, never both or neither; every diagnostic is one line and points into a file that is there;
// the same text says the same twice; a policy that was loaded can be shown, and its patterns read back as themselves.
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <stdexcept>

#include "config/load.h"
#include "config/smart_host.h"
#include "fuzz.h"
#include "policy/decide.h"
#include "policy/limits.h"
#include "policy/text.h"

// libconfig 1.5 itself loses some bytes when a text does not parse; that is not ours to answer for.
extern "C" const char* __lsan_default_suppressions();
extern "C" const char* __lsan_default_suppressions() { return "leak:libconfig++.so\n"; }

using namespace cm;
namespace fs = std::filesystem;

namespace {

class Directory {
 public:
  Directory() {
    std::string name = (fs::current_path() / "fuzz-config-XXXXXX").string();
    if (mkdtemp(name.data()) == nullptr) throw std::runtime_error("mkdtemp failed");
    path_ = name;
    fs::create_directory(path_ / "connectors.d");
  }
  Directory(const Directory&) = delete;
  ~Directory() { fs::remove_all(path_); }
  // nullptr: no such file.
  void write(const char* file, const std::string* text) const {
    if (text)
      std::ofstream(path_ / file, std::ios::binary) << *text;
    else
      fs::remove(path_ / file);
  }
  [[nodiscard]] const fs::path& path() const { return path_; }

 private:
  fs::path path_;
};

constexpr const char* files[] = {"main.conf", "connectors.d/10.conf", "list.txt"};

// How often `text` holds a line end, by file.
std::map<std::string, long> write(const Directory& directory, std::string_view in) {
  std::map<std::string, long> lines;
  bool more = true;
  for (const auto* file : files) {
    const auto end = in.find("%%\n");
    const std::string text(in.substr(0, end));
    directory.write(file, more ? &text : nullptr);
    lines[(directory.path() / file).string()] = std::count(text.begin(), text.end(), '\n');
    more = more && end != std::string_view::npos;
    in = more ? in.substr(end + 3) : std::string_view{};
  }
  return lines;
}

void check_diagnostics(const config::Result& result, const std::map<std::string, long>& lines) {
  REQUIRE((result.config == nullptr) == (config::count(result.diagnostics, config::Diagnostic::Level::error) != 0));
  for (const auto& d : result.diagnostics) {
    const auto text = d.to_string();
    REQUIRE(text.find_first_of(std::string_view("\r\n\0\x1b", 4)) == std::string::npos && text::is_utf8(text));
    REQUIRE(!d.message.empty() && d.at.line >= 1);
    if (const auto file = lines.find(d.at.file); file != lines.end()) REQUIRE(d.at.line <= static_cast<unsigned>(file->second) + 1);
  }
}

void check_patterns(const std::vector<AddressPattern>& patterns) {
  for (const auto& pattern : patterns) {
    const auto again = AddressPattern::parse(pattern.to_string());
    REQUIRE(pattern.to_string().size() > limits::address_bytes || (again && again->local == pattern.local && again->domain == pattern.domain));
  }
}

// What the MTA is told must be one line, and lead where the config says.
void check_route(const OutboundConnector& c) {
  REQUIRE(!c.name.empty() && c.name.size() <= 64 && fuzz::is_printable(c.name) && fuzz::is_printable(c.transport) && c.cost >= 1);
  REQUIRE(c.has_recipient_scope() || c.is_rule_scoped());
  REQUIRE(!c.is_rule_scoped() || !c.smart_hosts.empty());
  REQUIRE(c.client_certificate.empty() == c.client_key.empty() && (c.client_certificate.empty() || c.transport != "smtp"));
  REQUIRE((c.tls == OutboundTls::fingerprint) == !c.fingerprints.empty());
  REQUIRE(c.tls == OutboundTls::verify || c.tls_domains.empty());
  for (const auto& pattern : c.recipient_domains) REQUIRE(pattern.kind != DomainPattern::Kind::null);
  for (const auto& pin : c.fingerprints) REQUIRE(pin.size() == 95 && fuzz::is_printable(pin));
  for (const auto& host : c.smart_hosts) {
    REQUIRE(fuzz::is_printable(host.next_hop) && host.next_hop.find_first_of(", \t") == std::string::npos);
    const auto again = config::parse_smart_host(host.next_hop);
    REQUIRE(again && again->next_hop == host.next_hop && again->address == host.address);
  }
}

void check_policy(const config::Config& loaded) {
  const auto& data = loaded.policy.data();
  REQUIRE(loaded.outbound_provenance.size() == data.outbound.size());
  for (const auto& c : data.outbound) check_route(c);
  REQUIRE(loaded.inbound_provenance.size() == data.inbound.size() && !data.organization.domains.empty());
  for (const auto& c : data.inbound) {
    REQUIRE(!c.name.empty() && c.name.size() <= 64 && fuzz::is_printable(c.name) && fuzz::is_printable(c.trust));
    REQUIRE(c.is_partner() ? !c.sender_domains.empty() : c.has_identity());
    REQUIRE(c.min_tls_version == TlsVersion::none || c.require_tls);
    check_patterns(c.senders.patterns);
    check_patterns(c.recipients.patterns);
    for (const auto& header : c.add_headers) REQUIRE(fuzz::is_printable(header.name) && fuzz::is_printable(header.value));
  }
  Facts facts;
  facts.connection.client = Ip::parse("192.0.2.1");
  facts.sender.envelope = {Address::from_argument("a@d.example"), Address::from_resolved("a@d.example")};
  facts.recipients.push_back(facts.sender.envelope);
  facts.content.emplace();
  REQUIRE(decide(loaded.policy, facts).recipients.size() == 1);
}

}  // namespace

FUZZ_TARGET(config) {
  static const Directory directory;
  const auto lines = write(directory, in);
  const auto result = config::load(directory.path() / files[0]), again = config::load(directory.path() / files[0]);
  check_diagnostics(result, lines);
  REQUIRE(result.diagnostics.size() == again.diagnostics.size() && result.connectors == again.connectors);
  for (std::size_t i = 0; i < result.diagnostics.size(); ++i) REQUIRE(result.diagnostics[i].to_string() == again.diagnostics[i].to_string());
  if (result.config) check_policy(*result.config);
}

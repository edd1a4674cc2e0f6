#include "policies.h"

#include <random>

namespace cm::perf {
namespace {

constexpr std::string_view provider = "provider";
constexpr std::string_view provider_client = "198.51.100.7";

// Which connectors are what, by their number.
struct Mixture {
  explicit Mixture(std::size_t connectors) : devices(connectors / 2), certified(connectors / 4), behind(connectors - devices - certified - 2) {}
  std::size_t devices, certified, behind;
};

std::string domain(char kind, std::size_t number) { return std::string(1, kind) + std::to_string(number) + ".partner.example"; }

// Networks 16.0.0.0/28, 16.0.0.16/28, ...
std::string device_address(std::size_t number, unsigned host) { return Ip{false, (Bits128{16} << 24) + number * 16 + host}.to_string(); }

InboundConnector connector(std::string name, Duty duty) {
  InboundConnector c;
  c.name = std::move(name);
  c.duty = duty;
  c.trust = duty == Duty::partner ? "partner" : duty == Duty::device ? "device" : "internal";
  return c;
}

InboundConnector device(std::size_t number) {
  auto c = connector("device-" + std::to_string(number), Duty::device);
  c.source_ips = {*Source::parse(device_address(number, 0) + "/28")};
  c.senders = {.any = false, .organization = true, .patterns = {}};
  return c;
}

InboundConnector partner(std::string name, const std::string& scope) {
  auto c = connector(std::move(name), Duty::partner);
  c.sender_domains = {*DomainPattern::parse(scope)};
  c.check_header_from = Check::audit;
  return c;
}

Address address(const std::string& text) { return Address::from_argument("<" + text + ">"); }
Envelope envelope(const std::string& text) { return {address(text), address(text)}; }

}  // namespace

PolicyData make_policy(std::size_t connectors) {
  const Mixture mixture(connectors);
  PolicyData data;
  data.organization.domains = {*DomainPattern::parse(".contoso.example")};
  data.organization.protect = Check::enforce;
  data.inbound.reserve(connectors);
  auto relay = connector(std::string(provider), Duty::relay);
  relay.certificates = {*DomainPattern::parse("*.provider.example")};
  relay.source_ips = {*Source::parse("198.51.100.0/24")};
  relay.trust.clear();
  relay.enabled = false;  // known by `via` and the lock alone
  for (std::size_t i = 0; i < mixture.devices; ++i) data.inbound.push_back(device(i));
  for (std::size_t i = 0; i < mixture.certified; ++i) {
    auto c = partner("certified-" + std::to_string(i), domain('c', i));
    c.certificates = {*DomainPattern::parse("mail." + domain('c', i))};
    c.require_tls = true;
    data.inbound.push_back(std::move(c));
  }
  for (std::size_t i = 0; i < mixture.behind; ++i) {
    auto c = partner("behind-" + std::to_string(i), domain('v', i));
    c.via = {"lock"};
    data.inbound.push_back(std::move(c));
  }
  auto lock = partner("lock", "*");
  lock.source_ips = {*Source::parse("198.51.100.0/24")};
  lock.check_header_from = Check::off;
  data.inbound.push_back(std::move(lock));
  data.inbound.push_back(std::move(relay));
  return data;
}

std::vector<Facts> make_messages(std::size_t connectors, Meets meets, std::size_t count) {
  const Mixture mixture(connectors);
  std::mt19937_64 random(connectors + static_cast<std::size_t>(meets));
  std::vector<Facts> messages(count);
  for (auto& m : messages) {
    std::string sender;
    m.connection.listener = "mx";
    m.connection.client = Ip::parse(provider_client);
    switch (meets) {
      case Meets::grant:
        m.connection.client = Ip::parse(device_address(random() % mixture.devices, 5));
        sender = "scanner@contoso.example";
        break;
      case Meets::certificate: {
        const auto name = domain('c', random() % mixture.certified);
        m.connection.client = Ip::parse("203.0.113.9");
        const auto subject = "mail." + name;
        m.sender.tls = {"TLSv1.3", CertificateState::verified, subject, subject, "Example Root", {}, {}};
        sender = "boss@" + name;
        break;
      }
      case Meets::via: sender = "boss@" + domain('v', random() % mixture.behind); break;
      case Meets::lock:
        m.connection.client = Ip::parse("192.0.2.66");
        sender = "stranger@" + domain('x', random() % connectors);
        break;
    }
    m.sender.envelope = envelope(sender);
    m.recipients = {envelope("anna@contoso.example")};
    m.content = Content{4000, {HeaderFrom::Kind::parsed, {m.sender.envelope.argument.domain}}, {}, {}, {}, false};
  }
  return messages;
}

}  // namespace cm::perf

// Smart hosts. The rule: one spelling for one next hop, and none that the MTA would read as something else.
#include "config/smart_host.h"

#include <charconv>

#include "config/report.h"

namespace cm::config {
namespace {

Parsed<SmartHost> wrong(std::string why) { return Parsed<SmartHost>::error(std::move(why)); }

std::string check_port(std::string_view port) {
  unsigned number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  const bool digits = error == std::errc{} && end == port.data() + port.size() && port.front() != '0';
  return digits && number >= 1 && number <= 65535 ? "" : "the port must be a number, 1 to 65535";
}

// A last label of digits alone is an address gone wrong: no such top-level domain exists (RFC 3696 section 2).
Parsed<std::string> parse_host(std::string_view text) {
  auto host = normalise_domain(text);
  if (!host) return host;
  const auto last = std::string_view(*host).substr(host->rfind('.') + 1);
  if (last.find_first_not_of("0123456789") == std::string_view::npos) return Parsed<std::string>::error("it ends like an address, and is none");
  return host;
}

Parsed<SmartHost> parse_bracketed(std::string_view text) {
  const auto close = text.find(']');
  if (close == std::string_view::npos) return wrong("the bracket is never closed: expected [host] or [host]:port");
  const auto host = text.substr(1, close - 1), rest = text.substr(close + 1);
  if (!rest.empty() && (rest.front() != ':' || rest.size() == 1)) return wrong("expected nothing or a colon and a port behind the bracket");
  if (!rest.empty())
    if (auto why = check_port(rest.substr(1)); !why.empty()) return wrong(std::move(why));
  constexpr std::string_view tag = "IPv6:";
  const bool tagged = equals_ignoring_case(host.substr(0, tag.size()), tag);
  SmartHost out;
  out.address = Ip::parse(tagged ? host.substr(tag.size()) : host);
  if (tagged && (!out.address || !out.address->v6)) return wrong("what follows IPv6: is no IPv6 address");
  auto name = out.address ? Parsed<std::string>(out.address->to_string()) : parse_host(host);
  if (!name) return wrong("neither an address nor a host name stands in the brackets: " + name.why);
  out.next_hop = "[" + *name + "]" + std::string(rest);
  return out;
}

}  // namespace

Parsed<SmartHost> parse_smart_host(std::string_view text) {
  if (text.starts_with('[')) return parse_bracketed(text);
  if (Ip::parse(text)) return wrong("an address stands in brackets: write " + quote("[" + std::string(text) + "]"));
  if (const auto colon = text.find(':'); colon != std::string_view::npos)
    return wrong("with a port the host stands in brackets, and its MX is not looked up: write " +
                 quote("[" + std::string(text.substr(0, colon)) + "]" + std::string(text.substr(colon))));
  auto host = parse_host(text);
  if (!host) return wrong(host.why + "; expected host, [host] or [host]:port");
  return SmartHost{*host, std::nullopt};
}

}  // namespace cm::config

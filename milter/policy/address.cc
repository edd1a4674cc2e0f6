// SMTP paths, resolved addresses and address patterns. A strict parser: what it does not understand is `invalid`, never guessed at.
#include "policy/address.h"

#include <algorithm>

#include "policy/limits.h"
#include "policy/text.h"

namespace cm {
namespace {

Address invalid(std::string_view text, std::string why) {
  Address address;
  address.kind = Address::Kind::invalid;
  address.text = text.substr(0, limits::address_bytes);
  address.why = std::move(why);
  return address;
}

// Drops `@relay1,@relay2:`; what remains is the mailbox. Nothing is changed if it is no source route.
std::string_view drop_source_route(std::string_view path) {
  if (!path.starts_with('@')) return path;
  const auto colon = path.find(':');
  if (colon == std::string_view::npos) return path;
  for (std::string_view hops = path.substr(0, colon);;) {
    const auto comma = hops.find(',');
    const auto hop = hops.substr(0, comma);
    if (!hop.starts_with('@') || !normalise_domain(hop.substr(1))) return path;
    if (comma == std::string_view::npos) return path.substr(colon + 1);
    hops = hops.substr(comma + 1);
  }
}

// Reads the local part up to the `@` that ends it, or to the end. Returns its length, or npos.
std::size_t read_local(std::string_view path, std::string& local) {
  bool word_needed = true;
  std::size_t at = 0;
  while (at < path.size() && path[at] != '@') {
    if (path[at] == '"') {
      if (!word_needed) return std::string_view::npos;
      const auto length = text::read_quoted(path.substr(at), local);
      if (length == std::string_view::npos) return std::string_view::npos;
      at += length;
      word_needed = false;
      if (at < path.size() && path[at] != '@' && path[at] != '.') return std::string_view::npos;
      continue;
    }
    if (!text::is_atext(path[at]) && path[at] != '.') return std::string_view::npos;
    word_needed = path[at] == '.';
    local += path[at++];
  }
  return at;
}

}  // namespace

Address Address::from_argument(std::string_view argument) {
  if (argument.size() > limits::address_bytes) return invalid(argument, "too long");
  auto path = argument;
  if (path.starts_with('<')) {
    if (!path.ends_with('>') || path.size() < 2) return invalid(argument, "no closing >");
    path = path.substr(1, path.size() - 2);
  }
  Address address;
  address.text = path;
  if (path.empty()) return address;
  if (!text::is_utf8(path)) return invalid(path, "not valid UTF-8");
  path = drop_source_route(path);
  std::string local;
  const auto at = read_local(path, local);
  if (at == std::string_view::npos) return invalid(address.text, "malformed local part");
  if (at == 0) return invalid(address.text, "no local part");
  address.kind = Kind::mailbox;
  address.local = to_lower(local);
  if (at == path.size()) return address;
  auto domain = normalise_domain(path.substr(at + 1));
  if (!domain) return invalid(address.text, domain.why);
  address.domain = *domain;
  return address;
}

Address Address::from_resolved(std::string_view text) {
  Address address;
  address.text = text;
  if (text.empty() || text == "<>") return address;
  if (text.size() > limits::address_bytes) return invalid(text, "too long");
  address.kind = Kind::mailbox;
  const auto at = text.rfind('@');
  auto local = text.substr(0, at);
  std::string unquoted;
  if (local.starts_with('"') && text::read_quoted(local, unquoted) == local.size()) local = unquoted;
  address.local = to_lower(local);
  if (at == std::string_view::npos) return address;
  if (auto domain = normalise_domain(text.substr(at + 1))) address.domain = *domain;
  return address;
}

Parsed<AddressPattern> AddressPattern::parse(std::string_view text) {
  const auto wrap = [](const Parsed<DomainPattern>& domain, std::string local) {
    return domain ? Parsed<AddressPattern>({std::move(local), *domain}) : Parsed<AddressPattern>::error(domain.why);
  };
  if (text.find('@') == std::string_view::npos) return wrap(DomainPattern::parse(text), {});
  const auto address = Address::from_argument(text);
  if (!address.is_valid() || address.domain.empty())
    return Parsed<AddressPattern>::error("expected a full address or a domain pattern" + (address.why.empty() ? "" : ": " + address.why));
  if (address.local.empty()) return Parsed<AddressPattern>::error("the local part is empty");  // without one it would be a domain pattern
  return AddressPattern{address.local, {DomainPattern::Kind::exact, address.domain}};
}

std::string AddressPattern::to_string() const { return local.empty() ? domain.to_string() : text::quote_local(local) + "@" + domain.to_string(); }

bool AddressPattern::match(const Address& address) const {
  if (!address.is_valid()) return false;
  if (address.is_null()) return local.empty() && domain.match_null() != no_match;
  return domain.match(address.domain) != no_match && (local.empty() || local == address.local);
}

AddressSet::AddressSet(const std::vector<AddressPattern>& patterns) {
  for (const auto& pattern : patterns) {
    if (pattern.local.empty())
      domains_.add(pattern.domain, 0);
    else
      locals_by_domain_[pattern.domain.domain].push_back(pattern.local);
  }
  for (auto& [domain, locals] : locals_by_domain_) std::sort(locals.begin(), locals.end());
}

bool AddressSet::contains(const Address& address) const {
  if (!address.is_valid()) return false;
  if (address.is_null()) return domains_.meets_null();
  if (domains_.match(address.domain) != no_match) return true;
  const auto it = locals_by_domain_.find(std::string_view(address.domain));
  return it != locals_by_domain_.end() && std::binary_search(it->second.begin(), it->second.end(), address.local);
}

Address resolve_as_postfix(const Address& argument, const DomainIndex& ours, std::string_view our_domain) {
  if (argument.kind != Address::Kind::mailbox) return argument;
  std::string local = argument.local, domain = argument.domain;
  const auto is_ours = [&] { return domain.empty() || ours.match(domain) != no_match; };
  while (is_ours()) {
    if (const auto at = local.find_last_of("@%"); at != std::string::npos) {
      const auto routed = normalise_domain(std::string_view(local).substr(at + 1));
      domain = routed ? *routed : std::string{};
      local.resize(at);
      if (!routed) break;
    } else if (const auto bang = local.find('!'); bang != std::string::npos) {
      const auto routed = normalise_domain(std::string_view(local).substr(0, bang));
      domain = routed ? *routed : std::string{};
      local.erase(0, bang + 1);
      if (!routed) break;
    } else {
      if (domain.empty()) domain = our_domain;
      break;
    }
  }
  Address resolved;
  resolved.kind = Address::Kind::mailbox;
  resolved.local = std::move(local);
  resolved.domain = std::move(domain);
  resolved.text = text::quote_local(resolved.local) + (resolved.domain.empty() ? "" : "@" + resolved.domain);
  return resolved;
}

}  // namespace cm

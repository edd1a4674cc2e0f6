// Domains: normalisation by libidn2, patterns, and the index that answers them by suffix.
#include "policy/domain.h"

#include <idn2.h>

#include <algorithm>
#include <memory>

#include "policy/limits.h"

namespace cm {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool is_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return static_cast<unsigned char>(c) < 0x80; });
}

// Letters, digits, hyphen, and the underscore that real host names carry.
bool is_label_char(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '_'; }

std::string check_ascii_domain(std::string_view domain) {
  if (domain.empty()) return "the domain is empty";
  if (domain.size() > limits::domain_bytes) return "the domain is too long (over 253 bytes)";
  for (std::string_view rest = domain; !rest.empty();) {
    const auto dot = rest.find('.');
    const auto label = rest.substr(0, dot);
    if (label.empty() || dot == rest.size() - 1) return "the domain has an empty label";
    if (label.size() > limits::label_bytes) return "a label of the domain is too long (over 63 bytes)";
    if (!std::all_of(label.begin(), label.end(), is_label_char)) return "the domain holds a character that no domain can have";
    rest = dot == std::string_view::npos ? std::string_view{} : rest.substr(dot + 1);
  }
  return {};
}

// RFC 5321 section 4.1.3 allows more in a literal of a tag nobody has registered; an `@` or a quote there could only mislead a reader.
bool is_literal_char(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == ':' || c == '-';
}

Parsed<std::string> normalise_literal(std::string_view text) {
  const auto inside = text.substr(1, text.size() - 2);
  const bool ok =
      text.back() == ']' && !inside.empty() && text.size() <= limits::domain_bytes && std::all_of(inside.begin(), inside.end(), is_literal_char);
  if (!ok) return Parsed<std::string>::error("the address literal is malformed");
  return to_lower(text);
}

}  // namespace

std::string to_lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

bool equals_ignoring_case(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) { return lower(x) == lower(y); });
}

Parsed<std::string> normalise_domain(std::string_view text) {
  if (text.size() > limits::address_bytes) return Parsed<std::string>::error("the domain is too long");
  if (text.size() > 1 && text.front() == '[') return normalise_literal(text);
  std::string domain;
  if (is_ascii(text)) {
    domain = to_lower(text);
  } else {
    char* ascii = nullptr;
    const std::string terminated(text);
    if (terminated.find('\0') != std::string::npos) return Parsed<std::string>::error("the domain holds a NUL");
    const int result = idn2_to_ascii_8z(terminated.c_str(), &ascii, IDN2_NONTRANSITIONAL | IDN2_USE_STD3_ASCII_RULES);
    const std::unique_ptr<char, decltype(&idn2_free)> owner(ascii, &idn2_free);
    if (result != IDN2_OK) return Parsed<std::string>::error(std::string("the domain is no valid internationalised name: ") + idn2_strerror(result));
    domain = to_lower(ascii);
  }
  if (domain.size() > 1 && domain.back() == '.') domain.pop_back();
  if (auto why = check_ascii_domain(domain); !why.empty()) return Parsed<std::string>::error(std::move(why));
  return domain;
}

std::string_view parent_domain(std::string_view domain) {
  const auto dot = domain.find('.');
  return dot == std::string_view::npos ? std::string_view{} : domain.substr(dot + 1);
}

int count_labels(std::string_view domain) { return domain.empty() ? 0 : 1 + static_cast<int>(std::count(domain.begin(), domain.end(), '.')); }

Parsed<DomainPattern> DomainPattern::parse(std::string_view text) {
  DomainPattern pattern;
  if (text == "*" || text == "<>") {
    pattern.kind = text == "*" ? Kind::any : Kind::null;
    return pattern;
  }
  auto rest = text;
  if (rest.starts_with("*.")) {
    pattern.kind = Kind::below;
    rest.remove_prefix(2);
  } else if (rest.starts_with('.')) {
    pattern.kind = Kind::at_and_below;
    rest.remove_prefix(1);
  }
  if (rest.find('*') != std::string_view::npos)
    return Parsed<DomainPattern>::error("a wildcard may only stand alone (`*`) or as the whole first label (`*.d.example`)");
  if (rest.find('@') != std::string_view::npos) return Parsed<DomainPattern>::error("expected a domain, not an address");
  auto domain = normalise_domain(rest);
  if (!domain) return Parsed<DomainPattern>::error(domain.why);
  if (pattern.kind != Kind::exact && domain->front() == '[') return Parsed<DomainPattern>::error("an address literal has no subdomains");
  pattern.domain = *domain;
  return pattern;
}

std::string DomainPattern::to_string() const {
  switch (kind) {
    case Kind::any: return "*";
    case Kind::null: return "<>";
    case Kind::below: return "*." + domain;
    case Kind::at_and_below: return "." + domain;
    case Kind::exact: break;
  }
  return domain;
}

Rank DomainPattern::match(std::string_view other) const {
  if (kind == Kind::any) return any_rank;
  if (kind == Kind::null || other.empty()) return no_match;
  if (kind != Kind::below && other == domain) return exact_rank;
  const bool is_below = kind != Kind::exact && other.size() > domain.size() + 1 && other.ends_with(domain) &&
                        other[other.size() - domain.size() - 1] == '.' && other.front() != '[';
  return is_below ? count_labels(domain) : no_match;
}

Rank DomainPattern::match_null() const {
  if (kind == Kind::any) return any_rank;
  return kind == Kind::null ? exact_rank : no_match;
}

std::string normalise_certificate_name(std::string_view text) {
  if (text.empty() || text.size() > limits::certificate_name_bytes) return {};
  std::string name = to_lower(text);
  if (name.back() == '.') name.pop_back();
  const bool wildcard = name.starts_with("*.");
  const auto domain = normalise_domain(std::string_view(name).substr(wildcard ? 2 : 0));
  if (!domain || domain->front() == '[') return {};
  return wildcard ? "*." + *domain : *domain;
}

Rank match_certificate(const DomainPattern& pattern, std::string_view presented) {
  if (presented.empty() || pattern.kind == DomainPattern::Kind::any || pattern.kind == DomainPattern::Kind::null) return no_match;
  if (presented.starts_with("*.") && pattern.kind == DomainPattern::Kind::exact) {
    const auto parent = parent_domain(pattern.domain);
    return !parent.empty() && parent == presented.substr(2) ? exact_rank : no_match;
  }
  return pattern.match(presented);
}

void DomainIndex::add(const DomainPattern& pattern, std::uint32_t id) {
  const auto put = [id](Ids& ids) {
    if (ids.empty() || ids.back() != id) ids.push_back(id);
  };
  switch (pattern.kind) {
    case DomainPattern::Kind::any: put(any_); break;
    case DomainPattern::Kind::null: put(null_); break;
    case DomainPattern::Kind::exact: put(exact_[pattern.domain]); break;
    case DomainPattern::Kind::below: put(below_[pattern.domain]); break;
    case DomainPattern::Kind::at_and_below:
      put(exact_[pattern.domain]);
      put(below_[pattern.domain]);
      break;
  }
}

Rank DomainIndex::match(std::string_view domain) const {
  if (!domain.empty()) {
    if (exact(domain)) return exact_rank;
    if (domain.front() != '[')
      for (auto suffix = parent_domain(domain); !suffix.empty(); suffix = parent_domain(suffix))
        if (below(suffix)) return count_labels(suffix);
  }
  return any_.empty() ? no_match : any_rank;
}

}  // namespace cm

// The shapes of PowerShell's JSON, one function a kind of value.
#include "ctl/exchange_export.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <sstream>

#include "ctl/output.h"
#include "policy/domain.h"

namespace cm::ctl {
namespace {

using nlohmann::json;

constexpr std::size_t shown_bytes = 100;
constexpr int deepest = 8;  // of lists in lists

const json* member(const json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  for (const auto& [key, value] : object.items())
    if (equals_ignoring_case(key, name)) return &value;
  return nullptr;
}

bool is_absent(const json& value) {
  return value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) || (value.is_array() && value.empty()) ||
         (value.is_object() && value.empty());
}

std::string dump(const json& value) { return value.dump(-1, ' ', false, json::error_handler_t::replace); }

// A TimeSpan as Exchange prints it: 00:10:00.
std::string span(const json& seconds) {
  const auto all = static_cast<long long>(std::clamp(seconds.get<double>(), 0.0, 1e9));
  return fmt::format("{:02}:{:02}:{:02}", all / 3600, all / 60 % 60, all % 60);
}

// One value as Exchange would print it. Objects of the types that cmdlets return say what they are in one of their members.
std::string plain(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  if (const auto* seconds = member(value, "TotalSeconds"); seconds && seconds->is_number()) return span(*seconds);
  if (const auto* unlimited = member(value, "IsUnlimited"); unlimited && *unlimited == json(true)) return "Unlimited";
  for (const auto* name : {"Expression", "AddressSpace", "Value", "Address", "DistinguishedName", "Name"})
    if (const auto* inner = member(value, name); inner && !inner->is_null() && !inner->is_structured()) return plain(*inner);
  if (const auto* inner = member(value, "Value"); inner && inner->is_object())
    if (const auto* bytes = member(*inner, "Value"); bytes && bytes->is_number()) return dump(*bytes);
  return dump(value);
}

// One value or many of them, each a scalar or an object that is one value.
void each(const json& value, int depth, std::vector<const json*>& out) {
  const auto* wrapped = member(value, "value");
  if (wrapped && wrapped->is_array() && member(value, "Count")) return each(*wrapped, depth, out);
  if (!value.is_array()) {
    if (!is_absent(value)) out.push_back(&value);
    return;
  }
  if (depth < deepest)
    for (const auto& element : value) each(element, depth + 1, out);
}

std::string shortened(std::string text) {
  if (text.size() > shown_bytes) {
    text.resize(shown_bytes);
    while (!text.empty() && (text.back() & 0x80) != 0) text.pop_back();
    text += "...";
  }
  return safe(text);
}

std::optional<std::uint64_t> whole_number(std::string_view text) {
  std::uint64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  return error == std::errc{} && end == text.data() + text.size() ? std::optional(number) : std::nullopt;
}

std::string trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos) return {};
  return std::string(text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1));
}

// "36 MB (37,748,736 bytes)": the exact number stands in the parentheses, its groups divided as the language of the server does.
std::optional<std::uint64_t> bytes_of(const std::string& text) {
  if (const auto open = text.find('('); open != std::string::npos) {
    std::string digits;
    for (const char c : text.substr(open))
      if (c >= '0' && c <= '9') digits += c;
    return whole_number(digits);
  }
  const auto unit = text.find_first_not_of("0123456789");
  const auto number = whole_number(std::string_view(text).substr(0, unit));
  if (!number || unit == std::string::npos) return number;
  const auto word = to_lower(trimmed(text.substr(unit)));
  constexpr std::string_view units[] = {"b", "kb", "mb", "gb", "tb"};
  for (unsigned i = 0; i < std::size(units); ++i)
    if (word == units[i]) return *number < (1ULL << 20U) ? std::optional(*number << (10 * i)) : std::nullopt;
  return std::nullopt;
}

AddressSpace space_of(std::string text) {
  AddressSpace out;
  if (const auto colon = text.find(':'); colon != std::string::npos) {
    out.type = to_lower(text.substr(0, colon));
    text.erase(0, colon + 1);
  }
  if (const auto semicolon = text.rfind(';'); semicolon != std::string::npos) {
    const auto cost = whole_number(trimmed(text.substr(semicolon + 1)));
    if (cost && *cost >= 1 && *cost <= 1000) {
      out.cost = static_cast<unsigned>(*cost);
      text.erase(semicolon);
    }
  }
  out.domain = trimmed(text);
  return out;
}

// The common name of a distinguished name (RFC 4514, which Windows follows for quotes and blanks).
std::string common_name(std::string_view dn) {
  for (std::size_t at = 0; at < dn.size();) {
    bool quote = false;
    std::string part;
    for (; at < dn.size() && (quote || dn[at] != ','); ++at) {
      if (dn[at] == '"')
        quote = !quote;
      else
        part += dn[at];
    }
    ++at;
    part = trimmed(part);
    if (const auto equals = part.find('='); equals != std::string::npos && to_lower(trimmed(part.substr(0, equals))) == "cn")
      return trimmed(part.substr(equals + 1));
  }
  return {};
}

}  // namespace

std::string_view to_string(Cmdlet cmdlet) {
  constexpr std::string_view names[] = {"InboundConnector", "OutboundConnector", "ReceiveConnector", "SendConnector"};
  return names[static_cast<std::size_t>(cmdlet)];
}

std::string ExchangeObject::name() const {
  for (const auto* key : {"Name", "Identity"})
    if (const auto* value = member(object_, key); value && !is_absent(*value)) return shortened(plain(*value));
  return "(without a name)";
}

const json* ExchangeObject::find(std::string_view parameter) {
  asked_.insert(to_lower(parameter));
  const auto* value = member(object_, parameter);
  return value && !is_absent(*value) ? value : nullptr;
}

bool ExchangeObject::has(std::string_view parameter) { return find(parameter) != nullptr; }

bool ExchangeObject::flag(std::string_view parameter, bool otherwise) {
  const auto* value = find(parameter);
  if (value == nullptr) return otherwise;
  if (value->is_boolean()) return value->get<bool>();
  const auto word = to_lower(plain(*value));
  if (word == "true" || word == "$true" || word == "1") return true;
  if (word == "false" || word == "$false" || word == "0") return false;
  problem(parameter, "'" + shortened(word) + "' is neither true nor false");
  return otherwise;
}

std::string ExchangeObject::text(std::string_view parameter) {
  const auto* value = find(parameter);
  return value ? trimmed(plain(*value)) : std::string();
}

std::vector<std::string> ExchangeObject::texts(std::string_view parameter) {
  const auto* value = find(parameter);
  std::vector<const json*> all;
  if (value) each(*value, 0, all);
  std::vector<std::string> out;
  for (const auto* one : all)
    if (auto text = trimmed(plain(*one)); !text.empty()) out.push_back(std::move(text));
  return out;
}

std::vector<AddressSpace> ExchangeObject::address_spaces(std::string_view parameter) {
  const auto* value = find(parameter);
  std::vector<const json*> all;
  if (value) each(*value, 0, all);
  std::vector<AddressSpace> out;
  for (const auto* one : all) {
    auto space = space_of(trimmed(plain(*one)));
    if (const auto* cost = member(*one, "Cost"); cost && cost->is_number_unsigned()) space.cost = static_cast<unsigned>(cost->get<std::uint64_t>());
    if (const auto* type = member(*one, "Type"); type && type->is_string()) space.type = to_lower(type->get<std::string>());
    if (space.domain.empty()) problem(parameter, "'" + shortened(plain(*one)) + "' names no domain");
    if (space.cost < 1 || space.cost > 1000) problem(parameter, "'" + shortened(plain(*one)) + "': the cost is not 1 to 100");
    out.push_back(std::move(space));
  }
  return out;
}

CertificateName ExchangeObject::certificate(std::string_view parameter) {
  const auto given = text(parameter);
  if (given.empty()) return {};
  const auto issuer = given.find("<I>"), subject = given.find("<S>");
  if (issuer == std::string::npos && subject == std::string::npos) return {given.find('=') == std::string::npos ? given : common_name(given), {}};
  CertificateName out;
  const auto from = [&](std::size_t at) {
    return at == std::string::npos ? "" : common_name(given.substr(at + 3, given.find('<', at + 3) - at - 3));
  };
  out.subject = from(subject);
  out.issuer = from(issuer);
  if (out.subject.empty() || (issuer != std::string::npos && out.issuer.empty()))
    problem(parameter, "'" + shortened(given) + "': there is no common name (CN=) in it");
  return out;
}

std::uint64_t ExchangeObject::size(std::string_view parameter) {
  const auto given = text(parameter);
  if (given.empty() || equals_ignoring_case(given, "unlimited")) return 0;
  if (const auto bytes = bytes_of(given)) return *bytes;
  problem(parameter, "'" + shortened(given) + "' is no size");
  return 0;
}

std::uint64_t ExchangeObject::number(std::string_view parameter) {
  const auto given = text(parameter);
  if (given.empty() || equals_ignoring_case(given, "unlimited")) return 0;
  if (const auto value = whole_number(given)) return *value;
  problem(parameter, "'" + shortened(given) + "' is no number");
  return 0;
}

std::optional<unsigned> ExchangeObject::words(std::string_view parameter, const EnumName* names, std::size_t count) {
  unsigned known = 0, sum = 0;
  for (std::size_t i = 0; i < count; ++i) known |= names[i].number;
  const auto items = texts(parameter);
  for (const auto& item : items) {
    std::istringstream words(item);
    for (std::string word; std::getline(words, word, ',');) {
      word = trimmed(word);
      const auto number = whole_number(word);
      const auto* name = std::find_if(names, names + count, [&](const EnumName& n) { return equals_ignoring_case(n.name, word); });
      if (name != names + count) {
        sum |= name->number;
      } else if (number && (*number & ~std::uint64_t{known}) == 0) {
        sum |= static_cast<unsigned>(*number);
      } else {
        problem(parameter, "'" + shortened(word) + "' is no value that is known here");
        return std::nullopt;
      }
    }
  }
  return items.empty() ? std::nullopt : std::optional(sum);
}

std::vector<ExchangeObject::Rest> ExchangeObject::rest() const {
  std::vector<Rest> out;
  for (const auto& [key, value] : object_.items()) {
    if (is_absent(value) || asked_.contains(to_lower(key))) continue;
    std::vector<const json*> all;
    each(value, 0, all);
    std::vector<std::string> words;
    for (const auto* one : all) words.push_back(plain(*one));
    if (!words.empty()) out.push_back({shortened(key), shortened(join(words, ", "))});
  }
  return out;
}

namespace {

// Parameters that only one of the cmdlets returns.
struct Mark {
  std::string_view parameter;
  Cmdlet cmdlet;
};
constexpr Mark marks[] = {{"RestrictDomainsToIPAddresses", Cmdlet::inbound},
                          {"RestrictDomainsToCertificate", Cmdlet::inbound},
                          {"SenderIPAddresses", Cmdlet::inbound},
                          {"SenderDomains", Cmdlet::inbound},
                          {"RecipientDomains", Cmdlet::outbound},
                          {"UseMXRecord", Cmdlet::outbound},
                          {"IsTransportRuleScoped", Cmdlet::outbound},
                          {"RemoteIPRanges", Cmdlet::receive},
                          {"PermissionGroups", Cmdlet::receive},
                          {"AddressSpaces", Cmdlet::send},
                          {"DNSRoutingEnabled", Cmdlet::send},
                          {"SourceTransportServers", Cmdlet::send}};

std::optional<Cmdlet> cmdlet_of(const json& object) {
  for (const auto& mark : marks)
    if (member(object, mark.parameter)) return mark.cmdlet;
  return std::nullopt;
}

// Connectors, lists of them, and objects that hold such lists. Empty: all went well.
std::string collect(json& value, int depth, std::vector<ExchangeObject>& out) {
  if (value.is_null()) return {};  // a cmdlet that found none
  if (!value.is_structured() || depth > deepest) return "'" + shortened(dump(value)) + "' is no connector";
  if (value.is_object()) {
    if (const auto cmdlet = cmdlet_of(value)) {
      out.emplace_back(*cmdlet, std::move(value));
      return {};
    }
    const bool holds_lists = std::any_of(value.begin(), value.end(), [](const json& v) { return v.is_structured(); });
    if (!holds_lists)
      return "the object " + shortened(dump(value)) +
             " is no connector: expected what Get-InboundConnector, Get-OutboundConnector, Get-ReceiveConnector or Get-SendConnector returns";
  }
  for (auto& element : value) {
    if (value.is_object() && !element.is_structured()) continue;  // "Count" beside "value"
    if (auto why = collect(element, depth + 1, out); !why.empty()) return why;
  }
  return {};
}

void append_utf8(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    if (c < 0x10000) {
      out += static_cast<char>(0xe0 | (c >> 12));
    } else {
      out += static_cast<char>(0xf0 | (c >> 18));
      out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    }
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// `>` of Windows PowerShell writes UTF-16. A lone surrogate becomes what is no UTF-8, which the parser then says.
std::string from_utf16(std::string_view text, bool big_endian) {
  std::string out;
  const auto unit = [&](std::size_t at) {
    const auto a = static_cast<unsigned char>(text[at]), b = static_cast<unsigned char>(text[at + 1]);
    return static_cast<std::uint32_t>(big_endian ? a << 8 | b : b << 8 | a);
  };
  for (std::size_t at = 0; at + 1 < text.size(); at += 2) {
    auto c = unit(at);
    if (c >= 0xd800 && c < 0xdc00 && at + 3 < text.size() && (unit(at + 2) & 0xfc00) == 0xdc00) {
      c = 0x10000 + ((c - 0xd800) << 10) + (unit(at + 2) - 0xdc00);
      at += 2;
    }
    append_utf8(out, c);
  }
  return out;
}

// Whatever walks through a value does so by calling itself.
bool is_too_deep(std::string_view text) {
  constexpr int most = 64;
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string && c == '\\')
      ++at;
    else if (c == '"')
      in_string = !in_string;
    else if (!in_string && (c == '[' || c == '{') && ++depth > most)
      return true;
    else if (!in_string && (c == ']' || c == '}'))
      --depth;
  }
  return false;
}

}  // namespace

Parsed<std::vector<ExchangeObject>> read_export(std::string_view given) {
  using Objects = Parsed<std::vector<ExchangeObject>>;
  const bool little = given.starts_with("\xff\xfe"), big = given.starts_with("\xfe\xff");
  if (given.starts_with("\xef\xbb\xbf")) given.remove_prefix(3);
  const auto text = little || big ? from_utf16(given.substr(2), big) : std::string(given);
  if (is_too_deep(text)) return Objects::error("this is no export: values in values, more than 64 deep");
  std::istringstream in(text);
  std::vector<ExchangeObject> out;
  // Exports of several cmdlets may stand one after the other.
  while (in >> std::ws, in.peek() != std::istringstream::traits_type::eof()) {
    json value;
    try {
      in >> value;
    } catch (const json::exception&) {  // nothing was read behind what was not expected
      in.clear();
      const auto read = text.substr(0, static_cast<std::size_t>(in.tellg()));
      const auto line = std::to_string(std::count(read.begin(), read.end(), '\n') + 1), column = std::to_string(read.size() - (read.rfind('\n') + 1));
      return Objects::error("this is no JSON (line " + line + ", column " + column + "): export with ConvertTo-Json -Depth 4");
    }
    if (auto why = collect(value, 0, out); !why.empty()) return Objects::error(std::move(why));
  }
  if (out.empty()) return Objects::error("there is no connector in it");
  return out;
}

}  // namespace cm::ctl

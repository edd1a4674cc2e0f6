// What Exchange's cmdlets export (Get-...Connector | ConvertTo-Json) as objects whose values can be asked for by parameter name.
//
// The rule: a value is read in every shape in which PowerShell writes it, and one that cannot be read is told, never taken for absent.
// Shapes: one value or an array of it, { "value": [..], "Count": n }, enums by name or number, true or "True", sizes and times as text or object.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "policy/parsed.h"

namespace cm::ctl {

enum class Cmdlet : std::uint8_t { inbound, outbound, receive, send };
/// "InboundConnector".
std::string_view to_string(Cmdlet cmdlet);

/// A name that Exchange prints for an enum and the number that it stands for; flags add up.
struct EnumName {
  std::string_view name;
  unsigned number;
};

/// `smtp:*.d.example;10`; of sender and recipient domains alike.
struct AddressSpace {
  std::string type = "smtp";  // lower case
  std::string domain;
  unsigned cost = 1;
};

/// `<I>CN=..<S>CN=..`, or a bare name (then there is no issuer): common names.
struct CertificateName {
  std::string subject, issuer;
};

class ExchangeObject {
 public:
  struct Problem {
    std::string parameter, message;
  };

  ExchangeObject(Cmdlet cmdlet, nlohmann::json object) : cmdlet_(cmdlet), object_(std::move(object)) {}

  [[nodiscard]] Cmdlet cmdlet() const { return cmdlet_; }
  [[nodiscard]] std::string name() const;

  // Each asks for a parameter, which is known from then on. Null, "" and [ ] are absent.
  bool has(std::string_view parameter);
  bool flag(std::string_view parameter, bool otherwise = false);
  std::string text(std::string_view parameter);
  std::vector<std::string> texts(std::string_view parameter);
  std::vector<AddressSpace> address_spaces(std::string_view parameter);
  CertificateName certificate(std::string_view parameter);
  /// 0: Unlimited or absent.
  std::uint64_t size(std::string_view parameter);
  std::uint64_t number(std::string_view parameter);
  /// The number of one name, or the sum of several; nullopt if absent or not readable.
  template <std::size_t N>
  std::optional<unsigned> word(std::string_view parameter, const EnumName (&names)[N]) {
    return words(parameter, names, N);
  }

  /// What could not be read so far.
  [[nodiscard]] const std::vector<Problem>& problems() const { return problems_; }
  void problem(std::string_view parameter, std::string message) { problems_.push_back({std::string(parameter), std::move(message)}); }

  struct Rest {
    std::string parameter, value;  // in words, short
  };
  /// The parameters that nobody asked for and that hold a value.
  [[nodiscard]] std::vector<Rest> rest() const;

 private:
  const nlohmann::json* find(std::string_view parameter);
  std::optional<unsigned> words(std::string_view parameter, const EnumName* names, std::size_t count);

  Cmdlet cmdlet_;
  nlohmann::json object_;
  std::set<std::string> asked_;  // lower case
  std::vector<Problem> problems_;
};

/// Every connector in the text, in its order; an error says what is no export. UTF-8 or, as Windows PowerShell writes it, UTF-16 with a mark.
Parsed<std::vector<ExchangeObject>> read_export(std::string_view text);

}  // namespace cm::ctl

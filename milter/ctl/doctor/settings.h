// What a Postfix is told, as data: every parameter in force, for the whole instance and for each service of master.cf.
//
// Pure: live.h fills it from postconf(1), tests by hand. Values are expanded ($name is replaced); lists keep Postfix's own syntax and are
// taken apart here, and only here.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ctl/postfix.h"
#include "policy/ip.h"

namespace cm::ctl::doctor {

/// Parameter -> value.
using Values = std::map<std::string, std::string, std::less<>>;

struct Service {
  std::string name, type;  // "127.0.0.1:10025", "inet"
  std::string program;     // "smtpd"
  bool chroot = false;
  Values settings;  // set by -o here, or other than in main.cf because of such an -o
  /// As postconf(1) -M names it: "smtp/inet".
  [[nodiscard]] std::string entry() const { return name + "/" + type; }
};

struct Instance {
  std::string directory;  // of main.cf
  PostfixVersion version;
  Values main;
  std::vector<Service> services;
  std::vector<PostfixLine> needed;  // what the config needs of this instance

  /// What is in force for a service; null: for those that set nothing. Empty if there is no such parameter.
  [[nodiscard]] const std::string& value(const Service* service, std::string_view name) const;
  [[nodiscard]] bool is_yes(const Service* service, std::string_view name) const;
  [[nodiscard]] const Service* find(std::string_view entry) const;
  [[nodiscard]] std::vector<const Service*> running(std::string_view program) const;
  /// The cleanup(8) that mail of this smtpd or pickup service goes to; null if there is none of that name.
  [[nodiscard]] const Service* cleanup_of(const Service& service) const;
  /// The line of main.cf that the config needs; null if it needs none.
  [[nodiscard]] const PostfixLine* needs(std::string_view name) const;
  /// Only this machine can connect. A service behind postscreen(8) is reached as postscreen is.
  [[nodiscard]] bool is_local_only(const Service& service) const;
  [[nodiscard]] bool takes_ipv6(const Service& service) const;
};

/// A list: entries apart at commas and blanks; what stands in braces is one entry, with its braces.
std::vector<std::string> split(std::string_view list);
bool contains(std::string_view list, std::string_view entry);
/// The inside of `{ ... }`; anything else as it is.
std::string_view unbrace(std::string_view entry);

/// A milter or policy service of a list: `ADDRESS`, or `{ ADDRESS, name=value, ... }`.
struct Endpoint {
  std::string address;  // as written: unix:PATH, local:PATH, inet:HOST:PORT
  Values options;
  static Endpoint parse(std::string_view entry);
};

/// Whether Postfix's address is the one at which our daemon listens ("unix:PATH", "inet:PORT@HOST"), for a service of this instance.
bool is_ours(const Instance& instance, bool chroot, std::string_view address, const std::string& ours);

/// The socketmap entries of a list of tables, also those inside other tables: address and name of the map.
std::vector<std::pair<std::string, std::string>> socketmaps(std::string_view list);
/// The policy services of a list of restrictions, in order; `position`: where in split() each stands.
struct PolicyUse {
  Endpoint endpoint;
  std::size_t position;
};
std::vector<PolicyUse> policy_services(std::string_view restrictions);

bool is_loopback(std::string_view host);
/// The addresses and prefixes of a list such as mynetworks; what is excluded with `!`, and tables, are left out.
std::vector<Source> networks(std::string_view list);

}  // namespace cm::ctl::doctor

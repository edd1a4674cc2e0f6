// Sources of the facts, as of 2025-06:
// - Microsoft: "Office 365 URLs and IP address ranges", Exchange Online, endpoint set 10 (learn.microsoft.com), and the SPF record of
//   spf.protection.outlook.com; Exchange Online presents mail.protection.outlook.com to every receiver.
// - Google: "Google Workspace mail servers' IP addresses" (support.google.com/a/answer/60764), which points to the SPF records
//   _netblocks.google.com, _netblocks2.google.com and _netblocks3.google.com; certificate names end in google.com.
#include "config/providers.h"

#include <algorithm>
#include <array>
#include <vector>

namespace cm::config {
namespace {

struct Named {
  std::string_view provider;
  std::string_view what;
};

constexpr Named names[] = {{"Microsoft 365", "outlook.com"}, {"Microsoft 365", "office365.com"},
                           {"Google", "google.com"},         {"Google", "gmail.com"},
                           {"Amazon SES", "amazonses.com"},  {"Proofpoint", "pphosted.com"},
                           {"Mimecast", "mimecast.com"},     {"SendGrid", "sendgrid.net"},
                           {"Mailgun", "mailgun.org"},       {"Symantec Email Security", "messagelabs.com"}};

constexpr Named ranges[] = {{"Microsoft 365", "40.92.0.0/15"},
                            {"Microsoft 365", "40.107.0.0/16"},
                            {"Microsoft 365", "52.100.0.0/14"},
                            {"Microsoft 365", "104.47.0.0/17"},
                            {"Microsoft 365", "2a01:111:f400::/48"},
                            {"Microsoft 365", "2a01:111:f403::/48"},
                            {"Google", "35.190.247.0/24"},
                            {"Google", "64.233.160.0/19"},
                            {"Google", "66.102.0.0/20"},
                            {"Google", "66.249.80.0/20"},
                            {"Google", "72.14.192.0/18"},
                            {"Google", "74.125.0.0/16"},
                            {"Google", "108.177.8.0/21"},
                            {"Google", "173.194.0.0/16"},
                            {"Google", "209.85.128.0/17"},
                            {"Google", "216.58.192.0/19"},
                            {"Google", "216.239.32.0/19"},
                            {"Google", "2001:4860:4000::/36"},
                            {"Google", "2404:6800:4000::/36"},
                            {"Google", "2607:f8b0:4000::/36"},
                            {"Google", "2800:3f0:4000::/36"},
                            {"Google", "2a00:1450:4000::/36"},
                            {"Google", "2c0f:fb50:4000::/36"}};

}  // namespace

std::string_view provider_of_certificate(const DomainPattern& pattern) {
  for (const auto& entry : names) {
    const DomainPattern family{DomainPattern::Kind::at_and_below, std::string(entry.what)};
    // The pattern names something of the provider's, or is so wide that it covers the provider.
    if (family.match(pattern.domain) != no_match || pattern.match("mail." + family.domain) != no_match) return entry.provider;
  }
  return {};
}

std::string_view provider_of_source(const Source& source) {
  static const auto parsed = [] {
    std::vector<Source> out;
    for (const auto& entry : ranges) out.push_back(*Source::parse(entry.what));
    return out;
  }();
  for (std::size_t i = 0; i < parsed.size(); ++i) {
    const auto& range = parsed[i];
    if (range.first.v6 == source.first.v6 && range.first.bits <= source.last.bits && source.first.bits <= range.last.bits) return ranges[i].provider;
  }
  return {};
}

}  // namespace cm::config

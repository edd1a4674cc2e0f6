// The words of a receipt. No clock is asked here: the time is given.
#include "session/received.h"

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdio>

#include "policy/limits.h"

namespace cm::session {
namespace {

bool is_host_name(std::string_view name) {
  return !name.empty() && name.size() <= limits::domain_bytes && name.front() != '.' && name.back() != '.' &&
         name.find("..") == std::string_view::npos && std::all_of(name.begin(), name.end(), [](char c) {
           return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' || c == '_';
         });
}

}  // namespace

// The C library's names of days and months depend on the locale.
std::string message_date(std::int64_t unix_time) {
  using namespace std::chrono;
  constexpr const char* days_of_week[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
  constexpr const char* months_of_year[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  const sys_seconds at{seconds{unix_time}};
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const hh_mm_ss time{at - day};
  std::array<char, 64> out{};
  // Any year of std::chrono fits.
  static_cast<void>(std::snprintf(out.data(), out.size(), "%s, %u %s %d %02d:%02d:%02d +0000", days_of_week[weekday{day}.c_encoding()],
                                  static_cast<unsigned>(date.day()), months_of_year[static_cast<unsigned>(date.month()) - 1],
                                  static_cast<int>(date.year()), static_cast<int>(time.hours().count()), static_cast<int>(time.minutes().count()),
                                  static_cast<int>(time.seconds().count())));
  return out.data();
}

Receipt receipt(std::string_view trace_id, std::int64_t unix_time, std::string_view host, const std::string& home) {
  return {message_date(unix_time), std::string(trace_id) + "." + std::to_string(unix_time), is_host_name(host) ? std::string(host) : home};
}

}  // namespace cm::session

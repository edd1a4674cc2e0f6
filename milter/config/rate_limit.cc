// Reads `rate_limit`. A limit that is half said is an error: nobody shall believe in one that is not there.
#include "config/rate_limit.h"

#include <charconv>

#include "policy/limits.h"

namespace cm::config {
namespace {

using Key = RateLimit::Key;
constexpr Word<Key> keys[] = {{"source", Key::source}, {"connector", Key::connector}, {"sender", Key::sender}};

std::optional<std::uint32_t> read_messages(Group& group) {
  if (!group.has("messages")) group.missing("messages", "how many messages are allowed within `per`");
  const auto messages = group.positive("messages", "for no limit leave rate_limit out");
  if (!messages || *messages <= limits::rate_messages) return messages;
  group.place("messages").error("is more than " + std::to_string(limits::rate_messages) + ": for no limit leave rate_limit out");
  return std::nullopt;
}

std::optional<std::uint32_t> read_period(Group& group) {
  if (!group.has("per")) group.missing("per", "the time in which as many messages are allowed, such as \"1m\"");
  const auto text = group.text("per");
  if (!text) return std::nullopt;
  const auto seconds = parse_duration(*text);
  if (!seconds) group.place("per").error(seconds.why);
  return seconds.value;
}

}  // namespace

Parsed<std::uint32_t> parse_duration(std::string_view text) {
  const auto error = [&](const char* what) { return Parsed<std::uint32_t>::error(quote(text) + what); };
  constexpr std::pair<char, std::uint32_t> units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (failure == std::errc{} || failure == std::errc::result_out_of_range) {
    const auto unit = text.substr(static_cast<std::size_t>(end - text.data()));
    for (const auto& [name, length] : units) {
      if (unit.size() != 1 || unit[0] != name) continue;
      if (failure != std::errc{} || value > limits::rate_seconds / length) return error(" is too long: at most \"366d\"");
      if (value == 0) return error(" is no time: expected at least \"1s\"");
      return static_cast<std::uint32_t>(value) * length;
    }
  }
  return error(" is no duration: expected digits, then s, m, h or d, such as \"1m\"");
}

std::optional<RateLimit> read_rate_limit(Group& connector) {
  const auto* node = connector.group("rate_limit");
  if (node == nullptr) return std::nullopt;
  Group group(*node, connector.file(), connector.path_of("rate_limit"), connector.report());
  const auto messages = read_messages(group);
  const auto seconds = read_period(group);
  const auto key = group.word("key", keys);
  group.finish();
  if (!messages || !seconds) return std::nullopt;
  return RateLimit{*messages, *seconds, key.value_or(Key::source)};
}

}  // namespace cm::config

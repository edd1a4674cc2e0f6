// Token buckets in integers: exact whatever the number of threads, and without drift however long it runs.
#include "session/rate.h"

#include <algorithm>
#include <functional>

namespace cm::session {
namespace {

using Key = RateLimit::Key;
using observe::RateUse;

// A bucket's name: CONNECTOR, a line feed (which no name holds), mode, what it is for, and whose it is.
constexpr char separator = '\n', enforced = 'e', audited = 'a', whole_connector = 'c', all_others = 'o', one_source = 's', one_sender = 'm';

std::string bucket_name(const InboundConnector& connector, char what, std::string_view value = {}) {
  std::string name = connector.name;
  name += {separator, connector.mode == Mode::audit ? audited : enforced, what};
  return name.append(value);
}

// One subscriber has a whole /64 (RFC 6177): address by address there would be no limit.
std::string source_of(const Connection& connection) {
  if (connection.local) return "local";
  if (!connection.client) return "unknown";
  if (!connection.client->v6) return connection.client->to_string();
  return Network{{true, connection.client->bits & ~((Bits128{1} << 64) - 1)}, 64}.to_string();
}

std::string sender_of(const Sender& sender) {
  const auto& address = sender.envelope.resolved;
  return address.kind == Address::Kind::mailbox ? address.local + "@" + address.domain : "<>";
}

bool is_common(std::string_view bucket) {
  const char what = bucket[bucket.find(separator) + 2];
  return what == whole_connector || what == all_others;
}

}  // namespace

std::chrono::milliseconds RateLimits::steady() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch());
}

RateLimits::RateLimits(Clock clock, std::size_t buckets) : clock_(std::move(clock)), most_(std::max<std::size_t>(1, buckets / shard_count)) {}

RateLimits::Token& RateLimits::Token::operator=(Token&& other) noexcept {
  std::swap(limits_, other.limits_);
  std::swap(bucket_, other.bucket_);
  return *this;
}

void RateLimits::Token::settle(bool spent) noexcept {
  if (auto* limits = std::exchange(limits_, nullptr)) limits->settle(bucket_, spent);
}

void RateLimits::Bucket::refill(Millis now) {
  if (now <= at) return;
  owed -= std::min(owed, static_cast<std::uint64_t>(now - at) * messages);
  at = now;
}

RateLimits::Millis RateLimits::Bucket::full_at() const { return at + static_cast<Millis>((owed + messages - 1) / messages); }

// What was used of the old limit is used of the new one.
void RateLimits::Bucket::adapt(const RateLimit& limit) {
  if (messages == limit.messages && seconds == limit.seconds) return;
  const auto used = Bits128{owed} * limit.seconds / seconds;
  messages = limit.messages;
  seconds = limit.seconds;
  owed = static_cast<std::uint64_t>(std::min<Bits128>(used, capacity()));
}

RateLimits::Shard& RateLimits::shard_of(std::string_view bucket) {
  auto& shards = is_common(bucket) ? common_ : shards_;
  return shards[std::hash<std::string_view>{}(bucket) % shard_count];
}

// Forgets the buckets that are full again. Where none is, none is looked for before one can be.
bool RateLimits::make_room(Shard& shard, Millis now) const {
  if (shard.buckets.size() < most_) return true;
  if (now < shard.crowded_until) return false;
  auto next = std::numeric_limits<Millis>::max();
  for (auto at = shard.buckets.begin(); at != shard.buckets.end();) {
    auto& bucket = at->second;
    bucket.refill(now);
    if (bucket.held == 0 && bucket.owed > 0) next = std::min(next, bucket.full_at());
    at = bucket.is_full() ? shard.buckets.erase(at) : std::next(at);
  }
  shard.crowded_until = next;
  return shard.buckets.size() < most_;
}

RateLimits::Taken RateLimits::take_from(const std::string& name, const RateLimit& limit) {
  auto& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const Millis now = clock_().count();
  auto found = shard.buckets.find(name);
  if (found == shard.buckets.end()) {
    if (!make_room(shard, now)) return Taken::no_room;
    found = shard.buckets.emplace(name, Bucket{0, now, limit.messages, limit.seconds}).first;
  }
  auto& bucket = found->second;
  bucket.refill(now);
  bucket.adapt(limit);
  if (bucket.owed + (bucket.held + std::uint64_t{1}) * bucket.price() > bucket.capacity()) return Taken::empty;
  ++bucket.held;
  return Taken::yes;
}

RateLimits::Token RateLimits::take(const InboundConnector& connector, const Connection& connection, const Sender& sender) {
  const auto& limit = *connector.rate_limit;
  auto name = limit.key == Key::source   ? bucket_name(connector, one_source, source_of(connection))
              : limit.key == Key::sender ? bucket_name(connector, one_sender, sender_of(sender))
                                         : bucket_name(connector, whole_connector);
  auto taken = take_from(name, limit);
  if (taken == Taken::no_room) {
    name = bucket_name(connector, all_others);
    taken = take_from(name, limit);
  }
  return taken == Taken::yes ? Token(this, std::move(name)) : Token();
}

// A bucket with a token out is not forgotten.
void RateLimits::settle(const std::string& name, bool spent) noexcept {
  auto& shard = shard_of(name);
  const std::lock_guard lock(shard.mutex);
  const auto found = shard.buckets.find(name);
  if (found == shard.buckets.end()) return;
  auto& bucket = found->second;
  bucket.refill(clock_().count());
  if (bucket.held > 0) --bucket.held;
  if (spent) bucket.owed = std::min(bucket.owed + bucket.price(), bucket.capacity());
  if (bucket.held == 0) shard.crowded_until = std::min(shard.crowded_until, bucket.full_at());
}

std::size_t RateLimits::buckets() const {
  std::size_t count = 0;
  for (const auto* shards : {&shards_, &common_})
    for (const auto& shard : *shards) {
      const std::lock_guard lock(shard.mutex);
      count += shard.buckets.size();
    }
  return count;
}

namespace {

RateUse use_of(std::string_view name) {
  const auto end = name.find(separator);
  const char what = name[end + 2];
  RateUse use{std::string(name.substr(0, end)), name[end + 1] == audited, {}, std::string(name.substr(end + 3))};
  use.key = what == one_source ? "source" : what == one_sender ? "sender" : what == whole_connector ? "connector" : "others";
  return use;
}

}  // namespace

std::vector<RateUse> RateLimits::most_used(std::size_t most) const {
  std::vector<RateUse> out;
  const auto before = [](const RateUse& a, const RateUse& b) { return a.used / a.messages > b.used / b.messages; };
  for (const auto* shards : {&shards_, &common_})
    for (const auto& shard : *shards) {
      const std::lock_guard lock(shard.mutex);
      const Millis now = clock_().count();
      for (const auto& [name, kept] : shard.buckets) {
        auto bucket = kept;
        bucket.refill(now);
        if (bucket.is_full()) continue;
        const auto used = static_cast<double>(bucket.owed) / static_cast<double>(bucket.price()) + bucket.held;
        if (out.size() == most && (most == 0 || used / bucket.messages <= out.front().used / out.front().messages)) continue;
        auto use = use_of(name);
        use.used = used;
        use.messages = bucket.messages;
        use.seconds = bucket.seconds;
        out.push_back(std::move(use));
        std::push_heap(out.begin(), out.end(), before);
        if (out.size() <= most) continue;
        std::pop_heap(out.begin(), out.end(), before);
        out.pop_back();
      }
    }
  std::sort_heap(out.begin(), out.end(), before);
  return out;
}

}  // namespace cm::session

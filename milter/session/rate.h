// How fast peers may send: token buckets for `rate_limit`, shared by all sessions.
//
// The rule: never more messages than the limit allows, and never unlimited. The number of buckets is bounded: those that are full again,
// which say nothing, are forgotten first; a peer for whom none is left shares one with all others of its connector in the same position.
// Buckets belong to the name of a connector, so they outlive a reload and take over a changed limit. Nothing here knows of mail.
#pragma once

#include <array>
#include <chrono>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "observe/tallies.h"
#include "policy/connector.h"
#include "policy/facts.h"
#include "policy/limits.h"

namespace cm::session {

/// Thread-safe. Outlives every token that it gave.
class RateLimits {
 public:
  using Clock = std::function<std::chrono::milliseconds()>;  // never runs backwards
  explicit RateLimits(Clock clock = steady, std::size_t buckets = limits::rate_buckets);
  RateLimits(const RateLimits&) = delete;
  RateLimits& operator=(const RateLimits&) = delete;

  /// The right to one message. Given back when it dies, unless it was spent.
  class Token {
   public:
    Token() = default;
    Token(Token&& other) noexcept : limits_(std::exchange(other.limits_, nullptr)), bucket_(std::move(other.bucket_)) {}
    Token& operator=(Token&& other) noexcept;
    ~Token() { settle(false); }
    void spend() noexcept { settle(true); }
    explicit operator bool() const { return limits_ != nullptr; }

   private:
    friend class RateLimits;
    Token(RateLimits* limits, std::string bucket) : limits_(limits), bucket_(std::move(bucket)) {}
    void settle(bool spent) noexcept;
    RateLimits* limits_ = nullptr;
    std::string bucket_;
  };

  /// `connector` has a rate_limit. An empty token: the bucket is empty. Connectors in mode audit have buckets of their own.
  [[nodiscard]] Token take(const InboundConnector& connector, const Connection& connection, const Sender& sender);

  /// The `most` buckets that are nearest to empty, most used first. Looks at every bucket: for a person who asks.
  [[nodiscard]] std::vector<observe::RateUse> most_used(std::size_t most) const;
  [[nodiscard]] std::size_t buckets() const;

  static std::chrono::milliseconds steady();

 private:
  using Millis = std::int64_t;
  // What was spent, in units of 1/(seconds * 1000) message: `messages` of them come back every millisecond, without rounding. A token that is
  // out is a place kept, which no time gives back: who holds many and lets them go would have been given their worth twice.
  struct Bucket {
    std::uint64_t owed = 0;
    Millis at = 0;
    std::uint32_t messages, seconds;
    std::uint32_t held = 0;
    void refill(Millis now);
    void adapt(const RateLimit& limit);
    [[nodiscard]] Millis full_at() const;  // if no token is out
    [[nodiscard]] std::uint64_t price() const { return std::uint64_t{seconds} * 1000; }
    [[nodiscard]] std::uint64_t capacity() const { return price() * messages; }
    [[nodiscard]] bool is_full() const { return owed == 0 && held == 0; }
  };
  struct Shard {
    mutable std::mutex mutex;
    StringMap<Bucket> buckets;
    Millis crowded_until = 0;  // before that no bucket is full again
  };
  enum class Taken : std::uint8_t { yes, empty, no_room };

  Shard& shard_of(std::string_view bucket);
  Taken take_from(const std::string& bucket, const RateLimit& limit);
  bool make_room(Shard& shard, Millis now) const;
  void settle(const std::string& bucket, bool spent) noexcept;

  static constexpr std::size_t shard_count = 32;
  const Clock clock_;
  const std::size_t most_;                          // in a shard
  std::array<Shard, shard_count> shards_, common_;  // of single peers; of whole connectors
};

}  // namespace cm::session

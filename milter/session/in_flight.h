// How many messages are in flight, so that a shutdown can wait for them.
#pragma once

#include <atomic>
#include <utility>

namespace cm::session {

/// Counts one message in flight for as long as it lives.
class InFlight {
 public:
  InFlight() = default;
  explicit InFlight(std::atomic<int>& counter) : counter_(&counter) { ++counter; }
  InFlight(InFlight&& other) noexcept : counter_(std::exchange(other.counter_, nullptr)) {}
  InFlight& operator=(InFlight&& other) noexcept {
    std::swap(counter_, other.counter_);
    return *this;
  }
  ~InFlight() {
    if (counter_) --*counter_;
  }

 private:
  std::atomic<int>* counter_ = nullptr;
};

}  // namespace cm::session

// A value that is replaced as a whole and never edited: readers keep the one they took for as long as they need it.
//
// The lock covers one pointer copy. (std::atomic<std::shared_ptr> would do, but ThreadSanitizer reports libstdc++ 12's own.)
#pragma once

#include <memory>
#include <mutex>
#include <utility>

namespace cm {

template <class T>
class Published {
 public:
  Published() = default;
  explicit Published(std::shared_ptr<const T> first) : value_(std::move(first)) {}

  [[nodiscard]] std::shared_ptr<const T> get() const {
    const std::lock_guard lock(mutex_);
    return value_;
  }
  /// The old value dies with its last reader, outside the lock.
  void set(std::shared_ptr<const T> next) {
    {
      const std::lock_guard lock(mutex_);
      value_.swap(next);
    }
    next.reset();
  }

 private:
  mutable std::mutex mutex_;
  std::shared_ptr<const T> value_;
};

}  // namespace cm

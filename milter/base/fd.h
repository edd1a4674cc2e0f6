// A file descriptor that is closed exactly once. Holds nothing else and never decides what the descriptor is for.
#pragma once

#include <unistd.h>

#include <utility>

namespace cm {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int fd) : fd_(fd) {}
  Fd(Fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~Fd() { reset(); }

  [[nodiscard]] int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  void reset(int fd = -1) {
    if (fd_ >= 0) ::close(fd_);  // never retried: after EINTR the descriptor is gone on Linux
    fd_ = fd;
  }

 private:
  int fd_ = -1;
};

}  // namespace cm

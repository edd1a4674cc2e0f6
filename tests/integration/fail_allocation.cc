// Preloaded into the daemon by a test: lets chosen allocations fail. Never part of a product.
//
// The environment variable FAIL_ALLOCATION names a file that is shared with the test; its three numbers (64 bits each) are written and
// read at any time: `countdown` (0: none fails; N: the Nth from now fails), `lasting` (not 0: all after it fail too, until the test says
// otherwise), `seen` (how many were asked for). Allocations inside the dynamic loader's own look-up of the real functions are not ours.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace {

struct Control {
  std::atomic<std::int64_t> countdown, lasting, seen;
};
std::atomic<Control*> control{nullptr};

__attribute__((constructor)) void attach() {
  const char* path = std::getenv("FAIL_ALLOCATION");
  const int fd = path ? open(path, O_RDWR | O_CLOEXEC) : -1;
  if (fd < 0) return;
  void* page = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  close(fd);
  if (page != MAP_FAILED) control = static_cast<Control*>(page);
}

bool fails() {
  Control* c = control.load(std::memory_order_relaxed);
  if (!c) return false;
  ++c->seen;
  for (auto left = c->countdown.load(); left > 0;)
    if (c->countdown.compare_exchange_weak(left, left == 1 && c->lasting.load() != 0 ? 1 : left - 1)) return left == 1;
  return false;
}

// The next definition of `name` after ours: of the C library, or of a sanitizer.
template <class Function>
Function* next(std::atomic<Function*>& cache, const char* name) {
  Function* found = cache.load(std::memory_order_relaxed);
  if (!found) cache = found = reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
  return found;
}

template <class Function, class... Arguments>
void* or_throw(std::atomic<Function*>& cache, const char* name, Arguments... arguments) {
  if (fails()) throw std::bad_alloc();
  return next(cache, name)(arguments...);
}

}  // namespace

extern "C" void* malloc(std::size_t bytes) {
  static std::atomic<void* (*)(std::size_t)> real{nullptr};
  if (fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return next(real, "malloc")(bytes);
}

extern "C" void* realloc(void* old, std::size_t bytes) {
  static std::atomic<void* (*)(void*, std::size_t)> real{nullptr};
  if (fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return next(real, "realloc")(old, bytes);
}

extern "C" void* calloc(std::size_t count, std::size_t bytes) {
  static std::atomic<void* (*)(std::size_t, std::size_t)> real{nullptr};
  if (fails()) {
    errno = ENOMEM;
    return nullptr;
  }
  return next(real, "calloc")(count, bytes);
}

void* operator new(std::size_t bytes) {
  static std::atomic<void* (*)(std::size_t)> real{nullptr};
  return or_throw(real, "_Znwm", bytes);
}

void* operator new[](std::size_t bytes) {
  static std::atomic<void* (*)(std::size_t)> real{nullptr};
  return or_throw(real, "_Znam", bytes);
}

void* operator new(std::size_t bytes, std::align_val_t alignment) {
  static std::atomic<void* (*)(std::size_t, std::align_val_t)> real{nullptr};
  return or_throw(real, "_ZnwmSt11align_val_t", bytes, alignment);
}

void* operator new(std::size_t bytes, const std::nothrow_t& tag) noexcept {
  static std::atomic<void* (*)(std::size_t, const std::nothrow_t&)> real{nullptr};
  return fails() ? nullptr : next(real, "_ZnwmRKSt9nothrow_t")(bytes, tag);
}

// One call that makes the file and fails if there is one: no race, no overwriting.
#include "ctl/new_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "base/fd.h"

namespace cm::ctl {

std::string write_new_file(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (!file) return errno == EEXIST ? "is there already, and is not overwritten" : std::string("cannot be made: ") + std::strerror(errno);
  std::size_t done = 0;
  while (done < text.size()) {
    const auto some = ::write(file.get(), text.data() + done, text.size() - done);
    if (some < 0 && errno == EINTR) continue;
    if (some <= 0) {
      std::string why = std::string("cannot be written: ") + std::strerror(errno);
      ::unlink(path.c_str());
      return why;
    }
    done += static_cast<std::size_t>(some);
  }
  return {};
}

}  // namespace cm::ctl

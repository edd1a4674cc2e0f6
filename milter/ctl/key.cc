// `key new`: a signing key in a file of its own, readable by root and the daemon alone. Never overwrites one: a key that is lost makes
// every tag that it signed false.
#include "seal/key.h"

#include <fcntl.h>
#include <grp.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include "base/fd.h"
#include "config/fields.h"
#include "ctl/command.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

constexpr const char* daemon_group = "connector-milter";

// Only root can give a file away; elsewhere it stays its maker's, and false is returned unless the group is the daemon's.
bool give_to_daemon(int fd) {
  std::array<char, 4096> buffer{};
  group entry{}, *found = nullptr;
  return ::getgrnam_r(daemon_group, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr &&
         ::fchown(fd, static_cast<uid_t>(-1), found->gr_gid) == 0;
}

// With the rights that a key file needs, whatever the umask; empty if all went well. A file that could not be written is removed.
std::string write_new(const std::string& path, const std::string& text) {
  const Fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!file) return errno == EEXIST ? "is there already; keys are never overwritten" : std::string("cannot be made: ") + std::strerror(errno);
  const bool for_daemon = give_to_daemon(file.get()) || ::geteuid() == 0;  // another maker's group may be everybody's
  const bool written = ::fchmod(file.get(), for_daemon ? 0640 : 0600) == 0 &&
                       ::write(file.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size()) && ::fsync(file.get()) == 0;
  if (written) return {};
  std::string why = std::string("cannot be written: ") + std::strerror(errno);
  ::unlink(path.c_str());
  return why;
}

std::string make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0750) != 0) return errno == EEXIST ? "" : std::string("cannot be made: ") + std::strerror(errno);
  const Fd made(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (made) static_cast<void>(give_to_daemon(made.get()));
  return {};
}

}  // namespace

int key_new(const Context& context, const std::string& id, const std::string& directory) {
  if (!config::is_plain_name(id) || id == "." || id == "..") {
    context.err << "connectorctl: '" << safe(id) << "' is no key id: expected 1 to 64 letters, digits, '.', '_' or '-'\n";
    return wrong_usage;
  }
  const auto complain = [&](const std::string& path, const std::string& why) {
    context.err << "connectorctl: " << safe(path) << " " << why << "\n";
    return bad;
  };
  const auto beside = std::filesystem::absolute(context.config_path).parent_path() / "keys";
  const auto place = directory.empty() ? beside.string() : std::filesystem::absolute(directory).string();
  if (const auto why = make_directory(place); !why.empty()) return complain(place, why);
  const auto path = (std::filesystem::path(place) / id).string();
  if (const auto why = write_new(path, seal::make_key_text()); !why.empty()) return complain(path, why);
  context.out << "# The first key signs, all verify. Give the same file to every server that shall verify, before it is the first of any.\n"
              << "signing = { keys = (\n  { id = \"" << id << "\"; file = \"" << safe(path) << "\"; }\n); };\n";
  return success;
}

}  // namespace cm::ctl

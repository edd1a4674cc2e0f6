// What a daemon does once with its process: descriptors, user, word to systemd. Nothing here forks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace cm {

/// Raises the soft limit of open files to the hard one. A failure changes nothing.
void raise_descriptor_limit() noexcept;

/// Root only, and only if `user` exists: gives `paths` to that user, `own_path` to its group as well, and becomes it for good.
/// Returns what went wrong, or an empty string.
[[nodiscard]] std::string become_user(const char* user, const std::vector<std::string>& paths, const std::string& own_path);

/// Gives memory that was freed back to the system: after a load, whose working memory is several times what it leaves.
void release_freed_memory() noexcept;

/// One datagram to $NOTIFY_SOCKET (sd_notify(3)); nothing if there is none.
void notify_systemd(std::string_view state) noexcept;

}  // namespace cm

// Warnings about `listeners`: a closed one that turns everyone away.
//
// The rule: a connector with an error counts as one that may help; nothing is said about what its author has yet to mend. An open listener
// that no connector names is no mistake: others must be able to leave it out.
#include <algorithm>

#include "config/checks.h"

namespace cm::config {
namespace {

// Somebody may come in by it: whoever proves to be this connector's peer, or anyone if it asks for no identity.
bool may_open(const Draft& draft, const std::string& listener) {
  const auto& c = draft.connector;
  if (!draft.sound) return true;
  const bool is_about_it = c.listeners.empty() || std::find(c.listeners.begin(), c.listeners.end(), listener) != c.listeners.end();
  return c.enabled && c.mode == Mode::enforce && is_about_it;
}

}  // namespace

void warn_of_listeners(std::span<const Draft> inbound, std::span<const Listener> listeners, Report& report) {
  for (const auto& listener : listeners)
    if (listener.closed && std::none_of(inbound.begin(), inbound.end(), [&](const Draft& d) { return may_open(d, listener.name); }))
      report.warning(listener.at, "listeners." + listener.name,
                     "is closed to everyone: no enabled connector in mode \"enforce\" is about it, so each client is refused at connect; name it in "
                     "`listeners` of the connector whose peer shall use it");
}

}  // namespace cm::config

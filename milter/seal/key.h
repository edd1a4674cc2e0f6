// A signing key: a secret that several of our own servers share, read from a file that nobody else can read.
//
// The secret never leaves this class: not in a log line, a diagnostic or an explanation. It is erased from memory with the key.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "policy/parsed.h"

namespace cm::seal {

class Key {
 public:
  Key(std::string id, std::string secret) : id_(std::move(id)), secret_(std::move(secret)) {}
  Key(Key&&) = default;
  Key& operator=(Key&&) = delete;
  ~Key();

  [[nodiscard]] const std::string& id() const { return id_; }
  /// HMAC-SHA256 (RFC 2104) of `text`, in base64. Throws std::runtime_error if OpenSSL fails.
  [[nodiscard]] std::string authenticate(std::string_view text) const;

 private:
  std::string id_, secret_;
};

/// The first signs, all verify. Immutable once made, read from any number of threads.
using Keys = std::vector<Key>;

inline constexpr std::size_t secret_bytes = 32;  // at least; what a new key has

/// One line of base64, at least secret_bytes of it, in a regular file that belongs to root, to us or to the user connector-milter, that
/// nobody else can read and only its owner can write. `why` is a clause about the file that says what to do.
Parsed<Key> read_key(std::string id, const std::string& path);

/// The keys of a config: `given` are values with `id` and `file`. Calls complain(value, why) for each that cannot be used.
template <class Given, class Complain>
Keys read_keys(const Given& given, Complain&& complain) {
  Keys keys;
  for (const auto& one : given) {
    auto key = read_key(one.id, one.file);
    if (key)
      keys.push_back(std::move(*key.value));
    else
      complain(one, key.why);
  }
  return keys;
}

/// The text of a new key file: random octets in base64, and a line feed. Throws std::runtime_error if there are none to be had.
std::string make_key_text();

}  // namespace cm::seal

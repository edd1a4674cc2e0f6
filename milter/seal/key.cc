// Key files and HMAC.
//
// Source: OpenSSL 3.0 EVP_Q_mac(3), RAND_priv_bytes(3).
#include "seal/key.h"

#include <fcntl.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>
#include <pwd.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <stdexcept>

#include "base/fd.h"
#include "seal/canonical.h"

namespace cm::seal {
namespace {

constexpr std::size_t file_bytes = 4096;
constexpr const char* own_user = "connector-milter";

bool is_trusted_owner(uid_t owner) {
  if (owner == 0 || owner == ::geteuid()) return true;
  std::array<char, 4096> buffer{};
  passwd entry{}, *found = nullptr;
  return ::getpwnam_r(own_user, &entry, buffer.data(), buffer.size(), &found) == 0 && found != nullptr && found->pw_uid == owner;
}

std::string why_not_safe(const struct stat& file) {
  if (!S_ISREG(file.st_mode)) return "is no regular file";
  if (!is_trusted_owner(file.st_uid)) return "belongs to user " + std::to_string(file.st_uid) + ": whoever owns it can forge tags; chown it to root";
  if ((file.st_mode & 07) != 0) return "can be used by everyone: chmod it to 0640, and make a new key if others could read this one";
  if ((file.st_mode & 020) != 0) return "can be written by its group: chmod it to 0640";
  if (static_cast<std::size_t>(file.st_size) > file_bytes) return "is too large for a key: expected one line of base64";
  return {};
}

// Strict: EVP_DecodeBlock alone passes blanks and letters that decode to the same octets.
std::string decode(std::string_view line) {
  const auto digits = line.substr(0, line.find('='));
  const bool plain = std::all_of(digits.begin(), digits.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
  });
  const auto padding = line.size() - digits.size();
  if (!plain || line.empty() || line.size() % 4 != 0 || padding > 2 || line.substr(digits.size()) != std::string_view("==").substr(0, padding))
    return {};
  std::string out(line.size() / 4 * 3, '\0');
  const int length = EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), reinterpret_cast<const unsigned char*>(line.data()),
                                     static_cast<int>(line.size()));
  if (length < 0) return {};
  out.resize(out.size() - padding);
  return out;
}

}  // namespace

Key::~Key() { OPENSSL_cleanse(secret_.data(), secret_.size()); }

std::string Key::authenticate(std::string_view text) const {
  std::array<unsigned char, 32> out{};
  std::size_t length = 0;
  const auto* octets = reinterpret_cast<const unsigned char*>(text.data());
  if (EVP_Q_mac(nullptr, "HMAC", nullptr, "SHA256", nullptr, secret_.data(), secret_.size(), octets, text.size(), out.data(), out.size(), &length) ==
          nullptr ||
      length != out.size())
    throw std::runtime_error("OpenSSL cannot compute HMAC-SHA256");
  return to_base64(out);
}

Parsed<Key> read_key(std::string id, const std::string& path) {
  const auto failed = [](const char* what) { return Parsed<Key>::error(std::string(what) + ": " + std::strerror(errno)); };
  const Fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));  // a FIFO must not keep us waiting
  if (!file) return failed("cannot be opened");
  struct stat status {};
  if (::fstat(file.get(), &status) != 0) return failed("cannot be looked at");
  if (auto why = why_not_safe(status); !why.empty()) return Parsed<Key>::error(std::move(why));
  std::string text(file_bytes, '\0');
  const auto got = ::read(file.get(), text.data(), text.size());
  if (got < 0) return failed("cannot be read");
  std::string_view line(text.data(), static_cast<std::size_t>(got));
  if (line.ends_with('\n')) line.remove_suffix(1);
  auto secret = decode(line);
  OPENSSL_cleanse(text.data(), text.size());
  if (secret.empty()) return Parsed<Key>::error("holds no key: expected one line of base64; connectorctl key new makes one");
  if (secret.size() < secret_bytes)
    return Parsed<Key>::error("holds a key of " + std::to_string(secret.size()) + " bytes: expected at least 32; connectorctl key new makes one");
  return Key(std::move(id), std::move(secret));
}

std::string make_key_text() {
  std::array<unsigned char, secret_bytes> octets{};
  if (RAND_priv_bytes(octets.data(), static_cast<int>(octets.size())) != 1) throw std::runtime_error("OpenSSL has no random numbers");
  auto text = to_base64(octets) + "\n";
  OPENSSL_cleanse(octets.data(), octets.size());
  return text;
}

}  // namespace cm::seal

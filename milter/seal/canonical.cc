// The canonical form, as connector-milter-trust(7) has it.
#include "seal/canonical.h"

#include <openssl/evp.h>

#include <algorithm>
#include <stdexcept>

#include "policy/limits.h"

namespace cm::seal {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

EVP_MD_CTX* digest(void* context) { return static_cast<EVP_MD_CTX*>(context); }

constexpr std::string_view blank_lines = "\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n\r\n";  // hashed so many at a time

void require(bool done) {
  if (!done) throw std::runtime_error("OpenSSL cannot compute SHA-256");
}

}  // namespace

std::string unfold(std::string_view value) {
  std::string out;
  out.reserve(value.size());
  for (const char c : value) {
    if (!is_blank(c))
      out += c;
    else if (!out.empty() && out.back() != ' ')
      out += ' ';
  }
  if (out.ends_with(' ')) out.pop_back();
  return out;
}

std::string bound_sender(const Address& resolved) {
  if (resolved.is_null()) return {};
  if (!resolved.is_valid()) return resolved.text;
  return resolved.domain.empty() ? resolved.local : resolved.local + "@" + resolved.domain;
}

void BoundFields::see(std::string_view name, std::string_view value) {
  for (std::size_t i = 0; i < bound_names.size(); ++i) {
    if (!equals_ignoring_case(name, bound_names[i])) continue;
    bytes_ += value.size() + 1;
    too_long_ = too_long_ || bytes_ > limits::signed_header_bytes;
    if (!too_long_) values_[i].push_back(unfold(value));
  }
}

// Ours, and short: bound whatever was there.
void BoundFields::replace(std::string_view name, std::string_view value) {
  for (std::size_t i = 0; i < bound_names.size(); ++i)
    if (equals_ignoring_case(name, bound_names[i])) values_[i] = {unfold(value)};
}

std::string BoundFields::names() const {
  std::string out;
  for (std::size_t i = 0; i < bound_names.size(); ++i) {
    if (values_[i].empty()) continue;
    if (!out.empty()) out += ':';
    out += bound_names[i];
  }
  return out;
}

std::string BoundFields::lines(std::string_view names) const {
  std::string out;
  for (std::size_t i = 0; i < bound_names.size(); ++i) {
    if ((":" + std::string(names) + ":").find(":" + std::string(bound_names[i]) + ":") == std::string::npos) continue;
    for (const auto& value : values_[i]) out.append(bound_names[i]).append(":").append(value).append("\n");
  }
  return out;
}

void BodyDigest::Free::operator()(void* context) const { EVP_MD_CTX_free(digest(context)); }

BodyDigest::BodyDigest() : context_(EVP_MD_CTX_new()) { require(context_ && EVP_DigestInit_ex(digest(context_.get()), EVP_sha256(), nullptr) == 1); }

void BodyDigest::hash(std::string_view octets) { require(EVP_DigestUpdate(digest(context_.get()), octets.data(), octets.size()) == 1); }

// Part of a line that is not its end.
void BodyDigest::text(std::string_view octets) {
  if (octets.empty()) return;
  for (; line_ends_ > 0; line_ends_ -= std::min(line_ends_, blank_lines.size() / 2)) hash(blank_lines.substr(0, line_ends_ * 2));
  hash(octets);
  any_ = true;
}

void BodyDigest::update(std::string_view piece) {
  while (!piece.empty()) {
    const auto end = piece.find('\n');
    auto line = piece.substr(0, end);
    if (cr_ && !(line.empty() && end == 0)) text("\r");  // it was no part of a line end
    cr_ = line.ends_with('\r');
    if (cr_) line.remove_suffix(1);
    text(line);
    if (end == std::string_view::npos) return;
    cr_ = false;
    ++line_ends_;
    piece.remove_prefix(end + 1);
  }
}

std::string BodyDigest::finish() {
  if (cr_) text("\r");
  if (any_) hash("\r\n");
  std::array<unsigned char, 32> octets{};
  require(EVP_DigestFinal_ex(digest(context_.get()), octets.data(), nullptr) == 1);
  return to_base64(octets);
}

std::string to_base64(std::span<const unsigned char> octets) {
  std::string out((octets.size() + 2) / 3 * 4 + 1, '\0');  // EVP_EncodeBlock writes a NUL behind it
  const int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), octets.data(), static_cast<int>(octets.size()));
  out.resize(static_cast<std::size_t>(length));
  return out;
}

std::string canonical_form(std::string_view trust, std::string_view sender, const BoundFields& fields, std::string_view names,
                           std::string_view body_digest) {
  std::string out = "connector-milter trust 1\ntrust:";
  out.append(trust).append("\nsender:").append(sender).append("\n").append(fields.lines(names));
  return out.append("body:").append(body_digest).append("\n");
}

}  // namespace cm::seal

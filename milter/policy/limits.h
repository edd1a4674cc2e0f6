// Every bound on what comes from outside, in one place.
//
// The rule: a value over its bound is a fact of its own ("too long") and meets no grant; it is never cut and then compared.
#pragma once

#include <cstddef>
#include <cstdint>

namespace cm::limits {

inline constexpr std::size_t domain_bytes = 253;   // RFC 1035 section 2.3.4, without the final dot
inline constexpr std::size_t label_bytes = 63;     // RFC 1035 section 2.3.4
inline constexpr std::size_t address_bytes = 512;  // RFC 5321 section 4.5.3.1.3 demands 256; long VERP senders exist
inline constexpr std::size_t certificate_name_bytes = 256;
inline constexpr std::size_t tls_version_bytes = 16;
inline constexpr std::size_t dsn_argument_bytes = 512;  // RFC 3461 section 4.4 allows 100 for ENVID; a longer one is lost with its sender
inline constexpr std::size_t login_bytes = 256;
inline constexpr std::size_t header_from_bytes = 16384;  // a longer From field counts as unparsable
inline constexpr std::size_t header_from_mailboxes = 64;
inline constexpr std::size_t removable_headers = 1000;      // a message with more fields of ours or of headers.strip is refused
inline constexpr std::size_t signed_header_bytes = 65536;   // of the fields that a trust tag binds, all together
inline constexpr std::size_t tag_bytes = 2048;              // a longer trust tag is none
inline constexpr std::uint32_t rate_messages = 1'000'000;   // in a rate_limit
inline constexpr std::uint32_t rate_seconds = 366 * 86400;  // the same
inline constexpr std::size_t rate_buckets = 32768;          // of sources and senders, and as many of connectors
inline constexpr std::size_t connector_name_bytes = 64;
inline constexpr std::size_t reply_text_bytes = 400;  // libmilter allows 980 (smfi_setreply)

}  // namespace cm::limits

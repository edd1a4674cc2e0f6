// The header From field, parsed strictly: which domains does it claim to be from?
//
// The rule: what RFC 5322 section 3.4 does not allow is unparsable, because two readers of such a field may see two senders. Tolerated beyond
// it: dots in a display name (section 4.1) and UTF-8 in words (RFC 6532). Never repairs, never guesses.
#include "policy/address.h"
#include "policy/facts.h"
#include "policy/limits.h"
#include "policy/text.h"

namespace cm {
namespace {

class FromParser {
 public:
  explicit FromParser(std::string_view in) : in_(in) {}

  bool parse(std::vector<std::string>& domains) {
    do {
      if (!parse_address(domains, true)) return false;
    } while (take(','));
    return at_ == in_.size();
  }

 private:
  struct Phrase {
    std::string text;           // words and dots without white space
    bool is_local_part = true;  // word *("." word)
    bool empty = true;
    bool ends_with_dot = false;
  };

  [[nodiscard]] char peek() const { return at_ < in_.size() ? in_[at_] : '\0'; }

  bool take(char c) {
    if (!skip_cfws() || peek() != c) return false;
    ++at_;
    return true;
  }

  // White space, folds and comments. False if a comment does not end.
  bool skip_cfws() {
    for (;;) {
      while (peek() == ' ' || peek() == '\t' || peek() == '\r' || peek() == '\n') ++at_;
      if (peek() != '(') return true;
      int depth = 0;
      do {
        if (at_ >= in_.size() || peek() == '\0') return false;
        const char c = in_[at_++];
        if (c == '(') ++depth;
        if (c == ')') --depth;
        if (c != '\\') continue;
        const char pair = peek();  // never a line end: readers differ on what it would continue
        if (pair == '\0' || pair == '\r' || pair == '\n') return false;
        ++at_;
      } while (depth > 0);
    }
  }

  bool read_phrase(Phrase& phrase) {
    bool word_before = false;
    for (;;) {
      if (!skip_cfws()) return false;
      const char c = peek();
      if (c == '"') {
        const auto length = text::read_quoted(in_.substr(at_), phrase.text);
        if (length == std::string_view::npos) return false;
        at_ += length;
      } else if (text::is_atext(c)) {
        while (text::is_atext(peek())) phrase.text += in_[at_++];
      } else if (c == '.') {
        if (phrase.text.empty()) return false;
        if (!word_before) phrase.is_local_part = false;
        phrase.text += in_[at_++];
        phrase.ends_with_dot = true;
        word_before = false;
        continue;
      } else {
        phrase.is_local_part = phrase.is_local_part && !phrase.empty && !phrase.ends_with_dot;
        return true;
      }
      if (word_before) phrase.is_local_part = false;
      word_before = true;
      phrase.empty = phrase.ends_with_dot = false;
    }
  }

  bool read_domain(std::vector<std::string>& domains) {
    if (!skip_cfws()) return false;
    const auto from = at_;
    if (peek() == '[') {
      while (at_ < in_.size() && peek() != ']') ++at_;
      ++at_;
    } else {
      while (text::is_atext(peek()) || peek() == '.') ++at_;
    }
    const auto domain = at_ <= in_.size() ? normalise_domain(in_.substr(from, at_ - from)) : Parsed<std::string>::error("");
    if (!domain || domains.size() >= limits::header_from_mailboxes) return false;
    domains.push_back(*domain);
    return skip_cfws();
  }

  bool parse_angle_address(std::vector<std::string>& domains) {
    Phrase local;
    return read_phrase(local) && local.is_local_part && take('@') && read_domain(domains) && take('>') && skip_cfws();
  }

  // A group holds mailboxes, never groups.
  bool parse_group(std::vector<std::string>& domains) {
    if (take(';')) return skip_cfws();
    do {
      if (!parse_address(domains, false)) return false;
    } while (take(','));
    return take(';') && skip_cfws();
  }

  bool parse_address(std::vector<std::string>& domains, bool may_be_group) {
    Phrase phrase;
    if (!read_phrase(phrase)) return false;
    if (take('<')) return parse_angle_address(domains);
    if (take('@')) return phrase.is_local_part && read_domain(domains);
    if (may_be_group && !phrase.empty && take(':')) return parse_group(domains);
    return false;
  }

  std::string_view in_;
  std::size_t at_ = 0;
};

}  // namespace

Parsed<std::vector<std::string>> parse_header_from(std::string_view value) {
  if (value.size() > limits::header_from_bytes) return Parsed<std::vector<std::string>>::error("too long");
  std::vector<std::string> domains;
  if (!FromParser(value).parse(domains)) return Parsed<std::vector<std::string>>::error("not an address list as in RFC 5322 section 3.4");
  return domains;
}

void HeaderFrom::add(std::string_view value) {
  if (kind != Kind::absent) {
    kind = Kind::several;
    domains.clear();
    return;
  }
  auto parsed = parse_header_from(value);
  kind = parsed ? Kind::parsed : Kind::unparsable;
  if (parsed) domains = std::move(*parsed.value);
}

}  // namespace cm

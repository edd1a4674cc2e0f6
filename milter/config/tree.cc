// Text -> scan -> libconfig -> Node tree. The one file of this room that reads files and calls libconfig.
//
// The rule: what libconfig reads differently from what is written carries its problem with it (scan.h), so that no value is used unseen.
#include "config/tree.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fstream>
#include <libconfig.h++>
#include <new>

#include "policy/text.h"

namespace cm::config {
namespace {

constexpr std::uintmax_t largest_file = 512U << 20U;

unsigned line_of(std::string_view text, std::size_t offset) {
  return 1 + static_cast<unsigned>(std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n'));
}

// Line of the first byte that is not part of well-formed UTF-8. Only called for text that holds one.
unsigned line_of_bad_byte(std::string_view text) {
  unsigned line = 1;
  for (; !text.empty(); ++line) {
    const auto end = std::min(text.find('\n'), text.size());
    if (!text::is_utf8(text.substr(0, end))) break;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return line;
}

Node::Kind kind_of(const libconfig::Setting& setting) {
  switch (setting.getType()) {
    case libconfig::Setting::TypeBoolean: return Node::Kind::boolean;
    case libconfig::Setting::TypeInt:
    case libconfig::Setting::TypeInt64: return Node::Kind::integer;
    case libconfig::Setting::TypeFloat: return Node::Kind::real;
    case libconfig::Setting::TypeString: return Node::Kind::string;
    case libconfig::Setting::TypeArray: return Node::Kind::array;
    case libconfig::Setting::TypeList: return Node::Kind::list;
    default: return Node::Kind::group;
  }
}

// libconfig does not notice when there was no memory for its copy of a string.
const char* text_of(const libconfig::Setting& setting) {
  const char* text = setting.c_str();
  if (text == nullptr) throw std::bad_alloc();
  return text;
}

// Values come in the order in which the scanner saw them begin.
class Builder {
 public:
  explicit Builder(std::vector<ScannedValue> values) : values_(std::move(values)) {}

  Node build(const libconfig::Setting& setting) {
    Node node;
    node.kind = kind_of(setting);
    if (!setting.isRoot()) locate(setting, node);
    switch (node.kind) {
      case Node::Kind::boolean: node.boolean = setting; break;
      case Node::Kind::integer:
        node.integer = setting.getType() == libconfig::Setting::TypeInt ? static_cast<int>(setting) : static_cast<long long>(setting);
        break;
      case Node::Kind::string: node.text = text_of(setting); break;
      case Node::Kind::real: break;
      default:
        node.children.reserve(static_cast<std::size_t>(setting.getLength()));
        for (int i = 0; i < setting.getLength(); ++i) node.children.push_back(build(setting[i]));
    }
    if (!text::is_utf8(node.text)) node.problem = std::make_unique<const std::string>("the string is not valid UTF-8");
    return node;
  }

 private:
  void locate(const libconfig::Setting& setting, Node& node) {
    if (setting.getName() != nullptr) node.name = setting.getName();
    node.name_line = node.line = setting.getSourceLine();
    if (next_ == values_.size()) return;
    auto& scanned = values_[next_++];
    node.name_line = scanned.name_line;
    node.line = scanned.line;
    node.problem = std::move(scanned.problem);
    node.doubt = std::move(scanned.doubt);
  }

  std::vector<ScannedValue> values_;
  std::size_t next_ = 0;
};

SyntaxError explain(const libconfig::ParseException& e, const Scan& scanned) {
  const auto line = static_cast<unsigned>(std::max(e.getLine(), 1));
  if (scanned.open_string_line != 0 && scanned.open_string_line <= line)
    return {scanned.open_string_line, "syntax error: the string that begins here runs over the line end; is its closing quote missing?"};
  const std::string what = e.getError() != nullptr ? e.getError() : "syntax error";
  if (what == "syntax error") return {line, "syntax error: look for a missing quote, comma, \"=\", \";\" or bracket here or just above"};
  return {line, "syntax error: " + what};
}

}  // namespace

const char* Node::describe() const {
  constexpr const char* names[] = {"true or false", "a number", "a fraction", "a string", "a group { }", "a list [ ]", "a list ( )"};
  return names[static_cast<std::size_t>(kind)];
}

std::optional<Node> parse_text(std::string_view text, const std::string& file, Report& report) {
  if (text.starts_with("\xef\xbb\xbf")) text.remove_prefix(3);
  const auto fail = [&](const SyntaxError& error) {
    report.error({file, error.line}, "", error.message);
    return std::nullopt;
  };
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) return fail({line_of(text, nul), "the file holds a NUL byte: it is not text"});
  if (!text::is_utf8(text)) return fail({line_of_bad_byte(text), "the text is not valid UTF-8"});
  auto scanned = scan(text);
  libconfig::Config config;
  try {
    config.readString(std::string(text.substr(0, scanned.readable)));
  } catch (const libconfig::ParseException& e) {
    auto error = explain(e, scanned);
    return fail(scanned.error && scanned.error->line <= error.line ? *scanned.error : error);
  }
  if (scanned.error) return fail(*scanned.error);
  return Builder(std::move(scanned.values)).build(config.getRoot());
}

std::string remedy_of(const std::error_code& error) {
  return error == std::errc::permission_denied ? ": do this as root, or as a user who may read it" : "";
}

std::optional<std::string> read_file(const std::string& path, std::string& why) {
  namespace fs = std::filesystem;
  std::error_code error;
  const auto status = fs::status(path, error);
  if (error) {
    why = "cannot be read: " + error.message() + remedy_of(error);
    return std::nullopt;
  }
  if (!fs::is_regular_file(status)) {
    why = fs::is_directory(status) ? "is a directory, not a file" : "is not a regular file";
    return std::nullopt;
  }
  const auto size = fs::file_size(path, error);
  if (!error && size > largest_file) {
    why = "is larger than 512 MiB";
    return std::nullopt;
  }
  std::ifstream in(path, std::ios::binary);
  std::string content(error ? 0 : size, '\0');
  if (!in.is_open() || !in.read(content.data(), static_cast<std::streamsize>(content.size()))) {
    const std::error_code failure(errno, std::generic_category());
    why = "cannot be read: " + failure.message() + remedy_of(failure);
    return std::nullopt;
  }
  return content;
}

}  // namespace cm::config

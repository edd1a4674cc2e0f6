// Reads a message as plainly as a mail reader would; the judgement is that of the daemon (seal/tag.h).
#include "ctl/verify.h"

#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "ctl/command.h"
#include "ctl/loading.h"
#include "ctl/output.h"
#include "policy/text.h"

namespace cm::ctl {
namespace {

using Message = DeliveredMessage;

// Takes the first line off `text`; without its line end.
std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find('\n'), text.size());
  auto line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

bool continues(std::string_view text) { return text.starts_with(' ') || text.starts_with('\t'); }

std::optional<std::string> read_all(const std::string& file) {
  std::ifstream opened;
  if (file != "-") opened.open(file, std::ios::binary);
  auto& in = file == "-" ? std::cin : static_cast<std::istream&>(opened);
  std::string text{std::istreambuf_iterator<char>(in), {}};
  return in.bad() || (file != "-" && !opened.is_open()) ? std::nullopt : std::optional(text);
}

// The delivering mail server wrote it on top.
std::optional<std::string> return_path(const Message& message) {
  for (const auto& [name, value] : message.header)
    if (equals_ignoring_case(name, "Return-Path")) return std::string(text::trim(value));
  return std::nullopt;
}

std::string date_of(std::int64_t time) {
  const std::time_t seconds = time;
  std::tm parts{};
  char text[32] = "";
  if (::gmtime_r(&seconds, &parts) == nullptr || std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) return {};
  return text;
}

void print(const Context& context, const Parsed<seal::Tag>& tag) {
  if (context.json) {
    nlohmann::ordered_json json{{"genuine", tag.value.has_value()}};
    const auto add = [&](const char* name, const std::string& value) {
      json[name] = value.empty() ? nlohmann::ordered_json(nullptr) : nlohmann::ordered_json(value);
    };
    add("why", tag.why);
    add("word", tag ? tag->word : "");
    add("connector", tag ? tag->connector : "");
    add("type", tag ? tag->type : "");
    add("key", tag ? tag->key : "");
    add("signed", tag ? date_of(tag->time) : "");
    add("fields", tag ? tag->names : "");
    context.out << json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) << "\n";
  } else if (tag) {
    context.out << "genuine: " << tag->word << (tag->connector.empty() ? "" : ", connector " + tag->connector + " (" + tag->type + ")") << ", signed "
                << date_of(tag->time) << " with key " << tag->key << "; fields: " << (tag->names.empty() ? "none" : tag->names) << "\n";
  } else {
    context.out << "not genuine: " << tag.why << "\n";
  }
}

}  // namespace

Parsed<Message> read_message(std::string_view text) {
  Message message;
  if (text.starts_with("From ")) take_line(text);
  while (!text.empty()) {
    const auto* const start = text.data();
    const auto line = take_line(text);
    if (line.empty()) break;
    const auto colon = line.find(':');
    if (colon == std::string_view::npos || continues(line)) return Parsed<Message>::error("the file is no message: a line of its header is no field");
    while (continues(text)) take_line(text);
    const std::string_view field(start, static_cast<std::size_t>(text.data() - start));
    message.header.emplace_back(text::trim(line.substr(0, colon)), field.substr(colon + 1));
  }
  message.body = text;
  return message;
}

Parsed<seal::Tag> judge(const Message& message, const seal::Keys& keys, std::string_view header_name, const Address& sender, std::int64_t now) {
  seal::BoundFields fields;
  const std::string_view* tag = nullptr;
  for (const auto& [name, value] : message.header) {
    fields.see(name, value);
    if (!equals_ignoring_case(name, header_name)) continue;
    if (tag != nullptr) return Parsed<seal::Tag>::error("the message has several trust headers");
    tag = &value;
  }
  if (tag == nullptr) return Parsed<seal::Tag>::error("the message has no trust header");
  seal::BodyDigest digest;
  digest.update(message.body);
  return seal::verify(keys, *tag, {seal::bound_sender(sender), fields, digest.finish()}, now);
}

int verify(const Context& context, const std::string& file, const std::optional<std::string>& from) {
  const auto complain = [&](const std::string& why, int status) {
    context.err << "connectorctl: " << safe(why) << "\n";
    return status;
  };
  const auto config = load_or_complain(context);
  if (!config) return bad;
  bool sound = true;
  const auto keys = seal::read_keys(config->service.signing_keys, [&](const auto& key, const auto& why) {
    sound = false;
    complain(config::bad_key_file(key, why).to_string(), bad);
  });
  if (!sound) return bad;
  if (keys.empty()) return complain(context.config_path + " has no signing.keys to verify with", bad);
  const auto text = read_all(file);
  if (!text) return complain(file + " cannot be read", wrong_usage);
  const auto message = read_message(*text);
  if (!message) return complain(message.why, bad);
  const auto said = from ? from : return_path(*message);
  if (!said) return complain("the message has no Return-Path: name its envelope sender with --from ADDRESS", wrong_usage);
  const auto sender = Address::from_argument(*said);
  if (!sender.is_valid()) return complain("the envelope sender '" + *said + "' is no address: " + sender.why, from ? wrong_usage : bad);
  const auto tag = judge(*message, keys, config->policy.data().header_prefix + "-Trust", sender, std::time(nullptr));
  print(context, tag);
  return tag ? success : bad;
}

}  // namespace cm::ctl

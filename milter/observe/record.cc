// The log line: QUEUEID: connector= type= action= rule= client= tls= cert= auth= from= to= nrcpt= size= msgid= outbound= audit= audit-outbound=
// listener= reply= id=
#include "observe/record.h"

#include <algorithm>

#include "base/escape.h"
#include "policy/limits.h"

namespace cm::observe {
namespace {

constexpr std::size_t text_bytes = 320;   // an address of RFC 5321 size, and most message ids
constexpr std::size_t reply_bytes = 512;  // a whole reply of ours

void add(std::string& line, std::string_view field, std::string_view value, std::size_t most = text_bytes) {
  if (value.empty()) return;
  line += field;
  append_value(line, value, most);
}

void add_number(std::string& line, std::string_view field, std::uint64_t value) {
  line += field;
  line += std::to_string(value);
}

void add_address(std::string& line, std::string_view field, std::string_view address) {
  std::string bracketed;
  bracketed.reserve(address.size() + 2);
  bracketed += '<';
  bracketed += address;
  bracketed += '>';
  add(line, field, bracketed);
}

// The outbound connectors of an accepted message, each once; a message of many recipients names the first few.
void add_outbound(std::string& line, const Policy& policy, const Decision& decision) {
  constexpr std::size_t most = 8;
  std::vector<OutboundId> named;
  std::string names;
  for (const auto id : decision.outbound) {
    if (id == no_outbound || std::find(named.begin(), named.end(), id) != named.end()) continue;
    if (named.size() == most) {
      names += ",...";
      break;
    }
    named.push_back(id);
    names += (names.empty() ? "" : ",") + policy.outbound(id).name;
  }
  add(line, " outbound=", names, most * (limits::connector_name_bytes + 1) + 4);
}

void add_sender(std::string& line, const Sender& sender) {
  add(line, " tls=", sender.tls.version);
  if (sender.tls.certificate == CertificateState::verified) add(line, " cert=", sender.tls.subject);
  add(line, " auth=", sender.login);
  add_address(line, " from=", sender.envelope.argument.text);
}

}  // namespace

std::string render(const Record& record) {
  std::string line;
  line.reserve(400);
  append_value(line, record.queue_id.empty() ? std::string_view("NOQUEUE") : record.queue_id, 64);
  line += ':';
  if (const auto id = record.verdict.connector; id != no_connector) {
    const auto& connector = record.policy->connector(id);
    add(line, " connector=", connector.name);
    add(line, " type=", to_string(connector.duty));
  }
  add(line, " action=", to_string(record.verdict.action));
  if (record.verdict.rule != Rule::none) add(line, " rule=", to_string(record.verdict.rule));
  if (record.connection->client) add(line, " client=", record.connection->client->to_string());
  if (record.sender) add_sender(line, *record.sender);
  if (record.recipient) add_address(line, " to=", *record.recipient);
  if (record.recipients != 0) add_number(line, " nrcpt=", record.recipients);
  if (record.size) add_number(line, " size=", *record.size);
  add(line, " msgid=", record.message_id);
  if (record.accepted) add_outbound(line, *record.policy, *record.accepted);
  if (record.audit && *record.audit) add(line, " audit=", render_audit(*record.policy, **record.audit));
  if (record.accepted && record.accepted->audit_outbound != no_outbound)
    add(line, " audit-outbound=", record.policy->outbound(record.accepted->audit_outbound).name);
  if (record.policy->has_listener(record.connection->listener)) add(line, " listener=", record.connection->listener);
  if (record.reply) {
    line += " reply=";
    append_quoted(line, record.reply->to_string(), reply_bytes);
  }
  add(line, " id=", record.trace_id);
  return line;
}

}  // namespace cm::observe

// The keys of `signing`, in order: the first signs. Two with one id could not be told apart by who verifies.
#include "config/signing.h"

#include <filesystem>

#include "config/fields.h"

namespace cm::config {
namespace {

void check_id(Group& group, const std::string& id, const std::vector<SigningKey>& before) {
  if (!is_plain_name(id)) group.place("id").error(quote(id) + " is no key id: expected 1 to 64 letters, digits, \".\", \"_\" or \"-\"");
  for (const auto& other : before)
    if (other.id == id) group.place("id").error("the key " + quote(id) + " is already there in line " + std::to_string(other.at.line));
}

void read_key(Group& group, std::vector<SigningKey>& keys) {
  if (!group.has("id")) group.missing("id", "the name under which a tag refers to this key, such as \"2026a\"");
  if (!group.has("file")) group.missing("file", "where the key is; connectorctl key new makes one");
  const auto id = group.text("id"), file = group.text("file");
  group.finish();
  if (id) check_id(group, *id, keys);
  if (file && file->empty()) group.place("file").error("the path is empty");
  if (!id || !file) return;
  const auto path = std::filesystem::path(group.file()).parent_path() / *file;
  keys.push_back({*id, path.string(), group.place("file").origin(), group.path_of("file")});
}

}  // namespace

void read_signing(Group& root, Service& service) {
  const auto* node = root.group("signing");
  if (node == nullptr) return;
  Group group(*node, root.file(), "signing", root.report());
  const auto given = group.groups("keys");
  for (const auto& [entry, index] : given) {
    Group key(*entry, root.file(), "signing.keys[" + std::to_string(index) + "]", root.report());
    read_key(key, service.signing_keys);
  }
  if (const auto* keys = group.take("keys"); keys == nullptr || (keys->is_list() && keys->children.empty()))
    group.missing("keys", "name at least one, the first signs: keys = ( { id = \"2026a\"; file = \"/etc/connector-milter/keys/2026a\"; } );");
  group.finish();
}

Diagnostic bad_key_file(const SigningKey& key, const std::string& why) {
  return {Diagnostic::Level::error, key.at, key.path, quote(key.file) + " " + why};
}

}  // namespace cm::config

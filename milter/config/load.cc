// The main file, connectors.d/*.conf beside it, then the checks across all of them; a Config only if there is no error at all.
#include "config/load.h"

#include <algorithm>

#include "base/digest.h"
#include "config/checks.h"
#include "config/global.h"
#include "config/tree.h"

namespace cm::config {
namespace {

namespace fs = std::filesystem;

class Loader {
 public:
  Result load(const fs::path& main_file) {
    const auto main_text = read(main_file.string(), ": name the main file with -c");
    if (!main_text) return finish();  // whatever else were said would be guesswork
    read_main(*main_text, main_file.string());
    for (const auto& file : connector_files(main_file.parent_path() / "connectors.d")) read_connectors(file);
    check_names(drafts_, outbound_, report_);
    check_via(drafts_, outbound_, complete_, report_);
    check_when(drafts_, outbound_, complete_, report_);
    check_ties(drafts_, report_);
    warn_of_unreachable(drafts_, report_);
    if (complete_) warn_of_listeners(drafts_, policy_.listeners, report_);
    warn_of_trials(drafts_, report_);
    warn_of_risks(drafts_, policy_.listeners, policy_.organization, report_);
    check_conflicts(outbound_, policy_.organization, report_);
    warn_of_outbound_risks(drafts_, outbound_, policy_, service_.maps || !around_.listeners_known, report_);
    return finish();
  }

 private:
  // Both: nullopt is reported.
  std::optional<std::string> read(const std::string& file, const char* if_absent = "") {
    std::string why;
    auto text = read_file(file, why);
    std::error_code unknown;
    const bool is_absent = fs::status(file, unknown).type() == fs::file_type::not_found;
    if (text)
      digest_.add(*text);
    else
      report_.error({file, 0}, "", "the file " + why + (is_absent ? if_absent : ""));
    complete_ = complete_ && text;
    return text;
  }
  std::optional<Node> parse(const std::string& text, const std::string& file) {
    auto node = parse_text(text, file, report_);
    complete_ = complete_ && node;
    return node;
  }

  void read_main(const std::string& text, const std::string& file) {
    const auto node = parse(text, file);
    around_.listeners_known = node.has_value();
    if (node) {
      Group root(*node, file, "", report_);
      read_global(root, policy_, service_);
      for (const auto& listener : policy_.listeners) around_.listeners.insert(listener.name);
      around_.header_prefix = policy_.header_prefix;
      around_.signs = root.has("signing");
      read_lists(root);
      root.finish();
    } else {
      around_.header_prefix = policy_.header_prefix;
    }
  }

  void read_connectors(const std::string& file) {
    const auto text = read(file);
    const auto node = text ? parse(*text, file) : std::nullopt;
    if (!node) return;
    Group root(*node, file, "", report_);
    read_lists(root);
    for (const auto& child : node->children) {
      if (!is_global_setting(child.name)) continue;
      report_.error({file, child.name_line}, child.name, "belongs in the main file: files of connectors.d hold the lists inbound and outbound alone");
      root.take(child.name);
    }
    root.finish();
  }

  void read_lists(Group& root) {
    for (const auto& [node, index] : root.groups("inbound")) {
      drafts_.push_back(read_inbound(*node, root.file(), index, around_, sources_, report_));
      ++connectors_;
    }
    for (const auto& [node, index] : root.groups("outbound")) {
      outbound_.push_back(read_outbound(*node, root.file(), index, around_, report_));
      ++connectors_;
    }
  }

  // By name, in byte order; names that begin with a dot are none, as for the shell.
  std::vector<std::string> connector_files(const fs::path& directory) {
    std::vector<std::string> files;
    std::error_code error;
    // Only what is known not to be there may be left out: a policy without its connectors accepts what they restrict.
    if (fs::symlink_status(directory, error).type() == fs::file_type::not_found) return files;
    for (fs::directory_iterator entry(directory, error), end; !error && entry != end; entry.increment(error)) {
      const auto name = entry->path().filename().string();
      if (!name.starts_with('.') && name.size() > 5 && name.ends_with(".conf")) files.push_back((directory / name).string());
    }
    if (error) {
      report_.error({directory.string(), 0}, "", "the directory cannot be read: " + error.message() + remedy_of(error));
      complete_ = false;
    }
    std::sort(files.begin(), files.end());
    return files;
  }

  // Moves the connectors on, and returns what is known of each beside them.
  template <class AnyDraft, class Connector>
  static std::vector<Provenance> take(std::vector<AnyDraft>& drafts, std::vector<Connector>& connectors) {
    std::vector<Provenance> provenance;
    provenance.reserve(drafts.size());
    connectors.reserve(drafts.size());
    for (auto& draft : drafts) {
      connectors.push_back(std::move(draft.connector));
      provenance.push_back(std::move(draft.provenance));
    }
    return provenance;
  }

  Result finish() {
    Result result;
    result.connectors = connectors_;
    if (report_.errors() == 0) {
      auto inbound = take(drafts_, policy_.inbound), outbound = take(outbound_, policy_.outbound);
      result.config = std::make_unique<const Config>(
          Config{Policy(std::move(policy_)), std::move(service_), std::move(inbound), std::move(outbound), digest_.to_string()});
    }
    result.diagnostics = report_.take();
    return result;
  }

  Report report_;
  PolicyData policy_;
  Service service_;
  Surroundings around_;
  Digest digest_;
  SourceLists sources_{digest_};
  std::vector<Draft> drafts_;
  std::vector<OutboundDraft> outbound_;
  std::size_t connectors_ = 0;
  bool complete_ = true;  // every file was read
};

}  // namespace

Result load(const fs::path& main_file) { return Loader().load(main_file); }

}  // namespace cm::config

// The import as a whole: every connector translated, then all of them together held against `check`.
//
// The rule: what leaves here passes `check`; an entry that would not is disabled, and if that does not help it becomes a comment.
#include "ctl/exchange.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <stdexcept>
#include <tuple>
#include <utility>

#include "base/fd.h"
#include "config/load.h"
#include "ctl/exchange_carry.h"
#include "ctl/output.h"

namespace cm::ctl {
namespace {

using State = ConnectorText::State;

/// An entry and where it comes from.
struct Carried {
  ConnectorText text;
  std::string cmdlet, connector;
  bool refused = false;  // by check
};

std::string organization(const std::vector<DomainPattern>& domains) {
  std::vector<std::string> names;
  for (const auto& domain : domains) names.push_back(domain.to_string());
  return "organization = { domains = " + list_of(names) + "; };\n";
}

bool is_partner(const ConnectorText& connector) {
  return std::any_of(connector.settings.begin(), connector.settings.end(),
                     [](const auto& s) { return s.name == "type" && s.value == config_string("partner"); });
}

bool is_about_everyone(const ConnectorText& connector) {
  return std::any_of(connector.settings.begin(), connector.settings.end(),
                     [](const auto& s) { return s.name == "sender_domains" && s.value.find(config_string("*")) != std::string::npos; });
}

std::string listeners(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  names.erase(std::unique(names.begin(), names.end()), names.end());
  std::string out;
  for (const auto& name : names) out += (out.empty() ? "" : ", ") + ("{ name = " + config_string(name) + "; }");
  return out.empty() ? out : "listeners = ( " + out + " );\n";
}

class Import {
 public:
  explicit Import(const ImportSettings& settings) : settings_(settings), around_{settings, settings.names, {}, {}, {}, {}, 0} {}

  Parsed<Imported> run(const std::vector<std::string>& exports) {
    for (std::size_t i = 0; i < exports.size(); ++i) {
      auto objects = read_export(exports[i]);
      if (!objects) return Parsed<Imported>::error((i < settings_.sources.size() ? settings_.sources[i] + ": " : "") + objects.why);
      for (auto& object : *objects.value) objects_.push_back(std::move(object));
    }
    // A send connector may be about what came in by a receive connector.
    std::stable_sort(objects_.begin(), objects_.end(), [](const auto& a, const auto& b) { return a.cmdlet() < b.cmdlet(); });
    find_open_ports();
    for (auto& object : objects_) carry(object);
    settle_costs();
    if (settings_.audit)
      for (auto& c : carried_)
        if (is_partner(c.text)) c.text.set("mode", config_string("audit"), "only logged; once the log shows no more surprises, take this line out");
    settle();
    return finish();
  }

 private:
  void find_open_ports() {
    for (auto object : objects_) {  // a copy: nothing was asked for yet
      if (object.cmdlet() != Cmdlet::receive || !object.flag("Enabled", true) || !lets_anonymous_in(object) || !is_open_to_all(object)) continue;
      for (const auto& binding : bindings_of(object))
        if (binding.address.empty()) around_.open_ports.insert(binding.port);
    }
  }

  void carry(ExchangeObject& object) {
    Carrier carrier(object, around_, result_.remarks);
    switch (object.cmdlet()) {
      case Cmdlet::inbound: carrier.inbound(); break;
      case Cmdlet::outbound: carrier.outbound(); break;
      case Cmdlet::receive: carrier.receive(); break;
      case Cmdlet::send: carrier.send(); break;
    }
    carrier.finish();
    const std::string cmdlet(to_string(object.cmdlet())), name = object.name();
    for (auto& more : carrier.more) more.demote(carrier.out.state);
    carried_.push_back({std::move(carrier.out), cmdlet, name});
    for (auto& more : carrier.more) carried_.push_back({std::move(more), cmdlet, name});
  }

  // Among equal ones Exchange takes the lower cost, then the first by name; here no two may be equal.
  void settle_costs() {
    std::vector<ConnectorText*> order;
    for (auto& c : carried_)
      if (c.text.state == State::in_force && !c.text.claims.empty()) order.push_back(&c.text);
    std::stable_sort(order.begin(), order.end(),
                     [](const auto* a, const auto* b) { return std::tie(a->cost, a->name) < std::tie(b->cost, b->name); });
    const auto base = [](std::string_view domain) {
      return domain.size() > 1 && domain.starts_with("*.") ? domain.substr(2) : domain.substr(domain.starts_with('.'));
    };
    std::map<std::string, unsigned, std::less<>> used;
    for (auto* connector : order) {
      const auto wanted = connector->cost;
      for (const auto& claim : connector->claims)
        if (const auto found = used.find(to_lower(base(claim))); found != used.end()) connector->cost = std::max(connector->cost, found->second + 1);
      for (const auto& claim : connector->claims) used[to_lower(base(claim))] = connector->cost;
      if (connector->cost != wanted)
        connector->comments.push_back("cost: another connector is about the same domains and comes first, as in Exchange.");
    }
  }

  [[nodiscard]] std::string main_file() const {
    std::string out = settings_.domains.empty() ? "organization = { domains = \"organization.invalid\"; };\n" : organization(settings_.domains);
    return out + listeners(settings_.whole ? around_.listeners : settings_.listeners) + (has_outbound() ? "maps = { };\n" : "");
  }
  [[nodiscard]] bool has_outbound() const {
    return std::any_of(carried_.begin(), carried_.end(), [](const Carried& c) { return c.text.outbound && c.text.state != State::left_out; });
  }
  [[nodiscard]] std::string lists() const {
    std::vector<ConnectorText> texts;
    for (const auto& c : carried_) texts.push_back(c.text);
    return to_config(texts);
  }

  static config::Result load(const std::string& text) {
    const Fd memory(::memfd_create("import", MFD_CLOEXEC));
    if (!memory || ::write(memory.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
      throw std::runtime_error("the result cannot be checked: no memory for a file");
    return config::load("/proc/self/fd/" + std::to_string(memory.get()));
  }

  Carried* find(std::string_view path) {
    for (auto& c : carried_) {
      const auto name = (c.text.outbound ? "outbound." : "inbound.") + c.text.name;
      const bool is_it = path.starts_with(name) && (path.size() == name.size() || path[name.size()] == '.' || path[name.size()] == '[');
      // "a" and "a.b" may both be connectors: the longer name is the one.
      if (is_it && std::none_of(carried_.begin(), carried_.end(), [&](const Carried& o) {
            const auto other = (o.text.outbound ? "outbound." : "inbound.") + o.text.name;
            return other.size() > name.size() && path.starts_with(other);
          }))
        return &c;
    }
    return nullptr;
  }

  // Each round takes at least one entry further out of force, so it ends.
  void settle() {
    while (true) {
      const auto result = load(main_file() + lists());
      bool changed = false;
      std::vector<const Carried*> seen;
      for (const auto& diagnostic : result.diagnostics) {
        if (diagnostic.level != config::Diagnostic::Level::error) continue;
        auto* found = find(diagnostic.path);
        if (found == nullptr) throw std::runtime_error("the result is no config: " + diagnostic.to_string());
        if (std::find(seen.begin(), seen.end(), found) != seen.end()) continue;
        seen.push_back(found);
        if (found->text.state == State::left_out) throw std::runtime_error("the result is no config: " + diagnostic.to_string());
        refuse(*found, diagnostic.path, diagnostic.message);
        changed = true;
      }
      if (!changed) return tell_of_missing_via(result);
    }
  }
  // Whether Exchange would take that mail cannot be told from the export, and nothing is made wider unasked.
  void tell_of_missing_via(const config::Result& result) {
    for (const auto& diagnostic : result.diagnostics) {
      const auto cure = diagnostic.message.find("add via = ");
      auto* found = diagnostic.message.starts_with("has no via") && cure != std::string::npos ? find(diagnostic.path) : nullptr;
      if (found == nullptr) continue;
      const auto message =
          "its mail that comes through the connector about all senders is refused here; if it may come that way, " + diagnostic.message.substr(cure);
      result_.remarks.push_back({false, found->cmdlet, found->connector, found->text.name, "", message});
      found->text.comments.push_back("WARNING: " + message);
    }
  }
  void refuse(Carried& c, const std::string& path, const std::string& message) {
    const bool weaker = c.text.state == State::in_force && (c.text.outbound || is_partner(c.text));
    c.text.state = c.text.state == State::in_force ? State::disabled : State::left_out;
    if (std::exchange(c.refused, true)) return;  // it was said in the round before
    const auto setting = path.substr(std::min(path.size(), c.text.name.size() + (c.text.outbound ? 10 : 9)));
    result_.remarks.push_back(
        {weaker, c.cmdlet, c.connector, c.text.name, "", "check refuses " + (setting.empty() ? "it" : setting) + ": " + message});
    c.text.comments.push_back(std::string(weaker ? "ERROR" : "WARNING") + ": check refuses " + (setting.empty() ? "it" : setting) + ": " + message);
  }

  Imported finish() {
    for (const auto& c : carried_)
      ++(c.text.state == State::in_force ? result_.in_force : c.text.state == State::disabled ? result_.disabled : result_.left_out);
    for (const auto& [text, cmdlet, connector, refused] : carried_) {
      if (text.state != State::in_force) continue;
      result_.outbound += text.outbound ? 1 : 0;
      result_.restricting += is_partner(text) ? 1 : 0;
      result_.about_everyone += is_partner(text) && is_about_everyone(text) ? 1 : 0;
    }
    for (auto& remark : result_.remarks)
      for (const auto& c : carried_)
        if (c.text.name == remark.written_as && c.text.state == State::left_out) remark.written_as.clear();
    std::stable_sort(result_.remarks.begin(), result_.remarks.end(), [](const auto& a, const auto& b) { return rank(a) < rank(b); });
    collect_notes();
    result_.text = head() + "\n" + lists();
    if (!result_.notes.empty()) result_.text += "\n" + comment(notes_head, "");
    for (const auto& line : result_.notes) result_.text += comment(line, "");
    return std::move(result_);
  }
  static int rank(const ImportRemark& remark) { return remark.error ? 0 : remark.note ? 2 : 1; }
  void collect_notes() {
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;
    for (const auto& remark : result_.remarks) {
      if (!remark.note) continue;
      auto what = remark.parameter + ": " + remark.message;
      auto known = std::find_if(groups.begin(), groups.end(), [&](const auto& g) { return g.first == what; });
      if (known == groups.end()) known = groups.emplace(groups.end(), std::move(what), std::vector<std::string>{});
      known->second.push_back('"' + remark.connector + '"');
    }
    for (const auto& [what, connectors] : groups) result_.notes.push_back(what + " [" + join(connectors, ", ") + "]");
  }
  [[nodiscard]] std::string head() const {
    std::string out = comment(
        "Exchange connectors, imported from " + join(settings_.sources, ", ") + ". WARNING and ERROR say what is not as it was in Exchange.", "");
    if (settings_.whole) {
      out += "# Grants may relay only where Postfix asks: policy = { }; and connectorctl postfix.\n\n" + main_file();
      return out;
    }
    if (settings_.domains.empty())
      out += "# Your own domains stand in the main file; fill them in:\n# organization = { domains = [ \".your-domain.example\" ]; };\n";
    if (has_outbound()) out += "# Outbound connectors need maps = { }; in the main file.\n";
    return out + "# A file for connectors.d.\n";
  }

  const ImportSettings& settings_;
  ImportSurroundings around_;
  std::vector<ExchangeObject> objects_;
  std::vector<Carried> carried_;
  Imported result_;
};

}  // namespace

void Carrier::remark(bool error, std::string_view parameter, std::string message) {
  const auto what = parameter.empty() ? std::string() : " " + std::string(parameter);
  out.comments.push_back((error ? "ERROR" : "WARNING") + what + ": " + message);
  remarks_.push_back({error, std::string(to_string(in.cmdlet())), in.name(), out.name, std::string(parameter), std::move(message)});
}

void Carrier::leave_to_main_cf(std::string_view parameter, std::string message) {
  remarks_.push_back({false, std::string(to_string(in.cmdlet())), in.name(), out.name, std::string(parameter), std::move(message), true});
}

void Carrier::common() {
  note(std::string(to_string(in.cmdlet())) + " \"" + in.name() + "\"");
  if (!in.flag("Enabled", true)) {
    off_ = true;
    out.demote(ConnectorText::State::disabled);
    note("Not enabled in Exchange either.");
  }
  if (const auto comment = in.text("Comment"); !comment.empty()) out.set("comment", config_string(comment));
}

Parsed<Imported> import_exchange(const std::vector<std::string>& exports, const ImportSettings& settings) { return Import(settings).run(exports); }

}  // namespace cm::ctl

// What a config needs of Postfix, one function a subject; postfix_lines() at the end is the order in which they are printed.
//
// Sources: postconf(5), SMTPD_POLICY_README, MILTER_README, TLS_README of Postfix 3.7 to 3.10.
#include "ctl/postfix.h"

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "ctl/connectors.h"
#include "ctl/postfix_relay.h"
#include "policy/routing.h"

namespace cm::ctl {
namespace {

using Place = PostfixLine::Place;

/// A value that came from the config: `$` would begin the name of a parameter.
std::string verbatim(std::string_view text) {
  std::string out;
  for (const char c : text) out.append(c == '$' ? 2 : 1, c);
  return out;
}

/// How Postfix reaches one of our sockets.
struct Endpoint {
  std::string address;  // of Postfix: unix:PATH, inet:HOST:PORT
  std::string caution;  // to be added to the reason
};

Endpoint endpoint(const std::string& address, const std::string& queue_directory) {
  if (address.starts_with("inet:")) {  // inet:PORT@HOST
    const auto at = address.find('@');
    const auto host = address.substr(at + 1);
    const bool bare_v6 = host.find(':') != std::string::npos && !host.starts_with('[');
    return {"inet:" + verbatim(bare_v6 ? "[" + host + "]" : host) + ":" + address.substr(5, at - 5), ""};
  }
  const auto path = std::filesystem::path(address.substr(5)).lexically_normal().string();
  const auto queue = (std::filesystem::path(queue_directory) / "").lexically_normal().string();
  if (path.starts_with(queue)) return {"unix:" + verbatim(path.substr(queue.size())), ""};
  return {"unix:" + verbatim(path), "; services with chroot \"y\" in master.cf cannot reach it, because it is not below " + queue_directory};
}

/// Of the reason of a line that has Postfix ask a service of the daemon: `group` of the config.
std::string once_open(const char* group) { return std::string(restart_first) + group + " was added to its config"; }

bool is_loopback(const Ip& ip) { return ip.v6 ? ip.bits == 1 : (ip.bits >> 24) == 127; }

bool is_grant(const InboundConnector& c) { return c.duty == Duty::on_premises || c.duty == Duty::device; }

bool is_relaying_grant(const InboundConnector& c) { return is_grant(c) && !c.requires_header(); }

bool is_for_any_domain(const OutboundConnector& c) {
  return std::any_of(c.recipient_domains.begin(), c.recipient_domains.end(), [](const auto& d) { return d.kind == DomainPattern::Kind::any; });
}

bool is_for_some_domains(const OutboundConnector& c) {
  return c.organization ||
         std::any_of(c.recipient_domains.begin(), c.recipient_domains.end(), [](const auto& d) { return d.kind != DomainPattern::Kind::any; });
}

/// A POSIX pattern for a field name; `*` at its end stands for anything, as in headers.strip.
std::string header_pattern(std::string_view name) {
  const bool family = name.ends_with('*');
  if (family) name.remove_suffix(1);
  std::string out = "/^";
  for (const char c : name) {
    if (c == '{' || c == '}') {
      out += '.';  // a brace that is not paired ends the table
      continue;
    }
    if (std::string_view(".*+?^|()[]\\/").find(c) != std::string_view::npos) out += '\\';
    out += verbatim({&c, 1});
  }
  return out + (family ? "" : "[[:space:]]*:") + "/";
}

class Writer {
 public:
  Writer(const PolicyData& policy, const config::Service& service, const PostfixHost& host) : policy_(policy), service_(service), host_(host) {}

  void milters();
  void smuggling();
  void tls();
  void client_certificates();
  void relay();
  void routes();
  void rules();
  void outbound_tls();
  void transports();
  void tags();
  void listeners();
  void services_without_milter();
  std::vector<PostfixLine> lines;

 private:
  void main(std::string name, std::string value, std::string reason) {
    lines.push_back({Place::main, "", std::move(name), std::move(value), std::move(reason)});
  }
  void example(std::string name, std::string value, std::string reason) {
    lines.push_back({Place::main, "", std::move(name), std::move(value), std::move(reason), true});
  }
  void map(std::string name, const char* map, const std::vector<std::string>& users, const std::string& what) {
    if (users.empty() || !service_.maps) return;
    const auto maps = endpoint(service_.maps->address, host_.queue_directory);
    main(std::move(name), "socketmap:" + maps.address + ":" + map, some_of(users) + ": " + what + once_open("maps") + maps.caution);
  }
  [[nodiscard]] std::vector<std::string> granting() const { return enabled_names(policy_.inbound, is_relaying_grant); }
  // Grants in audit permit nothing: what relays today by mynetworks must go on.
  [[nodiscard]] std::vector<std::string> on_trial() const {
    return enabled_names(policy_.inbound, [](const auto& c) { return is_grant(c) && c.mode == Mode::audit; });
  }
  [[nodiscard]] bool decides_relay() const { return service_.policy.has_value() && !enabled_names(policy_.inbound, is_grant).empty(); }
  void strip_tags(const std::string& transport, Place place);
  [[nodiscard]] std::string relay_restrictions(const std::string& listener, const std::string& more = {}) const;

  const PolicyData& policy_;
  const config::Service& service_;
  const PostfixHost& host_;
};

void Writer::milters() {
  const auto milter = endpoint(service_.milter.address, host_.queue_directory);
  const auto value = "{ " + milter.address + ", connect_timeout=10s, default_action=tempfail }";
  main("smtpd_milters", value,
       "All mail that comes by SMTP is shown to the connectors, before other milters see it; if they cannot be asked, it is put off, never accepted" +
           milter.caution);
  main("non_smtpd_milters", value, "So is what local programs submit" + milter.caution);
}

void Writer::smuggling() {
  const bool trusts =
      policy_.organization.vouch_authenticated || !enabled_names(policy_.inbound, [](const auto& c) { return c.demands_identity(); }).empty();
  if (!trusts) return;
  const auto& v = host_.version;
  const auto reason = "A message smuggled into a session (bare line feeds) would get the trust of that session's client";
  if (v >= PostfixVersion{3, 8, 5} || (v >= PostfixVersion{3, 7, 10} && v < PostfixVersion{3, 8, 0})) {
    if (v < PostfixVersion{3, 9, 0}) main("smtpd_forbid_bare_newline", "normalize", reason);  // the default from 3.9 on
  } else if (v == PostfixVersion{3, 8, 4} || v == PostfixVersion{3, 7, 9}) {
    main("smtpd_forbid_bare_newline", "yes", reason);
  } else {
    lines.push_back(
        {Place::main, "", "smtpd_forbid_bare_newline", "normalize", std::string(reason) + ": update Postfix, this one cannot prevent it", true});
    return;
  }
  if (!decides_relay() || !on_trial().empty())
    main("smtpd_forbid_bare_newline_exclusions", "", "By default that is not asked of mynetworks: of the very clients that connectors trust");
}

void Writer::tls() {
  const auto names = enabled_names(policy_.inbound, [](const auto& c) { return c.require_tls || !c.certificates.empty(); });
  if (names.empty()) return;
  main("smtpd_tls_security_level", "may", some_of(names) + ": TLS is demanded, so it must be offered; where this says encrypt already, leave it");
  example("smtpd_tls_chain_files", "/etc/postfix/mx-key-and-chain.pem",
          "Without a certificate of our own no TLS is offered; smtpd_tls_cert_file and smtpd_tls_key_file do as well");
}

void Writer::client_certificates() {
  const auto names = enabled_names(policy_.inbound, [](const auto& c) { return !c.certificates.empty(); });
  if (names.empty()) return;
  main("smtpd_tls_ask_ccert", "yes", some_of(names) + ": clients are asked for a certificate");
  example("smtpd_tls_CAfile", "/etc/postfix/client-ca.pem",
          "Whose client certificates count: the CAs of these peers and no others, since a connector sees only names of a certificate");
}

// `more`: what else may relay, with a comma behind it.
std::string Writer::relay_restrictions(const std::string& listener, const std::string& more) const {
  const auto policy = endpoint(service_.policy->address, host_.queue_directory);
  const auto context = listener.empty() ? "" : ", policy_context=" + verbatim(listener);
  return "check_policy_service { " + policy.address + ", timeout=10s" + context + " }, permit_sasl_authenticated, " + more +
         (on_trial().empty() ? "" : "permit_mynetworks, ") + "reject_unauth_destination";
}

void Writer::relay() {
  if (!decides_relay()) return;
  const auto policy = endpoint(service_.policy->address, host_.queue_directory);
  const auto trial = on_trial();
  const auto kept = trial.empty() ? std::string()
                                  : ". " + some_of(trial) +
                                        (trial.size() == 1 ? " is in audit and permits nothing yet: keep permit_mynetworks until it is enforced"
                                                           : " are in audit and permit nothing yet: keep permit_mynetworks until they are enforced");
  main("smtpd_relay_restrictions", relay_restrictions(""),
       "Who may send mail through us to others: what connectors grant" + (granting().empty() ? "" : " (" + some_of(granting()) + ")") +
           ", and logins" + kept + once_open("policy") + policy.caution);
  lines.push_back(
      {Place::main, "", "mynetworks", "",
       "No address is trusted by itself: Postfix would exempt it from more than relaying; what sends from here by SMTP needs a connector" + kept,
       !trial.empty()});
  add_relay_by_header(
      policy_, [this](const std::string& listener, const std::string& more) { return relay_restrictions(listener, more); }, lines);
}

void Writer::routes() {
  const auto& all = policy_.outbound;
  map("transport_maps", "transport", enabled_names(all, [](const auto& c) { return !c.is_rule_scoped() && is_for_some_domains(c); }),
      "where mail for their recipients goes");
  map("sender_dependent_default_transport_maps", "default_route",
      enabled_names(all, [](const auto& c) { return !c.is_rule_scoped() && is_for_any_domain(c); }),
      "where all other mail goes that is not for local, virtual or relay domains");
  if (!service_.maps) return;
  // An answer without a next hop leaves the choice of one to these.
  const auto by_mx = enabled_names(all, [](const auto& c) { return !c.is_rule_scoped() && is_for_any_domain(c) && c.smart_hosts.empty(); });
  if (!by_mx.empty()) {
    const auto reason =
        some_of(by_mx) + ": mail goes to the MX of its recipients; a relay named here would get it instead, and not under these TLS demands";
    main("relayhost", "", reason);
    main("sender_dependent_relayhost_maps", "", reason);
  }
  const auto strict = enabled_names(all, [](const auto& c) { return c.is_rule_scoped() || c.tls >= OutboundTls::encrypt; });
  if (!strict.empty())
    main("smtp_fallback_relay", "",
         some_of(strict) + ": mail that their next hops may not be given shall wait; a relay named here would get it, without any demand");
}

void Writer::rules() {
  const auto names = enabled_names(policy_.outbound, [](const auto& c) { return c.is_rule_scoped(); });
  map("milter_header_checks", "route", names,
      "takes whole messages, which the milter marks with a header of its own; headers that arrived are never asked");
  if (names.empty() || !service_.maps) return;
  example("bounce_size_limit", "1",
          "A bounce is Postfix's own mail and leaves as such, with what " + some_of(names) +
              " could not deliver in it; with this only the header returns");
  // postsuper -r takes a message out of the queue and back through pickup and cleanup. Its FILTER is not kept, no milter is asked again.
  const std::string service = "cleanup-requeued";
  const auto add = [&](Place place, std::string owner, std::string name, std::string value, std::string reason) {
    lines.push_back({place, std::move(owner), std::move(name), std::move(value), std::move(reason)});
  };
  add(Place::service, service + "/unix", "", service + " unix n - - - 0 cleanup",
      "Mail that postsuper -r requeues loses the way a rule gave it, and the milter does not see it again; it shall wait, not leave as other mail "
      "does");
  add(Place::service, service + "/unix", "header_checks",
      "regexp:{{" + header_pattern(policy_.header_prefix + "-Route") + " FILTER retry:4.3.0 requeued mail has lost its route}}",
      "The header of " + some_of(names) + " is still on it; header_checks of yours belong behind this, with a comma between");
  add(Place::service, service + "/unix", "mime_header_checks", "", "What stands in a part of a message has no route");
  add(Place::service, service + "/unix", "nested_header_checks", "", "Nor has what is attached to it");
  add(Place::stock, "pickup/unix", "cleanup_service_name", service, "Sends requeued mail there, and what local programs submit");
}

void Writer::outbound_tls() {
  const auto with = [this](auto condition) { return service_.maps ? enabled_names(policy_.outbound, condition) : std::vector<std::string>{}; };
  const auto is = [&](OutboundTls a, OutboundTls b) { return with([=](const auto& c) { return c.tls == a || c.tls == b; }); };
  map("smtp_tls_policy_maps", "tls_policy", with([](const auto& c) { return c.tls != OutboundTls::unset; }), "what is demanded of the next hop");
  if (const auto names = is(OutboundTls::verify, OutboundTls::verify); !names.empty())
    example("smtp_tls_CAfile", "/etc/ssl/certs/ca-certificates.crt",
            some_of(names) + ": whose server certificates count; without this or smtp_tls_CApath none does, and the mail waits");
  if (const auto names = is(OutboundTls::dane, OutboundTls::dane_only); !names.empty())
    main("smtp_dns_support_level", "dnssec", some_of(names) + ": DANE needs this, and a resolver on this machine that validates");
  if (const auto names = is(OutboundTls::fingerprint, OutboundTls::fingerprint); !names.empty())
    main("smtp_tls_fingerprint_digest", "sha256", some_of(names) + ": the kind of their fingerprints");
  const auto demanding = with([](const auto& c) { return c.tls >= OutboundTls::encrypt; });
  if (!demanding.empty() && host_.version >= PostfixVersion{3, 10, 0})
    main("tls_required_enable", "no", some_of(demanding) + ": a sender's header \"TLS-Required: no\" would undo what is demanded");
}

void Writer::transports() {
  std::vector<std::string> done;  // connectors that share a transport have the same certificate
  for (const auto& c : policy_.outbound) {
    if (!c.enabled || c.client_certificate.empty() || std::find(done.begin(), done.end(), c.transport) != done.end()) continue;
    done.push_back(c.transport);
    const auto service = c.transport + "/unix";
    const auto add = [&](std::string name, std::string value, std::string reason) {
      lines.push_back({Place::service, service, std::move(name), std::move(value), std::move(reason)});
    };
    add("", c.transport + " unix - - - - - smtp",
        "Mail of " + c.name + " presents our certificate; by a transport of its own, so that nobody else is shown it");
    add("smtp_tls_cert_file", verbatim(c.client_certificate), "Our certificate for " + c.name);
    add("smtp_tls_key_file", verbatim(c.client_key), "Its key, readable by root alone");
    add("smtp_tls_chain_files", "", "Certificates named there in main.cf would win");
    strip_tags(c.transport, Place::service);
    // A message that a rule took keeps its next hop in the queue; the map knows that no more once a reload has replaced it.
    const auto reason = "So much is demanded of a next hop, too, that " + c.name + " had when the mail was queued and has no longer";
    const auto shares = [&](const auto& other) { return other.enabled && other.transport == c.transport; };
    const auto all = [&](const auto& holds) {
      return std::none_of(policy_.outbound.begin(), policy_.outbound.end(), [&](const auto& other) { return shares(other) && !holds(other); });
    };
    if (c.tls == OutboundTls::verify && !c.tls_domains.empty() && all([&](const auto& other) { return tls_policy_of(other) == tls_policy_of(c); })) {
      const auto demanded = tls_policy_of(c), names = demanded.substr(demanded.find('=') + 1);
      add("smtp_tls_security_level", "secure", reason);
      add("smtp_tls_secure_cert_match", names.substr(0, names.find(' ')), "The names that its certificate must have");
    } else if (all([](const auto& other) { return other.tls >= OutboundTls::encrypt; })) {
      add("smtp_tls_security_level", "encrypt", reason);
    }
  }
}

// What other organisations get shall not show who of ours sent what from which address; our own servers need to know. So does a content
// filter on this machine, but loopback may as well be the near end of a tunnel: the administrator knows.
void Writer::strip_tags(const std::string& transport, Place place) {
  const auto keeps = [](const auto& c) { return c.organization && c.recipient_domains.empty(); };
  const auto is_far = [](const auto& host) { return !host.address || !is_loopback(*host.address); };
  const auto own = enabled_names(policy_.outbound, [&](const auto& c) { return c.transport == transport && keeps(c); });
  const auto others = enabled_names(policy_.outbound, [&](const auto& c) { return c.transport == transport && !keeps(c); });
  const auto far = enabled_names(policy_.outbound, [&](const auto& c) {
    return c.transport == transport && (c.smart_hosts.empty() || std::any_of(c.smart_hosts.begin(), c.smart_hosts.end(), is_far));
  });
  const bool stock = transport == "smtp", here = !stock && far.empty();
  if (service_.signing_keys.empty() || !(stock || !others.empty())) return;
  std::string reason = "Trust tags are taken off mail that leaves; header checks of yours belong behind this, with a comma between";
  if (!own.empty()) reason += ". Mail of " + some_of(own) + " would lose them as well: give it a transport of its own first";
  if (here) reason += ". Not if a filter on this machine listens at the next hop of " + some_of(others) + ": it needs them";
  lines.push_back({place, transport + "/unix", "smtp_header_checks", "regexp:{{" + header_pattern(policy_.header_prefix + "-Trust") + " IGNORE}}",
                   std::move(reason), !own.empty() || here});
}

void Writer::tags() {
  std::vector<std::string> done{"smtp"};
  for (const auto& c : policy_.outbound)  // those that are new have it already
    if (c.enabled && !c.client_certificate.empty()) done.push_back(c.transport);
  if (std::find(done.begin() + 1, done.end(), "smtp") == done.end()) strip_tags("smtp", Place::stock);
  for (const auto& c : policy_.outbound) {
    if (!c.enabled || std::find(done.begin(), done.end(), c.transport) != done.end()) continue;
    done.push_back(c.transport);
    strip_tags(c.transport, Place::stock);
  }
}

void Writer::listeners() {
  // Where an exemption names the listener it is chosen before a grant that does not.
  const auto is_asked = [this](const std::string& listener) {
    return std::any_of(policy_.inbound.begin(), policy_.inbound.end(), [&](const auto& c) {
      return c.enabled && !c.is_partner() && std::find(c.listeners.begin(), c.listeners.end(), listener) != c.listeners.end();
    });
  };
  for (const auto& listener : policy_.listeners) {
    const auto add = [&](std::string name, std::string value, std::string reason) {
      lines.push_back({Place::listener, listener.name, std::move(name), std::move(value), std::move(reason)});
    };
    add("milter_macro_daemon_name", verbatim(listener.name), "By this name the connectors know the listener");
    if (!decides_relay() || !is_asked(listener.name)) continue;
    const auto policy = endpoint(service_.policy->address, host_.queue_directory);
    add("smtpd_relay_restrictions", relay_restrictions(listener.name),
        "As in main.cf, for grants that are valid on this listener only" + once_open("policy") + policy.caution);
  }
}

void Writer::services_without_milter() {
  std::vector<std::string> names{policy_.header_prefix, policy_.header_prefix + "-*"};
  names.insert(names.end(), policy_.strip_headers.begin(), policy_.strip_headers.end());
  for (const auto& c : policy_.inbound)
    for (const auto& header : c.add_headers)
      if (c.enabled && (header.name.starts_with("X-") || header.name.starts_with("x-")) &&
          std::find(names.begin(), names.end(), header.name) == names.end())
        names.push_back(header.name);
  std::string checks;
  for (const auto& name : names) checks.append(checks.empty() ? "" : ", ").append("{" + header_pattern(name) + " IGNORE}");
  const std::string service = "cleanup-no-milter";
  const auto add = [&](std::string name, std::string value, std::string reason) {
    lines.push_back({Place::without_milter, service + "/unix", std::move(name), std::move(value), std::move(reason)});
  };
  add("", service + " unix n - - - 0 cleanup", "Removes the headers that the milter would have removed");
  add("header_checks", "regexp:{" + checks + "}", "Forged ones, in any spelling");
  add("nested_header_checks", "", "Attached messages stay as they are");
  lines.push_back({Place::without_milter, "", "cleanup_service_name", service, "Sends the mail of such an smtpd service there"});
}

}  // namespace

std::optional<PostfixVersion> PostfixVersion::parse(std::string_view text) {
  PostfixVersion out;
  unsigned* const parts[] = {&out.major, &out.minor, &out.patch};
  const char* at = text.data();
  const char* const end = text.data() + text.size();
  for (std::size_t i = 0; i < 3; ++i) {
    if (i > 0) {
      if (at == end || *at != '.') break;
      ++at;
    }
    const auto [next, error] = std::from_chars(at, end, *parts[i]);
    if (error != std::errc{}) return std::nullopt;
    at = next;
    if (i == 0 && (at == end || *at != '.')) return std::nullopt;
  }
  return at == end || *at == '-' ? std::optional(out) : std::nullopt;
}

std::vector<PostfixLine> postfix_lines(const PolicyData& policy, const config::Service& service, const PostfixHost& host) {
  Writer writer(policy, service, host);
  writer.milters();
  writer.smuggling();
  writer.tls();
  writer.client_certificates();
  writer.relay();
  writer.routes();
  writer.rules();
  writer.outbound_tls();
  writer.transports();
  writer.tags();
  writer.listeners();
  writer.services_without_milter();
  return std::move(writer.lines);
}

}  // namespace cm::ctl

// The filtering provider in front of us, mailboxes in a cloud tenant, printers and applications, everything out through a provider.
#include "ctl/output.h"
#include "ctl/scenario_fields.h"

namespace cm::ctl {
namespace {

constexpr std::string_view cloud_certificate = "mail.protection.outlook.com";

void set_addresses(ConnectorText& out, const Answers& answers) {
  if (has(answers, "source")) out.set("source_ips", list_of(many(answers, "source")));
  if (has(answers, "certificate")) out.set("certificates", list_of(many(answers, "certificate")), "names (CN) of verified client certificates");
}

// contoso.example is contoso-example.mail.protection.outlook.com, where mail for a tenant arrives.
std::string tenant_host(const Beside& beside) {
  auto name = own_domain(beside);
  for (char& c : name)
    if (c == '.') c = '-';
  return "[" + name + "." + std::string(cloud_certificate) + "]";
}

ConnectorText from_cloud(const Answers& answers, Beside& beside) {
  auto out = begin(answers, beside, "from-cloud", false, true);
  out.comments = {"From the tenant: the certificate is every tenant's, so the header says whose mail it is; without it the mail is a stranger's."};
  out.set("type", config_string("on_premises"));
  out.set("certificates", list_of({std::string(cloud_certificate)}));
  auto values = many(answers, "originator");
  if (values.empty()) {
    for (const auto& domain : beside.domains)
      if (!domain.domain.empty()) values.push_back(domain.domain);
    values.push_back(one(answers, "tenant"));
  }
  out.set("require_header", "{ name = \"X-OriginatorOrg\"; values = " + list_of(values) + "; }");
  return out;
}

ConnectorText to_cloud(const Answers& answers, Beside& beside) {
  auto out = begin(answers, beside, "to-cloud", true, true);
  out.comments = {"To mailboxes in the tenant: their addresses are rewritten or forwarded to this domain."};
  out.claims = {one(answers, "tenant")};
  out.set("recipient_domains", list_of(out.claims));
  out.set("smart_hosts", list_of({has(answers, "smart-host") ? one(answers, "smart-host") : tenant_host(beside)}));
  out.set("tls", config_string("verify"));
  out.set("tls_domains", list_of({std::string(cloud_certificate)}));
  return out;
}

}  // namespace

Made make_provider(const Answers& answers, const Beside& given) {
  if (!has(answers, "source") && !has(answers, "certificate"))
    return {{}, {}, "say how the provider is known: --source (the addresses it delivers from) or --certificate", {}};
  auto beside = given;
  auto out = begin(answers, beside, "provider", false, false);
  out.comments = {"The provider lock: whoever is not the provider, one of our own or a device of ours is refused."};
  out.set("type", config_string("partner"));
  out.set("sender_domains", list_of({"*"}));
  set_addresses(out, answers);
  if (has(answers, "listener")) out.set("listeners", list_of(many(answers, "listener")), "declared in listeners of the main file");
  if (yes(answers, "require-tls")) out.set("require_tls", "true");
  const bool enforced = one(answers, "mode") == "enforce";
  return finished(
      "Own servers behind a filtering provider, made by connectorctl new provider.", {out},
      {std::string(enforced ? "It is enforced from the reload on. Before that" : "Before it is enforced") +
           ": connectors for everything else that comes in directly (connectorctl new devices; types on_premises for servers "
           "of ours and relay for the backup MX)." +
           (enforced
                ? ""
                : " The log shows them as audit=would-reject/" + std::string(has(answers, "source") ? "source/" : "certificate/") + out.name + "."),
       "Partners with addresses or certificates whose mail comes through the provider, too, get via = [ \"" + out.name + "\" ].",
       "At the provider: it delivers to this host alone, over TLS if it can; ask for all of its addresses, IPv6 too, and to be told of changes.",
       "The MX record points to the provider and to nothing else.",
       "Try it:", try_coming_in(answers, someone_at("*"), "someone@" + own_domain(given), yes(answers, "require-tls"))},
      given);
}

Made make_hybrid(const Answers& answers, const Beside& given) {
  auto beside = given;
  const auto own = own_domain(given);
  const std::vector<ConnectorText> connectors{from_cloud(answers, beside), to_cloud(answers, beside)};
  return finished(
      "Mailboxes partly in a cloud tenant (Exchange Online), made by connectorctl new hybrid.", connectors,
      {"Postfix must ask for client certificates and trust the CA of " + std::string(cloud_certificate) + ": connectorctl postfix has the lines.",
       "Mail of users who moved is forwarded or aliased to their address in " + one(answers, "tenant") + ".",
       "The tenant's administrator makes the other ends (MAIL-HOST is this host, with a certificate of that name of a public CA):",
       "   New-OutboundConnector -Name 'To " + own + "' -ConnectorType OnPremises -RecipientDomains " + own +
           " -UseMXRecord $false -SmartHosts MAIL-HOST -TlsSettings DomainValidation -TlsDomain MAIL-HOST",
       "   New-InboundConnector -Name 'From " + own +
           "' -ConnectorType OnPremises -SenderDomains * -RequireTls $true -TlsSenderCertificateName MAIL-HOST",
       "The tenant's X-MS-Exchange headers are removed; if filters behind this host need them: accept_headers = true."},
      given);
}

Made make_devices(const Answers& answers, const Beside& given) {
  if (!has(answers, "source") && !has(answers, "login")) return {{}, {}, "say how the devices are known: --source (their addresses) or --login", {}};
  auto beside = given;
  auto out = begin(answers, beside, "devices", false, true);
  out.comments = {"Printers, scanners, applications: a grant within narrow limits, for machines that prove little can be trusted little."};
  out.set("type", config_string("device"));
  if (has(answers, "source")) out.set("source_ips", list_of(many(answers, "source")));
  if (has(answers, "login")) out.set("auth_users", list_of(many(answers, "login")));
  if (has(answers, "sender")) out.set("senders", list_of(many(answers, "sender")));
  out.set("recipients", has(answers, "recipient") ? list_of(many(answers, "recipient")) : config_string("internal"));
  out.set("max_message_size", config_string(has(answers, "size") ? one(answers, "size") : "30M"));
  const auto rate = has(answers, "rate") ? one(answers, "rate") : "30";
  out.set("rate_limit", "{ messages = " + rate + "; per = \"1m\"; key = \"source\"; }", "one that was taken over sends no more than that");
  std::vector<std::string> advice{"On each device: this host as mail server, port 25, a whole sender address" +
                                  (has(answers, "sender") ? " (" + join(many(answers, "sender"), ", ") + ")" : " in your domains") +
                                  (has(answers, "login") ? ", the login over TLS." : ", no login.")};
  if (has(answers, "recipient") && one(answers, "recipient") != "internal" && !given.policy)
    advice.emplace_back(
        "For recipients outside Postfix must let them relay: policy = { }; in the main file, then mynetworks needs them no more (outbound.md).");
  if (has(answers, "source"))
    advice.emplace_back((one(answers, "mode") == "audit" ? "Once it is enforced (the line mode taken out), take" : "Take") +
                        std::string(" the addresses out of mynetworks: that grants more than this connector."));
  advice.emplace_back("Try it:");
  const auto own = own_domain(given), to = has(answers, "recipient") ? one(answers, "recipient") : "internal";
  advice.emplace_back(try_coming_in(answers, has(answers, "sender") ? address_in(one(answers, "sender"), "scanner") : "scanner@" + own,
                                    to == "internal" ? "someone@" + own
                                    : to == "any"    ? someone_at("*")
                                                     : address_in(to, "someone"),
                                    false));
  return finished("Printers and applications, made by connectorctl new devices.", {out}, advice, given);
}

Made make_smarthost(const Answers& answers, const Beside& given) {
  auto beside = given;
  auto out = begin(answers, beside, "to-provider", true, false);
  out.comments = {"Everything that is for nobody of ours and that no other connector is about."};
  out.claims = {"*"};
  out.set("recipient_domains", list_of(out.claims));
  out.set("smart_hosts", list_of(many(answers, "smart-host")));
  const auto tls = has(answers, "tls") ? one(answers, "tls") : "verify";
  out.set("tls", config_string(tls));
  if (has(answers, "tls-domain") && tls != "verify") return {{}, {}, "--tls-domain is for --tls verify", {}};
  if (has(answers, "tls-domain")) out.set("tls_domains", list_of(many(answers, "tls-domain")), "names that its certificate may have");
  return finished("Everything through a provider, made by connectorctl new smarthost.", {out},
                  {"If it asks for a login: smtp_sasl_auth_enable and smtp_sasl_password_maps of Postfix; the password stands in no config of ours.",
                   "Take relayhost out of main.cf when this is enforced, so that there is one place that says where mail goes.",
                   "At the provider: it must take mail from this host for your sender domains; SPF of these domains must name the provider.",
                   "Try it:", try_going_out("you@" + own_domain(given), someone_at("*"))},
                  given);
}

}  // namespace cm::ctl

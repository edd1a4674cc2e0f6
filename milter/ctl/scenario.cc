// The table of scenarios: a row each, with the questions in the order in which they are asked.
#include "ctl/scenario.h"

#include <algorithm>

#include "ctl/scenario_fields.h"

namespace cm::ctl {
namespace {

bool partner_in(const Answers& a) { return one(a, "direction") != "out"; }
bool partner_out(const Answers& a) { return one(a, "direction") != "in"; }
bool partner_proof(const Answers& a) { return partner_in(a) && (has(a, "source") || has(a, "certificate")); }
bool verifies(const Answers& a) { return partner_out(a) && (!has(a, "tls") || one(a, "tls") == "verify"); }

constexpr auto which_sources = "Addresses, prefixes or ranges that its mail comes from";
constexpr auto which_certificates = "Names in its client certificate, such as mail.d.example";
constexpr auto which_tls_names = "Names that the next hop's certificate may have, if other than its own";

const Field partner_fields[] = {
    {.option = "domain",
     .value = "DOMAIN",
     .question = "The partner's mail domains, such as .d.example (with those below it)",
     .many = true,
     .required = true,
     .why_not = why_no_domain},
    {.option = "direction", .value = "WAY", .question = "Which mail: in, out or both", .usual = "both", .why_not = why_no_direction},
    {.option = "source", .value = "IP", .question = which_sources, .many = true, .is_asked = partner_in, .why_not = why_no_source},
    {.option = "certificate", .value = "NAME", .question = which_certificates, .many = true, .is_asked = partner_in, .why_not = why_no_certificate},
    {.option = "require-tls",
     .value = "yes|no",
     .question = "Must mail come in over TLS",
     .usual = "yes",
     .is_asked = partner_in,
     .why_not = why_no_yes},
    {.option = "via",
     .value = "NAME",
     .question = "Connectors that its mail may come through, too, such as the provider's",
     .many = true,
     .is_asked = partner_proof,
     .why_not = why_no_name},
    {.option = "smart-host",
     .value = "HOST",
     .question = "Next hops for mail to it, such as [gw.d.example]; without any its MX",
     .many = true,
     .is_asked = partner_out,
     .why_not = why_no_host},
    {.option = "tls",
     .value = "LEVEL",
     .question = "TLS going out: verify, encrypt, dane, dane_only or opportunistic",
     .usual = "verify",
     .is_asked = partner_out,
     .why_not = why_no_outbound_tls},
    {.option = "tls-domain", .value = "NAME", .question = which_tls_names, .many = true, .is_asked = verifies, .why_not = why_no_certificate},
    name_field,
    mode_field};
const Field provider_fields[] = {
    {.option = "source", .value = "IP", .question = which_sources, .many = true, .why_not = why_no_source},
    {.option = "certificate", .value = "NAME", .question = which_certificates, .many = true, .why_not = why_no_certificate},
    {.option = "require-tls", .value = "yes|no", .question = "Must its mail come over TLS", .usual = "no", .why_not = why_no_yes},
    {.option = "listener",
     .value = "NAME",
     .question = "Listeners of the main file that it holds for; without any all",
     .many = true,
     .why_not = why_no_login},
    name_field,
    mode_field};
const Field hybrid_fields[] = {{.option = "tenant",
                                .value = "DOMAIN",
                                .question = "The tenant's routing domain, such as contoso.mail.onmicrosoft.com",
                                .required = true,
                                .why_not = why_no_certificate},
                               {.option = "originator",
                                .value = "DOMAIN",
                                .question = "Values of X-OriginatorOrg in its mail; without any your domains and the tenant's",
                                .many = true,
                                .why_not = why_no_certificate},
                               {.option = "smart-host",
                                .value = "HOST",
                                .question = "The host that takes the tenant's mail; without any it is made from your first domain",
                                .why_not = why_no_host},
                               name_field,
                               mode_field};
const Field devices_fields[] = {
    {.option = "source", .value = "IP", .question = "Addresses, prefixes or ranges of the devices", .many = true, .why_not = why_no_source},
    {.option = "login", .value = "USER", .question = "Logins that they use, if any", .many = true, .why_not = why_no_login},
    {.option = "sender",
     .value = "ADDRESS",
     .question = "Sender addresses that they may use; without any all of your domains",
     .many = true,
     .why_not = why_no_sender},
    {.option = "recipient",
     .value = "ADDRESS",
     .question = "Recipients: internal, any, domains or addresses",
     .many = true,
     .usual = "internal",
     .why_not = why_no_recipient},
    {.option = "size", .value = "SIZE", .question = "Largest message", .usual = "30M", .why_not = why_no_size},
    {.option = "rate", .value = "N", .question = "Messages a minute of one device", .usual = "30", .why_not = why_no_number},
    name_field,
    mode_field};
const Field smarthost_fields[] = {
    {.option = "smart-host",
     .value = "HOST",
     .question = "The provider's hosts, such as [smtp.d.example]:587",
     .many = true,
     .required = true,
     .why_not = why_no_host},
    {.option = "tls",
     .value = "LEVEL",
     .question = "TLS: verify, encrypt, dane, dane_only or opportunistic",
     .usual = "verify",
     .why_not = why_no_outbound_tls},
    {.option = "tls-domain", .value = "NAME", .question = which_tls_names, .many = true, .is_asked = verifies, .why_not = why_no_certificate},
    name_field,
    mode_field};

const Scenario table[] = {
    {"partner", "another organisation's mail only from its servers, only over TLS, only with its certificate; coming in, going out, or both",
     partner_fields, make_partner},
    {"provider", "own servers behind a filtering provider: nobody else may deliver from the internet", provider_fields, make_provider},
    {"hybrid", "mailboxes partly in a cloud tenant (Exchange Online)", hybrid_fields, make_hybrid},
    {"devices", "printers, scanners and applications that send mail", devices_fields, make_devices},
    {"smarthost", "everything leaves through a provider", smarthost_fields, make_smarthost}};

}  // namespace

std::span<const Scenario> scenarios() { return table; }

std::vector<const Field*> all_fields() {
  std::vector<const Field*> out;
  for (const auto& scenario : table)
    for (const auto& field : scenario.fields)
      if (std::none_of(out.begin(), out.end(), [&](const Field* f) { return f->option == field.option; })) out.push_back(&field);
  return out;
}

}  // namespace cm::ctl

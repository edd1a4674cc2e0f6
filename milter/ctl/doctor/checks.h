// The checks, one function a subject; examine.cc has their table. Each reads the Case and adds what it finds; none knows another.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ctl/connectors.h"
#include "ctl/doctor/finding.h"

namespace cm::ctl::doctor {

void check_listeners_ask(const Case& c, Findings& out);        // smtpd_milters of each smtpd, and what takes it away
void check_local_mail(const Case& c, Findings& out);           // non_smtpd_milters
void check_after_filters(const Case& c, Findings& out);        // content_filter, smtpd_proxy_filter and what takes mail back
void check_milter_maps(const Case& c, Findings& out);          // smtpd_milter_maps
void check_macros(const Case& c, Findings& out);               // milter_macro_defaults
void check_client_certificates(const Case& c, Findings& out);  // asked for, and by whom they may be signed
void check_fingerprints(const Case& c, Findings& out);         // permit_tls_clientcerts
void check_tls_offered(const Case& c, Findings& out);
void check_server_certificate(const Case& c, Findings& out);
void check_claimed_addresses(const Case& c, Findings& out);  // XCLIENT, the PROXY protocol
void check_smuggling(const Case& c, Findings& out);          // bare newlines
void check_mynetworks(const Case& c, Findings& out);
void check_relay_in_audit(const Case& c, Findings& out);  // grants in audit whose clients nothing else lets relay
void check_ipv6(const Case& c, Findings& out);
void check_listener_names(const Case& c, Findings& out);
void check_domains(const Case& c, Findings& out);
void check_relay(const Case& c, Findings& out);  // smtpd_relay_restrictions
void check_maps(const Case& c, Findings& out);
void check_outbound_settings(const Case& c, Findings& out);  // what else main.cf needs for mail that leaves
void check_services(const Case& c, Findings& out);           // master.cf: services for outbound connectors and their settings
void check_daemon(const Case& c, Findings& out);
void check_sockets(const Case& c, Findings& out);

/// Our entry in a list of milters.
struct MilterUse {
  Endpoint endpoint;
  std::size_t position;  // 0: the first
};
std::optional<MilterUse> our_milter(const Case& c, const Instance& instance, const Service& service, std::string_view name);
/// Its mail is shown to the connectors.
bool is_judged(const Case& c, const Instance& instance, const Service& smtpd);
/// An smtpd that only this machine reaches, and whose mail is not judged because that was switched off for it.
bool takes_mail_back(const Case& c, const Instance& instance, const Service& smtpd);
/// Sockets of the config, by name, at which the daemon does not listen because it has not been started since they are there.
std::vector<std::string> sockets_to_come(const Case& c);
/// The value that the config needs for a parameter of main.cf; empty if none.
std::string needed_value(const Instance& instance, std::string_view name);

struct Place {
  const Instance* instance;
  const Service* service;
};
/// Every smtpd but those that take mail back from filters: what holds for listeners is asked of these, whether their mail is judged or not.
std::vector<Place> listeners(const Case& c);
/// Those at which an inbound connector is valid.
std::vector<Place> listeners_of(const Case& c, const InboundConnector& connector);

}  // namespace cm::ctl::doctor

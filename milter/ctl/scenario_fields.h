// What several scenarios ask, and how an answer is held against the config's own parsers.
#pragma once

#include "ctl/connector_text.h"
#include "ctl/scenario.h"

namespace cm::ctl {

std::string why_no_source(std::string_view text);
std::string why_no_certificate(std::string_view text);
std::string why_no_domain(std::string_view text);
std::string why_no_sender(std::string_view text);
std::string why_no_recipient(std::string_view text);
std::string why_no_host(std::string_view text);
std::string why_no_size(std::string_view text);
std::string why_no_number(std::string_view text);
std::string why_no_user(std::string_view text);
std::string why_no_login(std::string_view text);
std::string why_no_name(std::string_view text);
std::string why_no_mode(std::string_view text);
std::string why_no_outbound_tls(std::string_view text);
std::string why_no_direction(std::string_view text);
std::string why_no_yes(std::string_view text);

extern const Field name_field, mode_of_restrictions, mode_of_grants;

bool has(const Answers& answers, std::string_view option);
/// The first value, or empty.
std::string one(const Answers& answers, std::string_view option);
const std::vector<std::string>& many(const Answers& answers, std::string_view option);
bool yes(const Answers& answers, std::string_view option);

/// Begins a connector: a name that is free (of --name or `usual`), and the mode: `grants` work at once, everything else is tried first.
ConnectorText begin(const Answers& answers, Beside& beside, std::string_view usual, bool outbound, bool grants);
/// The file: `what` above the connectors, `advice` below, a line each; an empty line stands between two subjects.
Made finished(std::string_view what, const std::vector<ConnectorText>& connectors, const std::vector<std::string>& advice, const Beside& beside);
/// "contoso.example", the first of our own domains; a stand-in if none is known.
std::string own_domain(const Beside& beside);

/// "someone@DOMAIN" of a domain pattern.
std::string someone_at(std::string_view domain);
/// An address that meets an address pattern; `local` where it has none.
std::string address_in(std::string_view text, std::string_view local);
/// The command that asks `explain` about mail that meets the answers, as a line of advice.
std::string try_coming_in(const Answers& answers, const std::string& from, const std::string& to, bool over_tls);
std::string try_going_out(const std::string& from, const std::string& to);

Made make_partner(const Answers& answers, const Beside& beside);
Made make_provider(const Answers& answers, const Beside& beside);
Made make_hybrid(const Answers& answers, const Beside& beside);
Made make_devices(const Answers& answers, const Beside& beside);
Made make_smarthost(const Answers& answers, const Beside& beside);

}  // namespace cm::ctl

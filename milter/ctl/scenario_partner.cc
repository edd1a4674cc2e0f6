// A partner with restrictions, coming in, going out, or both.
#include <algorithm>

#include "ctl/output.h"
#include "ctl/scenario_fields.h"

namespace cm::ctl {
namespace {

bool comes_in(const Answers& answers) { return one(answers, "direction") != "out"; }
bool goes_out(const Answers& answers) { return one(answers, "direction") != "in"; }
bool has_proof(const Answers& answers) { return has(answers, "source") || has(answers, "certificate"); }
bool demands_tls(const Answers& answers) { return one(answers, "require-tls") != "no"; }

bool is_over_tls(const Answers& answers) { return demands_tls(answers) || has(answers, "certificate"); }

// Where mail of every sender must prove itself, its mail may come that way.
std::vector<std::string> via_of(const Answers& answers, const Beside& beside) {
  return has(answers, "via") || !has_proof(answers) ? many(answers, "via") : beside.locks;
}

// The first domain without its wildcard; empty for "*".
std::string plain_domain(const Answers& answers) {
  const auto& first = many(answers, "domain").front();
  return first.substr(std::min(first.size(), first.find_first_not_of("*.")));
}

ConnectorText inbound(const Answers& answers, Beside& beside, const std::string& usual) {
  auto out = begin(answers, beside, usual, false, false);
  out.comments = {"Coming in: mail of these sender domains must meet all of this, or it is refused."};
  out.set("type", config_string("partner"));
  out.set("sender_domains", list_of(many(answers, "domain")), "the envelope sender's");
  if (has(answers, "source")) out.set("source_ips", list_of(many(answers, "source")));
  if (has(answers, "certificate")) out.set("certificates", list_of(many(answers, "certificate")), "names (CN) of verified client certificates");
  if (demands_tls(answers)) out.set("require_tls", "true");
  if (!demands_tls(answers) && has(answers, "certificate")) out.set("require_tls", "true", "no certificate without TLS");
  const auto via = via_of(answers, beside);
  if (!via.empty()) out.set("via", list_of(via), "its mail may come through these, too");
  return out;
}

ConnectorText outbound(const Answers& answers, Beside& beside, const std::string& usual) {
  auto out = begin(answers, beside, "to-" + usual, true, false);
  out.comments = {"Going out: the next hop must meet this, or the mail waits in the queue."};
  out.claims = many(answers, "domain");
  out.set("recipient_domains", list_of(out.claims));
  if (has(answers, "smart-host")) out.set("smart_hosts", list_of(many(answers, "smart-host")));
  const auto tls = has(answers, "tls") ? one(answers, "tls") : "verify";
  out.set("tls", config_string(tls));
  if (has(answers, "tls-domain") && tls == "verify")
    out.set("tls_domains", list_of(many(answers, "tls-domain")), "names that its certificate may have");
  return out;
}

// "from 203.0.113.0/24 alone, with ..., or through ...": what its mail must meet.
std::string way_in(const Answers& answers, const std::vector<std::string>& via) {
  std::string out;
  if (has(answers, "source")) out += " from " + join(many(answers, "source"), ", ") + " alone";
  if (has(answers, "certificate"))
    out += (out.empty() ? "" : ",") + (" with a client certificate named " + join(many(answers, "certificate"), " or "));
  if (!via.empty()) out += (out.empty() ? "" : ", or") + (" through the connector" + std::string(via.size() > 1 ? "s " : " ")) + join(via, ", ");
  if (is_over_tls(answers)) out += (out.empty() ? "" : ",") + std::string(" over TLS (STARTTLS) alone");
  return out;
}

void advise_coming_in(const Answers& answers, const Beside& beside, const std::string& name, std::vector<std::string>& out) {
  const auto own = own_domain(beside);
  const auto via = via_of(answers, beside);
  out.emplace_back("Tell the partner: " + std::string(one(answers, "mode") == "enforce" ? "from now on" : "once the line mode is taken out,") +
                   " mail of " + join(many(answers, "domain"), ", ") + " reaches us" + way_in(answers, via) +
                   ". Ask for a word before its servers change, and about services that send in its name.");
  if (is_over_tls(answers) && has_proof(answers))
    for (const auto& lock : via)
      if (std::find(beside.clear.begin(), beside.clear.end(), lock) != beside.clear.end())
        out.emplace_back("What comes through " + lock + " must come over TLS, too, and " + lock +
                         " takes clear text: see in the log that all of it uses TLS, then set require_tls = true there.");
  if (!plain_domain(answers).empty())
    out.emplace_back("When the log shows no more audit=would-reject/header_from/" + name +
                     ", set check_header_from = \"enforce\" in it: until then mail with another envelope sender that forges these domains in From, "
                     "which is what a reader sees, is delivered. Ask first about mailing lists and services that send in its name.");
  if (has(answers, "certificate"))
    out.emplace_back("The certificate must be good for clients, of a CA that Postfix trusts (smtpd_tls_CAfile); connectorctl postfix has the lines.");
  out.emplace_back("If the partner uses Exchange Online, its administrator makes the other end:");
  out.emplace_back("   New-OutboundConnector -Name 'To " + own + "' -ConnectorType Partner -RecipientDomains " + own +
                   " -TlsSettings DomainValidation "
                   "-TlsDomain NAME-IN-OUR-CERTIFICATE");
}

// `name`: of the inbound connector; empty: there is none. `goes`: there is one going out.
std::vector<std::string> advice(const Answers& answers, const Beside& beside, const std::string& name, bool goes) {
  const auto own = own_domain(beside);
  std::vector<std::string> out;
  if (!name.empty()) advise_coming_in(answers, beside, name, out);
  if (goes) {
    out.emplace_back("Tell the partner which addresses and which certificate our mail comes with. In Exchange Online it can insist on them:");
    out.emplace_back("   New-InboundConnector -Name 'From " + own + "' -ConnectorType Partner -SenderDomains " + own +
                     " -RequireTls $true -RestrictDomainsToIPAddresses $true -SenderIPAddresses OUR-ADDRESSES");
  }
  out.emplace_back("Try it:");
  const auto its = someone_at(many(answers, "domain").front());
  if (!name.empty()) out.emplace_back(try_coming_in(answers, its, "someone@" + own, true));
  if (goes) out.emplace_back(try_going_out("you@" + own, its));
  return out;
}

}  // namespace

Made make_partner(const Answers& answers, const Beside& given) {
  auto beside = given;
  const bool in = comes_in(answers) && (has_proof(answers) || demands_tls(answers));
  const bool out = goes_out(answers) && (has(answers, "smart-host") || one(answers, "tls") != "opportunistic");
  if (!in && !out)
    return {
        {},
        "Anyone may send to us over opportunistic TLS, and Postfix sends so, too: without an address, a certificate, TLS or a next hop to insist on "
        "no connector is needed.",
        {},
        {}};
  if (has(answers, "tls-domain") && has(answers, "tls") && one(answers, "tls") != "verify") return {{}, {}, "--tls-domain is for --tls verify", {}};
  const auto domain = plain_domain(answers);
  const auto usual = domain.empty() ? std::string("everyone") : domain.substr(0, domain.find('.'));
  std::vector<ConnectorText> connectors;
  if (in) connectors.push_back(inbound(answers, beside, usual));
  if (out) connectors.push_back(outbound(answers, beside, usual));
  return finished("A partner with restrictions, made by connectorctl new partner.", connectors,
                  advice(answers, given, in ? connectors.front().name : "", out), given);
}

}  // namespace cm::ctl

// Macros to facts: what Postfix and Sendmail say, what an unknown MTA may not claim, and values that are too long.
#include <arpa/inet.h>
#include <netinet/in.h>

#define BOOST_TEST_DYN_LINK
#include <boost/test/unit_test.hpp>
#include <limits>
#include <map>

#include "policy/limits.h"
#include "session/mta.h"

namespace {

using namespace cm;
using namespace cm::session;

using Values = std::map<std::string, std::string>;

Macros macros(Values& values) {
  return {[](void* where, const char* name) -> const char* {
            const auto& all = *static_cast<Values*>(where);
            const auto found = all.find(name);
            return found == all.end() ? nullptr : found->second.c_str();
          },
          &values};
}

sockaddr_in v4(const char* text, std::uint16_t port = 4711) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  inet_pton(AF_INET, text, &address.sin_addr);
  return address;
}

Connection connection(Mta mta, Values values, const sockaddr_in& address) {
  return read_connection(mta, macros(values), reinterpret_cast<const sockaddr*>(&address));
}

MailEvent mail(Mta mta, Values values, std::vector<const char*> arguments) {
  arguments.push_back(nullptr);
  return read_mail(mta, macros(values), arguments.data());
}

Tls tls(Mta mta, Values values) {
  values.emplace("{tls_version}", "TLSv1.3");
  return mail(mta, values, {"<a@b.example>"}).tls;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mta)

BOOST_AUTO_TEST_CASE(what_mail_says_about_notifications) {
  const auto dsn = [](std::vector<const char*> arguments) { return mail(Mta::postfix, {}, std::move(arguments)).dsn_arguments; };
  BOOST_TEST(dsn({"<a@b.example>", "SIZE=5", "ret=HDRS", "BODY=8BITMIME", "ENVID=x+2By", "RETURN=1", "AUTH=<>"}) == "ret=HDRS ENVID=x+2By");
  BOOST_TEST(dsn({"<a@b.example>"}) == "");
  BOOST_TEST(dsn({}) == "");
  const auto longest = "ENVID=" + std::string(limits::dsn_argument_bytes - 6, 'x'), longer = longest + "x";
  BOOST_TEST(dsn({"<>", longest.c_str()}) == longest);
  BOOST_TEST(dsn({"<>", longer.c_str(), "RET=FULL"}) == "RET=FULL");
  BOOST_TEST(dsn({"<>", "ENVID=a b", "ENVID=a\x01", "ENVID=\xc3\xbc"}) == "");
  BOOST_TEST((mail(Mta::postfix, {{"j", "mail.us.example"}}, {"<>"}).host == "mail.us.example"));
}

BOOST_AUTO_TEST_CASE(the_mta_is_recognised_by_its_version) {
  const auto of = [](Values values) { return recognise(macros(values)); };
  BOOST_TEST((of({{"v", "Postfix 3.7.11"}}) == Mta::postfix));
  BOOST_TEST((of({{"v", "8.17.1.9"}}) == Mta::sendmail));
  BOOST_TEST((of({{"v", "postfix 3.7"}}) == Mta::unknown));
  BOOST_TEST((of({{"v", ""}}) == Mta::unknown));
  BOOST_TEST((of({}) == Mta::unknown));
}

BOOST_AUTO_TEST_CASE(the_client_is_the_address_of_the_connection) {
  const auto c = connection(Mta::postfix, {{"{daemon_name}", "mx"}, {"{client_port}", "4711"}}, v4("192.0.2.9"));
  BOOST_TEST(c.client->to_string() == "192.0.2.9");
  BOOST_TEST(c.listener == "mx");
  BOOST_TEST(!c.local);
  sockaddr_in6 v6{};
  v6.sin6_family = AF_INET6;
  inet_pton(AF_INET6, "::ffff:192.0.2.9", &v6.sin6_addr);
  Values none;
  BOOST_TEST((read_connection(Mta::postfix, macros(none), reinterpret_cast<const sockaddr*>(&v6)).client == c.client));
}

BOOST_AUTO_TEST_CASE(no_address_is_no_client) {
  Values values{{"{daemon_name}", "mx"}, {"{client_port}", "0"}};
  const auto c = read_connection(Mta::postfix, macros(values), nullptr);
  BOOST_TEST(!c.client.has_value());
  BOOST_TEST(!c.local);
  sockaddr unix{};
  unix.sa_family = AF_UNIX;
  BOOST_TEST(!read_connection(Mta::postfix, macros(values), &unix).client.has_value());
}

BOOST_AUTO_TEST_CASE(local_submission_is_postfix_on_loopback_with_port_zero) {
  const Values zero{{"{daemon_name}", "mx"}, {"{client_port}", "0"}};
  const auto local = connection(Mta::postfix, zero, v4("127.0.0.1", 0));
  BOOST_TEST(local.local);
  BOOST_TEST(local.listener.empty());
  BOOST_TEST(!connection(Mta::postfix, zero, v4("192.0.2.9", 0)).local);
  BOOST_TEST(!connection(Mta::sendmail, zero, v4("127.0.0.1", 0)).local);
  BOOST_TEST(!connection(Mta::unknown, zero, v4("127.0.0.1", 0)).local);
  BOOST_TEST(!connection(Mta::postfix, {{"{client_port}", "25"}}, v4("127.0.0.1")).local);
  BOOST_TEST(!connection(Mta::postfix, {}, v4("127.0.0.1", 0)).local);
}

BOOST_AUTO_TEST_CASE(local_submission_is_sendmail_without_client_and_listener) {
  const auto without_address = [](Mta mta, Values values) { return read_connection(mta, macros(values), nullptr); };
  const auto local = without_address(Mta::sendmail, {{"{client_port}", "0"}, {"_", "root@localhost"}});
  BOOST_TEST(local.local);
  BOOST_TEST(local.client->to_string() == "127.0.0.1");
  BOOST_TEST(local.listener.empty());
  BOOST_TEST(!without_address(Mta::sendmail, {{"{client_port}", "0"}, {"{daemon_name}", "mx"}}).local);
  BOOST_TEST(!without_address(Mta::sendmail, {}).local);
  BOOST_TEST(!without_address(Mta::unknown, {{"{client_port}", "0"}}).local);
  BOOST_TEST(!without_address(Mta::postfix, {{"{client_port}", "0"}}).local);
  BOOST_TEST(!connection(Mta::sendmail, {{"{client_port}", "0"}}, v4("127.0.0.1", 0)).local);
}

BOOST_AUTO_TEST_CASE(postfix_names_only_certificates_it_verified) {
  const auto t = tls(Mta::postfix, {{"{cert_subject}", "Mail.Fabrikam.example."}, {"{cert_issuer}", "Some CA"}});
  BOOST_TEST((t.certificate == CertificateState::verified));
  BOOST_TEST(t.subject_name == "mail.fabrikam.example");
  BOOST_TEST(t.issuer == "Some CA");
  BOOST_TEST((tls(Mta::postfix, {}).certificate == CertificateState::absent));
  const auto nameless = tls(Mta::postfix, {{"{cert_subject}", ""}});
  BOOST_TEST((nameless.certificate == CertificateState::verified));
  BOOST_TEST(nameless.subject_name.empty());
}

BOOST_AUTO_TEST_CASE(without_tls_there_is_no_certificate) {
  const auto event = mail(Mta::postfix, {{"{cert_subject}", "mail.fabrikam.example"}}, {"<a@b.example>"});
  BOOST_TEST((event.tls.certificate == CertificateState::absent));
  BOOST_TEST(event.tls.version.empty());
}

BOOST_AUTO_TEST_CASE(sendmail_must_say_that_it_verified) {
  const Values names{{"{cert_subject}", "/CN=mail.fabrikam.example"}, {"{cn_subject}", "mail.fabrikam.example"}, {"{cn_issuer}", "Some+20CA"}};
  const auto with = [&](const char* verify) {
    auto values = names;
    values["{verify}"] = verify;
    return tls(Mta::sendmail, values);
  };
  BOOST_TEST((with("OK").certificate == CertificateState::verified));
  BOOST_TEST(with("OK").subject_name == "mail.fabrikam.example");
  BOOST_TEST(with("OK").issuer == "Some CA");
  for (const char* not_ok : {"FAIL", "TEMP", "PROTOCOL", "CONFIG", "SOFTWARE", "ok", "OKAY"})
    BOOST_TEST((with(not_ok).certificate == CertificateState::unverified), not_ok);
  for (const char* none : {"NO", "NOT", "NONE"}) BOOST_TEST((with(none).certificate == CertificateState::absent), none);
  BOOST_TEST((tls(Mta::sendmail, names).certificate == CertificateState::unverified));
}

BOOST_AUTO_TEST_CASE(an_unknown_mta_proves_no_certificate) {
  BOOST_TEST((tls(Mta::unknown, {{"{cert_subject}", "mail.fabrikam.example"}}).certificate == CertificateState::unverified));
  BOOST_TEST((tls(Mta::unknown, {{"{verify}", "OK"}, {"{cn_subject}", "m.example"}}).certificate == CertificateState::verified));
}

BOOST_AUTO_TEST_CASE(names_that_sendmail_could_not_read_meet_nothing) {
  const auto t = tls(Mta::sendmail, {{"{verify}", "OK"}, {"{cn_subject}", "BadCertificateTooLong"}, {"{cn_issuer}", "BadCertificateUnknown"}});
  BOOST_TEST(t.subject_name.empty());
  BOOST_TEST(t.issuer.empty());
}

BOOST_AUTO_TEST_CASE(long_values_are_never_cut) {
  const std::string name = std::string(250, 'a') + ".fabrikam.example";
  const auto t = tls(Mta::postfix, {{"{cert_subject}", name}, {"{cert_issuer}", std::string(257, 'c')}});
  BOOST_TEST((t.certificate == CertificateState::verified));
  BOOST_TEST(t.subject_name.empty());
  BOOST_TEST(t.subject == "(too long)");
  BOOST_TEST(t.issuer.empty());
  const auto event = mail(Mta::postfix, {{"{auth_authen}", std::string(257, 'l')}, {"{tls_version}", std::string(40, 'v')}}, {"<a@b.example>"});
  BOOST_TEST(event.login.empty());
  BOOST_TEST(event.tls.version == "unknown");
}

BOOST_AUTO_TEST_CASE(the_resolved_address_is_the_mtas) {
  BOOST_TEST((mail(Mta::postfix, {{"{mail_addr}", "victim@evil.example"}}, {"<victim%evil.example@us.example>"}).resolved == "victim@evil.example"));
  BOOST_TEST((mail(Mta::postfix, {{"{mail_addr}", ""}}, {"<>"}).resolved == ""));
  BOOST_TEST(!mail(Mta::postfix, {}, {"<a@b.example>"}).resolved.has_value());
  BOOST_TEST(!mail(Mta::postfix, {{"{mail_addr}", ""}}, {"<a@b.example>"}).resolved.has_value());
  BOOST_TEST(!mail(Mta::sendmail, {{"{mail_addr}", "anna"}}, {"<anna@us.example>"}).resolved.has_value());
  BOOST_TEST((mail(Mta::postfix, {{"{mail_addr}", "anna"}}, {"<anna>"}).resolved == "anna"));
}

BOOST_AUTO_TEST_CASE(sendmail_says_logins_in_xtext) {
  const auto login = [](Mta mta, const char* text) { return mail(mta, {{"{auth_authen}", text}}, {"<a@b.example>"}).login; };
  BOOST_TEST(login(Mta::sendmail, "scan+2B1@us.example") == "scan+1@us.example");
  BOOST_TEST(login(Mta::sendmail, "scan+28x+29") == "scan(x)");
  BOOST_TEST(login(Mta::postfix, "scan+2B1@us.example") == "scan+2B1@us.example");
  BOOST_TEST(login(Mta::unknown, "scan+2B1@us.example") == "scan+2B1@us.example");
}

BOOST_AUTO_TEST_CASE(declared_sizes) {
  const auto size = [](std::vector<const char*> arguments) { return mail(Mta::postfix, {}, std::move(arguments)).declared_size; };
  BOOST_TEST((size({"<a@b.example>", "BODY=8BITMIME", "size=1000"}) == 1000U));
  BOOST_TEST((size({"<a@b.example>", "SIZE=99999999999999999999999"}) == std::numeric_limits<std::uint64_t>::max()));
  BOOST_TEST(!size({"<a@b.example>"}).has_value());
  BOOST_TEST(!size({"<a@b.example>", "SIZE=", "SIZE=-1", "SIZE=1x"}).has_value());
  BOOST_TEST(!size({}).has_value());
}

BOOST_AUTO_TEST_SUITE_END()

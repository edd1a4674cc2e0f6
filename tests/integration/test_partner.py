"""A partner's mail must come as the connector says: from its addresses, over TLS, with its certificate."""

import ssl
import unittest

from scenario import FABRIKAM, ORGANIZATION, PROVIDER, STRANGER, Scenario, kernel_has_ipv6

BOB = "bob@fabrikam.example"


class Partner(Scenario):
    config = ORGANIZATION + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ ".fabrikam.example" ];
    source_ips = [ "203.0.113.0/24", "2001:db8:f::/48" ]; certificates = [ "mail.fabrikam.example" ]; },
  { name = "northwind"; type = "partner"; sender_domains = [ "northwind.example" ]; min_tls_version = "TLSv1.3"; },
  { name = "tailspin"; type = "partner"; sender_domains = [ "tailspin.example" ]; source_ips = [ "198.51.100.0/24" ]; on_violation = "tempfail"; }
);
"""

    def test_right_address_and_certificate(self):
        """the partner's own server, over TLS with its certificate: accepted and marked"""
        outcome = self.send(BOB, client=FABRIKAM, certificate="fabrikam")
        self.accepted(outcome, "fabrikam", "partner")
        self.assertRegex(outcome.copy["X-Connector-Trust"],
                         rf"^partner; connector=fabrikam; type=partner; src={FABRIKAM}; tls=TLSv1\.3; id=[a-z2-7]{{12}}$")
        self.assertEqual(outcome.record["cert"], "mail.fabrikam.example")

    @unittest.skipUnless(kernel_has_ipv6(), "this kernel has no IPv6")
    def test_ipv6(self):
        """the partner's server over IPv6"""
        outcome = self.send(BOB, client="2001:db8:f::25", certificate="fabrikam")
        self.accepted(outcome, "fabrikam", "partner")
        self.assertIn("src=2001:db8:f::25;", outcome.copy["X-Connector-Trust"])

    @unittest.skipUnless(kernel_has_ipv6(), "this kernel has no IPv6")
    def test_ipv6_outside(self):
        """an IPv6 address beside the partner's prefix"""
        self.refused(self.send(BOB, client="2001:db8:e::25", certificate="fabrikam"), "550 5.7.1", "source", "fabrikam")

    def test_wrong_address(self):
        """the partner's certificate from a stranger's address"""
        self.refused(self.send(BOB, client=STRANGER, certificate="fabrikam"), "550 5.7.1", "source", "fabrikam")

    def test_clear_text(self):
        """the right address in clear text"""
        self.refused(self.send(BOB, client=FABRIKAM), "550 5.7.10", "tls", "fabrikam")

    def test_no_certificate(self):
        """TLS without a certificate"""
        self.refused(self.send(BOB, client=FABRIKAM, tls=True), "550 5.7.8", "certificate", "fabrikam")

    def test_wrong_certificate(self):
        """a trusted certificate with another name"""
        self.refused(self.send(BOB, client=FABRIKAM, certificate="wrong-name"), "550 5.7.8", "certificate", "fabrikam")

    def test_untrusted_certificate(self):
        """the right name, signed by a stranger's authority"""
        self.refused(self.send(BOB, client=FABRIKAM, certificate="untrusted"), "550 5.7.8", "certificate", "fabrikam")

    def test_expired_certificate(self):
        """the right certificate, expired"""
        self.refused(self.send(BOB, client=FABRIKAM, certificate="expired"), "550 5.7.8", "certificate", "fabrikam")

    def test_server_only_certificate(self):
        """a certificate that is good for servers only proves nothing of a client"""
        self.refused(self.send(BOB, client=FABRIKAM, certificate="server-only"), "550 5.7.8", "certificate", "fabrikam")

    def test_nameless_certificate(self):
        """a trusted certificate without a common name"""
        self.refused(self.send(BOB, client=FABRIKAM, certificate="nameless"), "550 5.7.8", "certificate", "fabrikam")

    def test_subdomain_and_case(self):
        """a subdomain of the partner, spelt in capitals, is the partner"""
        self.refused(self.send("Bob@Mail.FABRIKAM.Example", client=STRANGER, tls=True), "550 5.7.1", "source", "fabrikam")
        self.accepted(self.send("Bob@Mail.FABRIKAM.Example", client=FABRIKAM, certificate="fabrikam"), "fabrikam", "partner")

    def test_similar_domain(self):
        """a domain that only ends like the partner's is nobody's business"""
        self.accepted(self.send("bob@notfabrikam.example", client=STRANGER))

    def test_null_sender(self):
        """a bounce from the partner's server is the partner's; from elsewhere it is nobody's"""
        self.accepted(self.send("", client=FABRIKAM, certificate="fabrikam"), "fabrikam", "partner")
        self.accepted(self.send("", client=STRANGER))

    def test_tls_only(self):
        """a partner of whom only TLS 1.3 is asked: met by anybody, no trust gained"""
        self.accepted(self.send("a@northwind.example", client=STRANGER, tls=True), "northwind")

    def test_tls_only_clear_text(self):
        """a partner of whom only TLS is asked, in clear text"""
        self.refused(self.send("a@northwind.example", client=STRANGER), "550 5.7.10", "tls", "northwind")

    def test_tls_too_old(self):
        """TLS 1.2 where 1.3 is asked"""
        outcome = self.send("a@northwind.example", client=STRANGER, tls=True, version=ssl.TLSVersion.TLSv1_2)
        self.refused(outcome, "550 5.7.10", "tls", "northwind")

    def test_tempfail(self):
        """on_violation = "tempfail" asks the peer to try again later"""
        self.refused(self.send("a@tailspin.example", client=STRANGER), "451 4.7.1", "source", "tailspin")


class ProviderLock(Scenario):
    """The internet reaches us through the provider only."""

    config = ORGANIZATION + """
inbound = (
  { name = "provider"; type = "partner"; sender_domains = "*"; source_ips = [ "198.51.100.0/24" ]; require_tls = true; },
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; via = [ "provider" ]; },
  { name = "northwind"; type = "partner"; sender_domains = [ "northwind.example" ]; require_tls = true; },
  { name = "backup-mx"; type = "relay"; source_ips = [ "203.0.113.200" ]; }
);
"""

    def test_through_the_provider(self):
        """the internet's mail through the provider"""
        self.accepted(self.send("a@somewhere.example", client=PROVIDER, tls=True), "provider", "partner")

    def test_around_the_provider(self):
        """the same mail straight to us"""
        self.refused(self.send("a@somewhere.example", client=STRANGER, tls=True), "550 5.7.1", "source", "provider")

    def test_provider_in_clear_text(self):
        """the provider itself without TLS"""
        self.refused(self.send("a@somewhere.example", client=PROVIDER), "550 5.7.10", "tls", "provider")

    def test_partner_through_the_provider(self):
        """a partner's mail that comes through the provider (via)"""
        self.accepted(self.send(BOB, client=PROVIDER, tls=True), "fabrikam", "partner")

    def test_partner_directly(self):
        """a partner's mail from its own server need not take the provider's way"""
        self.accepted(self.send(BOB, client=FABRIKAM), "fabrikam", "partner")

    def test_stranger_claims_the_partner(self):
        """a stranger who claims a partner's domain finds no hole in the lock"""
        self.refused(self.send(BOB, client=STRANGER, tls=True), "550 5.7.1", "source", "fabrikam")

    def test_stranger_claims_a_tls_only_partner(self):
        """nor does one who claims a partner of whom only TLS is asked"""
        self.refused(self.send("a@northwind.example", client=STRANGER, tls=True), "550 5.7.1", "source", "provider")

    def test_bounce_around_the_provider(self):
        """a bounce straight to us is locked out as well"""
        self.refused(self.send("", client=STRANGER, tls=True), "550 5.7.1", "source", "provider")

    def test_backup_mx(self):
        """the backup MX is exempt from the lock and gains no trust"""
        self.accepted(self.send("a@somewhere.example", client="203.0.113.200"), "backup-mx")
        self.accepted(self.send(BOB, client="203.0.113.200"), "backup-mx")


class CompletedDomains(Scenario):
    """A Postfix that completes domains without a dot."""

    config = Partner.config
    settings = {"append_dot_mydomain": "yes", "mydomain": "example"}

    def test_short_domain(self):
        """a sender domain that becomes the partner's only when Postfix has completed it"""
        self.refused(self.send("bob@fabrikam", client=STRANGER, tls=True), "550 5.7.1", "source", "fabrikam")

"""How mail leaves, by recipient: real Postfix steered by our maps sends to next hops with good, wrong and no TLS."""

import ssl

from outbound import MX_NAME, OWN_SERVER, SERVICES, Outbound
from scenario import ANNA, FABRIKAM, STRANGER

ROUTES = SERVICES + f"""
inbound = ( {OWN_SERVER} );
outbound = (
  {{ name = "to-fabrikam"; recipient_domains = [ ".fabrikam.example" ]; smart_hosts = [ "@fabrikam@" ]; tls = "verify"; tls_domains = [ "{MX_NAME}" ]; }},
  {{ name = "to-northwind"; recipient_domains = [ "northwind.example" ]; smart_hosts = [ "@northwind@" ]; tls = "encrypt"; }},
  {{ name = "to-bücher"; recipient_domains = [ "bücher.example" ]; smart_hosts = [ "@bucher@" ]; }},
  {{ name = "two-doors"; recipient_domains = [ "wingtip.example" ]; smart_hosts = [ "@down@", "@second@" ]; tls = "verify"; tls_domains = [ "{MX_NAME}" ]; }},
  {{ name = "tried"; mode = "audit"; recipient_domains = [ "tailspin.example" ]; smart_hosts = [ "@second@" ]; tls = "verify"; tls_domains = [ "{MX_NAME}" ]; }},
  {{ name = "provider"; recipient_domains = [ "*" ]; smart_hosts = [ "@provider@" ]; }}
);
""".replace("to-bücher", "to-bucher")
HYBRID = SERVICES + f"""
inbound = ( {OWN_SERVER} );
outbound = (
  {{ name = "to-exchange"; recipient_domains = [ "organization" ]; smart_hosts = [ "@northwind@" ]; }},
  {{ name = "to-cloud"; recipient_domains = [ "cloud.contoso.example" ]; smart_hosts = [ "@bucher@" ]; }},
  {{ name = "provider"; recipient_domains = [ "*" ]; smart_hosts = [ "@provider@" ]; }}
);
"""


class Routes(Outbound):
    config = ROUTES
    settings = {"relay_domains": "hq.contoso.example, customer.example", "virtual_alias_maps": "inline:{{crew@contoso.example=w@fabrikam.example, v@contoso.example}}"}
    next_hops = {"fabrikam": {"certificate": "good"}, "northwind": {"certificate": "self-signed"}, "bucher": {}, "down": {}, "second": {"certificate": "good"},
                 "provider": {}}

    @classmethod
    def arrange_host(cls, host):
        super().arrange_host(host)
        cls.sinks["down"].stop()

    def test_recipient_domain(self):
        """mail to a partner takes its connector, from whomever it comes, and says so to the next hop and in the log"""
        for client, recipient in (("10.1.0.5", "bob@fabrikam.example"), (STRANGER, "bob@sales.fabrikam.example")):
            with self.subTest(recipient):
                outcome = self.post(recipient, sender="a@b.example", client=client)
                got = self.arrives(outcome, "fabrikam", recipient)
                self.assertEqual(got.message.get_all("X-Connector-Outbound"), ["to-fabrikam"])
                self.assertNotIn("X-Connector-Route", got.message)
                self.assertEqual((got.tls, got.sender), ("TLSv1.3", "a@b.example"))
                self.assertEqual(outcome.record.get("outbound"), "to-fabrikam")
                self.assertEqual(self.nowhere_else(outcome, "fabrikam"), [])

    def test_each_recipient_its_own(self):
        """one message to four worlds: each recipient by its own connector, the colleague stays here"""
        outcome = self.post(["bob@fabrikam.example", "carl@northwind.example", ANNA, "dora@elsewhere.example"])
        for name, recipient in (("fabrikam", "bob@fabrikam.example"), ("northwind", "carl@northwind.example"), ("provider", "dora@elsewhere.example")):
            got = self.arrives(outcome, name, recipient)
            self.assertNotIn("X-Connector-Outbound", got.message)
        self.assertEqual(self.nowhere_else(outcome, "fabrikam", "northwind", "provider"), [ANNA])
        self.assertEqual(set(outcome.record["outbound"].split(",")), {"to-fabrikam", "to-northwind", "provider"})

    def test_everything_else(self):
        """`*` takes the rest of the world, never local recipients or domains that Postfix relays, ours or not"""
        stay = [ANNA, "boss@hq.contoso.example", "c@customer.example", "root@localhost"]
        outcome = self.post(["x@somewhere.example", *stay], sender="")
        self.arrives(outcome, "provider", "x@somewhere.example")
        self.assertEqual(self.nowhere_else(outcome, "provider"), stay)

    def test_spellings(self):
        """extensions, quoted names, capitals and the Unicode form of a domain find the same connector"""
        for name, recipient in (("fabrikam", "bob+tag@fabrikam.example"), ("fabrikam", '"bob smith"@fabrikam.example'), ("fabrikam", "Bob@FABRIKAM.Example"),
                                ("fabrikam", '"a@b"@fabrikam.example'), ("fabrikam", "bob%northwind.example@fabrikam.example"),
                                ("northwind", "bob@northwind.example"), ("bucher", "bob@xn--bcher-kva.example"), ("bucher", "bob@BÜCHER.example")):
            with self.subTest(recipient):
                outcome = self.post(recipient, parameters=() if recipient.isascii() else ("SMTPUTF8",))
                self.arrives(outcome, name, recipient)

    def test_routed_recipient(self):
        """an address that Postfix routes elsewhere leaves for where it is routed, not for where it seems to go"""
        outcome = self.post("bob%fabrikam.example@contoso.example")
        self.arrives(outcome, "fabrikam", "bob@fabrikam.example")
        self.assertEqual(outcome.record["outbound"], "to-fabrikam")

    def test_alias(self):
        """an alias of ours that holds a partner's address: that copy takes the partner's connector"""
        outcome = self.post("crew@contoso.example")
        self.arrives(outcome, "fabrikam", "w@fabrikam.example")
        self.assertEqual(self.nowhere_else(outcome, "fabrikam"), ["v@contoso.example"])

    def test_first_smart_host_down(self):
        """the next smart host is taken, under the same TLS demands"""
        outcome = self.post("bob@wingtip.example")
        self.assertEqual(self.arrives(outcome, "second", "bob@wingtip.example").tls, "TLSv1.3")
        self.assertIn("Verified TLS connection established to " + self.sinks["second"].address, self.host.postfix.log())

    def test_audit(self):
        """a connector on trial changes nothing; the log says what it would have taken"""
        outcome = self.post("bob@tailspin.example")
        got = self.arrives(outcome, "provider", "bob@tailspin.example")
        self.assertEqual(got.message.get_all("X-Connector-Outbound"), ["provider"])
        self.assertEqual((outcome.record["outbound"], outcome.record["audit-outbound"]), ("provider", "tried"))

    def test_status(self):
        """status counts connectors of both directions, as check does"""
        self.assertIn("\nconnectors: 7\n", self.host.daemon.control_tool("status")[1])
        self.assertRegex(self.host.daemon.control_tool("check")[1], r"(?m)^7 connectors, ")

    def test_reload(self):
        """a reload changes what the milter says and where Postfix sends in one go; so does the next"""
        self.arrives(self.post("r1@northwind.example"), "northwind", "r1@northwind.example")
        self.reload(ROUTES.replace('"to-northwind"; recipient_domains = [ "northwind.example" ]; smart_hosts = [ "@northwind@" ]; tls = "encrypt"',
                                   '"northwind-new"; recipient_domains = [ "northwind.example" ]; smart_hosts = [ "@bucher@" ]'))
        outcome = self.post("r2@northwind.example")
        self.assertEqual(self.arrives(outcome, "bucher", "r2@northwind.example").message["X-Connector-Outbound"], "northwind-new")
        self.reload(ROUTES)
        self.assertEqual(self.arrives(self.post("r3@northwind.example"), "northwind", "r3@northwind.example").message["X-Connector-Outbound"], "to-northwind")

    def test_organization(self):
        """"organization" sends our own recipients to Exchange, but for the more exact connector; the world is left to the provider"""
        self.reload(HYBRID)
        outcome = self.post(["h1@contoso.example", "h2@hq.contoso.example", "h3@cloud.contoso.example", "h4@elsewhere.example"], sender="a@b.example", client=FABRIKAM)
        self.arrives(outcome, "northwind", "h1@contoso.example", "h2@hq.contoso.example")
        self.arrives(outcome, "bucher", "h3@cloud.contoso.example")
        self.arrives(outcome, "provider", "h4@elsewhere.example")
        self.assertEqual(self.nowhere_else(outcome, "northwind", "bucher", "provider"), [])

    def test_map_service_out_of_reach(self):
        """without the map service mail is put off, never sent some other way"""
        self.without_maps()
        outcome = self.host.post(ANNA, "unmapped@fabrikam.example", client=STRANGER)
        self.assertEqual(outcome.reply.code // 100, 4, outcome.reply)
        self.nobody_has("unmapped@fabrikam.example")


class OtherRelays(Outbound):
    """An administrator had relays of his own in main.cf, to be gone with the lines that `connectorctl postfix` prints."""

    config = SERVICES + f"""
inbound = ( {OWN_SERVER} );
outbound = (
  {{ name = "strict"; recipient_domains = [ "strict.example" ]; smart_hosts = [ "@strict@" ]; tls = "verify"; tls_domains = [ "{MX_NAME}" ]; }},
  {{ name = "direct"; recipient_domains = [ "*" ]; tls = "verify"; }}
);
"""
    next_hops = {"strict": {"certificate": "self-signed"}, "hub": {}}

    @classmethod
    def arrange_host(cls, host):
        super().arrange_host(host)
        hub = cls.sinks["hub"].next_hop
        host.postfix.set(relayhost=hub, sender_dependent_relayhost_maps=f"static:{hub}", smtp_fallback_relay=hub)

    def test_fallback(self):
        """mail whose next hop does not show what is demanded waits, and no fallback relay gets it in clear text"""
        self.waits(self.post("x@strict.example"), *NOT_VERIFIED)

    def test_by_mx(self):
        """what a connector sends to the MX of its recipients does not take a relayhost instead"""
        outcome = self.post("x@[127.0.0.99]")
        attempts = self.host.postfix.mail_queue.settled(outcome.queue_id)
        self.assertEqual([sink.of(outcome.queue_id) for sink in self.sinks.values()], [[], []], attempts)
        self.host.postfix.mail_queue.delete()


# name of connector, recipient domain and next hop -> (sink, settings, what Postfix says; None: it is delivered)
NOT_VERIFIED, NOT_OFFERED, HANDSHAKE = ("Server certificate not verified", "4.7.5"), ("TLS is required, but was not offered", "4.7.4"), ("Cannot start TLS", "4.7.5")
VERIFY = f'tls = "verify"; tls_domains = [ "{MX_NAME}" ];'
DEMANDS = {
    "right-name": ({"certificate": "good"}, VERIFY, None),
    "name-below": ({"certificate": "good"}, 'tls = "verify"; tls_domains = [ "*.fabrikam.example" ];', None),
    "name-at-or-below": ({"certificate": "fabrikam.example"}, 'tls = "verify"; tls_domains = [ ".fabrikam.example" ];', None),
    "not-below": ({"certificate": "fabrikam.example"}, 'tls = "verify"; tls_domains = [ "*.fabrikam.example" ];', NOT_VERIFIED),
    "wrong-name": ({"certificate": "mx.stranger.example"}, VERIFY, NOT_VERIFIED),
    "self-signed": ({"certificate": "self-signed"}, VERIFY, NOT_VERIFIED),
    "no-starttls": ({}, VERIFY, NOT_OFFERED),
    "encrypt": ({"certificate": "self-signed"}, 'tls = "encrypt";', None),
    "encrypt-clear": ({}, 'tls = "encrypt";', NOT_OFFERED),
    "opportunistic": ({}, 'tls = "opportunistic";', None),
    "none": ({"certificate": "good"}, 'tls = "none";', None),
    "pinned": ({"certificate": "self-signed"}, 'tls = "fingerprint"; fingerprints = [ "%pinned%" ];', None),
    "pin-rolls-over": ({"certificate": "self-signed"}, 'tls = "fingerprint"; fingerprints = [ "%pinned%", "%pin-rolls-over%" ];', None),
    "pin-is-old": ({"certificate": "self-signed"}, 'tls = "fingerprint"; fingerprints = [ "%pinned%" ];', NOT_VERIFIED),
    "new-enough": ({"certificate": "good"}, VERIFY + ' min_tls_version = "TLSv1.3";', None),
    "too-old": ({"certificate": "good", "highest": ssl.TLSVersion.TLSv1_2}, VERIFY + ' min_tls_version = "TLSv1.3";', HANDSHAKE),
    "encrypt-too-old": ({"certificate": "good", "highest": ssl.TLSVersion.TLSv1_2}, 'tls = "encrypt"; min_tls_version = "TLSv1.3";', HANDSHAKE),
    "old-is-good-enough": ({"certificate": "good", "highest": ssl.TLSVersion.TLSv1_2}, VERIFY + ' min_tls_version = "TLSv1.2";', None),
    "dane-only": ({"certificate": "good"}, 'tls = "dane_only";', ("non DNSSEC destination|client TLS configuration problem", "4.7.5")),
    "own-certificate": ({"certificate": "good", "ask": True}, VERIFY + ' client_certificate = "@@certificate"; client_key = "@@key";', None),
    "no-own-certificate": ({"certificate": "good", "ask": True}, VERIFY, None),
}


class Tls(Outbound):
    config = SERVICES + "outbound = (\n" + ",\n".join(
        f'  {{ name = "{name}"; recipient_domains = [ "{name}.example" ]; smart_hosts = [ "@{name}@" ]; {demands} }}' for name, (_, demands, _) in DEMANDS.items()) + "\n);\n"
    next_hops = {name: sink for name, (sink, _, _) in DEMANDS.items()}

    def test_demands(self):
        """what a next hop must show: those that do get the mail, for all others it stays in the queue with the reason"""
        outcomes = {name: self.post(f"bob@{name}.example") for name in DEMANDS}
        for name, (_, _, reason) in DEMANDS.items():
            with self.subTest(name):
                if reason:
                    self.waits(outcomes[name], *reason)
                else:
                    got = self.arrives(outcomes[name], name, f"bob@{name}.example")
                    self.assertEqual(got.tls is None, name in ("none", "opportunistic"))
                    self.assertEqual(got.presented, "exchange.contoso.example" if name == "own-certificate" else None)

    def test_repaired(self):
        """mail that waits for a better certificate is delivered once it is shown"""
        outcome = self.post("late@wrong-name.example")
        self.assertIn("not verified", str(self.host.postfix.mail_queue.deferred(outcome.queue_id)))
        sink = self.sinks["wrong-name"]
        broken, sink.context = sink.context, self.sinks["right-name"].context
        self.addCleanup(setattr, sink, "context", broken)
        self.assertEqual([attempt.status for attempt in self.host.postfix.mail_queue.flush(outcome.queue_id)], ["sent"])
        self.arrives(outcome, "wrong-name", "late@wrong-name.example")

    def test_stricter_after_a_reload(self):
        """a reload that demands more holds for the next delivery, also of a Postfix process that knew the old demand"""
        self.arrives(self.post("s1@encrypt.example"), "encrypt", "s1@encrypt.example")
        self.reload(self.config.replace('smart_hosts = [ "@encrypt@" ]; tls = "encrypt";', f'smart_hosts = [ "@encrypt@" ]; {VERIFY}'))
        self.waits(self.post("s2@encrypt.example"), *NOT_VERIFIED)

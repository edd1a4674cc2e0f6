"""Who may relay when mynetworks is empty: only what a grant proves, asked of the policy service in smtpd_relay_restrictions.

The listeners `bare...` run no milter, so that what is refused there Postfix and the policy service refused alone.
"""

import socket

from scenario import ANNA, BACKUP, EXCHANGE, FABRIKAM, ORGANIZATION, PRINTER, STRANGER, Scenario

CONFIG = ORGANIZATION.replace('{ name = "submission"; }', '{ name = "submission"; }, { name = "other"; }') + """
policy = { };
inbound = (
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; max_message_size = "100K"; },
  { name = "cloud"; type = "on_premises"; certificates = [ "exchange.contoso.example" ]; },
  { name = "crm"; type = "device"; auth_users = [ "anna@contoso.example" ]; source_ips = [ "10.30.0.0/24" ]; },
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; recipients = [ "*.partner.example", "one@elsewhere.example" ]; senders = [ "scan@contoso.example" ]; },
  { name = "scanners"; type = "device"; source_ips = [ "10.21.0.0/24" ]; recipients = "internal"; },
  { name = "plant"; type = "on_premises"; listeners = [ "relay" ]; source_ips = [ "10.40.0.0/24" ]; },
  { name = "secured"; type = "on_premises"; source_ips = [ "10.50.0.0/24" ]; min_tls_version = "TLSv1.2"; },
  { name = "on-trial"; type = "on_premises"; mode = "audit"; source_ips = [ "10.60.0.0/24" ]; },
  { name = "off"; type = "on_premises"; enabled = false; source_ips = [ "10.70.0.0/24" ]; },
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/25" ]; },
  { name = "backup"; type = "relay"; source_ips = [ "203.0.113.200" ]; }
);
"""
LISTENERS = {"bare": "mx", "bare-relay": "relay", "bare-other": "other", "bare-unnamed": None}
WORLD = "victim@evil.example"
CRM, PLANT, SECURED, ON_TRIAL, OFF, SCANNER = "10.30.0.9", "10.40.0.9", "10.50.0.9", "10.60.0.9", "10.70.0.9", "10.21.0.9"
DENIED = r"554 5\.7\.1 .*Relay access denied"
ROUTED = ("user%evil.example@contoso.example", '"user@evil.example"@contoso.example', "user@evil.example@contoso.example", "evil.example!user@contoso.example",
          '"evil.example!user"@contoso.example', '"user%evil.example"@contoso.example', "@contoso.example:user@evil.example", "@contoso.example,@evil.example:user@evil.example",
          "user%evil.example", "evil.example!user", "user@[127.0.0.9]", "user%[127.0.0.9]@contoso.example", "user%evil.example@[127.0.0.1]",
          "user%evil.example%contoso.example@contoso.example", "contoso.example!evil.example!user@contoso.example", "user@evil.example.", "user@EVIL.example")


class Relay(Scenario):
    config = CONFIG
    settings = {"mynetworks": ""}  # by hand: a grant in audit leaves permit_mynetworks in place

    @classmethod
    def arrange_host(cls, host):
        for listener, name in LISTENERS.items():
            host.postfix.add_listener(listener, name, "smtpd_milters=", "smtpd_sasl_auth_enable=yes")
        # Without permit_sasl_authenticated: what a login may do here, a grant must prove. And with a listener's name that nobody knows.
        policy = f"check_policy_service {{ unix:{host.daemon.policy}, policy_context=no-such-listener }}, reject_unauth_destination"
        host.postfix.add_listener("bare-login", None, "smtpd_milters=", "smtpd_sasl_auth_enable=yes", f"smtpd_relay_restrictions={policy}")

        cls.hung = socket.socket(socket.AF_UNIX)
        cls.addClassCleanup(cls.hung.close)
        path = host.directory / "hung.sock"
        cls.hung.bind(str(path))
        cls.hung.listen()
        path.chmod(0o777)
        host.postfix.add_listener("bare-hung", None, "smtpd_milters=",
                                  f"smtpd_relay_restrictions=check_policy_service {{ unix:{path}, timeout=1s, try_limit=1 }}, reject_unauth_destination")

    def rcpt(self, recipient, sender=ANNA, client=STRANGER, listener="bare", parameters=(), **how):
        """The reply to RCPT on a listener without a milter."""
        with self.host.connect(client, listener=listener, **how) as session:
            self.assertEqual(session.mail(sender, *parameters).code, 250)
            return session.rcpt(recipient)

    def relays(self, recipient=WORLD, **how):
        reply = self.rcpt(recipient, **how)
        self.assertEqual(reply.code, 250, reply)

    def denies(self, recipient=WORLD, **how):
        reply = self.rcpt(recipient, **how)
        self.assertRegex(str(reply), DENIED)

    def test_address(self):
        """our own server may relay, to anybody, as anybody, also bounces; the mail arrives tagged"""
        for sender in (ANNA, "a@b.example", ""):
            outcome = self.send(sender, WORLD, client=EXCHANGE)
            self.accepted(outcome, "exchange", "internal")
            self.assertEqual(outcome.copy["Delivered-To"], WORLD)
            self.relays(sender=sender, client=EXCHANGE)

    def test_certificate(self):
        """a trusted certificate of the right name may relay; the same name from another CA, an expired one, another name or none may not"""
        self.relays(certificate="exchange")
        for certificate in ("wrong-name", "untrusted", "expired", "nameless", "server-only", None):
            with self.subTest(certificate):
                self.denies(certificate=certificate, tls=True)

    def test_login(self):
        """an application that logs in from its network may relay; the login alone, the network alone may not"""
        self.relays(client=CRM, listener="bare-login", login=True)
        self.denies(client=CRM, listener="bare-login", tls=True)
        self.denies(client=STRANGER, listener="bare-login", login=True)

    def test_nobody_else(self):
        """strangers, partners, backup relays, grants on trial or switched off, and those whose TLS demand is not met"""
        for client, sender in ((STRANGER, ANNA), (STRANGER, "a@b.example"), (STRANGER, ""), (FABRIKAM, "bob@fabrikam.example"), (FABRIKAM, ""),
                               (BACKUP, "a@b.example"), (BACKUP, ANNA), (ON_TRIAL, ANNA), (OFF, ANNA), (SECURED, ANNA), ("2001:db8::1", ANNA)):
            with self.subTest(client, sender=sender):
                self.denies(client=client, sender=sender)
        self.relays(client=SECURED, tls=True)

    def test_own_mail_still_comes_in(self):
        """mail for us is nobody's relaying"""
        for client in (STRANGER, FABRIKAM, BACKUP, OFF):
            self.relays(ANNA, sender="a@b.example", client=client)

    def test_routed_recipients(self):
        """addresses that Postfix would route on: a stranger gains nothing by any of them"""
        for client in (STRANGER, FABRIKAM, ON_TRIAL, SCANNER):
            for recipient in ROUTED:
                with self.subTest(recipient, client=client):
                    self.assertEqual(self.rcpt(recipient, client=client).code // 100, 5)

    def test_routed_recipients_of_a_limited_grant(self):
        """nor does a device beyond the recipients it may write to"""
        for recipient in (*ROUTED, "one%elsewhere.example@contoso.example", "one@elsewhere.example@partner.example", '"x@evil.example"@a.partner.example',
                          "x%evil.example@a.partner.example", "evil.example!x@a.partner.example"):
            with self.subTest(recipient):
                self.assertEqual(self.rcpt(recipient, client=PRINTER, sender="scan@contoso.example").code // 100, 5)

    def test_routed_recipients_of_an_unlimited_grant(self):
        """nor does our own server relay by an address whose way is hidden in its local part, even where Postfix unquotes it first"""
        for recipient in ROUTED:
            if set(recipient.rpartition("@")[0]) & set('%!@"') and not recipient.startswith("@"):
                with self.subTest(recipient):
                    self.denies(recipient, client=EXCHANGE)
        self.denies('"a b!c"@partner.example', client=EXCHANGE)

    def test_recipient_limits(self):
        """a device may relay to the recipients it is given and to no other"""
        scan = {"client": PRINTER, "sender": "scan@contoso.example"}
        for recipient in ("x@a.partner.example", "x@A.PARTNER.example", "ONE@elsewhere.example"):
            self.relays(recipient, **scan)
        for recipient in ("x@partner.example", "two@elsewhere.example", "x@notpartner.example", "x@a.partner.example.evil.example", WORLD):
            self.denies(recipient, **scan)
        self.denies(client=SCANNER)

    def test_sender_limits(self):
        """a device may relay as itself: no other sender, not the null sender, no sender that Postfix would route elsewhere"""
        for sender in ("ceo@contoso.example", "a@b.example", "", "scan", '"scan@contoso.example"@b.example', "scan%contoso.example@b.example", "scan@contoso.example@b.example"):
            with self.subTest(sender):
                self.denies("x@a.partner.example", client=PRINTER, sender=sender)
        for sender in ("a@b.example", ""):
            self.denies(client=CRM, sender=sender, listener="bare-login", login=True)

    def test_listeners(self):
        """a grant for one listener holds there alone; on a closed or an unknown listener nobody else gains anything"""
        self.relays(client=PLANT, listener="bare-relay")
        for listener in ("bare", "bare-other", "bare-unnamed", "bare-login"):
            self.denies(client=PLANT, listener=listener)
        for listener in ("bare-relay", "bare-other", "bare-unnamed", "bare-login"):
            for client in (STRANGER, FABRIKAM, BACKUP, ON_TRIAL):
                self.denies(client=client, sender="a@b.example", listener=listener)

    def test_declared_size(self):
        """beyond the size a grant allows there is no relaying"""
        self.relays(client=EXCHANGE, parameters=("SIZE=1000",))
        self.denies(client=EXCHANGE, parameters=("SIZE=200000",))

    def test_milter_agrees(self):
        """with the milter beside it: the same verdicts, whoever of the two says no"""
        for recipient in (WORLD, *ROUTED):
            with self.subTest(recipient):
                outcome = self.host.post(ANNA, recipient, client=STRANGER)
                self.assertEqual(outcome.reply.code // 100, 5, outcome.reply)
        self.accepted(self.send("scan@contoso.example", "x@a.partner.example", client=PRINTER), "printers", "device")

    def test_grant_taken_away(self):
        """a reload takes the grant away in the middle of a session: the next recipient is denied"""
        with self.host.connect(EXCHANGE, listener="bare") as session:
            self.assertEqual([session.mail(ANNA).code, session.rcpt(WORLD).code], [250, 250])
            self.reload(CONFIG.replace('source_ips = [ "10.1.0.0/24" ]', 'source_ips = [ "10.1.1.0/24" ]'))
            self.assertRegex(str(session.rcpt("second@evil.example")), DENIED)
        self.denies(client=EXCHANGE)

    def test_daemon_killed(self):
        """the daemon is gone: deferred, never permitted; it is back: as before"""
        self.host.daemon.kill()
        try:
            for client in (EXCHANGE, STRANGER):
                self.assertEqual(self.rcpt(WORLD, client=client).code // 100, 4)
        finally:
            self.host.daemon.start()
        self.relays(client=EXCHANGE)
        self.denies()

    def test_policy_service_hung(self):
        """a policy service that takes the connection and never answers: Postfix stops waiting and defers"""
        self.assertEqual(self.rcpt(WORLD, client=EXCHANGE, listener="bare-hung").code // 100, 4)

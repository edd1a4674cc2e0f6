"""Several messages in one session, and sessions that do things in an odd order: nothing learned for one message carries over."""

from scenario import ANNA, EXCHANGE, FABRIKAM, ORGANIZATION, PRINTER, STRANGER, Scenario, SmtpClient, message

BOB = "bob@fabrikam.example"


class Sessions(Scenario):
    config = ORGANIZATION + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ ".fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; certificates = [ "mail.fabrikam.example" ]; },
  { name = "buecher"; type = "partner"; sender_domains = [ "bücher.example" ]; source_ips = [ "203.0.113.0/24" ]; },
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; },
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; }
);
"""

    def transact(self, session, sender, recipients=ANNA, content=None, parameters=()):
        return self.host.outcome(session.send(sender, recipients, content or message(sender), *parameters))

    def test_different_senders(self):
        """each message of a session is judged by its own sender"""
        with self.host.connect(FABRIKAM, certificate="fabrikam") as session:
            self.accepted(self.transact(session, BOB), "fabrikam", "partner")
            self.accepted(self.transact(session, "a@b.example"))
            self.accepted(self.transact(session, BOB), "fabrikam", "partner")
            self.accepted(self.transact(session, "b@b.example"))

    def test_refused_then_accepted(self):
        """a refused message does not spoil the next, an accepted one does not help the next"""
        with self.host.connect(PRINTER) as session:
            self.refused(self.transact(session, "ceo@contoso.example"), "550 5.7.1", "sender", "printers")
            self.accepted(self.transact(session, "scanner@contoso.example"), "printers", "device")
            self.refused(self.transact(session, "scanner@contoso.example", "x@elsewhere.example"), "550 5.7.1", "recipient", "printers")

    def test_reset(self):
        """RSET in the middle: the sender before it is forgotten"""
        with self.host.connect(FABRIKAM, certificate="fabrikam") as session:
            self.assertEqual(session.mail(BOB).code, 250)
            self.assertEqual(session.rcpt(ANNA).code, 250)
            self.assertEqual(session.command("RSET").code, 250)
            self.accepted(self.transact(session, "a@b.example"))
            self.assertEqual(session.mail("a@b.example").code, 250)
            self.assertEqual(session.ehlo().code, 250)
            self.accepted(self.transact(session, BOB), "fabrikam", "partner")

    def test_starttls_after_mail(self):
        """a refused message in clear text, then STARTTLS and the same message again"""
        with self.host.connect(FABRIKAM) as session:
            self.refused(self.transact(session, BOB), "550 5.7.10", "tls", "fabrikam")
            self.assertEqual(session.starttls(self.host.certificates.client["fabrikam"]).code, 250)
            self.accepted(self.transact(session, BOB), "fabrikam", "partner")

    def test_starttls_without_second_greeting(self):
        """a client that does not greet again after STARTTLS still has TLS"""
        with self.host.connect(FABRIKAM) as session:
            session.starttls(self.host.certificates.client["fabrikam"], greet=False)
            self.accepted(self.transact(session, BOB), "fabrikam", "partner")

    def test_pipelining(self):
        """two whole transactions in one write"""
        with self.host.connect(PRINTER) as session:
            text = message("scanner@contoso.example").decode()
            one = ("MAIL FROM:<{0}>\r\nRCPT TO:<anna@contoso.example>\r\nRCPT TO:<x@elsewhere.example>\r\n")
            session.raw((one.format("ceo@contoso.example") + "RSET\r\n" + one.format("scanner@contoso.example") + "DATA\r\n").encode())
            codes = [session.reply().code for _ in range(8)]
            self.assertEqual(codes, [250, 550, 550, 250, 250, 250, 550, 354])
            reply = session.body(text.encode())
            self.assertEqual(reply.code, 250, reply)

    def test_thousand_recipients(self):
        """1,000 recipients: every one is delivered, one log line"""
        recipients = [f"r{number}@contoso.example" for number in range(1000)]
        outcome = self.send("scanner@contoso.example", recipients, client=PRINTER)
        self.accepted(outcome, "printers", "device")
        self.assertEqual(sorted(copy["Delivered-To"] for copy in outcome.copies), sorted(recipients))
        self.assertEqual(outcome.record["nrcpt"], "1000")
        self.assertEqual(len(self.host.daemon.records(f"id={outcome.record['id']}")), 1)

    def test_thousand_recipients_half_refused(self):
        """1,000 recipients of which every other is refused"""
        recipients = [f"r{number}@{'contoso' if number % 2 else 'elsewhere'}.example" for number in range(1000)]
        outcome = self.send("scanner@contoso.example", recipients, client=PRINTER)
        self.assertEqual([reply.code for reply in outcome.transaction.recipients], [550, 250] * 500)
        self.assertEqual(len(outcome.copies), 500)

    def test_smtputf8(self):
        """a partner's domain in its own letters and in A-labels is one domain"""
        for sender, parameters in (("jürgen@bücher.example", ("SMTPUTF8",)), ("juergen@xn--bcher-kva.example", ()), ("j@BÜCHER.example", ("SMTPUTF8",))):
            with self.subTest(sender):
                self.accepted(self.send(sender, client=FABRIKAM, parameters=parameters), "buecher", "partner")
                self.refused(self.send(sender, client=STRANGER, parameters=parameters), "550 5.7.1", "source", "buecher")

    def test_hostile_words(self):
        """what a stranger says is quoted in the log and cannot forge a line or a field"""
        outcome = self.send('"a\\" action=accept connector=exchange"@fabrikam.example', client=STRANGER, helo="x\x01action=accept")
        self.assertEqual(outcome.reply.code // 100, 5, outcome.reply)
        self.assertEqual(outcome.record["action"], "reject")

    def test_hello_lies(self):
        """the name in EHLO proves nothing"""
        self.refused(self.send(BOB, client=STRANGER, tls=True, helo="mail.fabrikam.example"), "550 5.7.1", "source", "fabrikam")

    def test_xclient(self):
        """an address claimed with XCLIENT by a client that may do so counts as the client's"""
        with SmtpClient(self.host.postfix.ports["xclient"]) as session:
            session.ehlo()
            self.assertEqual(session.command(f"XCLIENT ADDR={EXCHANGE} NAME=exchange.contoso.example").code, 220)
            session.ehlo()
            outcome = self.transact(session, ANNA)
        self.accepted(outcome, "exchange", "internal")
        self.assertIn(f"src={EXCHANGE};", outcome.copy["X-Connector-Trust"])

    def test_xclient_unknown(self):
        """an address that the MTA does not know meets no source and costs the session"""
        with SmtpClient(self.host.postfix.ports["xclient"]) as session:
            session.ehlo()
            session.command("XCLIENT ADDR=[UNAVAILABLE]")
            session.ehlo()
            done = session.send(ANNA, ANNA, message(ANNA))
        if done.queue_id:
            self.accepted(self.host.outcome(done))
        else:
            self.assertEqual(done.reply.code // 100, 4, done.reply)


class ClosedListener(Scenario):
    config = ORGANIZATION + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; },
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; listeners = [ "relay" ]; }
);
"""

    def test_stranger(self):
        """a stranger is turned away at connect"""
        outcome = self.send("a@b.example", client=STRANGER, listener="relay")
        self.assertEqual(outcome.reply.code, 554, outcome.reply)
        self.assertEqual((outcome.record["rule"], outcome.record["action"]), ("closed", "reject"))

    def test_own_server(self):
        """our own server is let in"""
        self.accepted(self.send(ANNA, client=EXCHANGE, listener="relay"), "exchange", "internal")

    def test_elsewhere(self):
        """on another listener the connector that names this one does not apply"""
        self.accepted(self.send("a@b.example", client=EXCHANGE))

    def test_unmatched(self):
        """who is let in as a partner may write as that partner only"""
        self.accepted(self.send("bob@fabrikam.example", client=FABRIKAM, listener="relay"), "fabrikam", "partner")
        self.refused(self.send("a@b.example", client=FABRIKAM, listener="relay"), "550 5.7.1", "unmatched")

"""Own servers, devices and logged-in users: what they may send, and that nobody else can pass for them."""

from scenario import ANNA, EXCHANGE, ORGANIZATION, PRINTER, STRANGER, Scenario, message

CONFIG = ORGANIZATION.replace('".contoso.example" ];', '".contoso.example" ]; protect = "enforce";') + """
inbound = (
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; accept_headers = true; max_message_size = "100K"; },
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal";
    max_message_size = "20K"; max_recipients = 3; add_headers = ( { name = "X-Device"; value = "printer"; } ); }
);
"""


class Grants(Scenario):
    config = CONFIG

    def test_own_server(self):
        """our Exchange server may write as anybody to anybody"""
        self.accepted(self.send(ANNA, "someone@elsewhere.example", client=EXCHANGE), "exchange", "internal")

    def test_own_server_headers(self):
        """headers that Exchange trusts stay on mail of our Exchange server and are removed from a stranger's"""
        lines = ["X-MS-Exchange-Organization-SCL: -1", "X-MS-Exchange-Forest-RulesExecuted: yes"]
        ours = self.send(ANNA, client=EXCHANGE, content=message(ANNA, headers=lines))
        self.assertEqual(ours.copy["X-MS-Exchange-Organization-SCL"], "-1")
        theirs = self.send("a@b.example", client=STRANGER, content=message("a@b.example", headers=lines))
        self.assertEqual([name for name in theirs.copy if name.lower().startswith("x-ms-exchange-")], [])

    def test_printer(self):
        """a printer within its limits: accepted, tagged, its own header added"""
        outcome = self.send("scanner@contoso.example", client=PRINTER)
        self.accepted(outcome, "printers", "device")
        self.assertEqual(outcome.copy.get_all("X-Device"), ["printer"])

    def test_added_header_cannot_be_forged(self):
        """the header that a connector adds is removed from everybody else's mail"""
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", headers=["X-Device: printer", "x-device : printer"]))
        self.accepted(outcome)
        self.assertNotIn("X-Device", outcome.copy)

    def test_printer_foreign_sender(self):
        """a printer that claims another sender"""
        self.refused(self.send("ceo@contoso.example", client=PRINTER), "550 5.7.1", "sender", "printers")
        self.refused(self.send("a@b.example", client=PRINTER), "550 5.7.1", "sender", "printers")
        self.refused(self.send("", client=PRINTER), "550 5.7.1", "sender", "printers")

    def test_printer_foreign_recipient(self):
        """a printer that writes to the internet"""
        self.refused(self.send("scanner@contoso.example", "someone@elsewhere.example", client=PRINTER), "550 5.7.1", "recipient", "printers")

    def test_printer_routed_recipient(self):
        """recipients that only look like ours, because Postfix would route them on"""
        for recipient in ("victim%evil.example@contoso.example", '"victim@evil.example"@contoso.example', "evil.example!victim@contoso.example",
                          "@contoso.example:victim@evil.example"):
            with self.subTest(recipient):
                outcome = self.send("scanner@contoso.example", recipient, client=PRINTER)
                self.refused(outcome, "550 5.7.1", "recipient", "printers")
                if "%" in recipient:  # doubled for Sendmail; Postfix makes it one again
                    self.assertIn(recipient, outcome.reply.text)

    def test_printer_mixed_recipients(self):
        """one refused recipient does not cost the others their mail, but the mail its trust"""
        outcome = self.send("scanner@contoso.example", [ANNA, "someone@elsewhere.example"], client=PRINTER)
        self.assertEqual([reply.code for reply in outcome.transaction.recipients], [250, 550])
        self.assertEqual([copy["Delivered-To"] for copy in outcome.copies], [ANNA])
        self.assertNotIn("X-Connector-Trust", outcome.copy)

    def test_printer_too_many_recipients(self):
        """recipients beyond the printer's limit are put off, the others get their mail"""
        recipients = [f"r{n}@contoso.example" for n in range(5)]
        outcome = self.send("scanner@contoso.example", recipients, client=PRINTER)
        self.assertEqual([str(reply)[:9] for reply in outcome.transaction.recipients[3:]], ["452 4.5.3"] * 2)
        self.assertEqual(sorted(copy["Delivered-To"] for copy in outcome.copies), recipients[:3])

    def test_printer_declares_too_much(self):
        """SIZE= beyond the limit is refused at MAIL already"""
        with self.host.connect(PRINTER) as session:
            reply = session.mail("scanner@contoso.example", "SIZE=30000")
        self.assertEqual(str(reply)[:9], "552 5.3.4", reply)

    def test_printer_sends_too_much(self):
        """a message that grows beyond the limit undeclared is refused at its end"""
        content = message("scanner@contoso.example", body="x" * 70 + "\r\n" + ("y" * 70 + "\r\n") * 400)
        self.refused(self.send("scanner@contoso.example", client=PRINTER, content=content), "552 5.3.4", "size", "printers")

    def test_own_domain_from_outside(self):
        """nobody on the internet may write as one of us (protect)"""
        self.refused(self.send(ANNA, client=STRANGER), "550 5.7.1", "protect")

    def test_bare_sender_from_outside(self):
        """a bare sender name becomes one of ours in Postfix, so it is refused as well"""
        self.refused(self.send("ceo", client=STRANGER), "550 5.7.1", "protect")


class Vouched(Scenario):
    config = CONFIG

    def test_login(self):
        """a logged-in user is one of us"""
        outcome = self.send(ANNA, "someone@elsewhere.example", client=STRANGER, listener="submission", login=True)
        self.accepted(outcome, None, "user")
        self.assertRegex(outcome.copy["X-Connector-Trust"], rf"^user; src={STRANGER}; tls=TLSv1\.3; id=")

    def test_login_foreign_sender(self):
        """a login vouches for senders in our domains only"""
        self.accepted(self.send("a@b.example", client=STRANGER, listener="submission", login=True))

    def submit(self, text, *arguments):
        """sendmail(1), and what was delivered of it."""
        before = {copy["Message-ID"] for copy in self.host.postfix.all_messages()}
        status, complaints = self.host.postfix.sendmail(text, *arguments)
        self.assertEqual(status, 0, complaints)
        return [copy for copy in self.host.postfix.all_messages() if copy["Message-ID"] not in before]

    def test_sendmail(self):
        """mail submitted on this machine with sendmail -t"""
        copies = self.submit(b"From: root@contoso.example\nTo: anna@contoso.example\nSubject: cron\n\nDone.\n", "-t")
        self.assertEqual(len(copies), 1)
        self.assertRegex(copies[0]["X-Connector-Trust"], r"^local; .*tls=none; id=")

    def test_sendmail_forgery(self):
        """a local program cannot claim more than it is"""
        text = b"From: root@contoso.example\nTo: anna@contoso.example\nX-Connector-Trust: internal; connector=exchange\nSubject: forged\n\nHi.\n"
        copies = self.submit(text, "-t")
        self.assertEqual(len(copies[0].get_all("X-Connector-Trust")), 1)
        self.assertRegex(copies[0]["X-Connector-Trust"], r"^local; ")

    def test_sendmail_foreign_sender(self):
        """local submission vouches for senders in our domains only"""
        copies = self.submit(b"To: anna@contoso.example\nSubject: list\n\nHi.\n", "-t", "-f", "a@b.example")
        self.assertNotIn("X-Connector-Trust", copies[0])

"""`repair` and `rewrite_sender` on real Postfix: what the next hop gets, whatever Postfix itself adds and for whom."""

import tempfile
from email.utils import parsedate_to_datetime

from outbound import SERVICES, Outbound
from scenario import ANNA, ORGANIZATION, PRINTER, STRANGER, Scenario
from private_mta.sendmail_host import SendmailHost
from private_mta.smtp_client import Reply, Transaction
from test_seal import make_keys

SCANNER, SCANS, BOB = "scanner@contoso.example", "Scans@contoso.example", "bob@refused.example"
OTHER, LOOPBACK = "10.20.1.9", "127.0.0.1"  # a device that is not repaired; the repaired one, when it is this machine
FIELDS = ("Date", "Message-ID", "From")
BARE = b"To: <anna@contoso.example>\r\nSubject: Scan\r\n\r\nScan.\r\n"  # as office printers write: no more than they must


def config(extra=""):
    return SERVICES + f"""
inbound = (
  {{ name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24", "127.0.0.1" ]; senders = [ ".contoso.example", "<>" ]; recipients = "any";
    repair = [ "date", "message_id", "from" ]; {extra} }},
  {{ name = "others"; type = "device"; source_ips = "10.20.1.0/24"; recipients = "any"; }}
);
outbound = (
  {{ name = "refused"; recipient_domains = "refused.example"; smart_hosts = "@wall@"; }},
  {{ name = "away"; recipient_domains = [ "organization", "elsewhere.example" ]; smart_hosts = "@hop@"; }}
);
"""


REWRITING = config(f'rewrite_sender = "{SCANS}";')


def signed(text):
    return 'signing = { keys = ( { id = "key"; file = "keys/key"; } ); };\n' + text


class Devices(Outbound):
    next_hops = {"hop": {"dsn": True}, "wall": {"refuse": "550 5.1.1 Nobody here"}}
    config = config()

    @classmethod
    def arrange(cls, daemon):
        make_keys(daemon, "key")

    def scan(self, content=BARE, client=PRINTER, sender=SCANNER, recipients=ANNA, **how):
        """What the next hop gets of a message, and what became of it before."""
        outcome = self.post(recipients, sender=sender, client=client, content=content, **how)
        return self.sinks["hop"].wait_for(outcome.queue_id)[0], outcome

    def one_each(self, got):
        """Exactly one Date, one Message-ID and one From, and each says something; they are returned."""
        found = [got.message.get_all(name, []) for name in FIELDS]
        self.assertEqual([len(values) for values in found], [1, 1, 1], got.raw)
        date, identity, author = (values[0] for values in found)
        self.assertIsNotNone(parsedate_to_datetime(date))
        self.assertRegex(identity, r"^<[^<>@\s]+@[^<>@\s]+>$")
        self.assertIn("@", author)
        return date, identity, author

    def unrepaired(self, got):
        self.assertEqual([name for name in FIELDS if got.message[name] is not None], [])

    def genuine(self, raw, sender):
        with tempfile.NamedTemporaryFile(suffix=".eml") as file:
            file.write(raw)
            file.flush()
            status, said = self.host.daemon.control_tool("verify", file.name, "--from", sender)
        self.assertEqual(status, 0, said)

    def settings_are(self, **parameters):
        self.host.postfix.set(**parameters)
        self.host.postfix.reload()

    def test_what_is_missing_is_added(self):
        """a scan without Date, Message-ID and From arrives with all three: time of receipt, our name, its sender; the log has the Message-ID"""
        got, outcome = self.scan()
        date, identity, author = self.one_each(got)
        self.assertRegex(date, r"^\w{3}, \d{1,2} \w{3} 20\d\d \d\d:\d\d:\d\d \+0000$")
        self.assertRegex(identity, rf"^<{outcome.record['id']}\.\d+@mail\.contoso\.example>$")
        self.assertEqual(author, f"<{SCANNER}>")
        self.assertEqual(outcome.record["msgid"], identity)

    def test_what_is_there_stays(self):
        """what a device says is not changed, however odd; a field without a value says nothing"""
        got, _ = self.scan(b"DATE: 22.11.2026 10 Uhr\r\nMessage-Id: 4711\r\nfrom: Scanner im 2. Stock\r\n" + BARE)
        self.assertEqual([got.message.get_all(name) for name in FIELDS], [["22.11.2026 10 Uhr"], ["4711"], ["Scanner im 2. Stock"]])
        got, _ = self.scan(b"Date:\r\nMessage-ID: <>\r\nFrom: \r\nDate:  \r\n" + BARE)
        self.one_each(got)
        self.assertEqual(got.message["Subject"], "Scan")

    def test_only_that_connectors_mail(self):
        """other devices' and strangers' mail stays as it is, and so does a scan of which some recipient was refused"""
        for extra in ("", f'rewrite_sender = "{SCANS}";'):
            self.reload(config(extra))
            for client, sender in ((OTHER, SCANNER), (STRANGER, "a@b.example")):
                got, _ = self.scan(client=client, sender=sender)
                self.unrepaired(got)
                self.assertEqual(got.sender, sender)
            self.reload(config(extra).replace('recipients = "any";\n', 'recipients = "internal";\n'))
            got, _ = self.scan(recipients=[ANNA, "bob@elsewhere.example"])
            self.unrepaired(got)
            self.assertEqual(got.sender, SCANNER)

    def test_nothing_is_doubled(self):
        """one of each, whether or not Postfix adds them as well: always or not, for its own clients or not, from near and far"""
        before = self.host.postfix.postconf("-h", "local_header_rewrite_clients").strip()
        self.addCleanup(self.settings_are, always_add_missing_headers="no", local_header_rewrite_clients=before, remote_header_rewrite_domain="")
        for always, own, foreign in (("no", "", ""), ("no", "permit_inet_interfaces", ""), ("no", "", "domain.invalid"), ("yes", "", ""),
                                     ("yes", "permit_inet_interfaces", "domain.invalid")):
            self.settings_are(always_add_missing_headers=always, local_header_rewrite_clients=own, remote_header_rewrite_domain=foreign)
            for client in (PRINTER, LOOPBACK):
                for more in (b"", b"Resent-From: <x@contoso.example>\r\n", b"Date: \r\n"):
                    with self.subTest(always=always, own=own, foreign=foreign, client=client, more=more):
                        got, outcome = self.scan(more + BARE, client)
                        self.assertEqual(outcome.record["connector"], "printers")
                        self.assertEqual(outcome.record["msgid"], self.one_each(got)[1])

    def test_local_submission(self):
        """what a local program submits is no device's: Postfix gives it one of each"""
        status, said = self.host.postfix.sendmail(b"To: anna@contoso.example\nSubject: local\n\nHello.\n", "-f", SCANNER, ANNA)
        self.assertEqual(status, 0, said)

        def arrived():
            return next((got for got in self.sinks["hop"].received if got.message["Subject"] == "local"), None)
        self.one_each(self.host.postfix.wait(arrived, "the submitted message"))

    def test_authors(self):
        """the added From is a proper address, whatever the envelope sender looks like"""
        for sender, author in (('"Scanner 2. OG"@contoso.example', '<"Scanner 2. OG"@contoso.example>'), ('"a\\"b"@contoso.example', '<"a\\"b"@contoso.example>'),
                               ("Scan+2F@Contoso.example", "<Scan+2F@contoso.example>"), ("", "<MAILER-DAEMON@mail.contoso.example>")):
            with self.subTest(sender):
                self.assertEqual(self.one_each(self.scan(sender=sender)[0])[2], author)

    def test_signed(self):
        """the tag binds what is added, also in place of an empty field, and the sender that the message leaves with"""
        self.reload(signed(self.config))
        for content in (BARE, b"Date: \r\nMessage-ID:\r\n" + BARE):
            for sender in (SCANNER, '"Scanner 2. OG"@contoso.example'):
                got, _ = self.scan(content, sender=sender)
                self.assertIn("; h=from:date:message-id:subject; ", got.message["X-Connector-Trust"])
                self.genuine(got.raw, sender)
        self.reload(signed(REWRITING))
        self.genuine(self.scan()[0].raw, SCANS)

    def test_another_sender(self):
        """rewrite_sender: the next hop gets the new sender, From included if it is added; recipients and log are as they were"""
        self.reload(REWRITING)
        for sender in (SCANNER, ""):
            got, outcome = self.scan(sender=sender, recipients=[ANNA, "bob@elsewhere.example"])
            self.assertEqual((got.sender, sorted(got.recipients)), (SCANS, sorted([ANNA, "bob@elsewhere.example"])))
            self.assertEqual(self.one_each(got)[2], f"<{SCANS}>")
            self.assertEqual(outcome.record["from"], f"<{sender}>")
        got, _ = self.scan(b"From: Scanner <scanner@contoso.example>\r\n" + BARE)
        self.assertEqual((got.sender, got.message["From"]), (SCANS, "Scanner <scanner@contoso.example>"))

    def test_delivery_status_notifications(self):
        """what the device asked for about notifications leaves with the new sender: RET, ENVID, NOTIFY, ORCPT"""
        self.reload(REWRITING)
        with self.host.connect(PRINTER) as session:
            session.mail(SCANNER, "RET=HDRS", "ENVID=Scan+2B4711", "SIZE=500", "BODY=8BITMIME")
            session.command(f"RCPT TO:<{ANNA}> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;anna+2Bx@contoso.example")
            queue_id = self.host.posted(Transaction(Reply(250, ""), [], session.data(BARE))).queue_id
        got = self.sinks["hop"].wait_for(queue_id)[0]
        self.assertEqual(got.sender, SCANS)
        self.assertLessEqual({"RET=HDRS", "ENVID=Scan+2B4711"}, set(got.parameters))
        self.assertEqual(sorted(got.recipient_parameters[0]), ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;anna+2Bx@contoso.example"])

    def test_bounces(self):
        """a bounce goes to the new sender, quotes the ENVID of the device and, as it asked, not the body"""
        self.reload(REWRITING)
        outcome = self.post(BOB, sender=SCANNER, client=PRINTER, content=BARE, parameters=("RET=HDRS", "ENVID=Scan+2B4711"))

        def bounced():
            return next((got for got in self.sinks["hop"].received if got.sender == "" and outcome.queue_id in got.raw.decode()), None)
        bounce = self.host.postfix.wait(bounced, "the bounce")
        self.assertEqual(bounce.recipients, [SCANS])
        self.assertIn(b"Original-Envelope-Id: Scan+4711", bounce.raw)
        self.assertIn(b"Subject: Scan", bounce.raw)
        self.assertNotIn(b"\nScan.", bounce.raw)

    def test_rewriting_begins_in_a_session(self):
        """a session that was opened while no sender was rewritten is asked to connect again"""
        with self.host.connect(PRINTER) as session:
            self.assertEqual(session.send(SCANNER, ANNA, BARE).reply.code, 250)
            self.reload(REWRITING)
            reply = session.send(SCANNER, ANNA, BARE).reply
            self.assertTrue(str(reply).startswith("421 4.3.0 "), reply)
        self.assertEqual(self.scan()[0].sender, SCANS)


class UnderSendmail(Scenario):
    """The same with Sendmail, which adds the same fields to what it takes for a submission."""

    kind = SendmailHost
    config = ORGANIZATION + f"""
inbound = ( {{ name = "printers"; type = "device"; source_ips = [ "127.20.0.0/16" ]; recipients = "internal";
  repair = [ "date", "message_id", "from" ]; rewrite_sender = "{SCANS}"; }} );
"""

    def test_one_each(self):
        """one Date, one Message-ID, one From, by us, and the new sender; what is there without a value is replaced"""
        for more in (b"", b"Date: \r\nFrom:\r\nDate:\r\n"):
            outcome = self.send(SCANNER, client="127.20.0.9", content=more + BARE)
            self.accepted(outcome, "printers", "device")
            self.assertEqual([len(outcome.copy.get_all(name, [])) for name in FIELDS], [1, 1, 1], outcome.copy.raw)
            self.assertIn(outcome.record["id"], outcome.copy["Message-ID"])
            self.assertEqual((outcome.copy["From"], outcome.copy["Return-Path"]), (f"<{SCANS}>", f"<{SCANS}>"))
            self.assertEqual(outcome.record["from"], f"<{SCANNER}>")

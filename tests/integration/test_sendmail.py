"""The inbound connectors under real Sendmail, set up by the very text that `connectorctl sendmail` prints.

Debian's program runs unpacked beside the installed Postfix (packaging/private_mta/sendmail.py). Each case is judged by what the client was
told and by what arrived. Clients are addresses of 127.0.0.0/8.
"""

import json
import re
import ssl
import tempfile
from pathlib import Path

from private_mta.sendmail_host import SendmailHost
from scenario import ANNA, ORGANIZATION, Scenario, message

FABRIKAM, PRINTER, EXCHANGE, BACKUP, STRANGER = "127.1.0.9", "127.20.0.9", "127.10.0.5", "127.30.0.2", "127.66.0.1"
BOB = "bob@fabrikam.example"

CONFIG = ORGANIZATION.replace(" };", ' protect = "enforce"; };', 1) + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ ".fabrikam.example" ]; source_ips = [ "127.1.0.0/16" ];
    certificates = [ "mail.fabrikam.example" ]; check_header_from = "enforce"; },
  { name = "northwind"; type = "partner"; sender_domains = [ "northwind.example" ]; listeners = [ "mx" ]; min_tls_version = "TLSv1.3"; max_message_size = "20K"; },
  { name = "litware"; type = "partner"; sender_domains = [ "litware.example" ]; source_ips = [ "127.1.0.0/16" ]; on_violation = "tempfail"; },
  { name = "held"; type = "partner"; sender_domains = [ "held.example" ]; source_ips = [ "127.1.0.0/16" ]; on_violation = "quarantine"; },
  { name = "tagged"; type = "partner"; sender_domains = [ "tagged.example" ]; source_ips = [ "127.1.0.0/16" ]; on_violation = "tag"; },
  { name = "printers"; type = "device"; source_ips = [ "127.20.0.0/16" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal";
    add_headers = ( { name = "X-Device"; value = "printer"; } ); },
  { name = "exchange"; type = "on_premises"; listeners = [ "relay" ]; source_ips = [ "127.10.0.5" ]; accept_headers = true; },
  { name = "application"; type = "device"; listeners = [ "mx" ]; auth_users = [ "scan+1@contoso.example" ]; senders = [ "app@contoso.example" ]; }
);
"""


class Sendmail(Scenario):
    kind = SendmailHost
    config = CONFIG

    @classmethod
    def arrange_host(cls, host):
        host.mta.add_login("scan+1@contoso.example", "second")
        host.certificates.client["percent"] = host.certificates.authority.issue("percent", "50%off %s%n.example")

    def offered(self, sender, headers=(), **how):
        return self.send(sender, content=message(sender, headers=headers), **how)

    def genuine(self, raw, sender, expected=True):
        """Whether connectorctl verify takes the tag of a delivered message for ours."""
        with tempfile.NamedTemporaryFile(suffix=".eml") as file:
            file.write(raw)
            file.flush()
            status, said = self.host.daemon.control_tool("verify", "--from", sender, file.name)
        self.assertEqual(status, 0 if expected else 1, f"{said}\n{raw[:800]!r}")

    # Partners: addresses, TLS, certificates

    def test_partner(self):
        """a partner's server with its address and certificate: accepted and marked; each fact is the MTA's"""
        outcome = self.send(BOB, client=FABRIKAM, certificate="fabrikam")
        self.accepted(outcome, "fabrikam", "partner")
        self.assertRegex(outcome.copy["X-Connector-Trust"],
                         rf"^partner; connector=fabrikam; type=partner; src={FABRIKAM}; tls=TLSv1\.3; id=[a-z2-7]{{12}}$")
        self.assertEqual((outcome.record["cert"], outcome.record["listener"]), ("mail.fabrikam.example", "mx"))

    def test_wrong_address(self):
        """the partner's certificate from another address"""
        self.refused(self.send(BOB, client=STRANGER, certificate="fabrikam"), "550 5.7.1", "source", "fabrikam")
        self.refused(self.send("x@litware.example", client=STRANGER), "451 4.7.1", "source", "litware")

    def test_certificates_that_prove_nothing(self):
        """no certificate, another name, none, a stranger's CA, expired, for servers only: Sendmail takes them all, none meets the demand"""
        for label in (None, "wrong-name", "nameless", "untrusted", "expired", "server-only"):
            with self.subTest(certificate=label):
                self.refused(self.send(BOB, client=FABRIKAM, tls=True, certificate=label), "550 5.7.8", "certificate", "fabrikam")

    def test_unverified_is_said(self):
        """the reply says which of the two it is: nothing that counts, or another name"""
        outcome = self.send(BOB, client=FABRIKAM, certificate="untrusted")
        self.assertIn("client certificate was not verified", outcome.reply.text)
        self.assertIn("no certificate", self.send(BOB, client=FABRIKAM, tls=True).reply.text)

    def test_tls(self):
        """clear text where TLS is asked for, and TLS 1.2 where 1.3 is"""
        self.refused(self.send(BOB, client=FABRIKAM), "550 5.7.10", "tls", "fabrikam")
        self.refused(self.send("a@northwind.example", client=STRANGER), "550 5.7.10", "tls", "northwind")
        old = self.send("a@northwind.example", client=STRANGER, tls=True, version=ssl.TLSVersion.TLSv1_2)
        self.refused(old, "550 5.7.10", "tls", "northwind")
        self.accepted(self.send("a@northwind.example", client=STRANGER, tls=True), "northwind")

    def test_percent_in_a_reply(self):
        """Sendmail reads a reply as a format: what a client calls itself arrives as it is"""
        outcome = self.send(BOB, client=FABRIKAM, certificate="percent")
        self.refused(outcome, "550 5.7.8", "certificate", "fabrikam")
        self.assertIn('for "50%off %s%n.example"', outcome.reply.text)

    def test_header_from(self):
        """the header From of the partner's domain from elsewhere"""
        outcome = self.send("a@elsewhere.example", client=STRANGER, content=message("a@elsewhere.example", author=f"From: Bob <{BOB}>"))
        self.refused(outcome, "550 5.7.1", "header_from", "fabrikam")

    def test_null_sender(self):
        """a bounce from the partner's server is the partner's, from elsewhere nobody's"""
        bounce = message("", author="From: <mailer-daemon@elsewhere.example>")
        self.accepted(self.send("", client=FABRIKAM, certificate="fabrikam", content=bounce), "fabrikam", "partner")
        self.accepted(self.send("", client=STRANGER, content=bounce))

    def test_size(self):
        """too large: by SIZE= at MAIL, and by what came, headers and body"""
        how = {"client": STRANGER, "tls": True}
        self.refused(self.send("a@northwind.example", parameters=["SIZE=20481"], **how), "552 5.3.4", "size", "northwind")
        big = message("a@northwind.example", body="x" * 70 + "\r\n")
        big = big[:-2] + b"y" * 70 + b"\r\n" + (b"z" * 70 + b"\r\n") * 300
        self.refused(self.send("a@northwind.example", content=big, **how), "552 5.3.4", "size", "northwind")
        fits = message("a@northwind.example", body="") + (b"z" * 70 + b"\r\n") * 200
        self.accepted(self.send("a@northwind.example", content=fits, **how), "northwind")

    # Grants

    def test_device(self):
        """a printer: granted for its sender and our recipients, nothing else"""
        outcome = self.send("scanner@contoso.example", client=PRINTER)
        self.accepted(outcome, "printers", "device")
        self.assertEqual(outcome.copy.get_all("X-Device"), ["printer"])
        self.refused(self.send("boss@contoso.example", client=PRINTER), "550 5.7.1", "sender", "printers")
        self.refused(self.send("scanner@contoso.example", "x@elsewhere.example", client=PRINTER), "550 5.7.1", "recipient", "printers")

    def test_recipients_that_lead_elsewhere(self):
        """recipients that end in our domain and that Sendmail sends elsewhere"""
        for recipient in ("victim%evil.example@contoso.example", '"victim@evil.example"@contoso.example', "evil.example!victim@contoso.example",
                          "@contoso.example:victim@evil.example"):
            with self.subTest(recipient=recipient):
                outcome = self.send("scanner@contoso.example", recipient, client=PRINTER)
                self.assertEqual(outcome.reply.code // 100, 5, outcome.reply)
                self.assertIn(outcome.record.get("rule"), ("recipient", "syntax"))
                self.assertEqual(outcome.copies, [])

    def test_recipients_that_stay(self):
        """our recipients in other spellings, of which Sendmail says the local part alone"""
        for recipient in (ANNA, "Anna+ext@CONTOSO.Example", "anna@contoso.example."):
            with self.subTest(recipient=recipient):
                self.accepted(self.send("scanner@contoso.example", recipient, client=PRINTER), "printers", "device")

    def test_senders_that_become_others(self):
        """senders whom Sendmail takes for a partner's, or for ours: the demand is on what it makes of them"""
        for sender in ("bob%fabrikam.example@contoso.example", '"bob@fabrikam.example"@contoso.example', "fabrikam.example!bob@contoso.example"):
            with self.subTest(sender=sender):
                outcome = self.send(sender, client=STRANGER, tls=True)
                self.assertEqual(outcome.reply.code, 550, outcome.reply)
                self.assertIn(outcome.record["rule"], ("source", "protect"))
        self.refused(self.send("ceo", client=STRANGER), "550 5.7.1", "protect")
        self.refused(self.send(ANNA, client=STRANGER), "550 5.7.1", "protect")

    def test_login(self):
        """a login vouches for senders in our domains, and only there"""
        outcome = self.send(ANNA, "x@elsewhere.example", client=STRANGER, listener="submission", login=True)
        self.accepted(outcome, None, "user")
        self.assertEqual(outcome.record["auth"], ANNA)
        self.accepted(self.send("x@elsewhere.example", client=STRANGER, listener="submission", login=True))

    def test_login_of_a_device(self):
        """a login with a character that Sendmail escapes in its macro"""
        with self.host.connect(STRANGER, tls=True) as session:
            self.assertEqual(session.login("scan+1@contoso.example", "second").code, 235)
            outcome = self.host.outcome(session.send("app@contoso.example", ANNA, message("app@contoso.example")))
        self.accepted(outcome, "application", "device")
        self.assertEqual(outcome.record["auth"], "scan+1@contoso.example")

    def test_repair(self):
        """what a scan lacks is added, once, though Sendmail adds the same; it leaves with the device's new sender, and its tag verifies"""
        self.host.daemon.control_tool("key", "new", "r")
        self.reload(CONFIG.replace("add_headers", 'repair = [ "date", "message_id", "from" ]; rewrite_sender = "scans@contoso.example"; add_headers') +
                    'signing = { keys = ( { id = "r"; file = "keys/r"; } ); };\n')
        bare = b"To: <anna@contoso.example>\r\nSubject: Scan\r\n\r\nScan.\r\n"
        for content in (bare, b"Date:\r\nMessage-ID: <>\r\nFrom: \r\nDate:  \r\n" + bare, b"Date: \r\n" * 3 + b"Resent-From: <x@y.example>\r\n" + bare):
            with self.subTest(content=content):
                outcome = self.send("scanner@contoso.example", client=PRINTER, content=content, parameters=["RET=HDRS", "ENVID=scan"])
                self.accepted(outcome, "printers", "device")
                found = [outcome.copy.get_all(name, []) for name in ("Date", "Message-ID", "From")]
                self.assertEqual([len(values) for values in found], [1, 1, 1], outcome.copy.raw)
                self.assertEqual(found[1:], [[outcome.record["msgid"]], ["<scans@contoso.example>"]])
                received = self.host.mta.sink.of(outcome.queue_id)[0]
                self.assertEqual(received.sender, "scans@contoso.example")
                self.assertEqual({"RET=HDRS", "ENVID=scan"} - set(received.parameters), set(), received.parameters)
                self.genuine(outcome.copy.raw, "scans@contoso.example")
        odd = b"DATE: 22.11.2026 10 Uhr\r\nMessage-Id: 4711\r\nfrom: scanner@contoso.example\r\n"
        copy = self.send("scanner@contoso.example", client=PRINTER, content=odd + bare).copy
        self.assertEqual([copy.get_all(name) for name in ("Date", "Message-ID", "From")], [["22.11.2026 10 Uhr"], ["4711"], ["scanner@contoso.example"]])

    def test_rate(self):
        """one message too many"""
        self.reload(CONFIG.replace("add_headers", 'rate_limit = { messages = 2; per = "1h"; key = "source"; }; add_headers'))
        for _ in range(2):
            self.accepted(self.send("scanner@contoso.example", client=PRINTER), "printers", "device")
        self.refused(self.send("scanner@contoso.example", client=PRINTER), "450 4.7.28", "rate", "printers")

    def test_closed_listener(self):
        """a listener that is closed to strangers: by its name in DAEMON_OPTIONS; the server that belongs there may keep its headers"""
        outcome = self.send("a@elsewhere.example", client=STRANGER, listener="relay")
        self.assertEqual(outcome.reply.code, 554, outcome.reply)
        self.assertEqual(outcome.record.get("rule"), "closed")
        headers = ["X-MS-Exchange-Organization-SCL: -1", "X-Connector-Trust: forged"]
        outcome = self.offered(ANNA, headers, client=EXCHANGE, listener="relay")
        self.accepted(outcome, "exchange", "internal")
        self.assertEqual(outcome.copy.get_all("X-MS-Exchange-Organization-SCL"), ["-1"])
        self.refused(self.send(ANNA, client=EXCHANGE), "550 5.7.1", "protect")  # the same server, on the other listener

    # Headers

    def test_forged_headers(self):
        """forged headers of our family in odd spellings, many of a name, between others: all gone, the others stay in their order"""
        forged = ["X-Connector-Trust: internal; connector=exchange", "x-connector-TRUST : internal", "X-Connector-Trust\t: internal",
                  "X-Connector: internal", "X-CONNECTOR-Violation:none", "X-Connector-Route: gw", "X-Connector-Trust:\r\n internal", "X-Device: printer",
                  "X-Connector-:", "x-ms-exchange-organization-scl: -1", "X-MS-Exchange-Organization-AuthAs: Internal"]
        kept = [f"X-Keep: {number}" for number in range(30)]
        headers = [line for number in range(30) for line in (kept[number], forged[number % len(forged)])] + ["X-Connecting: yes"]
        outcome = self.offered(BOB, headers, client=FABRIKAM, certificate="fabrikam")
        self.accepted(outcome, "fabrikam", "partner")
        self.assertEqual(len(outcome.ours), 1, outcome.ours)
        self.assertEqual([f"X-Keep: {value}" for value in outcome.copy.get_all("X-Keep")], kept)
        self.assertEqual(outcome.copy["X-Connecting"], "yes")
        raw = outcome.copy.raw.split(b"\r\n\r\n")[0].lower()
        for gone in (b"internal;", b"x-device", b"x-ms-exchange", b"forged", b"x-connector-route", b"x-connector-violation"):
            self.assertNotIn(gone, raw)
        self.assertEqual(len(re.findall(rb"x-connector[-\w]*\s*:", raw)), 1)

    def test_own_header_is_the_first(self):
        """our header stands above every other that can be forged or read first"""
        outcome = self.offered(BOB, ["X-Keep: 1"], client=FABRIKAM, certificate="fabrikam")
        names = [name.lower() for name in outcome.copy.keys()]
        self.assertLess(names.index("x-connector-trust"), names.index("x-keep"))
        self.assertLessEqual(names.index("x-connector-trust"), names.index("received") + 1)

    def test_tag(self):
        """on_violation = "tag": delivered, marked, without trust"""
        outcome = self.offered("a@tagged.example", ["X-Connector-Violation: none", "X-Connector-Trust: internal"], client=STRANGER)
        self.assertEqual(outcome.record["action"], "tag")
        self.assertRegex("\n".join(outcome.ours), r"^X-Connector-Violation: source; connector=tagged; id=[a-z2-7]{12}$")

    def test_quarantine(self):
        """on_violation = "quarantine": accepted, kept in Sendmail's quarantine with the reason, delivered once somebody releases it"""
        outcome = self.send("a@held.example", client=STRANGER)
        self.assertEqual((outcome.reply.code, outcome.record["action"]), (250, "quarantine"))
        self.assertIn(outcome.queue_id, self.host.mta.held())
        self.assertEqual(self.host.mta.sink.of(outcome.queue_id), [])
        queued = self.host.mta.control_file(outcome.queue_id)
        self.assertIn(f"connector held: source [{outcome.record['id']}]", queued)
        status, said = self.host.mta.sendmail(b"", "-bp", "-qQ")
        self.assertEqual((status, outcome.queue_id in said, "connector held: source" in said), (0, True, True), said)
        self.host.mta.sendmail(b"", "-qQ", "-qI" + outcome.queue_id, "-Q")
        self.host.mta.sendmail(b"", "-qI" + outcome.queue_id)
        copy = self.host.mta.messages(outcome.queue_id)[0]
        self.assertRegex(copy["X-Connector-Violation"], r"^source; connector=held; ")

    def test_signed_tag(self):
        """a signed tag verifies as Sendmail sends it on; not where Sendmail completes an address or breaks a long line"""
        self.host.daemon.control_tool("key", "new", "k")
        self.reload(CONFIG + 'signing = { keys = ( { id = "k"; file = "keys/k"; } ); };\n')
        scanner, plain = "scanner@contoso.example", b"From: <scanner@contoso.example>\r\n"
        whole = (message(scanner), plain + b"\r\nScan.\r\n", b"Subject: no From\r\n\r\nScan.\r\n", b"\r\nScan.\r\n",
                 b"From: Scan Ner (3rd floor) <scanner@contoso.example>\r\nSubject:  two  blanks \r\n\tand a fold \r\n\r\nScan.\r\n",
                 b'From: "Ner, Scan" <Scanner@CONTOSO.example>\r\nDate: 5 Jan 2026\r\nMessage-Id: <a b@c>\r\n\r\nScan.\r\n',
                 b"From: scanner@contoso.example (Scan Ner)\r\n\r\nScan.\r\n",
                 plain + b"Subject: =?utf-8?q?a?=\r\nSubject: two\r\n\r\n.\r\n..\r\nFrom here\r\n.x\r\n\r\n\r\n",
                 plain + b"Subject: caf\xe9\r\n\r\ncaf\xe9\r\n", plain + b"\r\n" + b"x" * 980 + b"\r\n", plain + b"\r\n")
        changed = (b"From: scanner\r\n\r\nScan.\r\n", plain + b"\r\n" + b"x" * 3000 + b"\r\n")
        for content in whole + changed:
            with self.subTest(content=content[:80]):
                outcome = self.send(scanner, "x@elsewhere.example", client=EXCHANGE, listener="relay", content=content)
                self.accepted(outcome, "exchange", "internal")
                self.genuine(outcome.copy.raw, scanner, content in whole)

    # Sessions

    def test_nothing_carries_over(self):
        """three messages in one session: what holds for one does not hold for the next"""
        with self.host.connect(FABRIKAM, certificate="fabrikam") as session:
            first = self.host.outcome(session.send(BOB, ANNA, message(BOB, headers=["X-Connector-Trust: a"])))
            second = self.host.outcome(session.send("a@elsewhere.example", ANNA, message("a@elsewhere.example", headers=["X-Connector-Trust: b"])))
            refused = self.host.outcome(session.send(ANNA, ANNA, message(ANNA)))
            third = self.host.outcome(session.send(BOB, ANNA, message(BOB)))
        self.accepted(first, "fabrikam", "partner")
        self.accepted(second)
        self.refused(refused, "550 5.7.1", "protect")
        self.accepted(third, "fabrikam", "partner")

    def test_some_recipients(self):
        """one recipient refused, one accepted: it is delivered to that one alone, without trust"""
        outcome = self.send("scanner@contoso.example", ["x@elsewhere.example", ANNA], client=PRINTER)
        self.assertEqual([reply.code for reply in outcome.transaction.recipients], [550, 250])
        self.assertEqual([copy.recipients for copy in outcome.copies], [["anna"]])
        self.assertNotIn("X-Connector-Trust", outcome.copy)

    def test_smuggled_mail(self):
        """ends of data that only some servers take for one: Sendmail does not let a second message through"""
        for end in (b"\n.\n", b"\n.\r\n", b"\r\n.\n", b"\r.\r", b"\r.\r\n", b"\r\n.\r"):
            with self.subTest(end=end):
                with self.host.connect(FABRIKAM, certificate="fabrikam") as session:
                    session.mail(BOB)
                    session.rcpt(ANNA)
                    session.command("DATA")
                    session.raw(b"Subject: one\r\n\r\none" + end + b"MAIL FROM:<" + BOB.encode() + b">\r\nRCPT TO:<" + ANNA.encode() +
                                b">\r\nDATA\r\nSubject: two\r\n\r\ntwo\r\n.\r\n")
                    self.assertEqual(session.reply().code, 421)

    def test_reload(self):
        """another configuration holds for the next message"""
        self.refused(self.send("x@litware.example", client=STRANGER), "451 4.7.1", "source", "litware")
        self.reload(CONFIG.replace('on_violation = "tempfail"', 'on_violation = "reject"'))
        self.refused(self.send("x@litware.example", client=STRANGER), "550 5.7.1", "source", "litware")

    # The daemon fails

    def test_daemon_is_down(self):
        """without the daemon mail is put off (F=T), and taken again once it is back"""
        self.host.daemon.stop()
        try:
            with self.host.connect(STRANGER) as session:
                put_off = session.send("a@elsewhere.example", ANNA, message())
        finally:
            self.host.daemon.start()
        self.assertEqual(put_off.reply.code, 451, put_off.reply)
        self.accepted(self.send("a@elsewhere.example", client=STRANGER))

    def test_daemon_is_killed(self):
        """the daemon dies after RCPT: the message is put off, not delivered unjudged"""
        with self.host.connect(STRANGER) as session:
            session.mail("killed@elsewhere.example")
            self.assertEqual(session.rcpt(ANNA).code, 250)
            self.host.daemon.kill()
            try:
                reply = session.data(message("killed@elsewhere.example", headers=["X-Connector-Trust: internal"]))
                again = session.mail("killed@elsewhere.example")
            finally:
                self.host.daemon.start()
            self.assertEqual((reply.code, again.code), (451, 451), f"{reply} / {again}")
        self.accepted(self.send("a@elsewhere.example", client=STRANGER))
        self.assertNotIn("killed@elsewhere.example", [received.sender for received in self.host.mta.sink.received])

    # The package

    def test_packaged_filter(self):
        """/etc/mail/m4/connector-milter.m4 holds what `connectorctl sendmail` prints for the socket that it names"""
        socket = "/run/connector-milter/milter.sock"
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(f'organization = {{ domains = [ ".contoso.example" ]; }};\nmilter = {{ socket = "unix:{socket}"; }};\n')
            file.flush()
            status, said = self.host.daemon.control_tool("-c", file.name, "sendmail")
        self.assertEqual(status, 0, said)
        packaged = (Path(__file__).resolve().parents[2] / "packaging/sendmail/connector-milter.m4").read_text(encoding="utf-8")
        self.assertEqual(re.findall("^INPUT_MAIL_FILTER.*", said, re.M), re.findall("^INPUT_MAIL_FILTER.*", packaged, re.M))

    # What explain says

    def test_explain_says_the_same(self):
        """`connectorctl explain` about the same messages: action, rule, connector and reply are those that Sendmail gave"""
        rows = (
            (BOB, {"client": FABRIKAM, "certificate": "fabrikam"}, ["--tls", "TLSv1.3", "--cert-subject", "mail.fabrikam.example"]),
            (BOB, {"client": FABRIKAM, "certificate": "untrusted"},
             ["--tls", "TLSv1.3", "--cert-subject", "mail.fabrikam.example", "--cert-unverified"]),
            (BOB, {"client": STRANGER}, []),
            (BOB, {"client": STRANGER, "tls": True}, ["--tls", "TLSv1.3"]),
            ("x@litware.example", {"client": STRANGER}, []),
            ("a@held.example", {"client": STRANGER}, []),
            ("a@tagged.example", {"client": STRANGER}, []),
            ("scanner@contoso.example", {"client": PRINTER}, []),
            ("boss@contoso.example", {"client": PRINTER}, []),
            (ANNA, {"client": STRANGER}, []),
            (ANNA, {"client": STRANGER, "login": True}, ["--tls", "TLSv1.3", "--auth", ANNA]),
            ("ceo", {"client": STRANGER}, []),
            ("", {"client": STRANGER}, []),
        )
        for sender, how, options in rows:
            with self.subTest(sender=sender, how=how):
                outcome = self.send(sender, content=message(sender, author="From: <a@b.example>"), **how)
                status, text = self.host.daemon.control_tool("explain", "--json", "--listener", "mx", "--client", how["client"], "--from", sender or "<>",
                                                             "--to", ANNA, "--header", "From: <a@b.example>", *options)
                self.assertEqual(status, 0, text)
                said = json.loads(text)
                self.assertEqual((said["action"], said["rule"], said["connector"]),
                                 tuple(outcome.record.get(name) for name in ("action", "rule", "connector")), outcome.record)
                if said["reply"]:
                    given = re.sub(r"<[^>]*>\.\.\. ", "", str(outcome.reply)).replace(outcome.record["id"], "explain22222")
                    self.assertEqual(given, said["reply"])

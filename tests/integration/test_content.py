"""Rules that need the message itself, and what may become of a message other than acceptance: quarantine, tag, audit."""

from scenario import FABRIKAM, ORGANIZATION, STRANGER, Scenario, message

BOB = "bob@fabrikam.example"
FORGED = 'From: "The Boss" <boss@fabrikam.example>'


class Content(Scenario):
    config = ORGANIZATION + """
inbound = (
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; check_header_from = "enforce"; },
  { name = "northwind"; type = "partner"; sender_domains = [ "northwind.example" ]; source_ips = [ "203.0.113.0/24" ]; on_violation = "quarantine"; },
  { name = "tailspin"; type = "partner"; sender_domains = [ "tailspin.example" ]; source_ips = [ "203.0.113.0/24" ]; on_violation = "tag"; },
  { name = "wingtip"; type = "partner"; sender_domains = [ "wingtip.example" ]; source_ips = [ "203.0.113.0/24" ]; },
  { name = "litware"; type = "partner"; sender_domains = [ "litware.example" ]; source_ips = [ "203.0.113.0/24" ]; mode = "audit"; }
);
"""

    def test_quarantine(self):
        """on_violation = "quarantine": the message waits in the hold queue, marked"""
        outcome = self.send("a@northwind.example", client=STRANGER)
        queue_id = outcome.transaction.queue_id
        self.assertEqual(outcome.reply.code, 250)
        self.assertIn(queue_id, self.host.postfix.held())
        self.assertEqual((outcome.record["action"], outcome.record["rule"]), ("quarantine", "source"))
        self.assertRegex(self.host.postfix.queued_text(queue_id), r"X-Connector-Violation: source; connector=northwind; id=[a-z2-7]{12}")

    def test_tag(self):
        """on_violation = "tag": delivered, marked, not trusted"""
        outcome = self.send("a@tailspin.example", client=STRANGER)
        self.assertEqual(outcome.record["action"], "tag")
        self.assertEqual(outcome.ours, [f"X-Connector-Violation: source; connector=tailspin; id={outcome.record['id']}"])

    def test_header_from(self):
        """a From header that claims a partner is judged like its envelope sender"""
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", author=FORGED))
        self.refused(outcome, "550 5.7.1", "header_from", "fabrikam")

    def test_header_from_of_the_partner(self):
        """the partner's own servers may use it with another envelope sender"""
        outcome = self.send("a@b.example", client=FABRIKAM, content=message("a@b.example", author=FORGED))
        self.assertEqual(outcome.reply.code, 250, outcome.reply)

    def test_header_from_tricks(self):
        """other ways to write the same author"""
        for author in ("From: boss@fabrikam.example", "FROM :<boss@FABRIKAM.example>", "From: x@y.example,\r\n boss@fabrikam.example",
                       'From: "x@y.example" <boss@fabrikam.example>', "From: (a@b.example) boss@fabrikam.example",
                       "From: a group: boss@fabrikam.example;", "From: boss @ fabrikam . example"):
            with self.subTest(author):
                outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", author=author))
                self.refused(outcome, "550 5.7.1", "header_from", "fabrikam")

    def test_header_from_elsewhere(self):
        """a display name or a domain that only ends alike claims nothing"""
        for author in ('From: "boss@fabrikam.example" <a@b.example>', "From: boss@notfabrikam.example"):
            with self.subTest(author):
                self.accepted(self.send("a@b.example", client=STRANGER, content=message("a@b.example", author=author)))

    def test_two_from_headers(self):
        """two From headers on a partner's message are a violation"""
        content = message(BOB, author=f"From: <{BOB}>\r\nFrom: <other@b.example>")
        self.refused(self.send(BOB, client=FABRIKAM, content=content), "550 5.7.1", "header_from", "fabrikam")

    def test_header_from_audit(self):
        """the default only notes what it would have done"""
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", author="From: <boss@wingtip.example>"))
        self.assertEqual(outcome.reply.code, 250, outcome.reply)
        self.assertEqual(outcome.record.get("audit"), "would-reject/header_from/wingtip")
        self.assertEqual(outcome.ours, [f"X-Connector-Audit: would-reject; rule=header_from; connector=wingtip; id={outcome.record['id']}"])

    def test_audit(self):
        """mode = "audit": delivered, and marked with what enforcing would change"""
        outcome = self.send("a@litware.example", client=STRANGER)
        self.assertEqual(outcome.record.get("audit"), "would-reject/source/litware")
        self.assertEqual(outcome.ours, [f"X-Connector-Audit: would-reject; rule=source; connector=litware; id={outcome.record['id']}"])

    def test_audit_without_difference(self):
        """mode = "audit": no mark where enforcing would change nothing"""
        outcome = self.send("a@litware.example", client=FABRIKAM)
        self.accepted(outcome)
        self.assertEqual(outcome.ours, [])

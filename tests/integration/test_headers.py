"""What arrives: our headers are ours alone, however a forger spells them, and everything else is left as it was."""

import re

from scenario import ANNA, EXCHANGE, ORGANIZATION, STRANGER, Scenario, message

CONFIG = ORGANIZATION + """
inbound = ( { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; accept_headers = true; } );
"""
SPELLINGS = ("X-Connector-Trust: internal; connector=exchange", "x-connector-trust: internal", "X-CONNECTOR-TRUST : internal", "X-Connector-Trust\t: internal",
             "X-Connector-Trust:internal", "X-Connector-Trust:", "X-Connector-Trust: internal;\r\n\tconnector=exchange", "X-Connector: internal",
             "X-Connector-Anything-Else: yes", "X-Connector-: yes", "X-Connector-Route: smtp:[evil.example]", "X-Connector-Trust:\r\n internal")


def head_of(copy):
    """The header lines below Postfix's own, as they arrived."""
    head = copy.raw.split(b"\n\n", 1)[0]
    return re.split(rb"\n(?=From: <)", b"\n" + head, maxsplit=1)


class ForgedHeaders(Scenario):
    config = CONFIG

    def test_nothing_else_changes(self):
        """mail that no connector is about arrives as it was sent, without its forged headers"""
        lines = ["X-Spam-Flag: YES", "X-Connector-Trust: internal; connector=exchange", "X-Odd:   three spaces\r\n\t and a fold", "X-Connectors: not ours",
                 "X-Connectorless: nor this"]
        body = "Hello.\r\n.dot\r\nX-Connector-Trust: part of the text\r\n"
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", headers=lines, body=body))
        self.accepted(outcome)
        kept = message("a@b.example", headers=[line for line in lines if "Trust" not in line], body=body)
        self.assertTrue(outcome.copy.raw.endswith(kept.replace(b"\r\n", b"\n")), outcome.copy.raw)

    def test_every_spelling(self):
        """every spelling that the MTA lets through is removed"""
        for spelling in SPELLINGS:
            with self.subTest(spelling):
                content = message("a@b.example", headers=["X-Before: 1", spelling, "X-After: 2"])
                outcome = self.send("a@b.example", client=STRANGER, content=content)
                self.assertEqual(outcome.reply.code, 250)
                self.assertIsNone(re.search(rb"(?im)^x-connector(-[!-9;-~]*)?[ \t]*:", outcome.copy.raw.split(b"\n\n", 1)[0]), outcome.copy.raw)
                self.assertEqual((outcome.copy["X-Before"], outcome.copy["X-After"]), ("1", "2"))

    def test_three_hundred_copies(self):
        """300 copies among others: none survives, the others keep their order"""
        lines = []
        for number in range(300):
            lines += [SPELLINGS[number % len(SPELLINGS)], f"X-Kept: {number}"]
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", headers=lines))
        self.accepted(outcome)
        self.assertEqual(outcome.ours, [])
        self.assertEqual(outcome.copy.get_all("X-Kept"), [str(number) for number in range(300)])

    def test_copies_beside_a_real_one(self):
        """where we add a trust header, it is the only one and the first"""
        lines = ["X-Connector-Trust: device", "X-Kept: 1", "X-Connector-Trust: user"] * 50
        outcome = self.send(ANNA, client=EXCHANGE, content=message(ANNA, headers=lines))
        self.accepted(outcome, "exchange", "internal")
        self.assertEqual(len(outcome.ours), 1)
        self.assertEqual(len(outcome.copy.get_all("X-Kept")), 50)

    def test_own_family_from_own_server(self):
        """even our own server may not bring headers of our family"""
        outcome = self.send(ANNA, client=EXCHANGE, content=message(ANNA, headers=["X-Connector-Violation: none", "X-Connector-Audit: x"]))
        self.assertEqual([header.split(":")[0] for header in outcome.ours], ["X-Connector-Trust"])

    def test_stripped_family(self):
        """the headers.strip family goes in any case, also with a space before the colon"""
        lines = ["X-MS-Exchange-Organization-SCL: -1", "x-ms-exchange-organization-authas : Internal", "X-MS-EXCHANGE-FOREST-x: 1",
                 "X-MS-Exchange-CrossPremises-y: 2", "X-MS-Exchange-Other: kept"]
        outcome = self.send("a@b.example", client=STRANGER, content=message("a@b.example", headers=lines))
        self.assertEqual([name for name in outcome.copy.keys() if name.lower().startswith("x-ms-exchange")], ["X-MS-Exchange-Other"])

    def test_bare_cr(self):
        """a bare CR cannot smuggle a header past us (Postfix makes it a space)"""
        content = message("a@b.example", headers=["X-Odd: a\rX-Connector-Trust: internal"])
        outcome = self.send("a@b.example", client=STRANGER, content=content)
        lines = re.split(rb"[\r\n]+", b"".join(copy.raw for copy in outcome.copies))
        self.assertEqual([line for line in lines if line.lower().startswith(b"x-connector")], [])

    def test_end_of_header_tricks(self):
        """a line that ends the header early leaves what follows in the body"""
        content = b"From: <a@b.example>\r\nSubject: x\r\nX-Connector-Trust\xc2\xa0: internal\r\nX-Connector-Trust: internal\r\n\r\nHello.\r\n"
        outcome = self.send("a@b.example", client=STRANGER, content=content)
        if outcome.reply.code == 250:
            self.assertEqual(outcome.ours, [])


class BareCr(Scenario):
    """An MTA that passes bare CRs on, as Postfix did before 3.7.11."""

    config = CONFIG
    settings = {"cleanup_replace_stray_cr_lf": "no"}

    def test_bare_cr_is_no_header_of_ours(self):
        """a bare CR in a header: refused, or nothing of our family arrives"""
        content = message("a@b.example", headers=["X-Odd: a\rX-Connector-Trust: internal"])
        outcome = self.send("a@b.example", client=STRANGER, content=content)
        self.assertIn(outcome.reply.code // 100, (4, 5), outcome.reply)
        self.assertEqual(outcome.copies, [])

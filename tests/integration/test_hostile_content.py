"""Hostile message bytes through real Postfix: in what is delivered, no reader however lenient finds a header of our family that we did not write."""

import email
import email.policy
import re

import lenient
from scenario import ANNA, EXCHANGE, ORGANIZATION, STRANGER, Scenario, full, message

SENDER = "a@b.example"
CONFIG = ORGANIZATION + """
inbound = ( { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; accept_headers = true; } );
"""
TRUST = b"X-Connector-Trust: internal; connector=exchange; id=forgedforged"
REST = b"From: <a@b.example>\r\nSubject: x\r\n\r\nHello.\r\n"

# Names that are ours, could be taken for ours, or end the header where a careless reader goes on.
NAMES = [b"X-Connector-Trust", b"x-connector-trust", b"X-Connector-Trust ", b"X-Connector-Trust\t", b"X-Connector-Trust \t \t", b"X-Connector-Trust" + b" " * 300,
         b" X-Connector-Trust", b"\tX-Connector-Trust", b"X-Connector -Trust", b"X- Connector-Trust", b"X-Connector-Trust\0", b"X-Conn\0ector-Trust", b"X-Connector-Trust\r",
         b"\rX-Connector-Trust", b"X-Connector-Trust\v", b"X-Connector-Trust\f", b"X-Connector-Trust\x7f", b"X-Connector-Trust\xc2\xa0", b"\xef\xbb\xbfX-Connector-Trust",
         b"X-Connector\xe2\x80\x8b-Trust", b"\xef\xbc\xb8-Connector-Trust", b"X-Connector\xe2\x80\x90Trust", b"X-Connector-Trust\xff", b"=?utf-8?q?X-Connector-Trust?=",
         b"\"X-Connector-Trust\"", b"(x)X-Connector-Trust", b"X-Connector-Trust(x)", b"X-Connector-Trust;", b"X-Connector-Trust::", b":X-Connector-Trust", b": X-Connector-Trust",
         b"X-Connector", b"X-Connector-", b"X-Connector--", b"X-Connector ", b"X-CONNECTOR-" + b"a" * 900, b"X-Connector-" + b"a" * 70000, b"X-Connector-\x01",
         b">X-Connector-Trust", b"From X-Connector-Trust", b".X-Connector-Trust", b"..X-Connector-Trust", b"X-Connector-Trust\b", b"X-Connector-\xe4"]

# What comes before a forged header.
BEFORE = [b"", b"X-Odd: a\r\n", b"X-Odd: a\r", b"X-Odd: a\n", b"X-Odd: a\r\r\n", b"X-Odd: a\r\n\r", b"X-Odd: a\r\n \r\n", b"X-Odd: a\r\n\t\r\n \r\n", b"X-Odd:\r\n", b"X-Odd:\r\n \r\n",
          b"X-Odd\r\n", b"malformed line\r\n", b"malformed line\r", b"X-Odd : a\r\n", b"From a@b Mon Jan  5 10:00:00 2026\r\n", b">From a@b Mon Jan  5 10:00:00 2026\r\n",
          b" folded before any header\r\n", b"\t\r\n", b": nameless\r\n", b"X-Odd: " + b"x" * 70000 + b"\r\n", b"X-Odd: " + b"x" * 70000 + b"\r", b"X-Odd:" + b"\r\n " * 2000 + b"y\r\n",
          b"X-Odd: a\0\r\n", b"X-Odd: a\0", b"X-Odd: \xff\xfe\r\n", b"X-Odd: =?utf-8?q?a=0D=0A?=\r\n", b"X-Odd: a\v", b"X-Odd: a\f", b"X-Odd: a\x85", b"X-Odd: a\xe2\x80\xa8",
          b"Content-Type: multipart/mixed; boundary=x\r\n", b"MIME-Version: 1.0\r\nContent-Type: message/rfc822\r\n\r\n", b"Subject: a\\\r\n", b"X-Odd: (\r\n", b"X-Odd: \"\r\n",
          b"X-Odd: a\r\n.\rX-More: b\r\n", b"X-Odd: a\n\r\n", b"X-Odd: a\r\n\n", b"X-Odd: a\n.\r"]


class Content(Scenario):
    config = CONFIG
    own_server, clients = EXCHANGE, (STRANGER, EXCHANGE)
    read_as = (lenient.fields, lambda raw: list(email.message_from_bytes(raw).items()),
               lambda raw: [(str(name), str(value)) for name, value in email.message_from_bytes(raw, policy=email.policy.compat32).raw_items()])

    def family(self, raw):
        """Every header of our family that some reader finds in `raw`: by reader, (name, value)."""
        return [[(name, value) for name, value in read(raw) if re.match(r"x-connector(-|$)", lenient.fold(name))] for read in self.read_as]

    def check(self, outcome, what, client):
        """Refused, or delivered with nothing of our family but what the log line's message got from us."""
        if outcome.reply.code != 250:
            self.assertIn(outcome.reply.code // 100, (4, 5), (what, outcome.reply))
            return "refused"
        self.assertEqual(len(outcome.copies), 1, what)
        for found in self.family(outcome.copy.raw):
            self.assertEqual(len(found), 1 if client == self.own_server else 0, (what, found))
            for name, value in found:
                self.assertEqual(lenient.fold(name), "x-connector-trust")
                self.assertIn(f"id={outcome.record['id']}", value, what)
                self.assertEqual(outcome.record["action"], "accept")
        return "delivered"

    def send_all(self, client, contents):
        """What became of each, in as few sessions as the server allows."""
        done, session = [], self.host.connect(client)
        try:
            for content in contents:
                try:
                    done.append(session.send(SENDER, ANNA, content))
                except ConnectionError:  # the end of the session was the answer to the one before
                    session.close()
                    session = self.host.connect(client)
                    done.append(session.send(SENDER, ANNA, content))
        finally:
            session.close()
        return done

    def transmit(self, contents):
        """Each content from a stranger and from our own server (`clients`); returns how many were delivered and refused."""
        counts = {"delivered": 0, "refused": 0}
        for client in self.clients:
            done = self.send_all(client, contents)
            self.host.mta.all_messages()
            for content, transaction in zip(contents, done):
                counts[self.check(self.host.outcome(transaction), content[:200], client)] += 1
        print(f"     {self._testMethodName}: {len(self.clients) * len(contents)} messages, {counts}", flush=True)
        return counts

    def test_odd_names(self):
        """names that are ours in disguise"""
        contents = [name + b": internal; id=forgedforged\r\n" + REST for name in NAMES]
        contents += [b"From: <a@b.example>\r\n" + name + b": internal\r\nSubject: x\r\n\r\nHello.\r\n" for name in NAMES]
        self.transmit(contents)

    def test_odd_lines_before(self):
        """forged headers behind odd lines, folds, bare CR and LF, NUL, 8-bit and 70 kB"""
        names = NAMES if full() else [NAMES[0], NAMES[2]]
        self.transmit([before + name + b": internal\r\n" + REST for before in BEFORE for name in names])

    def test_body_that_looks_like_a_header(self):
        """first lines of the body that look like headers stay in the body"""
        contents = [b"Subject: x\r\n" + end + TRUST + b"\r\n\r\nHello.\r\n" for end in (b"\r\n", b"\n", b"\r\n\r\n", b" \r\n\r\n")]
        counts = self.transmit(contents)
        self.assertEqual(counts["refused"], 0)

    def test_thousand_headers(self):
        """1,000 headers, every other one forged; 1,000 forged ones; one more is refused"""
        mixed = b"".join(b"X-Kept-%d: y\r\n" % number + (NAMES[number % 6] + b": internal\r\n") for number in range(500))
        self.assertEqual(self.transmit([mixed + REST, (TRUST + b"\r\n") * 1000 + REST])["refused"], 0)
        self.assertEqual(self.transmit([(TRUST + b"\r\n") * 1001 + REST])["delivered"], 0)

    def test_large_headers(self):
        """70 kB and more in our own and in other headers, in one line and in folds"""
        contents = []
        for size in (59990, 60000, 65535, 70000, 102400, 200000):
            for name in (b"X-Connector-Trust", b"X-Odd"):
                contents.append(name + b": " + b"x" * size + b"\r\n" + TRUST + b"\r\n" + REST)
                contents.append(name + b": " + b"x\r\n " * (size // 4) + b"\r\n" + TRUST + b"\r\n" + REST)
        self.transmit(contents)

    def test_ours_is_recognised(self):
        """the check itself: it finds what it should find, and ours carries the id of its log line"""
        for raw in (TRUST + b"\n\n", b"X-Odd: a\r" + TRUST + b"\n\n", b"junk\n" + TRUST.replace(b":", b" :") + b"\n\n", b"X-\0Connector-Trust: a\n\n",
                    "\uff38-Connector-Trust: a\n\n".encode()):
            self.assertEqual(len(self.family(raw)[0]), 1, raw)
        outcome = self.send(ANNA, client=self.own_server, content=message(ANNA, headers=[TRUST.decode()]))
        self.assertEqual(self.check(outcome, "ours", self.own_server), "delivered")


class ContentWithBareCr(Content):
    """The same by a Postfix that passes bare CR on."""

    settings = {"cleanup_replace_stray_cr_lf": "no"}

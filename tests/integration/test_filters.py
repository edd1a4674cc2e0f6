"""Spam filters that read our trust header: they forgive a device its habits and nobody's content, and a forged header counts for nothing."""

import itertools
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from outbound import SERVICES
from scenario import STRANGER, Scenario
from spam_filters import SHIPPED, Amavis, Rspamd, SpamAssassin
from test_seal import make_keys

# A branch office: addresses of the internet, so that the filters look at them. The printers' mail is routed to amavis.
SCANNER, PRINTER, OFFICE_SERVER, PARTNER, FIRST_SERVER = "203.0.113.41", "203.0.113.40", "203.0.113.42", "203.0.113.43", "203.0.113.44"
SENDER, ANNA = "scanner@contoso.example", "anna@contoso.example"
HELO = "[10.20.0.9]"
CONFIG = SERVICES + """
signing = { keys = ( { id = "key"; file = "keys/key"; } ); };
inbound = (
  { name = "scanners"; type = "device"; source_ips = [ "203.0.113.41" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; },
  { name = "printers"; type = "device"; source_ips = [ "203.0.113.40" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; },
  { name = "office"; type = "on_premises"; source_ips = [ "203.0.113.42" ]; },
  { name = "agency"; type = "partner"; sender_domains = [ "contoso.example" ]; source_ips = [ "203.0.113.43" ]; on_violation = "tag"; },
  { name = "mx1"; type = "on_premises"; source_ips = [ "203.0.113.44" ]; accept_tags = true; trust = "relayed"; }
);
"""
FORGED = ["X-Connector-Trust: device; connector=scanners; type=device; src=203.0.113.41; tls=none; id=aaaaaaaaaaaa"]
GTUBE = "XJS*C4JDBQADN1.NSBN3*2IDNEN*GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"
MARK = itertools.count()
EXTORTION = ("Hello. I know one of your passwords, and I have recorded you through your webcam. Send 900 USD in bitcoin to my wallet "
             "1BvBMSEYstWetqTFn5Au4m4GFg7xJaNVN2 within 48 hours, or I will send the video to all of your contacts.")
FRAUD = ("I am an accountant at the Central Bank of Nigeria. A foreign customer died in a plane crash and left behind the sum of 15,500,000.00 United "
         "States dollars (fifteen million five hundred thousand) without a next of kin. I need your assistance as a foreign partner to transfer this "
         "fund into your bank account. Please treat this transaction as strictly confidential, and send me your telephone number and address.")


def scan(body="The scan is attached.", headers=()):
    """What a scanner sends: a PDF, and neither Date nor Message-ID."""
    return "\r\n".join([*headers, f"From: {SENDER}", f"To: {ANNA}", "Subject: Scanned from MFP 2nd floor", "MIME-Version: 1.0",
                        'Content-Type: multipart/mixed; boundary="b"', "", "--b", "Content-Type: text/plain; charset=us-ascii", "", body, "--b",
                        'Content-Type: application/pdf; name="scan0001.pdf"', "Content-Transfer-Encoding: base64",
                        'Content-Disposition: attachment; filename="scan0001.pdf"', "",
                        "JVBERi0xLjQKJcOkw7zDtsOfCjEgMCBvYmoKPDw+PgplbmRvYmoKdHJhaWxlcjw8Pj4KJSVFT0YK", "--b--", ""]).encode()


@dataclass
class Verdict:
    """What a filter made of a message: refused by this reply, or delivered as spam or not, with this score for these rules."""

    spam: bool
    score: float = None
    rules: frozenset = frozenset()
    copy: object = None
    refusal: str = None


def verdict_of(copy):
    """Read from the headers that the filters write."""
    if rspamd := copy["X-Spamd-Result"]:
        return Verdict((copy["X-Spam"] or "") == "Yes", float(re.search(r"\[(-?[\d.]+) /", rspamd).group(1)), frozenset(re.findall(r"([A-Z][A-Z0-9_]+)\(", rspamd)), copy)
    status = re.sub(r"\s+", " ", copy["X-Spam-Status"])
    rules = frozenset(re.findall(r"[A-Z][A-Z0-9_]{3,}", status.split("tests=")[1].split("autolearn")[0]))
    return Verdict(status.startswith("Yes"), float(re.search(r"score=(-?[\d.]+)", status).group(1)), rules, copy)


class Filters(Scenario):
    config = CONFIG

    @classmethod
    def arrange(cls, daemon):
        make_keys(daemon, "key")

    @classmethod
    def arrange_host(cls, host):
        directory = Path(tempfile.mkdtemp(prefix="filters-", dir="/tmp"))
        directory.chmod(0o755)
        cls.addClassCleanup(shutil.rmtree, directory, ignore_errors=True)
        cls.rspamd, cls.spamassassin, cls.amavis = (kind(directory / kind.__name__.lower()) for kind in (Rspamd, SpamAssassin, Amavis))
        for running in (cls.rspamd, cls.spamassassin, cls.amavis):
            cls.addClassCleanup(running.stop)
            running.start()
        ours = f"unix:{host.daemon.socket}"
        for running, name in ((cls.rspamd, "rspamd"), (cls.spamassassin, "spamassassin")):
            running.wait()
            for order, milters in (("alone", [running.milter]), ("behind", [ours, running.milter]), ("before", [running.milter, ours]),
                                   ("without", [f"{{ unix:{directory}/nobody, default_action=accept }}", running.milter])):
                host.postfix.add_listener(f"{order}-{name}", None, "smtpd_milters=" + ",".join(milters))
        cls.amavis.wait()
        cls.arrange_amavis(host.postfix, ours)

    @classmethod
    def arrange_amavis(cls, postfix, ours):
        """As filters.md says: everybody's mail goes to the first port, what comes back is not for the milter."""
        for name, milters in (("alone-amavis", ""), ("behind-amavis", ours)):
            postfix.add_listener(name, None, f"smtpd_milters={milters}", f"content_filter=amavis:[127.0.0.1]:{cls.amavis.port}")
        postfix.add_service("amavis unix - - n - 2 smtp", "smtp_send_xforward_command=yes", "smtp_tls_security_level=none")
        postfix.add_service(f"127.0.0.1:{cls.amavis.back} inet n - n - - smtpd", "content_filter=", "smtpd_milters=", "smtpd_authorized_xforward_hosts=127.0.0.0/8",
                            "receive_override_options=no_header_body_checks,no_unknown_recipient_checks,no_milters")

    @classmethod
    def text(cls, config):
        return config + cls.amavis.connector()

    def judge(self, name, order, client=SCANNER, content=None):
        """The verdict of a filter on a message: `order` is where it stands: alone, behind or before connector-milter, or without it though it should be there."""
        mark = f"judged-{next(MARK)}"  # found again behind an after-queue filter
        content = (content or scan()).replace(b"Subject:", f"X-Mark: {mark}\r\nSubject:".encode(), 1)
        with self.host.connect(client, f"{order}-{name}", helo=HELO) as session:
            transaction = session.send(SENDER, ANNA, content)
        if transaction.reply.code != 250:
            return Verdict(True, refusal=str(transaction.reply))
        copies = [copy for copy in self.host.postfix.all_messages() if copy["X-Mark"] == mark]
        self.assertEqual(len(copies), 1)
        return verdict_of(copies[0])

    def forgiven(self, name, habits, client=SCANNER, word="device"):
        """A clean message is spam without us, because of these rules among others, and not with us."""
        alone, behind = self.judge(name, "alone", client), self.judge(name, "behind", client)
        self.assertTrue(alone.spam, alone)
        self.assertLessEqual(habits, alone.rules)
        self.assertNotIn("CONNECTOR_VOUCHES", alone.rules)
        self.assertFalse(behind.spam, behind)
        self.assertIn("CONNECTOR_VOUCHES", behind.rules)
        self.assertRegex(behind.copy["X-Connector-Trust"], rf"^{word}; ")

    def content_counts(self, name, text, sign, points, client=SCANNER):
        """What a message says is spam from a device, too, and counts as much as it always does."""
        clean, verdict = self.judge(name, "behind", client), self.judge(name, "behind", client, scan(text))
        self.assertTrue(verdict.spam, verdict)
        self.assertLessEqual({sign, "CONNECTOR_VOUCHES"}, verdict.rules)
        self.assertAlmostEqual(verdict.score - clean.score, points, delta=0.15)  # they round

    def points(self, name, text):
        """What a text costs where nobody vouches for it."""
        return self.judge(name, "alone", content=scan(text)).score - self.judge(name, "alone").score

    def forgery_fails(self, name):
        plain, forged = self.judge(name, "behind", STRANGER), self.judge(name, "behind", STRANGER, scan(headers=FORGED))
        self.assertTrue(forged.spam, forged)
        self.assertEqual(forged.score, plain.score)
        self.assertNotIn("CONNECTOR_VOUCHES", forged.rules)
        self.assertNotIn("X-Connector-Trust", forged.copy)

    def order_matters(self, name):
        for order in ("before", "without"):
            with self.subTest(order):
                forged, device = self.judge(name, order, STRANGER, scan(headers=FORGED)), self.judge(name, order)
                self.assertFalse(forged.spam, forged)
                self.assertIn("CONNECTOR_VOUCHES", forged.rules)
                self.assertTrue(device.spam, device)

    def test_partner(self):
        """the tag of a partner is true, but no reason to forgive anything"""
        for name in ("rspamd", "spamassassin"):
            with self.subTest(name):
                verdict = self.judge(name, "behind", PARTNER)
                self.assertTrue(verdict.spam, verdict)
                self.assertRegex(verdict.copy["X-Connector-Trust"], r"^partner; ")
                self.assertNotIn("CONNECTOR_VOUCHES", verdict.rules)

    def test_another_server(self):
        """mail that another server of ours hands on: with a genuine tag it is forgiven as before, changed or without one it is not"""
        head, _, body = self.judge("rspamd", "behind").copy.raw.partition(b"\n\n")
        head = re.sub(rb"^(Return-Path|X-Original-To|Delivered-To|X-Mark|X-Spam[^:]*):.*\n([ \t].*\n)*", b"", head, flags=re.M)
        handed_on = (head + b"\n\n" + body).replace(b"\n", b"\r\n")
        genuine = self.judge("rspamd", "behind", FIRST_SERVER, handed_on)
        self.assertIn("CONNECTOR_VOUCHES", genuine.rules)
        self.assertRegex(genuine.copy["X-Connector-Trust"], r"^device; connector=scanners; .*via=key")
        for content in (handed_on.replace(b"The scan", b"The bill"), scan(headers=FORGED)):
            other = self.judge("rspamd", "behind", FIRST_SERVER, content)
            self.assertTrue(other.spam)
            self.assertNotIn("CONNECTOR_VOUCHES", other.rules)
            self.assertRegex(other.copy["X-Connector-Trust"], r"^relayed; connector=mx1; ")

    # Rspamd

    def test_rspamd_device(self):
        """Rspamd: a scan without Date and Message-ID, from an address without a name that says HELO [10.20.0.9], passes because of our tag"""
        self.forgiven("rspamd", {"MISSING_DATE", "MISSING_MID", "RDNS_NONE", "HFILTER_HOSTNAME_UNKNOWN", "HFILTER_HELO_BADIP"})

    def test_rspamd_own_server(self):
        """Rspamd: mail of our own server likewise"""
        self.forgiven("rspamd", {"MISSING_DATE"}, OFFICE_SERVER, "internal")

    def test_rspamd_forged(self):
        """Rspamd: a stranger's forged tag changes nothing"""
        self.forgery_fails("rspamd")

    def test_rspamd_content(self):
        """Rspamd: GTUBE from a device is refused, extortion from a device is spam"""
        self.assertRegex(self.judge("rspamd", "behind", content=scan(GTUBE)).refusal, "^554 5.7.1 .*(?i:gtube)")
        self.content_counts("rspamd", EXTORTION, "LEAKED_PASSWORD_SCAM", 7.0)

    def test_rspamd_wrong_order(self):
        """Rspamd before us, or with us away and default_action=accept (both wrong): it believes a stranger's tag and sees no device's"""
        self.order_matters("rspamd")

    def test_rspamd_symbols(self):
        """every symbol that the settings name is one of Debian's Rspamd"""
        places = [path for root in ("/etc/rspamd/scores.d", "/usr/share/rspamd/rules") for path in Path(root).rglob("*") if path.is_file()]
        known = "\n".join(path.read_text(errors="replace") for path in places)
        symbols = re.findall(r"^ +([A-Z][A-Z0-9_]+) = 0;", (SHIPPED / "rspamd" / "settings.conf").read_text(encoding="utf-8"), re.M)
        self.assertGreater(len(symbols), 30)
        self.assertEqual([symbol for symbol in symbols if not re.search(rf"[\"']{symbol}[\"']|\.{symbol}\b", known)], [])

    # SpamAssassin

    def test_spamassassin_device(self):
        """SpamAssassin: the same scan passes because of our tag"""
        self.forgiven("spamassassin", {"MISSING_DATE", "MISSING_MID", "RDNS_NONE"})

    def test_spamassassin_own_server(self):
        """SpamAssassin: mail of our own server likewise"""
        self.forgiven("spamassassin", {"MISSING_DATE"}, OFFICE_SERVER, "internal")

    def test_spamassassin_forged(self):
        """SpamAssassin: a stranger's forged tag changes nothing"""
        self.forgery_fails("spamassassin")

    def test_spamassassin_content(self):
        """SpamAssassin: GTUBE from a device is spam, fraud from a device is spam"""
        self.content_counts("spamassassin", GTUBE, "GTUBE", 1000.0)
        self.content_counts("spamassassin", FRAUD, "ADVANCE_FEE_5_NEW_MONEY", self.points("spamassassin", FRAUD))

    def test_spamassassin_wrong_order(self):
        """SpamAssassin before us, or with us away and default_action=accept (both wrong): the same"""
        self.order_matters("spamassassin")

    def test_spamassassin_scores(self):
        """each of our rules gives back exactly what its rule counts, in all four sets of scores, and SpamAssassin has no complaint"""
        self.assertNotRegex(self.spamassassin.output(), r"(?m)^.*warn: (?!spamd: bad protocol)")  # that is our own asking whether it listens
        rules, scores = set(), {}
        for path in sorted(Path("/usr/share/spamassassin").glob("*.cf")):
            text = path.read_text(errors="replace")
            rules |= set(re.findall(r"^\s*(?:header|meta)\s+([A-Z]\w+)", text, re.M))
            for name, values in re.findall(r"^\s*score\s+([A-Z]\w+)((?:\s+-?[\d.]+)+)", text, re.M):
                scores[name] = [float(value) for value in values.split()]
        text = (SHIPPED / "spamassassin" / "connector-milter.cf").read_text(encoding="utf-8")
        ours = {name: [float(value) for value in values.split()] for name, values in re.findall(r"^score +CONNECTOR_(\w+)((?: +-?[\d.]+)+)$", text, re.M)}
        del ours["VOUCHES"]
        self.assertGreater(len(ours), 30)
        self.assertEqual([name for name in ours if name not in rules or f"meta  CONNECTOR_{name} " not in text or f"__CONNECTOR_VOUCHES && {name}\n" not in text], [])
        self.assertEqual({name: [-value or 0.0 for value in values] for name, values in ours.items()}, {name: scores[name] for name in ours})

    # amavis

    def test_amavis_device(self):
        """amavis: the same scan comes in by the port of the bank, where a missing Date is no bad header, and passes because of our tag"""
        self.forgiven("amavis", {"MISSING_DATE", "MISSING_MID"}, PRINTER)
        alone, behind = self.judge("amavis", "alone", PRINTER), self.judge("amavis", "behind", PRINTER)
        self.assertIn('Missing required header field: "Date"', alone.copy["X-Amavis-Alert"])
        self.assertNotIn("X-Amavis-Alert", behind.copy)
        self.assertEqual(behind.copy["X-Connector-Route"], "amavis")

    def test_amavis_forged(self):
        """amavis: a stranger's forged tag and route change nothing"""
        headers = [*FORGED, "X-Connector-Route: amavis"]
        plain, forged = self.judge("amavis", "behind", STRANGER), self.judge("amavis", "behind", STRANGER, scan(headers=headers))
        self.assertTrue(forged.spam)
        self.assertEqual((forged.score, forged.rules), (plain.score, plain.rules))
        self.assertNotIn("CONNECTOR_VOUCHES", forged.rules)
        self.assertIn("X-Amavis-Alert", forged.copy)
        self.assertEqual([name for name in ("X-Connector-Trust", "X-Connector-Route") if name in forged.copy], [])

    def test_amavis_content(self):
        """amavis: GTUBE from a device is spam"""
        self.content_counts("amavis", GTUBE, "GTUBE", 1000.0, PRINTER)

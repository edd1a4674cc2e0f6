"""Signed trust tags through real Postfix: what is delivered verifies, with our own tool and with openssl alone; what is forged or changed does not."""

import base64
import json
import re
import subprocess
import tempfile
import time

from outbound import SERVICES, Outbound
from scenario import ANNA, EXCHANGE, ORGANIZATION, PRINTER, STRANGER, Scenario, message

SCANNER = "scanner@contoso.example"
CONNECTORS = """
inbound = (
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; recipients = "internal"; },
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; accept_tags = true; },
  { name = "other"; type = "on_premises"; source_ips = [ "10.2.0.0/24" ]; }
);
"""
TAG = re.compile(rb"^X-Connector-Trust:(.*(?:\n[ \t].*)*)\n", re.M)


def make_keys(daemon, *names):
    for name in names:
        status, said = daemon.control_tool("key", "new", name)
        if status != 0:
            raise RuntimeError(said)


def openssl(*arguments, given=b""):
    return subprocess.run(["openssl", *arguments], input=given, capture_output=True, check=True).stdout


def fields_of(head):
    """The header fields of a delivered message (bytes), as (name in lower case, value as connector-milter-trust(7) binds it)."""
    fields = []
    for line in re.sub(rb"\n[ \t]", b" ", head).split(b"\n"):
        name, _, value = line.partition(b":")
        fields.append((name.strip().lower().decode(), re.sub(rb"[ \t\r\n]+", b" ", value).strip(b" ")))
    return fields


def signature(raw, sender, key, tag=None):
    """The signature that the manual page demands for this message, computed by openssl(1); and the tag that it has."""
    head, _, body = raw.partition(b"\n\n")
    fields = fields_of(head)
    tag = tag or dict(fields)["x-connector-trust"]
    names = re.search(rb"; h=([^;]*);", tag).group(1).decode().split(":")
    lines = body.rstrip(b"\n").split(b"\n") if body.strip(b"\n") else []
    digest = base64.b64encode(openssl("dgst", "-sha256", "-binary", given=b"".join(line + b"\r\n" for line in lines)))
    form = b"connector-milter trust 1\ntrust:" + tag[:tag.index(b"; b=") + 4] + b"\nsender:" + sender.encode() + b"\n"
    for name in names:
        form += b"".join(name.encode() + b":" + value + b"\n" for found, value in fields if found == name)
    form += b"body:" + digest + b"\n"
    mac = openssl("dgst", "-sha256", "-mac", "HMAC", "-macopt", "hexkey:" + base64.b64decode(key).hex(), "-binary", given=form)
    return base64.b64encode(mac), tag


class SignedTags(Scenario):
    config = ORGANIZATION

    @classmethod
    def arrange(cls, daemon):
        make_keys(daemon, "old", "new", "foreign")
        cls.keys = daemon.config_file.parent / "keys"
        cls.config = cls.signed_with("old")

    @classmethod
    def signed_with(cls, *names):
        keys = ", ".join(f'{{ id = "{name}"; file = "keys/{name}"; }}' for name in names)
        return ORGANIZATION + f"signing = {{ keys = ( {keys} ); }};\n" + CONNECTORS

    def key(self, name):
        return (self.keys / name).read_text(encoding="ascii").strip()

    def verify(self, raw, *arguments):
        """(exit status, what connectorctl verify says) about a message."""
        with tempfile.NamedTemporaryFile(suffix=".eml") as file:
            file.write(raw)
            file.flush()
            return self.host.daemon.control_tool("verify", file.name, *arguments)

    def genuine(self, raw, *arguments):
        status, said = self.verify(raw, *arguments)
        self.assertEqual((status, said[:8]), (0, "genuine:"), said)
        return said

    def not_genuine(self, raw, because, *arguments):
        status, said = self.verify(raw, *arguments)
        self.assertEqual(status, 1, said)
        self.assertIn(because, said)

    def scan(self, **how):
        outcome = self.send(SCANNER, ANNA, client=PRINTER, **how)
        self.accepted(outcome, "printers", "device")
        return outcome

    def test_a_scan_is_genuine(self):
        """the tag of a device's mail verifies as it was delivered"""
        said = self.genuine(self.scan().copy.raw)
        self.assertRegex(said, r"^genuine: device, connector printers \(device\), signed 20\d\d-.*Z with key old; fields: from:")

    def test_what_postfix_adds_is_no_harm(self):
        """a scan without Date and Message-ID, which Postfix adds on other servers' behalf, verifies before and after"""
        outcome = self.scan(content=b"From: <scanner@contoso.example>\r\n\r\nScan.\r\n")
        self.assertIn("; h=from; b=", outcome.ours[0])
        self.genuine(outcome.copy.raw)
        self.genuine(b"Date: Sat, 21 Nov 2026 10:00:00 +0000\nMessage-ID: <x@y>\nReceived: from here\n" + outcome.copy.raw)

    def test_bodies(self):
        """bodies of every kind verify: empty, only empty lines, none at the end, dots, long, large"""
        for body in ("", "\r\n\r\n", "x", "a\r\n\r\n\r\n.b\r\n..\r\n\r\n", "long " * 300 + "\r\n", "line of text\r\n" * 20000, "\u00fc\r\n"):
            with self.subTest(body[:20]):
                content = message(SCANNER).split(b"\r\n\r\n")[0] + b"\r\n\r\n" + body.encode()
                self.genuine(self.scan(content=content).copy.raw)

    def test_with_openssl_alone(self):
        """the manual page is enough: openssl on the command line computes the same signature"""
        content = message(SCANNER, headers=["Subject:  two   words\r\n\tfolded", "Date: Sat, 21 Nov 2026 10:00:00 +0000", "Message-ID: <1@printer>"],
                          body="Hello.\r\n\r\n.dot\r\n\r\n\r\n")
        raw = self.scan(content=content).copy.raw
        computed, tag = signature(raw, SCANNER, self.key("old"))
        self.assertEqual(tag[tag.index(b"; b=") + 4:], computed)
        self.assertNotEqual(computed, signature(raw, SCANNER, self.key("new"))[0])

    def test_what_was_changed_does_not_verify(self):
        """another body, sender or field, or a tag on another message: not genuine"""
        raw = self.scan(content=message(SCANNER, body="Hello.\r\n")).copy.raw
        unfit = "the signature does not fit"
        self.not_genuine(raw.replace(b"Hello.", b"Hallo."), unfit)
        self.not_genuine(raw + b"more\n", unfit)
        self.not_genuine(raw, unfit, "--from", "ceo@contoso.example")
        self.not_genuine(raw.replace(b"Return-Path: <" + SCANNER.encode(), b"Return-Path: <ceo@contoso.example"), unfit)
        self.not_genuine(raw.replace(b"\nFrom: ", b"\nFrom: x", 1), unfit)
        self.not_genuine(b"From: ceo@contoso.example\n" + raw, unfit)
        self.not_genuine(TAG.sub(lambda found: found.group(0).replace(b"device;", b"internal;", 1), raw), unfit)
        other = self.scan(content=message(SCANNER, body="Other.\r\n")).copy.raw
        moved = TAG.sub(lambda _: b"X-Connector-Trust:" + TAG.search(raw).group(1) + b"\n", other)
        self.not_genuine(moved, unfit)
        self.not_genuine(TAG.sub(b"", raw), "no trust header")
        self.not_genuine(TAG.sub(lambda found: found.group(0) * 2, raw), "several trust headers")

    def aged(self, raw, seconds, key="old"):
        """The message with a tag that a server of ours signed so many seconds ago, made by openssl."""
        tag = dict(fields_of(raw.partition(b"\n\n")[0]))["x-connector-trust"]
        tag = re.sub(rb"; t=\d+; k=\w+", b"; t=%d; k=%s" % (time.time() - seconds, key.encode()), tag)
        tag = tag[:tag.index(b"; b=") + 4]
        tag += signature(raw, SCANNER, self.key(key), tag)[0]
        return TAG.sub(lambda _: b"X-Connector-Trust: " + tag + b"\n", raw)

    def test_age(self):
        """a tag is good for 7 days, and for clocks that differ by minutes"""
        raw, day = self.scan().copy.raw, 86400
        self.genuine(self.aged(raw, 7 * day - 60))
        self.not_genuine(self.aged(raw, 7 * day + 60), "older than 7 days")
        self.genuine(self.aged(raw, -200))
        self.not_genuine(self.aged(raw, -400), "from the future")
        self.not_genuine(self.aged(raw, 0, "foreign"), "not one of ours")

    def test_forged_tags(self):
        """a stranger's tag is removed, even a genuine one of another message"""
        tag = self.scan().ours[0]
        outcome = self.send("a@b.example", ANNA, client=STRANGER, content=message("a@b.example", headers=[tag]))
        self.accepted(outcome)
        self.assertEqual(outcome.ours, [])

    def test_verify_by_json(self):
        """--json tells the parts; what cannot be judged is said"""
        raw = self.scan().copy.raw
        status, said = self.verify(raw, "--json")
        self.assertEqual(status, 0)
        said = json.loads(said)
        self.assertEqual((said["genuine"], said["word"], said["connector"], said["type"], said["key"]), (True, "device", "printers", "device", "old"))
        status, said = self.verify(re.sub(rb"^Return-Path:.*\n", b"", raw))
        self.assertEqual(status, 2)
        self.assertIn("--from", said)
        self.genuine(re.sub(rb"^Return-Path:.*\n", b"", raw), "--from", f"<{SCANNER}>")
        self.assertEqual(self.host.daemon.control_tool("verify", "/nonexistent/message")[0], 2)

    def test_roll_over(self):
        """old tags stay genuine while both keys are there, new mail is signed with the first"""
        old = self.scan().copy.raw
        self.reload(self.signed_with("new", "old"))
        self.genuine(old)
        new = self.scan()
        self.assertIn("; k=new; ", new.ours[0])
        self.genuine(new.copy.raw)
        self.reload(self.signed_with("new"))
        self.not_genuine(old, "not one of ours")
        self.genuine(new.copy.raw)

    def test_bad_key_files(self):
        """a key that others can read stops a reload, and check says why"""
        path = self.keys / "new"
        path.chmod(0o644)
        self.addCleanup(path.chmod, 0o640)
        self.host.daemon.configure(self.signed_with("old", "new"))
        self.addCleanup(self.host.daemon.configure, self.config)
        for command in ("reload", "check"):
            status, said = self.host.daemon.control_tool(command)
            self.assertEqual(status, 1, said)
            self.assertRegex(said, r"signing\.keys\[1\]\.file: \".*/keys/new\" can be used by everyone: chmod it to 0640")
        self.assertIn("; k=old; ", self.scan().ours[0])  # the old configuration is in force

    def test_key_files(self):
        """a key file is for root and the daemon, and never overwritten"""
        before, mode = self.key("old"), (self.keys / "old").stat().st_mode & 0o777
        self.assertEqual(mode, 0o640)
        self.assertEqual(len(base64.b64decode(before)), 32)
        status, said = self.host.daemon.control_tool("key", "new", "old")
        self.assertEqual(status, 1)
        self.assertIn("is there already", said)
        self.assertEqual(self.key("old"), before)
        for name in ("a/b", "..", "", "a b"):
            self.assertEqual(self.host.daemon.control_tool("key", "new", name)[0], 2, name)

    def test_accepted_tags(self):
        """our own server hands a tagged message on: the word and the connector of the first tag, signed anew"""
        first = self.scan(content=message(SCANNER))
        head, _, body = first.copy.raw.partition(b"\n\n")
        content = re.sub(rb"^(Return-Path|X-Original-To|Delivered-To|Received):.*\n([ \t].*\n)*", b"", head, flags=re.M) + b"\n\n" + body
        content = content.replace(b"\n", b"\r\n")
        outcome = self.send(SCANNER, ANNA, client=EXCHANGE, content=content)
        self.assertEqual(outcome.record.get("connector"), "exchange")
        self.assertEqual(len(outcome.ours), 1)
        self.assertRegex(outcome.ours[0], r"Trust: device; connector=printers; type=device; src=10\.1\.0\.5; .*; via=old; t=\d+; k=old; h=")
        self.genuine(outcome.copy.raw)
        changed = self.send(SCANNER, ANNA, client=EXCHANGE, content=content + b"more\r\n")
        self.accepted(changed, "exchange", "internal")
        self.assertNotIn("via=", changed.ours[0])
        self.assertIn("; connector=other; ", self.send(SCANNER, ANNA, client="10.2.0.5", content=content).ours[0])

    def test_signing_begins_in_a_session(self):
        """a session that was opened while nothing was signed is asked to connect again, then gets its tag"""
        self.reload(ORGANIZATION + CONNECTORS.replace("accept_tags = true;", ""))
        with self.host.connect(PRINTER) as session:
            first = session.send(SCANNER, ANNA, message(SCANNER))
            self.assertEqual(first.reply.code, 250)
            self.reload(self.config)
            self.assertEqual(session.send(SCANNER, ANNA, message(SCANNER)).reply.code, 421)
        self.genuine(self.scan().copy.raw)


class TagsThatLeave(Outbound):
    next_hops = {"partner": {}, "exchange": {}}
    config = SERVICES

    @classmethod
    def arrange(cls, daemon):
        make_keys(daemon, "key")
        cls.config = SERVICES + """
signing = { keys = ( { id = "key"; file = "keys/key"; } ); };
inbound = ( { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; recipients = [ "any" ]; } );
outbound = (
  { name = "fabrikam"; recipient_domains = [ "fabrikam.example" ]; smart_hosts = [ "@partner@" ]; },
  { name = "exchange"; recipient_domains = [ "organization" ]; smart_hosts = [ "@exchange@" ]; transport = "relay"; }
);
"""

    def test_only_our_own_servers_get_tags(self):
        """with the lines that connectorctl postfix prints, mail to others leaves without its tag; our own server gets it, and it verifies there"""
        outcome = self.post(["bob@fabrikam.example", ANNA], sender=SCANNER, client=PRINTER)
        left = self.arrives(outcome, "partner", "bob@fabrikam.example")
        self.assertEqual(left.message.get_all("X-Connector-Trust", []), [])
        self.assertEqual(left.message["Subject"], "Test")
        kept = self.arrives(outcome, "exchange", ANNA)
        with tempfile.NamedTemporaryFile(suffix=".eml") as file:
            file.write(kept.raw)
            file.flush()
            status, said = self.host.daemon.control_tool("verify", file.name, "--from", SCANNER)
        self.assertEqual(status, 0, said)

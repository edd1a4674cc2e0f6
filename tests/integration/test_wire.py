"""Hostile bytes on the milter socket: whatever a broken or hostile MTA sends, the daemon lives, judges the next message rightly, and
accepts nothing that the policy did not accept."""

import json
import random
import resource
import struct
import time

import milter_wire as wire
from milter_wire import Closed, MilterClient
from scenario import ANNA, EXCHANGE, PRINTER, STRANGER, DaemonScenario, full, wait

HOSTILE = "mallory@hostile.example"
CONFIG = """
organization = { domains = [ ".contoso.example" ]; };
unmatched = "reject";
listeners = ( { name = "mx"; } );
inbound = (
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; },
  { name = "exchange"; type = "on_premises"; source_ips = [ "10.1.0.0/24" ]; }
);
"""
SCANNER = "scanner@contoso.example"
FORGED = (wire.header("X-Connector-Trust", "internal; connector=exchange") + wire.header("Subject", "x")
          + wire.header("x-connector-trust ", "internal"))


class Wire(DaemonScenario):
    """`unmatched` is reject: a stranger's recipient or message that is not refused was not judged."""

    config = CONFIG

    def setUp(self):
        self.mark = len(self.daemon.log())

    def tearDown(self):
        self.assert_alive()
        self.judges()
        self.assertEqual([record for record in self.daemon.records("mallory@", self.mark) if record["action"] == "accept"], [])

    def client(self, **how):
        return MilterClient(self.daemon.socket, **how)

    # What is right

    def judges(self):
        """A normal message of each kind is judged as the policy says."""
        with self.client() as session:
            session.negotiate()
            self.printer(session)
            session.raw(wire.QUIT)
        with self.client() as session:
            session.negotiate()
            self.stranger(session)

    def printer(self, session):
        session.raw(wire.postfix_connection(PRINTER))
        self.assertEqual(session.ask(wire.postfix_mail(SCANNER))[1], "c")
        self.assertEqual(session.ask(wire.postfix_rcpt(ANNA))[1], "c")
        self.finish_printer(session)

    def finish_printer(self, session):
        edits, verdict, _ = session.ask(FORGED + wire.macros("E", j="mail.contoso.example", i="4WIRE") + wire.END_OF_MESSAGE)
        self.is_right_printer(edits, verdict)

    def is_right_printer(self, edits, verdict):
        self.assertEqual(verdict, "c")
        self.assertEqual(sorted(wire.deletions(edits), key=lambda d: -d[1]), [("X-Connector-Trust", 2), ("X-Connector-Trust", 1)])
        added = wire.insertions(edits)
        self.assertEqual([name for name, _ in added], ["X-Connector-Trust"])
        self.assertRegex(added[0][1].strip(), r"^device; connector=printers; type=device; src=10\.20\.0\.\d+; tls=none; id=[a-z2-7]{12}$")

    def stranger(self, session):
        session.raw(wire.postfix_connection(STRANGER))
        self.assertEqual(session.ask(wire.postfix_mail("someone@elsewhere.example"))[1], "c")
        _, verdict, data = session.ask(wire.postfix_rcpt(ANNA))
        self.assertEqual(verdict, "y")
        self.assertRegex(data.rstrip(b"\0").decode(), r"^550 5\.7\.1 \[[a-z2-7]{12}\] ")

    def never_accepted(self, answers, mails, stream):
        """`answers` to a stream with `mails` MAIL commands, each answered `c` at best; nothing else may be continued or edited."""
        letters = [letter for letter, _ in answers]
        self.assertEqual([letter for letter in letters if letter not in "Ocyt"], [], stream)
        self.assertLessEqual(letters.count("c"), mails, (letters, stream))

    def hostile(self):
        session = self.client()
        session.negotiate()
        session.raw(wire.postfix_connection(STRANGER))
        return session

    # Negotiation

    def test_wrong_negotiation(self):
        """an MTA that cannot edit headers, quarantine or take macro lists, or speaks an old version, gets no judgement at all"""
        needed = (wire.ADD_HEADERS, wire.CHANGE_HEADERS, wire.QUARANTINE, wire.SYMBOL_LIST)
        offers = [{"actions": wire.ALL_ACTIONS & ~one} for one in needed]
        offers += [{"version": 2, "actions": 0x3F, "steps": 0x7F}, {"version": 0}, {"version": 1}, {"actions": 0, "steps": 0}]
        for offer in offers:
            with self.subTest(offer), self.client() as session:
                session.raw(wire.options(**offer) + wire.postfix_connection(STRANGER) + wire.postfix_mail(HOSTILE) + wire.postfix_rcpt(ANNA) + wire.END_OF_MESSAGE)
                self.never_accepted([a for a in session.rest() if a[0] not in "rO"], 0, offer)

    def test_no_steps_offered(self):
        """an MTA that can leave nothing out is answered at every step, and judged as any other"""
        with self.client() as session:
            self.assertEqual(session.negotiate(steps=wire.NO_UNKNOWN)[2], wire.NO_UNKNOWN)  # libmilter takes none at all for an old version
            self.assertEqual(session.ask(wire.postfix_connection(PRINTER))[1], "c")
            for step in (wire.HELO, wire.postfix_mail(SCANNER), wire.postfix_rcpt(ANNA), wire.DATA, wire.header("X-Connector-Trust", "internal"),
                         wire.header("Subject", "x"), wire.header("X-CONNECTOR-Trust ", "internal"), wire.END_OF_HEADER, wire.body(b"Hello\r\n")):
                self.assertEqual(session.ask(step)[1], "c", step)
            self.is_right_printer(*session.ask(wire.END_OF_MESSAGE)[:2])

    def test_without_negotiation(self):
        """commands before OPTNEG, or without it"""
        stream = wire.postfix_connection(PRINTER) + wire.postfix_mail(SCANNER) + wire.postfix_rcpt(ANNA) + FORGED + wire.END_OF_MESSAGE
        with self.client() as session:
            session.raw(stream)
            self.never_accepted(session.rest(), 0, stream)
        with self.client() as session:
            session.raw(wire.options() * 3 + wire.postfix_connection(STRANGER) + wire.options() + wire.postfix_mail(HOSTILE) + wire.postfix_rcpt(ANNA))
            self.never_accepted(session.rest(), 1, "OPTNEG again and again")

    # Packets

    def test_truncated(self):
        """every packet cut at every byte, then the end"""
        steps = [wire.options(), wire.postfix_connection(STRANGER), wire.postfix_mail(HOSTILE), wire.postfix_rcpt(ANNA), wire.header("Subject", "x"), wire.END_OF_MESSAGE]
        sessions = 0
        for number, step in enumerate(steps):
            for cut in range(0, len(step), 1 if full() else 3):
                stream = b"".join(steps[:number]) + step[:cut]
                with self.client() as session:
                    session.raw(stream)
                    self.never_accepted(session.rest(), 1, stream)
                sessions += 1
        print(f"     truncated: {sessions} sessions", flush=True)

    def test_lengths(self):
        """lengths that lie: nought, one too few, one too many, 64 kB and more, 4 GB"""
        for command in b"OCHMRTLNBEAQKUD\0z\xff":
            letter = bytes([command])
            for length in (0, 1, 2, 3, 5, 65534, 65535, 65536, 1 << 20, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF):
                stream = struct.pack("!I", length) + letter + b"<a@b.example>\0"
                with self.subTest(command=command, length=length), self.hostile() as session:
                    try:
                        session.raw(wire.postfix_mail(HOSTILE) + stream + wire.postfix_rcpt(ANNA) + wire.END_OF_MESSAGE)
                    except Closed:
                        pass
                    self.never_accepted(session.rest(), 2, stream)

    def test_oversized(self):
        """packets of the size they say, at and beyond what libmilter takes, in every command"""
        for command in "CHMRLNBEDU":
            for size in (65534, 65535, 65536, 70000, 1 << 20):
                data = {"M": b"<" + b"a" * size + b"@hostile.example>\0", "R": b"<" + b"a" * size + b"@contoso.example>\0",
                        "L": b"X-Connector-" + b"a" * (size // 2) + b"\0" + b"b" * (size // 2) + b"\0"}.get(command, b"a" * size)
                with self.subTest(command=command, size=size), self.hostile() as session:
                    try:
                        session.raw(wire.postfix_mail(HOSTILE) + wire.packet(command, data) + wire.postfix_rcpt(ANNA) + wire.END_OF_MESSAGE)
                    except Closed:
                        pass
                    self.never_accepted(session.rest(), 2, (command, size))

    def test_odd_arguments(self):
        """NUL, CR, LF, 8-bit, nothing and no terminator in the data of every command"""
        oddities = (b"", b"\0", b"\0\0\0\0", b"\r\n", b"<a\0b@c>\0", b"<a@b\r>\0", b"<\r\nRCPT TO:<x@y>>\0", b"<a@b.example", b"\xff" * 300 + b"\0", b"\xc3\x28\0",
                    b"<@a,@b:c@d>\0", b"<" + b"@" * 500 + b">\0", b"<\"\\\0\"@x>\0", b"<a@b.example>\0SIZE=99999999999999999999\0", b"<a@[IPv6:::1]>\0", b"%s%n%n\0")
        for command in "CHMRTLNBEDUAQK":
            for data in oddities:
                with self.subTest(command=command, data=data), self.hostile() as session:
                    try:
                        session.raw(wire.postfix_mail(HOSTILE) + wire.packet(command, data) + wire.postfix_rcpt(ANNA) + wire.END_OF_MESSAGE)
                    except Closed:
                        pass
                    self.never_accepted(session.rest(), 2, (command, data))

    def test_odd_addresses(self):
        """client addresses that are none: no source is met, and no session is lost by it"""
        packets = [wire.connect(family=b"U"), wire.connect("", b"4"), wire.connect("10.20.0.9.", b"4"), wire.connect("10.20.0.9", b"6"), wire.connect("unknown", b"4"),
                   wire.connect("/run/x.sock", b"L"), wire.connect("::ffff:1.2.3.4", b"6"), wire.connect("10.20.0.9", b"Z"), wire.packet("C", b""),
                   wire.packet("C", b"x\0"), wire.packet("C", b"x\0004"), wire.packet("C", b"x\0004\0"), wire.packet("C", b"x\0004\0\x1910.20.0.9")]
        for bad in packets:
            with self.subTest(bad), self.client() as session:
                session.negotiate()
                session.raw(bad + wire.mail(HOSTILE) + wire.rcpt(ANNA) + wire.END_OF_MESSAGE)
                self.never_accepted(session.rest(), 1, bad)

    def test_odd_macros(self):
        """macro packets that are empty, for a wrong step, in thousands"""
        packets = [wire.packet("D"), wire.packet("D", b"M"), wire.packet("D", b"\xff{x}\0y\0"), wire.packet("D", b"M" + b"\0" * 1000),
                   wire.packet("D", b"M" + b"{auth_authen}\0admin\0" * 2000), wire.macros("E", client_port="0"),
                   wire.macros("C", v="Postfix 9", client_port="0", daemon_name="x" * 60000), wire.macros("M", tls_version="x" * 30000, cert_subject="y" * 30000)]
        for bad in packets:
            with self.subTest(bad[:40]), self.hostile() as session:
                session.raw(bad + wire.mail(HOSTILE) + bad + wire.rcpt(ANNA) + bad + wire.END_OF_MESSAGE)
                self.never_accepted(session.rest(), 1, bad[:40])

    def test_half_a_macro(self):
        """a macro without a value, which libmilter cannot bear: nothing is accepted, and a daemon that is started again is as good as new"""
        for data in (b"M{mail_addr}\0", b"M{mail_addr}", b"Mj\0x\0{mail_addr}\0", b"R{a}\0b\0c\0", b"Cv\0Postfix 3\0{daemon_name}\0"):
            with self.subTest(data):
                try:
                    with self.hostile() as session:
                        session.raw(wire.packet("D", data) + wire.mail(HOSTILE) + wire.packet("D", data) + wire.rcpt(ANNA) + wire.END_OF_MESSAGE)
                        self.never_accepted(session.rest(), 1, data)
                    with self.client() as session:
                        session.negotiate()
                except (Closed, ConnectionRefusedError):
                    self.daemon.process.wait(10)
                    self.daemon.log_file.write_text("")  # what a sanitizer says of libmilter
                    self.daemon.start()

    # Order

    def test_no_recipient(self):
        """an end of message that no accepted recipient came before is never a message accepted, whoever sends it"""
        unknown = wire.packet("U", wire.strings("XCMD"))
        for between in (b"", wire.DATA, unknown + wire.DATA, unknown + wire.body(b"x\r\n"), wire.header("Subject", "x"), wire.END_OF_HEADER,
                        unknown + wire.DATA + wire.END_OF_HEADER):
            with self.subTest(between), self.client() as session:
                session.negotiate()
                session.raw(wire.postfix_connection(EXCHANGE) + wire.postfix_mail(ANNA) + between + wire.END_OF_MESSAGE)
                letters = [letter for letter, _ in session.rest()]
                # DATA, headers and the like are answered by nothing or `c`: the end must not be.
                self.assertEqual([letter for letter in letters if letter not in "cyt"], [])
                # libmilter takes unknown commands, and whatever comes after them, and continues what we did not ask for: the end it must not.
                self.assertLessEqual(letters.count("c"), 1 + sum(step in between for step in (unknown, wire.DATA, wire.END_OF_HEADER)), letters)

    def test_end_without_beginning(self):
        """an end of message after everything that ends a message: abort, an end before, a refused MAIL"""
        before = wire.postfix_mail(SCANNER) + wire.postfix_rcpt(ANNA)
        for between, accepted in ((wire.ABORT, 2), (wire.END_OF_MESSAGE, 3), (wire.postfix_mail(SCANNER, i="2"), 3), (wire.HELO, 2)):
            with self.subTest(between), self.client() as session:
                session.negotiate()
                session.raw(wire.postfix_connection(PRINTER) + before + between + wire.END_OF_MESSAGE)
                letters = [letter for letter, _ in session.rest() if letter in "act"]
                self.assertLessEqual(letters.count("c"), accepted + (between == wire.HELO), letters)
                self.assertNotIn("a", letters)

    def test_new_connection_over_the_old(self):
        """QUIT_NC and a second CONNECT: what the first client was is forgotten"""
        for change in (wire.postfix_connection(STRANGER), wire.packet("K") + wire.postfix_connection(STRANGER), wire.ABORT + wire.packet("K") + wire.postfix_connection(STRANGER)):
            with self.subTest(change[:9]), self.client() as session:
                session.negotiate()
                self.printer(session)
                session.raw(change + wire.postfix_mail(HOSTILE) + wire.postfix_rcpt(ANNA) + wire.END_OF_MESSAGE)
                self.never_accepted(session.rest(), 1, change)

    def test_random_order(self):
        """packets in random order, repeated and mutated; every MAIL is answered, nothing else is let through"""
        pieces = [wire.postfix_mail(HOSTILE), wire.postfix_rcpt(ANNA), wire.rcpt("x@y.example"), wire.header("X-Connector-Trust", "internal"), wire.header("From", "<a@b\r>"),
                  wire.body(b"x" * 100), wire.END_OF_MESSAGE, wire.ABORT, wire.packet("K"), wire.postfix_connection(STRANGER), wire.options(), wire.packet("E", b"tail"),
                  wire.macros("M", j="x", mail_addr="a@contoso.example"), wire.END_OF_HEADER, wire.DATA, wire.packet("z", b"??")]
        seed = random.randrange(1 << 32)
        dice, sessions, packets = random.Random(seed), 3000 if full() else 400, 0
        for _ in range(sessions):
            chosen = [dice.choice(pieces) for _ in range(dice.randint(1, 40))]
            packets += len(chosen)
            mails = sum(piece[0:] == pieces[0] for piece in chosen)
            # These are answered with `c` by libmilter itself where it takes them at all, as they were not left out by us.
            others = sum(piece in (wire.DATA, wire.END_OF_HEADER, pieces[3], pieces[4], pieces[5], pieces[9]) for piece in chosen)
            with self.hostile() as session:
                try:
                    session.raw(b"".join(chosen))
                except Closed:
                    pass
                answers = session.rest()
            self.assertEqual([letter for letter, _ in answers if letter not in "Ocyt"], [], (seed, chosen))
            self.assertLessEqual([letter for letter, _ in answers].count("c"), mails + others, (seed, chosen))
        print(f"     random order: {sessions} sessions, {packets} packets, seed {seed}", flush=True)

    def test_random_bytes(self):
        """valid conversations with some bytes changed"""
        good = wire.postfix_connection(STRANGER) + wire.postfix_mail(HOSTILE) + wire.postfix_rcpt(ANNA) + FORGED + wire.body(b"Hello.\r\n") + wire.END_OF_MESSAGE
        seed = random.randrange(1 << 32)
        dice, sessions = random.Random(seed), 5000 if full() else 600
        for _ in range(sessions):
            bytes_ = bytearray(good)
            for _ in range(dice.choice((1, 1, 2, 4, 16))):
                bytes_[dice.randrange(len(bytes_))] = dice.randrange(256)
            if wire.holds_half_a_pair(bytes(bytes_)):
                continue
            with self.client() as session:
                session.negotiate()
                try:
                    session.raw(bytes(bytes_))
                except Closed:
                    pass
                answers = session.rest()
            # One command may have become another that is continued, so that only the log can tell: see tearDown.
            self.assertEqual([letter for letter, _ in answers if letter == "a" or ord(letter) in wire.EDITS], [], (seed, bytes(bytes_)))
        print(f"     random bytes: {sessions} sessions, seed {seed}", flush=True)

    # Time and number

    def test_close_at_every_step(self):
        """a printer's connection that ends after each step, and in the middle of each"""
        steps = [wire.options(), wire.postfix_connection(PRINTER), wire.postfix_mail(SCANNER), wire.postfix_rcpt(ANNA), FORGED, wire.body(b"x" * 60000), wire.END_OF_MESSAGE]
        before = self.in_flight()
        for number in range(len(steps) + 1):
            for half in (b"", steps[number][:len(steps[number]) // 2] if number < len(steps) else b""):
                with self.client() as session:
                    session.raw(b"".join(steps[:number]) + half)
        wait.until(lambda: self.in_flight() == before, "closed sessions to be forgotten")

    def in_flight(self):
        status, words = self.daemon.control_tool("status", "--json")
        self.assertEqual(status, 0, words)
        return int(json.loads(words)["in_flight"])

    def test_slow_sender(self):
        """one that sends byte by byte holds up nobody else, and is judged rightly in the end"""
        stream = wire.options() + wire.postfix_connection(PRINTER) + wire.postfix_mail(SCANNER)
        with self.client() as slow:
            for number, byte in enumerate(stream):
                slow.raw(bytes([byte]))
                if number % 40 == 0:
                    self.judges()
            self.assertEqual(slow.receive()[0], "O")
            self.assertEqual(slow.verdict()[1], "c")
            self.assertEqual(slow.ask(wire.postfix_rcpt(ANNA))[1], "c")
            self.finish_printer(slow)

    def test_reader_that_never_reads(self):
        """clients that send and never read an answer hold up nobody else"""
        message = wire.postfix_mail(HOSTILE) + wire.postfix_rcpt(ANNA) * 50
        sessions = [self.hostile() for _ in range(8)]
        try:
            for session in sessions:
                session.socket.settimeout(0.5)
                try:
                    for _ in range(400):
                        session.raw(message)
                except (TimeoutError, Closed):
                    pass
            self.judges()
        finally:
            for session in sessions:
                session.close()

    def test_many_sessions(self):
        """2,000 sessions at once, printers and strangers in turn: each gets its own judgement"""
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        count = min(2000, hard - 200)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, count + 200), hard))
        sessions = []
        began = time.monotonic()
        try:
            for _ in range(count):
                sessions.append(self.client(timeout=120))
            self.assertEqual(len(sessions), 2000)
            is_printer = [number % 3 != 0 for number in range(count)]
            for session in sessions:
                session.raw(wire.options())
            for session in sessions:
                self.assertEqual(session.receive()[0], "O")
            for number, session in enumerate(sessions):
                client = f"10.20.0.{number % 250}" if is_printer[number] else STRANGER
                session.raw(wire.postfix_connection(client) + wire.postfix_mail(SCANNER if is_printer[number] else HOSTILE))
            for session in sessions:
                self.assertEqual(session.verdict()[1], "c")
            for session in sessions:
                session.raw(wire.postfix_rcpt(ANNA) + FORGED)
            for number, session in enumerate(sessions):
                self.assertEqual(session.verdict()[1], "c" if is_printer[number] else "y", number)
            for session in sessions:
                session.raw(wire.END_OF_MESSAGE)
            for number, session in enumerate(sessions):
                edits, verdict, _ = session.verdict()
                if is_printer[number]:
                    self.is_right_printer(edits, verdict)
                    self.assertIn(f"src=10.20.0.{number % 250};", wire.insertions(edits)[0][1])
                else:
                    self.assertEqual((edits, verdict), ([], "y"), number)
        finally:
            for session in sessions:
                session.close()
            resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        print(f"     many sessions: {len(sessions)} at once in {time.monotonic() - began:.1f} s", flush=True)


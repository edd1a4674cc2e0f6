"""Faults under load, with real Postfix and default_action=tempfail: every message ends judged, refused or deferred, and the count is exact."""

import contextlib
import os
import random
import re
import resource
import signal
import socket
import threading
import time
from collections import Counter

import lenient
from load import CONFIG, SCANNER, Load, content
from scenario import ANNA, PRINTER, Scenario, SmtpClient, full, wait

TRUST = re.compile(r"device; connector=printers; type=device; src=10\.20\.0\.9; tls=none; id=([a-z2-7]{12})")
BROKEN = (CONFIG.replace("source_ips", "source_ip"), CONFIG.replace('"device"', '"devize"'), "", "organization = {", CONFIG + "\0\xff", CONFIG + "inbound = ();")
OTHER = CONFIG.replace('"10.20.0.0/24"', '"10.20.0.0/25", "10.20.0.128/25"')


class FaultScenario(Scenario):
    """Short time-outs, and the count. `logs`: the log is there to be compared with."""

    config = CONFIG
    settings = {"milter_command_timeout": "2s", "milter_content_timeout": "3s"}
    logs = True

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        milter = cls.host.postfix.postconf("-h", "smtpd_milters").strip()
        cls.host.postfix.set(smtpd_milters=milter.replace("connect_timeout=10s", "connect_timeout=2s"))
        cls.host.postfix.reload()

    def setUp(self):
        self.daemon = self.host.daemon
        self.daemon.configure(CONFIG)
        if self.daemon.process is None or self.daemon.process.poll() is not None:
            self.daemon.start()
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        self.before = Counter(copy["Message-ID"] for copy in self.host.postfix.all_messages())

    def copies(self):
        return [copy for copy in self.host.postfix.all_messages() if copy["Message-ID"] not in self.before]

    def is_judged(self, copy):
        """Exactly one trust header for any reader, ours, with a log line."""
        for found in (lenient.fields(copy.raw), copy.items()):
            family = [value for name, value in found if name.lower().startswith("x-connector")]
            self.assertEqual(len(family), 1, family)
            ours = TRUST.fullmatch(" ".join(family[0].split()))
            self.assertTrue(ours, family)
        if self.logs:
            self.assertIn(f"id={ours.group(1)}", self.log_text)

    def check(self, load, some_deferred=None):
        """sent = delivered with our mark + refused + deferred, one by one."""
        self.assertEqual(load.errors, [])
        self.log_text = self.daemon.log()
        delivered = Counter(copy["Message-ID"] for copy in self.copies())
        self.assertEqual(delivered, Counter(one.message_id for one in load.sent if one.fate == "delivered"))
        for copy in self.copies():
            self.is_judged(copy)
        for one in load.sent:
            if one.is_printer:
                self.assertNotEqual(one.fate, "refused", one)
            else:
                self.assertNotEqual(one.fate, "delivered", one)
        self.assertGreater(sum(one.fate == "delivered" for one in load.sent), 0)
        print(f"     {self._testMethodName}: {load.report()}", flush=True)
        if some_deferred:
            self.assertTrue(any(code // 100 == 4 for one in load.sent for code in one.replies), "the fault was never felt")

    def restart(self):
        self.daemon.kill()
        self.daemon.start()


class Faults(FaultScenario):
    # Ends

    def test_kill_at_every_stage(self):
        """kill -9 between any two steps of a message, and a new daemon: the message is put off, or was judged before"""
        stages = ("connect", "EHLO", "MAIL", "RCPT", "DATA", "header", "body") + ("end",) * (40 if full() else 8)
        dice, codes = random.Random(1), []
        self.log_text = ""
        for number, stage in enumerate(stages):
            message_id = f"<stage.{number}@client.example>"
            with SmtpClient(self.host.postfix.ports["mx"], PRINTER) as session:
                codes.append(self.play(session, stage, message_id, dice))
            self.assertIn(codes[-1] // 100, (2, 4), (stage, codes[-1]))
            copies = [copy for copy in self.copies() if copy["Message-ID"] == message_id]
            self.assertEqual(len(copies), 1 if codes[-1] == 250 else 0, (stage, codes[-1]))
            self.log_text = self.daemon.log()
            for copy in copies:
                self.is_judged(copy)
        self.assertEqual([code // 100 for code in codes[2:7]], [4] * 5, codes)
        print(f"     killed {len(stages)} times: {Counter(codes)}", flush=True)

    def play(self, session, stage, message_id, dice):
        """A printer's message with a kill at `stage`; the code that decided."""
        def at(name):
            if name == stage:
                self.restart()

        text = content(message_id, SCANNER)
        at("connect")
        session.ehlo()
        at("EHLO")
        reply = session.mail(SCANNER)
        at("MAIL")
        reply = session.rcpt(ANNA) if reply.accepted else reply
        at("RCPT")
        reply = session.command("DATA") if reply.accepted else reply
        at("DATA")
        if reply.code != 354:
            return reply.code
        cut = {"header": 90, "body": len(text) - 3}.get(stage, 0)
        session.raw(text[:cut])
        at(stage if cut else None)
        session.raw(text[cut:] + b".\r\n")
        if stage == "end":
            time.sleep(dice.uniform(0, 0.01))  # somewhere in the edits, not a synchronisation
            self.restart()
        return session.reply().code

    def test_kills_under_load(self):
        """kill -9 and a new daemon, again and again, under load"""
        kills, dice = 40 if full() else 5, random.Random(2)
        with Load(self.host) as load:
            for _ in range(kills):
                time.sleep(dice.uniform(0.1, 0.6))
                self.daemon.kill()
                time.sleep(dice.uniform(0, 0.3))
                self.daemon.start()
        self.check(load, some_deferred=True)

    def test_absence_under_load(self):
        """the daemon away for some seconds under load"""
        with Load(self.host) as load:
            wait.until(lambda: any(one.fate == "delivered" for one in load.sent), "the first message to be delivered")
            self.daemon.kill()
            time.sleep(10 if full() else 1.5)
            self.daemon.start()
        self.check(load, some_deferred=True)

    # Pauses

    def test_stops(self):
        """SIGSTOP for less and for more than Postfix waits, then SIGCONT"""
        with Load(self.host, clients=10) as load:
            for seconds in (0.3, 3.0) * (5 if full() else 1):
                time.sleep(0.5)
                self.daemon.process.send_signal(signal.SIGSTOP)
                time.sleep(seconds)
                self.daemon.process.send_signal(signal.SIGCONT)
        self.check(load, some_deferred=True)

    # Configuration

    def reload_storm(self, load, seconds):
        """Good, broken, half-written and missing configurations in turn; returns how many were taken and how many refused."""
        dice, taken, refused = random.Random(3), 0, 0
        end = time.monotonic() + seconds
        path = self.daemon.config_file
        # The thread sanitizer blocks all signals in its handler, in spite of SA_NODEFER; a burst of SIGHUPs then reaches libmilter, which ends.
        kinds = ("good", "good", "broken", "half", "gone") + (() if b"__tsan_init" in (self.daemon.build / "connector-milter").read_bytes() else ("hup",))
        while time.monotonic() < end and not load.errors:
            kind = dice.choice(kinds)
            self.daemon.configure(dice.choice((CONFIG, OTHER)))
            whole = path.read_bytes()
            if kind == "broken":
                path.write_bytes(dice.choice(BROKEN).encode() + b"\n# no more")
            elif kind == "half":
                path.write_bytes(self.half(whole, dice))
            elif kind == "gone":
                path.unlink()
            elif kind == "hup":
                self.daemon.hang_up()
                path.write_bytes(self.half(whole, dice))
                self.daemon.hang_up()
                path.write_bytes(whole)
                self.daemon.hang_up()
                continue
            answer = self.ask_to_reload()
            self.assertIn('"ok":true' if kind == "good" else '"ok":false', answer, kind)
            taken, refused = taken + (kind == "good"), refused + (kind != "good")
        self.daemon.configure(CONFIG)
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)
        return taken, refused

    @staticmethod
    def half(whole, dice):
        """Cut within a setting. What is cut between two settings is a whole configuration, only another one: nobody can tell."""
        return whole[:dice.randrange(whole.index(b"inbound = (") + 1, whole.index(b"} );", whole.index(b"inbound = (")) + 1)]

    def ask_to_reload(self):
        """The answer of the control socket; connectorctl would look for it in the configuration that is broken."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(20)
            control.connect(str(self.daemon.control))
            control.sendall(b"6:reload,")
            answer = control.recv(65536)
            while len(answer) < len(answer.split(b":")[0]) + 2 + int(answer.split(b":")[0]):
                answer += control.recv(65536)
        return answer.decode()

    def test_reload_storm(self):
        """reloads without pause by SIGHUP and control socket, most of them broken, half-written or gone, under load"""
        with Load(self.host) as load:
            taken, refused = self.reload_storm(load, 60 if full() else 5)
        self.assertGreater(min(taken, refused), 5)
        print(f"     reloads: {taken} taken, {refused} refused, and SIGHUPs", flush=True)
        self.check(load)
        self.assertFalse(any(code // 100 == 4 for one in load.sent for code in one.replies), "a reload put off mail")

    # Resources

    def test_out_of_descriptors(self):
        """no descriptor left for new sessions under load, and a reload meanwhile"""
        pid = self.daemon.process.pid
        old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        used = {int(fd) for fd in os.listdir(f"/proc/{pid}/fd")}
        free = [fd for fd in range(1000) if fd not in used]
        with Load(self.host, clients=12) as load:
            for spare, seconds in ((0, 2.5), (1, 1), (3, 1)) * (5 if full() else 1):
                resource.prlimit(pid, resource.RLIMIT_NOFILE, (free[spare], old[1]))
                self.daemon.hang_up()
                time.sleep(seconds)
                resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
                time.sleep(0.5)
        self.check(load, some_deferred=True)
        self.assertEqual(self.daemon.control_tool("reload")[0], 0)


class SyslogGone(FaultScenario):
    """/dev holds nothing; a socket `log` that nobody reads comes and goes."""

    logs = False

    @classmethod
    def arrange(cls, daemon):
        cls.dev = daemon.directory / "dev"
        cls.dev.mkdir()
        daemon.log_target = "syslog"
        daemon.wrapper = ["unshare", "-m", "sh", "-c", f'mount --bind {cls.dev} /dev && exec "$@"', "sh"]

    def dropped(self):
        status, words = self.daemon.control_tool("status", "--json")
        self.assertEqual(status, 0, words)
        return int(re.search(r'"log_lines_dropped":\s*(\d+)', words).group(1))

    def fill(self, stuck):
        """Until not one datagram more would fit."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as writer:
            writer.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    writer.sendto(b"x", stuck.getsockname())

    def test_syslog_gone(self):
        """no /dev/log, one that nobody reads, and none again, under load: mail goes on, lines that are lost are counted"""
        began = self.dropped()
        with Load(self.host) as load:
            wait.until(lambda: self.dropped() > began, "lost lines to be counted")
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as stuck:
                stuck.settimeout(20)
                stuck.bind(str(self.dev / "log"))
                received = stuck.recv(5000)
                self.fill(stuck)
                lost = self.dropped()
                time.sleep(20 if full() else 2)
                wait.until(lambda: self.dropped() > lost, "lost lines to be counted")
            (self.dev / "log").unlink()
            time.sleep(0.5)
        self.assertRegex(received.decode(), r"^<22>\w{3} [ \d]\d \d\d:\d\d:\d\d connector-milter\[\d+\]: .*action=")
        self.check(load)
        self.assertFalse(any(code // 100 == 4 for one in load.sent for code in one.replies), "a lost log line put off mail")


class LogReaderStuck(FaultScenario):
    """The daemon's standard error is a pipe that nobody reads."""

    logs = False

    @classmethod
    def arrange(cls, daemon):
        cls.reader, daemon.standard_error = os.pipe()

    def test_log_reader_stuck(self):
        """a log reader that never reads, under load: mail goes on"""
        with Load(self.host, rate=200, clients=16) as load:
            time.sleep(30 if full() else 5)
        self.check(load)
        self.assertFalse(any(code // 100 == 4 for one in load.sent for code in one.replies), "a stuck log reader put off mail")


"""The daemon's life under real mail: reload, a broken configuration, its end and its absence."""

import ctypes
import platform
import re
import signal
import subprocess
from pathlib import Path

from milter_wire import MilterClient
from scenario import ANNA, FABRIKAM, ORGANIZATION, STRANGER, DaemonScenario, Scenario, message, wait

BOB = "bob@fabrikam.example"
SYS_TGKILL = {"x86_64": 234, "aarch64": 131}[platform.machine()]  # Python has no call for it
OPEN = ORGANIZATION
LOCKED = ORGANIZATION + """
inbound = ( { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; } );
"""
BROKEN = LOCKED.replace("source_ips", "source_ip")


class Reload(Scenario):
    config = OPEN

    def setUp(self):
        self.daemon = self.host.daemon
        self.reload(OPEN)

    def reload(self, config):
        self.daemon.configure(config)
        status, words = self.daemon.control_tool("reload")
        self.assertEqual(status, 0, words)

    def transact(self, session, sender=BOB):
        return self.host.outcome(session.send(sender, ANNA, message(sender)))

    def test_reload_between_messages(self):
        """connectorctl reload: the next message of an open session is judged by the new rules"""
        with self.host.connect(STRANGER) as session:
            self.accepted(self.transact(session))
            self.reload(LOCKED)
            self.refused(self.transact(session), "550 5.7.1", "source", "fabrikam")
            self.reload(OPEN)
            self.accepted(self.transact(session))

    def test_reload_within_a_message(self):
        """the policy in force at MAIL judges the whole message"""
        with self.host.connect(STRANGER) as session:
            self.assertEqual(session.mail(BOB).code, 250)
            self.reload(LOCKED)
            self.assertEqual(session.rcpt(ANNA).code, 250)
            self.assertEqual(session.data(message(BOB)).code, 250)
            self.refused(self.transact(session), "550 5.7.1", "source", "fabrikam")

    def test_hang_up(self):
        """SIGHUP reloads as well, and the daemon survives it"""
        self.daemon.configure(LOCKED)
        self.daemon.hang_up()
        wait.until(lambda: self.send(BOB, client=STRANGER).reply.code == 550, "the new rules to be in force")
        self.assertIsNone(self.daemon.process.poll())

    def test_many_hang_ups(self):
        """a burst of SIGHUPs under mail ends nothing"""
        for _ in range(50):
            self.daemon.hang_up()
            with self.host.connect(STRANGER) as session:
                self.assertTrue(session.send(BOB, ANNA, message(BOB)).reply.accepted)
        self.reload(LOCKED)
        self.refused(self.send(BOB, client=STRANGER), "550 5.7.1", "source", "fabrikam")

    def test_broken_configuration(self):
        """a broken configuration is refused whole, with file and line, and the old one stays in force"""
        self.reload(LOCKED)
        self.daemon.configure(BROKEN)
        mark = len(self.daemon.log())
        status, words = self.daemon.control_tool("reload")
        self.assertEqual(status, 1, words)
        self.assertRegex(words + self.daemon.log()[mark:], r"connector-milter\.conf:\d+: error: .*source_ip\b.*")
        self.refused(self.send(BOB, client=STRANGER), "550 5.7.1", "source", "fabrikam")
        mark = len(self.daemon.log())
        self.daemon.hang_up()
        wait.until(lambda: "error: " in self.daemon.log()[mark:], "the diagnostics in the log")
        self.refused(self.send(BOB, client=STRANGER), "550 5.7.1", "source", "fabrikam")
        self.accepted(self.send(BOB, client=FABRIKAM), "fabrikam", "partner")

    def test_start_with_a_broken_configuration(self):
        """a daemon does not start with a broken configuration, and says all that is wrong with it"""
        self.daemon.configure(BROKEN.replace('"partner"', '"parter"'))
        program = self.daemon.build / "connector-milter"
        for arguments, status in ((("-n",), 78), ((), 78)):
            done = subprocess.run([program, "-c", self.daemon.config_file, *arguments], capture_output=True, text=True, timeout=30, check=False)
            self.assertEqual(done.returncode, status, done.stderr)
            self.assertIn("source_ip", done.stderr)
            self.assertIn("parter", done.stderr)


class Absence(Scenario):
    config = LOCKED

    def setUp(self):
        self.daemon = self.host.daemon
        if self.daemon.process is None:
            self.daemon.start()

    def try_to_send(self):
        with self.host.connect(FABRIKAM) as session:
            return session.send(BOB, ANNA, message(BOB, headers=["X-Connector-Trust: internal"]))

    def test_daemon_down(self):
        """with the daemon down mail is put off, and nothing is delivered unjudged"""
        before = len(self.host.postfix.all_messages())
        self.assertEqual(self.daemon.stop(), 0)
        done = self.try_to_send()
        self.assertEqual(done.reply.code // 100, 4, done.reply)
        self.assertEqual(len(self.host.postfix.all_messages()), before)
        self.daemon.start()
        self.accepted(self.send(BOB, client=FABRIKAM), "fabrikam", "partner")

    def test_daemon_killed(self):
        """a daemon that dies in the middle of a message does not let it through"""
        before = len(self.host.postfix.all_messages())
        with self.host.connect(FABRIKAM) as session:
            self.assertEqual(session.mail(BOB).code, 250)
            self.assertEqual(session.rcpt(ANNA).code, 250)
            self.assertEqual(session.command("DATA").code, 354)
            self.daemon.process.kill()
            self.daemon.process.wait()
            self.daemon.process = None
            self.assertEqual(session.body(message(BOB, headers=["X-Connector-Trust: internal"])).code // 100, 4)
        self.assertEqual(len(self.host.postfix.all_messages()), before)

    def test_drain(self):
        """SIGTERM: the message in flight is finished, a new one is put off, the daemon ends with status 0"""
        with self.host.connect(FABRIKAM) as flying, self.host.connect(FABRIKAM) as late:
            self.assertEqual(flying.mail(BOB).code, 250)
            self.assertEqual(flying.rcpt(ANNA).code, 250)
            self.assertEqual(flying.command("DATA").code, 354)
            process = self.daemon.process
            process.send_signal(signal.SIGTERM)
            reply = wait.until(lambda: self.mail_refused(late), "new mail to be put off")
            self.assertEqual(str(reply)[:9], "421 4.3.2", reply)
            reply = flying.body(message(BOB))
            self.assertEqual(reply.code, 250, reply)
            self.assertEqual(process.wait(35), 0)
            self.daemon.process = None
        outcome = self.host.postfix.all_messages()
        self.assertEqual(len(outcome[-1].get_all("X-Connector-Trust")), 1)

    @staticmethod
    def mail_refused(session):
        reply = session.mail(BOB)
        if reply.accepted:
            session.command("RSET")
            return None
        return reply


class Start(DaemonScenario):
    config = LOCKED

    def start_another(self, config):
        """A start that fails, with this daemon's configuration replaced by `config`; returns what the daemon said."""
        done = subprocess.run([self.daemon.build / "connector-milter", "-c", config], capture_output=True, text=True, timeout=30, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        return done.stderr

    def test_failed_start(self):
        """a daemon that cannot start takes the sockets away that it has made"""
        config, sockets = self.directory / "no-group.conf", [self.directory / "failed-milter.sock", self.directory / "failed-control.sock"]
        config.write_text(f'{LOCKED}milter = {{ socket = "unix:{sockets[0]}"; group = "nobody-made-this-group"; }};\n'
                          f'control = {{ socket = "unix:{sockets[1]}"; }};\n', encoding="utf-8")
        self.assertIn("nobody-made-this-group", self.start_another(config))
        self.assertEqual([path for path in sockets if path.exists()], [])

    def test_signals_are_for_the_main_thread(self):
        """TERM, HUP and INT that are offered to another thread, libmilter's own above all, stay there untaken; the stop that follows is an ordinary one"""
        pid, libc = self.daemon.process.pid, ctypes.CDLL(None)
        threads = {int(entry.name) for entry in Path(f"/proc/{pid}/task").iterdir()} - {pid}
        self.assertGreaterEqual(len(threads), 4)  # two service loops, libmilter, its thread for signals
        signals = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
        for thread in threads:
            for number in signals:
                self.assertEqual(libc.syscall(SYS_TGKILL, pid, thread, number), 0)
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        offered = sum(1 << (number - 1) for number in signals)
        for thread in threads:
            state = Path(f"/proc/{pid}/task/{thread}/status").read_text(encoding="ascii")
            pending = int(re.search(r"^SigPnd:\s*(\w+)", state, re.MULTILINE)[1], 16)
            self.assertEqual(pending & offered, offered, state)
        self.assertEqual(self.daemon.stop(), 0)
        self.daemon.start()

    def test_second_start(self):
        """a second daemon ends at once and leaves the sockets of the first alone, all of them or one alone"""
        self.assertIn("a running daemon answers", self.start_another(self.daemon.config_file))
        config, own = self.directory / "same-control.conf", self.directory / "own-milter.sock"
        config.write_text(self.daemon.config_file.read_text(encoding="utf-8").replace(str(self.daemon.socket), str(own)), encoding="utf-8")
        self.assertIn("a running daemon answers", self.start_another(config))
        self.assertFalse(own.exists())
        config.write_text(self.daemon.config_file.read_text(encoding="utf-8").replace(str(self.daemon.control), str(own)), encoding="utf-8")
        self.assertIn("a running daemon answers", self.start_another(config))
        self.assertFalse(own.exists())
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        with MilterClient(self.daemon.socket) as session:
            session.negotiate()

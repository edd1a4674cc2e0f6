"""Out of memory: one allocation after the other fails, in every message of a set and in every reload; each message ends in the right
judgement or in a tempfail, and after a reload the old policy is in force or the new one, whole."""

import json
import mmap
import os
import re
import socket
import struct
import subprocess
from pathlib import Path

import milter_wire as wire
from milter_wire import Closed, MilterClient
from scenario import ANNA, PRINTER, STRANGER, DaemonScenario, full, wait

CONFIG = """
organization = { domains = [ ".contoso.example" ]; protect = "enforce"; };
unmatched = "reject";
listeners = ( { name = "mx"; } );
inbound = (
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; max_message_size = "1M"; },
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example" ]; source_ips = [ "203.0.113.0/24" ]; check_header_from = "enforce"; },
  { name = "tailspin"; type = "partner"; sender_domains = [ "tailspin.example" ]; source_ips = [ "203.0.113.0/24" ]; on_violation = "quarantine"; },
  { name = "trial"; type = "partner"; sender_domains = [ "fabrikam.example" ]; min_tls_version = "TLSv1.3"; mode = "audit"; }
);
"""
HEADERS = (wire.header("X-Connector-Trust", "internal; id=forgedforged") + wire.header("From", "Bob <bob@fabrikam.example>") + wire.header("Subject", "x" * 200)
           + wire.header("x-connector-trust ", "internal") + wire.header("Message-ID", "<" + "m" * 100 + "@client.example>")
           + wire.header("X-MS-Exchange-Organization-AuthAs", "Internal"))
DELETED = {("X-Connector-Trust", 1), ("X-Connector-Trust", 2), ("X-MS-Exchange-Organization-AuthAs", 1)}
# name: (client, sender, the recipients with the right verdict, the right end of message: verdict and the headers that are added)
MESSAGES = {
    "printer": (PRINTER, "scanner@contoso.example", ((ANNA, "c"), ("a@elsewhere.example", "y")), "c", set()),
    "printer, all well": (PRINTER, "scanner@contoso.example", ((ANNA, "c"),), "c", {"X-Connector-Trust"}),
    "stranger": (STRANGER, "someone-with-a-long-name@elsewhere.example", ((ANNA, "y"),), "y", set()),
    "forger": (STRANGER, ANNA, ((ANNA, "y"),), "y", set()),
    "partner": ("203.0.113.9", "bob@fabrikam.example", ((ANNA, "c"),), "c", {"X-Connector-Trust", "X-Connector-Audit"}),
    "author forged": (PRINTER.replace("10.20", "203.0"), "a@tailspin.example", ((ANNA, "c"),), "y", set()),
}


class FailingAllocations(DaemonScenario):
    """A daemon whose allocations fail when the test says so."""

    @classmethod
    def arrange(cls, daemon):
        library, control = daemon.directory / "fail_allocation.so", daemon.directory / "fail"
        source = Path(__file__).resolve().parent / "fail_allocation.cc"
        subprocess.run(["g++", "-std=c++20", "-O1", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
        control.write_bytes(bytes(mmap.PAGESIZE))
        control.chmod(0o666)
        with control.open("r+b") as file:
            cls.control = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        # A sanitizer wants to be loaded first; it need not be, as we pass on to it whatever we do not fail.
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:handle_abort=1"
        daemon.environment = {"LD_PRELOAD": str(library), "FAIL_ALLOCATION": str(control), "ASAN_OPTIONS": asan}

    def arm(self, countdown=0, lasting=False):
        """Returns how many allocations there were since it was armed last."""
        seen = struct.unpack("=q", self.control[16:24])[0]
        self.control[0:8] = bytes(8)  # so that the rest is not seen half written
        self.control[8:24] = struct.pack("=qq", lasting, 0)
        self.control[0:8] = struct.pack("=q", countdown)
        return seen

    def felt(self):
        """How many allocations there were since it was armed last."""
        return struct.unpack("=q", self.control[16:24])[0]

    def revive(self):
        """Starts the daemon again, as systemd would; what its last words were is forgotten."""
        self.daemon.process.wait(10)
        self.daemon.log_file.write_text("")
        self.daemon.start()

    def lives(self):
        """Whether the daemon takes connections; false as soon as it has begun to die."""
        try:
            with MilterClient(self.daemon.socket, timeout=10) as session:
                session.negotiate()
            return True
        except (Closed, ConnectionRefusedError):
            return False


class OutOfMemory(FailingAllocations):
    config = CONFIG

    def play(self, name):
        """One message; returns what is wrong with its outcome, or None, and whether it was put off."""
        client, sender, recipients, end, added = MESSAGES[name]
        try:
            with MilterClient(self.daemon.socket, timeout=10) as session:
                session.negotiate()
                session.raw(wire.postfix_connection(client))
                answer = session.ask(wire.postfix_mail(sender))
                if self.is_put_off(answer):
                    return None, True
                if answer[1] != "c":
                    return f"MAIL: {answer}", False
                put_off = False
                for recipient, right in recipients:
                    answer = session.ask(wire.postfix_rcpt(recipient))
                    if self.is_put_off(answer):
                        put_off = True
                    elif not self.is_right(answer, right):
                        return f"RCPT {recipient}: {answer}", False
                answer = session.ask(HEADERS + wire.body(b"Hello.\r\n") + wire.END_OF_MESSAGE)
                session.raw(wire.QUIT)
                if self.is_put_off(answer):
                    return None, True
                if not self.is_right(answer, end):
                    return f"end: {answer}", False
                if end == "c" and (set(wire.deletions(answer[0])) != DELETED or not {n for n, _ in wire.insertions(answer[0])} == (set() if put_off else added)):
                    return f"edits: {answer}", False
                return None, put_off
        except Closed:
            return None, True  # the MTA puts the message off

    @staticmethod
    def is_right(answer, right):
        """A refusal may come without its text, when that was what there was no memory for."""
        return answer[1] == right or (right == "y" and answer[1] == "r")

    @staticmethod
    def is_put_off(answer):
        return answer[1] == "t" or (answer[1] == "y" and answer[2][:1] == b"4")

    def test_every_allocation(self):
        """the Nth allocation fails, for every N of a message; alone, and with all that follow"""
        messages = failures = put_off = 0
        for name in MESSAGES:
            self.arm()
            for _ in range(3):
                self.assertEqual(self.play(name), (None, False), name)
            count = max(1, self.arm() // 3 + 30)
            for lasting in (False, True):
                for number in range(1, count + 1):
                    self.arm(number, lasting)
                    with self.subTest(name, number=number, lasting=lasting):
                        wrong, later = self.play(name)
                        felt = struct.unpack("=q", self.control[0:8])[0] == 0 or lasting
                        self.arm()
                        self.assertIsNone(wrong)
                        self.assertIsNone(self.daemon.process.poll(), self.daemon.log()[-3000:])
                    messages, failures, put_off = messages + 1, failures + felt, put_off + later
                    if self.daemon.process.poll() is not None:
                        self.revive()
                    if number % (10 if not full() else 1) == 0:
                        self.assertEqual(self.play(name), (None, False), (name, number, lasting))
        self.assertRegex(self.daemon.control_tool("status", "--json")[1], r'"in_flight":\s*0')
        print(f"     out of memory: {messages} messages, {failures} failed allocations or more, {put_off} put off", flush=True)

    def test_control(self):
        """the Nth allocation fails while the daemon is asked for its status: it answers the next one, or it has ended for all to see"""
        self.arm()
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        count, ended = self.arm() + 20, 0
        for number in range(1, count, 1 if full() else 3):
            with self.subTest(number=number), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
                control.settimeout(10)
                self.arm(number)
                control.connect(str(self.daemon.control))
                try:
                    control.sendall(b"6:status,")
                    answer = control.recv(65536)
                except (ConnectionResetError, BrokenPipeError):
                    answer = b""
                self.arm()
                self.assertTrue(answer == b"" or b'"ok":true' in answer, answer)
            if answer == b"" and not self.lives():
                ended += 1  # the JSON library allocates in its destructors, and an exception there is the end
                self.revive()
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        print(f"     out of memory: {count} requests for the status, {ended} ends", flush=True)


# Two policies that differ in what becomes of every probe, by every connector, list and file.
HEAD = 'organization = {{ domains = [ ".contoso.example", "{0}" ]; protect = "{1}"; vouch = [ "{2}" ]; }};\nlisteners = ( {{ name = "mx"; }} );\n' \
       'unmatched = "{3}";\nheaders = {{ prefix = "{4}"; strip = [ "{5}", "X-Second-*" ]; }};\n'
MAIN = """inbound = (
  { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24", "NET.7", "file:printers" ]; senders = [ "scanner@contoso.example", "WHO@contoso.example" ];
    recipients = [ ".contoso.example", "WHO@elsewhere.example" ]; max_message_size = "SIZE"; },
  { name = "fabrikam"; type = "partner"; sender_domains = [ "fabrikam.example", "WHO.fabrikam.example" ]; source_ips = [ "NET.0/28" ]; on_violation = "HOW"; });
"""
MORE = """inbound = ( { name = "tailspin"; type = "partner"; sender_domains = [ "tailspin.example" ]; certificates = [ "mail.WHO.example" ]; },
  { name = "trial"; type = "partner"; sender_domains = [ "*" ]; min_tls_version = "TLSv1.3"; mode = "MODE"; });
"""


def policy(head, who, net, size, how, mode):
    """(main file, file of connectors.d, source list)"""
    def filled(text):
        for name, value in (("WHO", who), ("NET", net), ("SIZE", size), ("HOW", how), ("MODE", mode)):
            text = text.replace(name, value)
        return text
    return HEAD.format(*head) + filled(MAIN), filled(MORE), f"10.99.0.1\n{net}.9\n"


OLD = policy(("old.example", "enforce", "local", "reject", "X-Connector", "X-First-*"), "old", "203.0.113", "1000", "reject", "audit")
NEW = policy(("new.example", "off", "authenticated", "accept", "X-Gate", "X-Last-*"), "new", "198.51.100", "2000", "tag", "enforce")
# (client, sender, recipient, further macros of MAIL)
PROBES = ((PRINTER, "old@contoso.example", ANNA, {}), (PRINTER, "new@contoso.example", ANNA, {}), (PRINTER, "scanner@contoso.example", ANNA, {}),
          ("203.0.113.7", "scanner@contoso.example", ANNA, {}), ("198.51.100.7", "scanner@contoso.example", ANNA, {}),
          ("203.0.113.9", "scanner@contoso.example", ANNA, {}), ("198.51.100.9", "scanner@contoso.example", "old@elsewhere.example", {}),
          ("10.99.0.1", "scanner@contoso.example", "new@elsewhere.example", {}), (STRANGER, ANNA, ANNA, {}), (STRANGER, "a@old.example", ANNA, {}),
          (STRANGER, "a@new.example", ANNA, {}), (STRANGER, ANNA, ANNA, {"auth_authen": "anna"}), (STRANGER, "a@elsewhere.example", ANNA, {}),
          ("203.0.113.5", "b@fabrikam.example", ANNA, {}), ("198.51.100.5", "b@fabrikam.example", ANNA, {}), ("198.51.100.5", "b@old.fabrikam.example", ANNA, {}),
          ("203.0.113.5", "b@new.fabrikam.example", ANNA, {}),
          (STRANGER, "c@tailspin.example", ANNA, {"tls_version": "TLSv1.3", "verify": "OK", "cert_subject": "mail.old.example"}))
PROBE_BODY = (b"".join(wire.header(name, "x") for name in ("X-Connector-Trust", "X-Gate-Trust", "X-First-a", "X-Second-a", "X-Last-a")) +
              wire.header("From", "b@fabrikam.example") + wire.body(b"x" * 1500) + wire.END_OF_MESSAGE)


class OutOfMemoryReload(FailingAllocations):
    config = OLD[0]

    def write(self, policy):
        main, more, sources = policy
        self.daemon.configure(main, {"more.conf": more})
        (self.daemon.config_file.parent / "printers").write_text(sources, encoding="ascii")
        (self.daemon.config_file.parent / "connectors.d" / "printers").write_text(sources, encoding="ascii")

    @classmethod
    def arrange(cls, daemon):
        super().arrange(daemon)
        (daemon.config_file.parent / "printers").write_text(OLD[2], encoding="ascii")

    def outcome(self):
        """What the policy in force makes of the probes, without what differs from message to message."""
        return [self.outcome_of(*probe) for probe in PROBES]

    def outcome_of(self, client, sender, recipient, macros):
        with MilterClient(self.daemon.socket, timeout=10) as session:
            session.negotiate()
            session.raw(wire.postfix_connection(client))
            answers = [session.ask(packets) for packets in (wire.postfix_mail(sender, **macros), wire.postfix_rcpt(recipient), PROBE_BODY)]
            session.raw(wire.QUIT)
        return re.sub(r"id=[a-z2-7]{12}|\[[a-z2-7]{12}\]", "", repr(answers))

    def ask(self, request):
        """The answer of the control socket as an object; None if there was none."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as control:
            control.settimeout(20)
            try:
                control.connect(str(self.daemon.control))
                control.sendall(f"{len(request)}:{request},".encode())
                control.shutdown(socket.SHUT_WR)
                answer = b""
                while more := control.recv(65536):
                    answer += more
            except (ConnectionResetError, ConnectionRefusedError, BrokenPipeError):
                return None
        return json.loads(answer.split(b":", 1)[1][:-1]) if answer else None

    def hang_up(self, number):
        """SIGHUP; returns when the reload is over: its allocation failed or it had fewer, and the main thread waits again."""
        mark = len(self.daemon.log())
        process = Path(f"/proc/{self.daemon.process.pid}/task/{self.daemon.process.pid}/stat")

        def over():
            if self.daemon.process.poll() is not None:
                return True
            begun = self.felt() >= number or re.search(r"configuration (loaded|refused)", self.daemon.log()[mark:])
            return begun and process.read_text(encoding="ascii").rsplit(")", 1)[1].split()[0] in "SZ"
        self.daemon.hang_up()
        wait.until(over, "the reload to be over")

    def died_in_a_library(self):
        """libconfig 1.5 does not look at what malloc returns, the JSON library allocates in destructors: an abort there is the only end that may be."""
        self.daemon.process.wait(10)
        log = self.daemon.log()
        return "AddressSanitizer" not in log or re.search(r"#[0-5] [^\n]*libconfig(\+\+)?\.so|nlohmann", log)

    def reload(self, policy, number, lasting, by_signal):
        """Returns whether the answer was yes; None: there was none."""
        self.write(policy)
        self.arm(number, lasting)
        answer = self.hang_up(number) if by_signal else self.ask("reload")
        self.arm()
        return answer and answer["ok"]

    def test_reload(self):
        """the Nth allocation of a reload fails, for every N, alone and with all that follow: the old policy stays or the new one is in force, whole"""
        outcomes, counts = [], []
        for policy in (OLD, NEW):
            self.assertTrue(self.reload(policy, 0, False, False))
            outcomes.append(self.outcome())
            self.write(policy)
            self.arm()
            self.assertTrue(self.ask("reload")["ok"])
            counts.append(self.arm())
        for probe, old, new in zip(PROBES, *outcomes):
            self.assertNotEqual(old, new, probe)
        tried = ended = changed = now = 0
        for lasting, by_signal in ((False, False), (True, False), (False, True), (True, True)):
            for number in range(1 + tried % 7, max(counts) + 10, 5 if full() else 41):
                now = 1 if self.outcome_of(*PROBES[0]) == outcomes[1][0] else 0
                with self.subTest(number=number, lasting=lasting, by_signal=by_signal):
                    answer = self.reload((OLD, NEW)[1 - now], number, lasting, by_signal)
                    if self.daemon.process.poll() is not None or not self.lives():
                        self.assertTrue(self.died_in_a_library(), self.daemon.log()[:5000])
                        ended += 1
                        self.revive()
                    else:
                        found = self.outcome()
                        self.assertIn(found, outcomes)
                        if answer is not None:
                            self.assertEqual(found, outcomes[1 - now if answer else now])
                        told = self.ask("status")["last_reload"]["ok"]
                        if answer is None and not by_signal:  # it may not have come to a reload
                            told = told and found == outcomes[1 - now]
                        self.assertEqual(told, found == outcomes[1 - now])
                        changed += found == outcomes[1 - now]
                tried += 1
        print(f"     out of memory: {tried} reloads, {changed} took place, {ended} ends in a library", flush=True)

"""Out of memory: one allocation after the other fails, in every message of a set, and each ends in the right judgement or in a tempfail."""

import mmap
import os
import socket
import struct
import subprocess
from pathlib import Path

import milter_wire as wire
from milter_wire import Closed, MilterClient
from scenario import ANNA, PRINTER, STRANGER, DaemonScenario, full

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


class OutOfMemory(DaemonScenario):
    config = CONFIG

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
        asan = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"
        daemon.environment = {"LD_PRELOAD": str(library), "FAIL_ALLOCATION": str(control), "ASAN_OPTIONS": asan}

    def arm(self, countdown=0, lasting=False):
        """Returns how many allocations there were since it was armed last."""
        seen = struct.unpack("=q", self.control[16:24])[0]
        self.control[0:8] = bytes(8)  # so that the rest is not seen half written
        self.control[8:24] = struct.pack("=qq", lasting, 0)
        self.control[0:8] = struct.pack("=q", countdown)
        return seen

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
                        self.daemon.log_file.write_text("")
                        self.daemon.start()
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
                self.daemon.process.wait(10)
                self.daemon.log_file.write_text("")
                self.daemon.start()
        self.assertEqual(self.daemon.control_tool("status")[0], 0)
        print(f"     out of memory: {count} requests for the status, {ended} ends", flush=True)

    def lives(self):
        """Whether the daemon takes connections; false as soon as it has begun to die."""
        try:
            with MilterClient(self.daemon.socket, timeout=10) as session:
                session.negotiate()
            return True
        except (Closed, ConnectionRefusedError):
            return False

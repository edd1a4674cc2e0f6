"""A next hop: a small SMTP server on a loopback address that keeps what it is given, with TLS as good or as bad as a test wants.

It never delivers or relays anything. It plays the peer of outbound connectors, so nothing here may help Postfix to be right: what
was said and shown is kept as it was.
"""

import hashlib
import re
import socketserver
import ssl
import threading
from dataclasses import dataclass, field
from email import policy as email_policy
from email.message import Message
from email.parser import BytesParser
from pathlib import Path

from . import wait


@dataclass
class Received:
    """One message as the sink was given it. `tls` is the version ("TLSv1.3") or None, `presented` the CN of the client's certificate."""

    sender: str
    recipients: list
    tls: str = None
    presented: str = None
    helo: str = None
    raw: bytes = b""
    parameters: dict = field(default_factory=dict)
    recipient_parameters: list = field(default_factory=list)

    @property
    def message(self) -> Message:
        return BytesParser(policy=email_policy.compat32).parsebytes(self.raw)

    @property
    def queue_id(self):
        """The id that the Postfix which sent it had for it: its Received field is the first."""
        found = re.search(r"\bid (\w+)", str(self.message.get_all("Received", [""])[0]))
        return found.group(1) if found else ""


def fingerprint(certificate):
    """SHA-256 of a certificate file in the form of the setting `fingerprints`."""
    digest = hashlib.sha256(ssl.PEM_cert_to_DER_cert(Path(certificate).read_text(encoding="ascii"))).hexdigest().upper()
    return ":".join(digest[at:at + 2] for at in range(0, len(digest), 2))


def _address(argument):
    found = re.match(rb"[^:]*:\s*<(.*)>(.*)", argument)
    if not found:
        raise ValueError(argument)
    return found.group(1).decode("utf-8", "replace"), found.group(2).decode("ascii", "replace").split()


class _Session(socketserver.StreamRequestHandler):
    """One SMTP session; only what Postfix's client says is understood."""

    def handle(self):
        self.sink, self.tls, self.presented, self.helo, self.mail = self.server.sink, None, None, None, None
        try:
            self.say(f"220 {self.sink.name} ESMTP")
            while (line := self.rfile.readline(65536)) and self.obey(line.rstrip(b"\r\n")):
                pass
        except OSError:  # also what ssl raises: the peer left, or did not like our certificate
            pass

    def say(self, text):
        self.wfile.write(text.encode() + b"\r\n")

    def obey(self, line):
        verb = line[:4].upper()
        if verb in (b"EHLO", b"HELO"):
            self.helo, self.mail = line[5:].decode("utf-8", "replace"), None
            offered = ["8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES"] + (["DSN"] if self.sink.dsn else [])
            offered += ["STARTTLS"] if self.sink.context and not self.tls else []
            self.say("\r\n".join([f"250-{self.sink.name}", *(f"250-{word}" for word in offered[:-1]), f"250 {offered[-1]}"]))
        elif verb == b"STAR" and self.sink.context and not self.tls:
            self.start_tls()
        elif verb == b"MAIL":
            sender, parameters = _address(line)
            self.mail = Received(sender, [], self.tls, self.presented, self.helo, parameters=parameters)
            self.say("250 2.1.0 Ok")
        elif verb == b"RCPT" and self.mail:
            self.say(self.sink.refuse or "250 2.1.5 Ok")
            if not self.sink.refuse:
                recipient, parameters = _address(line)
                self.mail.recipients.append(recipient)
                self.mail.recipient_parameters.append(parameters)
        elif verb == b"DATA" and self.mail and self.mail.recipients:
            self.take()
        elif verb in (b"RSET", b"NOOP"):
            self.mail = None
            self.say("250 2.0.0 Ok")
        elif verb == b"QUIT":
            self.say("221 2.0.0 Bye")
            return False
        else:
            self.say("503 5.5.1 Not now")
        return True

    def start_tls(self):
        self.say("220 2.0.0 Ready")
        self.request = self.sink.context.wrap_socket(self.request, server_side=True)
        self.rfile, self.wfile = self.request.makefile("rb"), self.request.makefile("wb", 0)
        self.tls, self.mail = self.request.version(), None
        subject = dict(pair for names in (self.request.getpeercert() or {}).get("subject", ()) for pair in names)
        self.presented = subject.get("commonName")

    def take(self):
        self.say("354 Go ahead")
        lines = []
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            lines.append(line[1:] if line.startswith(b".") else line)
        self.mail.raw = b"".join(lines)
        if line:  # else the session ended in the middle: not a message
            self.sink.received.append(self.mail)
            self.say("250 2.0.0 Kept")
        self.mail = None


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = daemon_threads = True
    request_queue_size = 100
    block_on_close = False


class Sink:
    """Listens from start() (or `with`) to stop(); start() after stop() takes the same port again. `received` grows in order of arrival.

    `certificate`: (file, key file); without it STARTTLS is not offered. `ask`: the CA file whose client certificates are asked for (one
    of another CA ends the handshake). `highest`: the newest ssl.TLSVersion to speak. `refuse`: the reply to every RCPT. `dsn`: whether that extension is offered.
    """

    def __init__(self, address="127.0.0.2", name="mx.sink.example", certificate=None, ask=None, highest=None, refuse=None, dsn=False):
        self.address, self.name, self.refuse, self.dsn = address, name, refuse, dsn
        self.received, self.context = [], None
        self._server, self._port = None, 0
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*map(str, certificate))
            if highest:
                self.context.maximum_version = highest
            if ask:
                self.context.verify_mode = ssl.CERT_OPTIONAL
                self.context.load_verify_locations(str(ask))

    @property
    def next_hop(self):
        """As a smart host is written: `[127.0.0.2]:40025`; known once it has been started."""
        return f"[{self.address}]:{self._port}"

    @property
    def port(self):
        return self._port

    def start(self):
        self._server = _Server((self.address, self._port), _Session)
        self._server.sink, self._port = self, self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        return self

    def stop(self):
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def of(self, queue_id):
        """What has arrived of the message that Postfix had under this queue id."""
        return [item for item in list(self.received) if item.queue_id == queue_id]

    def wait_for(self, queue_id, count=1):
        """The same, once there are `count` of them (Postfix sends one for up to 50 recipients of the same next hop)."""
        wait.until(lambda: len(self.of(queue_id)) >= count, f"{queue_id} to arrive at {self.name} {self.next_hop}")
        return self.of(queue_id)

"""A raw SMTP client: one session, every byte as the caller says, so that hostile and odd clients can be played as well.

`client=ADDRESS` claims that address with the PROXY protocol, which the private Postfix asks for on all listeners but `xclient`;
`source=ADDRESS` comes from there, an address of this machine.
"""

import base64
import re
import socket
import ssl
from dataclasses import dataclass, field


@dataclass
class Reply:
    """One SMTP reply; `text` is what follows the code, lines joined by newlines."""

    code: int
    text: str

    def __str__(self):
        return f"{self.code} {self.text}"

    @property
    def accepted(self):
        return 200 <= self.code < 400


@dataclass
class Transaction:
    """What became of one message: the replies, the last that was asked for, and the queue id if it was accepted."""

    sender: Reply
    recipients: list = field(default_factory=list)
    data: Reply = None

    @property
    def reply(self):
        """The reply that decided: of the end of data, of the first refused recipient, or of MAIL."""
        if self.data is not None and (self.data.accepted or all(r.accepted for r in self.recipients)):
            return self.data
        return next((r for r in self.recipients if not r.accepted), self.sender)

    @property
    def queue_id(self):
        # Postfix: "queued as ID"; Sendmail: "ID Message accepted for delivery".
        found = self.data and re.search(r"queued as (\w+)|(\w+) Message accepted for delivery", self.data.text)
        return found.group(1) or found.group(2) if found else None


class SmtpClient:
    """A session with the listener on `port` of 127.0.0.1. A context manager: leaves with QUIT. Raises OSError when the peer is gone."""

    def __init__(self, port, client=None, timeout=30, source=None):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0) if source else None)
        self._buffer = b""
        self.tls_version = None
        if client:
            family, server = ("TCP6", "::1") if ":" in client else ("TCP4", "127.0.0.1")
            self.raw(f"PROXY {family} {client} {server} 40125 25\r\n".encode())
        self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.command("QUIT")
        except OSError:
            pass
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        self.socket.sendall(data)

    def line(self):
        while b"\n" not in self._buffer:
            more = self.socket.recv(65536)
            if not more:
                raise ConnectionError("the server closed the connection")
            self._buffer += more
        line, self._buffer = self._buffer.split(b"\n", 1)
        return line.rstrip(b"\r").decode("utf-8", "replace")

    def reply(self):
        lines = []
        while True:
            line = self.line()
            lines.append(line[4:])
            if line[3:4] != "-":
                return Reply(int(line[:3]), "\n".join(lines))

    def command(self, text):
        self.raw((text if isinstance(text, bytes) else text.encode()) + b"\r\n")
        return self.reply()

    def ehlo(self, name="client.example"):
        return self.command(f"EHLO {name}")

    def starttls(self, certificate=None, version=None, greet=True):
        """STARTTLS and (`greet`) a second EHLO. `certificate` is (file, key file) to present, `version` an ssl.TLSVersion to insist on."""
        reply = self.command("STARTTLS")
        if reply.code != 220:
            return reply
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        if version:
            if version < ssl.TLSVersion.TLSv1_2:
                context.set_ciphers("DEFAULT:@SECLEVEL=0")
            context.minimum_version = context.maximum_version = version
        if certificate:
            context.load_cert_chain(*map(str, certificate))
        self.socket = context.wrap_socket(self.socket, server_hostname="mail.contoso.example")
        self._buffer = b""
        self.tls_version = self.socket.version()
        return self.ehlo() if greet else reply

    def login(self, user, password):
        """AUTH PLAIN."""
        token = base64.b64encode(f"\0{user}\0{password}".encode()).decode()
        return self.command(f"AUTH PLAIN {token}")

    def mail(self, sender, *parameters):
        return self.command(" ".join([f"MAIL FROM:<{sender}>", *parameters]))

    def rcpt(self, recipient):
        return self.command(f"RCPT TO:<{recipient}>")

    def data(self, message):
        """DATA and the message, its bytes as they are but for the dots of transparency; the end of data is added."""
        reply = self.command("DATA")
        return self.body(message) if reply.code == 354 else reply

    def body(self, message):
        """The bytes after 354."""
        stuffed = re.sub(rb"(^|\r\n)\.", rb"\1..", message)
        self.raw(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
        return self.reply()

    def send(self, sender, recipients, message, *parameters):
        """One whole transaction; stops where nothing more can be accepted. `recipients` is a list or one address."""
        if isinstance(recipients, str):
            recipients = [recipients]
        done = Transaction(self.mail(sender, *parameters))
        if not done.sender.accepted:
            return done
        done.recipients = [self.rcpt(recipient) for recipient in recipients]
        if any(reply.accepted for reply in done.recipients):
            done.data = self.data(message)
        else:
            self.command("RSET")
        return done


def message(sender="a@b.example", subject="Test", headers=(), body="Hello.\r\n", author=None):
    """A plain message in bytes; `headers` are whole lines, put first; `author` (a whole From line) replaces the usual one."""
    lines = [*headers, author if author is not None else f"From: <{sender}>", "To: <anna@contoso.example>", f"Subject: {subject}",
             "Date: Mon, 05 Jan 2026 10:00:00 +0000", f"Message-ID: <{abs(hash((sender, subject)))}@client.example>", "", body]
    return "\r\n".join(line for line in lines[:-2] if line).encode() + b"\r\n\r\n" + body.encode()

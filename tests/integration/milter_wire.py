"""The MTA's side of the milter protocol (version 6), packet by packet, so that a hostile or broken MTA can be played as well.

Source: libmilter's mfdef.h for the letters, engine.c for what is answered and what is passed over in silence. A packet is a length of
four bytes in network order, that counts the command letter and the data, then these.
"""

import select
import socket
import struct
import time

# Offered by the MTA in OPTNEG: what an answer may do, and which steps or replies may be left out.
ADD_HEADERS, CHANGE_HEADERS, QUARANTINE, SYMBOL_LIST = 0x01, 0x10, 0x20, 0x100
ALL_ACTIONS = 0x1FF
NO_UNKNOWN, NO_BODY = 0x100, 0x10
ALL_STEPS = 0x1FFFFF
EDITS = frozenset(b"+-2behimqF")  # answers that change the message; a verdict follows
VERDICTS = frozenset(b"acdrtys4")
PROGRESS = ord("p")


def packet(command, data=b""):
    """`command` is one letter as str or bytes."""
    letter = command.encode() if isinstance(command, str) else command
    return struct.pack("!I", len(letter) + len(data)) + letter + data


def strings(*values):
    return b"".join((v if isinstance(v, bytes) else v.encode()) + b"\0" for v in values)


def options(version=6, actions=ALL_ACTIONS, steps=ALL_STEPS):
    return packet("O", struct.pack("!III", version, actions, steps))


def macros(command, **values):
    """`_x` stands for the macro {x}; a single letter for itself."""
    pairs = [part for name, value in values.items() for part in (name if len(name) == 1 else "{" + name + "}", value)]
    return packet("D", command.encode() + strings(*pairs))


def connect(address="192.0.2.66", family=b"4", port=40125, name="client.example"):
    return packet("C", strings(name) + family + (struct.pack("!H", port) + strings(address) if family != b"U" else b""))


def mail(sender, *arguments):
    return packet("M", strings(f"<{sender}>" if isinstance(sender, str) else sender, *arguments))


def rcpt(recipient):
    return packet("R", strings(f"<{recipient}>" if isinstance(recipient, str) else recipient))


def header(name, value):
    return packet("L", strings(name, value))


HELO, DATA, END_OF_HEADER, END_OF_MESSAGE, ABORT, QUIT = (packet("H", strings("client.example")), packet("T"), packet("N"), packet("E"), packet("A"), packet("Q"))


def body(data):
    return packet("B", data)


def postfix_connection(address, listener="mx"):
    """Negotiated already: CONNECT as Postfix sends it, its macros first."""
    return macros("C", j="mail.contoso.example", v="Postfix 3.7.11", daemon_name=listener, client_port="40125") + connect(
        address, b"6" if ":" in address else b"4")


def postfix_mail(sender, **more):
    return macros("M", j="mail.contoso.example", mail_addr=sender, **more) + mail(sender)


def postfix_rcpt(recipient):
    return macros("R", j="mail.contoso.example", i="4WIRE", rcpt_addr=recipient) + rcpt(recipient)


def holds_half_a_pair(stream):
    """Whether a macro packet of `stream` names a macro without a value: libmilter 8.17 then reads beyond its list (smfi_getsymval)."""
    while len(stream) >= 5:
        length = struct.unpack("!I", stream[:4])[0]
        command, data, stream = stream[4:5], stream[5:4 + length], stream[4 + length:]
        if command == b"D" and (data[1:].count(b"\0") % 2 or not data.endswith(b"\0")):
            return True
    return False


class Closed(ConnectionError):
    """The milter closed the connection."""


class MilterClient:
    """One connection to the milter on the unix socket `path`. A context manager: the connection is closed on the way out, without QUIT."""

    def __init__(self, path, timeout=30.0):
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.socket.connect(str(path))  # waits while the backlog is full; with a time-out set it would fail instead
        self.socket.settimeout(timeout)
        self._buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def raw(self, data):
        """Raises Closed when the milter has gone."""
        try:
            self.socket.sendall(data)
        except (BrokenPipeError, ConnectionResetError) as gone:
            raise Closed(str(gone)) from None

    def receive(self):
        """The next answer as (letter, data); raises Closed at the end, TimeoutError after the socket's time-out."""
        while True:
            if len(self._buffer) >= 4:
                length = struct.unpack("!I", self._buffer[:4])[0]
                if len(self._buffer) >= 4 + length:
                    answer, self._buffer = self._buffer[4:4 + length], self._buffer[4 + length:]
                    return chr(answer[0]), answer[1:]
            try:
                more = self.socket.recv(65536)
            except ConnectionResetError as gone:
                raise Closed(str(gone)) from None
            if not more:
                raise Closed("end of stream")
            self._buffer += more

    def verdict(self):
        """(edits, letter, data) of the next verdict; progress is passed over."""
        edits = []
        while True:
            letter, data = self.receive()
            if ord(letter) in EDITS:
                edits.append((letter, data))
            elif ord(letter) != PROGRESS:
                return edits, letter, data

    def ask(self, data):
        """Sends packets of which the last is answered; returns its verdict as in verdict()."""
        self.raw(data)
        return self.verdict()

    def negotiate(self, **how):
        """OPTNEG; returns (version, actions, steps) of the answer."""
        self.raw(options(**how))
        letter, data = self.receive()
        if letter != "O":
            raise AssertionError(f"the answer to OPTNEG is {letter!r}")
        return struct.unpack("!III", data[:12])

    def rest(self, pause=0.0):
        """Half closes, then every answer until the milter closes: what a stream of packets was worth. `pause`: seconds before the half close."""
        if pause:
            time.sleep(pause)
        answers = []
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass
        try:
            while True:
                answers.append(self.receive())
        except Closed:
            return answers

    def is_silent(self, seconds):
        """No answer and no end within `seconds`."""
        return not self._buffer and not select.select([self.socket], [], [], seconds)[0]


def insertions(edits):
    """The headers that were inserted, as (name, value)."""
    return [tuple(part.decode() for part in data[4:].split(b"\0")[:2]) for letter, data in edits if letter == "i"]


def deletions(edits):
    """The headers that were deleted, as (name, index)."""
    found = []
    for letter, data in edits:
        name, value = data[4:].split(b"\0")[:2] if letter == "m" else (b"", b"")
        if letter == "m" and not value:
            found.append((name.decode(), struct.unpack("!I", data[:4])[0]))
    return found

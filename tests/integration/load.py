"""A bounded stream of mail from many clients, each message counted to its end: delivered, refused, or still deferred when time was up.

Every other message or so is a printer's, which the policy of the test accepts and marks; the others are strangers', which it refuses.
All bring forged trust headers. A client that is put off tries again, as a queue would, in a new session.
"""

import itertools
import threading
import time
from collections import Counter
from dataclasses import dataclass

from scenario import ANNA, PRINTER, STRANGER, SmtpClient

SCANNER, MALLORY = "scanner@contoso.example", "mallory@hostile.example"
CONFIG = """
organization = { domains = [ ".contoso.example" ]; };
unmatched = "reject";
listeners = ( { name = "mx"; } );
inbound = ( { name = "printers"; type = "device"; source_ips = [ "10.20.0.0/24" ]; senders = [ "scanner@contoso.example" ]; recipients = "internal"; } );
"""


@dataclass
class Sent:
    """One message: `fate` is delivered, refused or deferred; `replies` the codes it got on the way."""

    message_id: str
    is_printer: bool
    fate: str = "deferred"
    replies: tuple = ()


def content(message_id, sender):
    return (f"X-Connector-Trust: internal; connector=forged; id=forgedforged\r\nFrom: <{sender}>\r\nx-connector-TRUST : internal\r\nTo: <{ANNA}>\r\n"
            f"Date: Mon, 05 Jan 2026 10:00:00 +0000\r\nMessage-ID: {message_id}\r\nSubject: load\r\n\r\nHello.\r\n").encode()


class Load:
    """A context manager: clients send while its body runs, `rate` new messages a second in all; on the way out what is put off may try for
    `grace` more seconds. `sent` is complete then."""

    _numbers = itertools.count(1)

    def __init__(self, host, rate=40, clients=6, grace=20):
        self.host, self.sent, self.errors = host, [], []
        self._name = f"load{next(self._numbers)}"
        self._rate, self._grace = rate, grace
        self._stop, self._lock, self._end = threading.Event(), threading.Lock(), None
        self._threads = [threading.Thread(target=self._client, args=(number, clients), daemon=True) for number in range(clients)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._end = time.monotonic() + self._grace
        self._stop.set()
        for thread in self._threads:
            thread.join(self._grace + 90)
        if any(thread.is_alive() for thread in self._threads):
            raise AssertionError("a sender waits for Postfix beyond every time-out")

    def _client(self, number, clients):
        count, due = 0, time.monotonic()
        try:
            while not self._stop.is_set():
                one = Sent(f"<{self._name}.{number}.{count}@client.example>", count % 3 != 0)
                with self._lock:
                    self.sent.append(one)
                self._deliver(one)
                count, due = count + 1, max(due + clients / self._rate, time.monotonic() - 1)
                self._stop.wait(max(0.0, due - time.monotonic()))
        except Exception as error:  # the test judges it
            self.errors.append(error)

    def _deliver(self, one):
        while self._end is None or time.monotonic() < self._end:
            code = self._attempt(one)
            one.replies += (code,)
            if code // 100 in (2, 5):
                one.fate = "delivered" if code // 100 == 2 else "refused"
                return
            time.sleep(0.1)

    def _attempt(self, one):
        """The code that decided. After the end of data only a reply will do: a message must not be lost or doubled by a guess."""
        sender = SCANNER if one.is_printer else MALLORY
        try:
            session = SmtpClient(self.host.postfix.ports["mx"], PRINTER if one.is_printer else STRANGER, timeout=60)
        except (OSError, ValueError):
            return 421
        try:
            if session.greeting.code != 220:
                return session.greeting.code
            session.ehlo()
            done = session.send(sender, ANNA, content(one.message_id, sender))
            session.raw(b"QUIT\r\n")
            return done.reply.code
        except ConnectionError:
            return 421  # Postfix always answers the end of data; one that did not shows in the count
        finally:
            session.close()

    def report(self):
        fates = Counter(one.fate for one in self.sent)
        retries = sum(max(0, len(one.replies) - 1) for one in self.sent)
        return f"{len(self.sent)} messages, {retries} put off and tried again, " + ", ".join(f"{n} {fate}" for fate, n in sorted(fates.items()))

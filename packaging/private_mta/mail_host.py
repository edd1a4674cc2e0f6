"""A whole private mail host: certificates, Postfix (or Sendmail) and our daemon below one new directory, and what became of a message sent to it."""

import os
import re
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from .certificates import Certificates
from .daemon import ConnectorMilter
from .postfix import LOGIN, PASSWORD, PrivatePostfix
from .smtp_client import Reply, SmtpClient, Transaction, message

OUR_FAMILY = "x-connector"


@dataclass
class Outcome:
    """What the peer was told, what the log says and what arrived. `copies` is empty when the message was not delivered."""

    reply: Reply
    transaction: Transaction
    record: dict
    copies: list

    @property
    def queue_id(self):
        return self.transaction.queue_id if self.transaction else None

    @property
    def copy(self):
        """The delivered message; fails when there is none."""
        if not self.copies:
            raise AssertionError(f"nothing was delivered; the reply was {self.reply}")
        return self.copies[0]

    @property
    def ours(self):
        """Our headers on the delivered message as 'Name: value', unfolded."""
        headers = self.copies[0].items() if self.copies else ()
        return [f"{name}: {re.sub(chr(10) + '[ ' + chr(9) + ']+', ' ', value)}" for name, value in headers if name.lower().startswith(OUR_FAMILY)]


class MailHost:
    """A context manager: started on entry, gone on exit. `milter=False` leaves our daemon out (for tests of this house itself)."""

    def __init__(self, build, milter=True, settings=None):
        os.umask(0o022)  # the processes of Postfix must be able to read what we make
        # Not TMPDIR: other users may have no way into it, and the path of a socket must be short.
        self.directory = Path(tempfile.mkdtemp(prefix="mail-host-", dir="/tmp"))
        self.directory.chmod(0o755)
        try:
            self.certificates = Certificates(self.directory / "tls")
            self.daemon = ConnectorMilter(build, self.directory / "connector-milter") if milter else None
            self._make_mta(build, settings)
        except BaseException:
            self.remove()
            raise

    def _make_mta(self, _build, settings):
        self.mta = self.postfix = PrivatePostfix(self.directory / "postfix", self.certificates, settings=settings)

    def _apply_lines(self):
        self.postfix_lines = self.daemon.postfix_lines(self.postfix.queue)
        self.postfix.apply(self.postfix_lines)

    def _open(self, listener, client):
        return SmtpClient(self.postfix.ports[listener], client)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        try:
            self.stop()
        finally:
            self.remove()

    def start(self, detached=False):
        try:
            if self.daemon:
                self.daemon.start(detached)
                self._apply_lines()
            self.mta.start()
        except BaseException:
            self.stop()
            self.remove()
            raise

    def stop(self):
        self.mta.stop()
        if self.daemon:
            self.daemon.stop()

    def remove(self):
        shutil.rmtree(self.directory, ignore_errors=True)

    def connect(self, client=None, listener="mx", tls=False, certificate=None, login=False, version=None, helo="client.example"):
        """A session after EHLO, and after STARTTLS and AUTH if asked for. `certificate` is a label of certificates.Certificates."""
        session = self._open(listener, client)
        try:
            if session.greeting.code != 220:
                return session
            session.ehlo(helo)
            if tls or certificate or login:
                session.starttls(self.certificates.client[certificate] if certificate else None, version)
            if login:
                reply = session.login(LOGIN, PASSWORD)
                if reply.code != 235:
                    raise AssertionError(f"login failed: {reply}")
        except BaseException:
            session.close()
            raise
        return session

    def post(self, sender, recipients="anna@contoso.example", client=None, content=None, parameters=(), **how):
        """One message in a session of its own; `how` as in connect(). Waits for the log line but not for a delivery."""
        mark = len(self.daemon.log()) if self.daemon else 0
        with self.connect(client, **how) as session:
            if session.greeting.code != 220:
                record = self.daemon.record(f"client={client} ", mark)
                return Outcome(session.greeting, None, record, [])
            transaction = session.send(sender, recipients, content or message(sender), *parameters)
        return self.posted(transaction)

    def send(self, *arguments, **how):
        """The same, and waits for the delivery if it was accepted."""
        return self._with_copies(self.post(*arguments, **how))

    def posted(self, transaction):
        """The log line that belongs to a transaction."""
        identity = re.search(r"\[([a-z2-7]{12})\]", transaction.reply.text)
        key = f"id={identity.group(1)}" if identity else f"{transaction.queue_id}:" if transaction.queue_id else None
        return Outcome(transaction.reply, transaction, self.daemon.record(key) if self.daemon and key else {}, [])

    def outcome(self, transaction):
        """The log line and the delivered copies that belong to a transaction."""
        return self._with_copies(self.posted(transaction))

    def _with_copies(self, outcome):
        if outcome.queue_id and outcome.queue_id not in self.mta.held():
            outcome.copies = self.mta.messages(outcome.queue_id)
        return outcome

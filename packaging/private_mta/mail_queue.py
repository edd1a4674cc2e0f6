"""What a private Postfix does with the mail in its queue: what waits and why, what each delivery attempt came to, another attempt.

Only Postfix's own commands and log are asked. Everything that waits does so for a condition (wait.py).
"""

import json
import re
import subprocess
from dataclasses import dataclass

from . import wait

_ATTEMPT = re.compile(r"^.* postfix/(?P<service>[\w/-]+)\[\d+\]: (?P<queue_id>\w+): to=<(?P<recipient>.*?)>, (?:orig_to=<.*?>, )?relay=(?P<relay>\S+), "
                      r"(?:conn_use=\d+, )?delay=[\d.]+, delays=[\d./]+, dsn=(?P<dsn>[\d.]+), status=(?P<status>\w+) \((?P<reason>.*)\)$", re.M)


@dataclass
class Attempt:
    """One line of the log: `service` (smtp, virtual, error, ...), `status` sent, deferred, bounced or expired, `dsn` as "4.7.5"."""

    service: str
    queue_id: str
    recipient: str
    relay: str
    dsn: str
    status: str
    reason: str


class MailQueue:
    """The queue of `postfix`, a postfix.PrivatePostfix that runs."""

    def __init__(self, postfix):
        self._postfix = postfix

    def _run(self, command, *arguments):
        # The copies below bin/ take a foreign configuration directory.
        program = str(self._postfix.directory / "bin" / command)
        return subprocess.run([program, "-c", str(self._postfix.config), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=True).stdout

    def entries(self):
        """queue id -> what `postqueue -j` says of it: queue_name, sender, recipients (address, delay_reason)."""
        found = map(json.loads, self._run("postqueue", "-j").splitlines())
        return {entry["queue_id"]: entry for entry in found}

    def attempts(self, queue_id):
        """All delivery attempts so far, in order."""
        return [Attempt(**found.groupdict()) for found in _ATTEMPT.finditer(self._postfix.log()) if found["queue_id"] == queue_id]

    def settled(self, queue_id, count=1):
        """The attempts, once there are `count` of them."""
        return self._postfix.wait(lambda: found if len(found := self.attempts(queue_id)) >= count else None, f"{count} delivery attempts of {queue_id}")

    def deferred(self, queue_id):
        """Waits until the message waits for another attempt; recipient -> reason."""
        def waiting():
            entry = self.entries().get(queue_id)
            return entry if entry and entry["queue_name"] == "deferred" else None
        entry = self._postfix.wait(waiting, f"{queue_id} to be deferred")
        return {recipient["address"]: recipient.get("delay_reason", "") for recipient in entry["recipients"]}

    def flush(self, queue_id):
        """Another attempt now, also at next hops that Postfix took for dead; returns the new attempts, at least one."""
        before = len(self.attempts(queue_id))
        self._run("postqueue", "-f")
        return self.settled(queue_id, before + 1)[before:]

    def requeue(self, queue_id):
        """postsuper -r: the message goes through cleanup again, under a new id (returned)."""
        self._run("postsuper", "-r", queue_id)
        self._run("postkick", "public", "pickup", "W")  # which would look by itself within a minute
        line = re.compile(rf"pickup\[\d+\]: (\w+): uid=.* orig_id={queue_id}\b")
        return self._postfix.wait(lambda: line.search(self._postfix.log()), f"{queue_id} to be requeued").group(1)

    def delete(self, queue_id="ALL"):
        self._run("postsuper", "-d", queue_id)

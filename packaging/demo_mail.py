"""The demo proper: starts the private mail host, sends every row of demo_scenarios.py, prints and checks what became of it.

Called by packaging/demo, which installs and builds. Exit status 1 if any row is not as it should be.
"""

import argparse
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
from demo_scenarios import ANNA, NEXT_HOPS, SECTIONS, STRANGER  # noqa: E402
from private_mta.mail_host import MailHost, Outcome  # noqa: E402
from private_mta.sink import Sink  # noqa: E402
from private_mta.smtp_client import message  # noqa: E402

EXAMPLE = Path(__file__).resolve().parents[1] / "conf" / "examples" / "contoso"
ADDED = (b"From:", b"Date:", b"Message-ID:")  # by `repair`, to what a printer sends
SIGNATURE = re.compile(r"; t=\d+; k=\w+; h=([^;]*); b=\S+")
COLUMNS = ("who", "connector", "reply", "headers that arrived", "outbound", "where it is")


class NextHops:
    """The servers that mail leaves for, played by sinks on loopback. A context manager."""

    def __init__(self, certificates):
        self.sinks = {}
        for number, (who, (_, name)) in enumerate(NEXT_HOPS.items(), 2):
            certificate = certificates.authority.issue(f"next-hop-{number}", name, names=(name,))
            self.sinks[who] = Sink(f"127.0.0.{number}", name, certificate)

    def __enter__(self):
        for sink in self.sinks.values():
            sink.start()
        return self

    def __exit__(self, *_):
        for sink in self.sinks.values():
            sink.stop()

    def places(self):
        """As the example writes them -> where they are."""
        return {NEXT_HOPS[who][0]: sink.next_hop for who, sink in self.sinks.items()}

    def have(self, queue_id):
        """Where the message is: [(who, what arrived)]."""
        return [(who, received) for who, sink in self.sinks.items() for received in sink.of(queue_id)]


@dataclass
class Seen:
    """What became of a row's message: `where` it is, and why it waits if it does."""

    outcome: Outcome
    where: list
    waits: str = None

    @property
    def reply(self):
        first, last = self.outcome.reply, self.last
        return str(first).replace("\n", " ") + (f"; the last recipient: {last}" if last and not last.accepted and first.accepted else "")

    @property
    def last(self):
        """The reply to the last recipient, None if the session did not come so far."""
        transaction = self.outcome.transaction
        return transaction.recipients[-1] if transaction and transaction.recipients else None


def content_of(row, headers):
    """The message that a row sends, with these headers."""
    whole = message(row.sender, subject=row.who, headers=headers)
    return b"".join(line for line in whole.splitlines(True) if not line.startswith(ADDED)) if row.bare else whole


def send(host, next_hops, row):
    """Sends a row's message and waits for what becomes of it."""
    recipients = list(row.recipient) if isinstance(row.recipient, tuple) else row.recipient
    outcome = host.post(row.sender, recipients, row.client, content_of(row, row.headers), row.parameters, listener=row.listener, tls=row.tls,
                        certificate=row.certificate, login=row.login, helo=row.helo)
    if not outcome.queue_id:
        return Seen(outcome, [])
    attempts = host.postfix.mail_queue.settled(outcome.queue_id)
    outcome.record = host.daemon.records(f"{outcome.queue_id}: ")[-1]  # a surplus recipient has a line of its own before it
    found = next_hops.have(outcome.queue_id)
    outcome.copies = []
    for _, received in found:
        copy = received.message
        copy.raw, copy.sender = received.raw, received.sender
        outcome.copies.append(copy)
    waits = [attempt.reason for attempt in attempts if attempt.status == "deferred"]
    return Seen(outcome, [who for who, _ in found], waits[0] if waits else None)


def faults(host, row, seen):
    """What is not as it should be with a row, in words."""
    outcome, record = seen.outcome, seen.outcome.record
    if not str(outcome.reply).startswith(row.code + " "):
        yield f"the reply should begin with {row.code}"
    if row.surplus and not str(seen.last).startswith(row.surplus + " "):
        yield f"the reply to the last recipient should begin with {row.surplus}: {seen.last}"
    if record.get("connector") != row.connector:
        yield f"the log should name connector {row.connector}: {record.get('line')}"
    if record.get("rule") != row.rule:
        yield f"the log should name rule {row.rule}: {record.get('line')}"
    if row.code != "250":
        if outcome.queue_id:
            yield "it was accepted"
        return
    if record.get("outbound") != row.outbound:
        yield f"the log should name outbound connector {row.outbound}: {record.get('line')}"
    if seen.where != ([row.at] if row.at else []):
        yield f"it should be at {row.at}: {seen.where} {seen.waits}"
        return
    if bool(row.waits) != bool(seen.waits) or (row.waits and row.waits not in seen.waits):
        yield f"it should wait because of {row.waits}: {seen.waits}"
    if row.at:
        yield from faults_of_copy(host, row, outcome)


def faults_of_copy(host, row, outcome):
    trust = row.trust if row.at == "Exchange" else None
    routing = (("X-Connector-Outbound", row.outbound), ("X-Connector-Route", row.outbound if row.routed else None))
    for name, start in (("X-Connector-Trust", trust), ("X-Connector-Audit", row.audit), *routing):
        values = outcome.copy.get_all(name, [])
        if len(values) != (1 if start else 0) or not all(value.startswith(start) for value in values):
            yield f"{name} should be {'one, beginning with ' + start if start else 'absent'}: {values}"
    arrived = outcome.copy.raw.splitlines(True)
    added = [line for line in arrived if row.bare and line.startswith(ADDED)]
    if row.bare and sorted(line.split(b":")[0] + b":" for line in added) != sorted(ADDED):
        yield f"there should be one each of {', '.join(map(bytes.decode, ADDED))} {added}"
    if not b"".join(line for line in arrived if line not in added).replace(b"\r\n", b"\n").endswith(content_of(row, row.keeps).replace(b"\r\n", b"\n")):
        yield "the message below our headers was changed"
    if outcome.copy.sender != (row.leaves_as or row.sender):
        yield f"its envelope sender should be {row.leaves_as or row.sender}: {outcome.copy.sender}"
    if trust and (said := verify(host, outcome.copy))[0] != 0:
        yield f"its tag should be genuine: {said[1]}"
    if len(outcome.ours) != sum(map(bool, (trust, row.audit, row.outbound, row.routed))):
        yield f"headers of our family arrived: {outcome.ours}"


def verify(host, copy):
    """(exit status, words) of connectorctl verify about a message that arrived."""
    path = host.directory / "arrived.eml"
    path.write_bytes(copy.raw)
    return host.daemon.control_tool("verify", str(path), "--from", copy.sender)


def table(width):
    """A function that prints one row of cells, wrapped to columns that fit `width`."""
    room = width - 4 - 2 * (len(COLUMNS) - 1)
    widths = [room * part // 100 for part in (20, 9, 25, 25, 11, 10)]

    def show(mark, cells):
        wrapped = [textwrap.wrap(cell, size, break_on_hyphens=False) for cell, size in zip(cells, widths)]
        for number, parts in enumerate(zip_longest(*wrapped, fillvalue="")):
            line = "  ".join(part.ljust(size) for part, size in zip(parts, widths))
            print(f"{mark if number == 0 else '':4}{line}".rstrip())
    return show


def cells_of(row, seen):
    outcome = seen.outcome
    arrived = [SIGNATURE.sub(r"; signed, with \1", header) for header in outcome.ours if not header.startswith("X-Connector-Outbound: ")]
    if outcome.copies:
        arrived += row.keeps
        arrived += [f"{name}: {outcome.copy[name]}" for name in ("Date", "Message-ID", "From") if row.bare]
        arrived += [f"(envelope sender: {outcome.copy.sender})"] if row.leaves_as else []
    headers = "; ".join(arrived) if arrived else "(none of ours)" if outcome.copies else "-"
    where = ", ".join(seen.where) or (f"in the queue: {seen.waits}" if seen.waits else "-")
    return row.who, outcome.record.get("connector", "-"), seen.reply, headers, outcome.record.get("outbound", "-"), where


def run(host, next_hops):
    """Sends everything; returns (rows, rows with faults)."""
    show = table(max(120, min(shutil.get_terminal_size((150, 24)).columns, 180)))
    rows = bad = 0
    for section in SECTIONS:
        print(f"\n{section.title.upper()}: {section.lesson}")
        show("", COLUMNS)
        for row in section.rows:
            seen = send(host, next_hops, row)
            wrong = list(faults(host, row, seen))
            rows, bad = rows + 1, bad + bool(wrong)
            show("BAD" if wrong else "ok", cells_of(row, seen))
            for fault in wrong:
                print(f"      -> {fault}")
            sys.stdout.flush()
    return rows, bad


def how_to_talk(host, build, stop_command):
    control = host.directory / "ctl"
    control.write_text(f'#!/bin/sh\nexec {build}/connectorctl -c {host.daemon.config_file} "$@"\n', encoding="utf-8")
    control.chmod(0o755)
    ports = host.postfix.ports
    certificate, key = (path.relative_to(host.directory) for path in host.certificates.client["fabrikam"])
    print(f"""
It is still running, below one directory:
  cd {host.directory}
  ./ctl list                                   the connectors; ./ctl show fabrikam: one of them, with every default
  ./ctl explain --client {STRANGER} --listener mx --from bob@fabrikam.example --to {ANNA}
  ./ctl reload                                 after a change in connector-milter/config/connectors.d/
  tail -f connector-milter/milter.log          one line a message; postfix/log/postfix.log is Postfix's own
  ls postfix/mail/all/new                      what was delivered; what leaves for a next hop waits in the queue now, for those are gone
  openssl s_client -quiet -starttls smtp -connect 127.0.0.1:{ports['xclient']} -cert {certificate} -key {key}
                                               speak SMTP yourself; XCLIENT ADDR={STRANGER} (then EHLO again) and you come from there
  The listeners mx ({ports['mx']}), relay ({ports['relay']}) and submission ({ports['submission']}) want to be told first who you are: PROXY TCP4 {STRANGER} 127.0.0.1 40000 25
Stop it: {stop_command}""")


def is_ours(state):
    """The daemon that the state file names still runs and is that program."""
    try:
        return os.readlink(f"/proc/{state['pid']}/exe").removesuffix(" (deleted)") == state["program"]
    except OSError:
        return False


def stop(state_file):
    if not state_file.exists():
        print("demo: nothing is running")
        return 0
    state = json.loads(state_file.read_text(encoding="utf-8"))
    subprocess.run(["postfix", "-c", state["postfix"], "stop"], capture_output=True, check=False)
    if is_ours(state):
        os.kill(state["pid"], signal.SIGTERM)
        deadline = time.monotonic() + 35
        while is_ours(state) and time.monotonic() < deadline:
            time.sleep(0.05)
    shutil.rmtree(state["directory"], ignore_errors=True)
    state_file.unlink()
    print("demo: stopped, and removed " + state["directory"])
    return 0


def sign(daemon):
    """Makes the key that the example names in a comment, and puts that line in force."""
    status, said = daemon.control_tool("key", "new", "2026a")
    if status != 0:
        raise RuntimeError(said)
    text = daemon.config_file.read_text(encoding="utf-8")
    daemon.config_file.write_text(text.replace("\n#signing = ", "\nsigning = "), encoding="utf-8")


def demonstrate(host, next_hops, build, state_file, keep):
    host.daemon.configure_from(EXAMPLE, next_hops.places())
    sign(host.daemon)
    print(f"Starting a private Postfix and connector-milter with {EXAMPLE.relative_to(EXAMPLE.parents[2])} in {host.directory} ...")
    started = time.monotonic()
    host.start(detached=keep)
    applied = sum(line["value"] is not None and not line.get("without_milter") for line in host.postfix_lines)
    print(f"connectorctl postfix printed {len(host.postfix_lines)} settings; the {applied} of them that need no choice were given to Postfix as they are.\n"
          "Client addresses below are claimed by a trusted test client, and the servers that mail leaves for are played by this program; TLS,\n"
          "certificates, logins, Postfix and connector-milter are real. X-Connector-Outbound is left out of the headers: it says what \"outbound\" says.\n"
          "X-Connector-Trust is signed, stays inside (Exchange gets it, nobody else), and connectorctl verify finds every one genuine.")
    rows, bad = run(host, next_hops)
    print(f"\n{rows - bad} of {rows} as they should be, in {time.monotonic() - started:.0f} seconds."
          + (f" {bad} NOT as they should be, marked BAD." if bad else ""))
    if keep:
        state = {"directory": str(host.directory), "postfix": str(host.postfix.config), "pid": host.daemon.process.pid,
                 "program": str((build / "connector-milter").resolve())}
        state_file.write_text(json.dumps(state), encoding="utf-8")
        how_to_talk(host, build, f"packaging/demo --stop{'' if build.name == 'build-demo' else f' --build {build}'}")
    return 1 if bad else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--build", type=Path, required=True)
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--stop", action="store_true")
    options = parser.parse_args()
    build = options.build.resolve()
    state_file = build / "demo-running.json"
    if options.stop:
        return stop(state_file)
    if state_file.exists():
        if is_ours(json.loads(state_file.read_text(encoding="utf-8"))):
            print("demo: one is running already; end it with packaging/demo --stop", file=sys.stderr)
            return 1
        state_file.unlink()
    host = MailHost(build)
    try:
        with NextHops(host.certificates) as next_hops:
            return demonstrate(host, next_hops, build, state_file, options.keep)
    finally:
        if not state_file.exists():
            host.stop()
            host.remove()


if __name__ == "__main__":
    sys.exit(main())

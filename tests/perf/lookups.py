"""Lookups a second of the map service beside a bare echo, and of postmap(1) through the map service beside postmap through `hash:`."""

import contextlib
import subprocess
import time

import configurations
from daemons import Daemon, end

SIZES = (10, 100000)
CLIENTS = 50


@contextlib.contextmanager
def echo(build, directory):
    path = directory / "echo.sock"
    process = subprocess.Popen([build / "map-echo", path], stdin=subprocess.DEVNULL)
    try:
        while not path.exists():
            if process.poll() is not None:
                raise RuntimeError("map-echo does not start")
            time.sleep(0.01)
        yield process, path
    finally:
        end(process)


def requests(directory, name, count):
    """What Postfix asks of each domain, as map-load and as postmap read it."""
    wire, keys = directory / f"{name}.requests", directory / f"{name}.keys"
    domains = [configurations.domain(number) for number in range(count)]
    wire.write_text("".join(f"transport anna+x@{d}\ntls_policy [mx.{d}]:25\n" for d in domains), encoding="ascii")
    keys.write_text("".join(f"anna@{d}\n" for d in domains), encoding="ascii")
    return wire, keys


def postmap(table, keys, lookups):
    """Lookups a second of `CLIENTS` postmap processes at once, each with its share of the keys."""
    lines = keys.read_text(encoding="ascii").splitlines()
    share = [lines[number % len(lines)] for number in range(0, lookups * 7919 // CLIENTS, 7919)]
    text = ("\n".join(share) + "\n").encode()
    began = time.monotonic()
    running = [subprocess.Popen(["postmap", "-q", "-", table], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL) for _ in range(CLIENTS)]
    for process in running:
        process.stdin.write(text)
        process.stdin.close()
    if any(process.wait() for process in running):
        raise RuntimeError(f"postmap -q - {table} found nothing")
    return len(share) * CLIENTS / (time.monotonic() - began)


def measure(build, directory, full):
    """Yields lines of text."""
    with contextlib.ExitStack() as stack:
        process, socket = stack.enter_context(echo(build, directory))
        arguments, tables = [], []
        for count in SIZES:
            home = directory / f"d{count}"
            maps = directory / f"maps{count}.sock"
            text = configurations.outbound(count) + f'maps = {{ socket = "unix:{maps}"; group = "postfix"; mode = "0666"; }};\n'
            daemon = stack.enter_context(Daemon(build, home, text, directory / "log.sock"))
            wire, keys = requests(directory, f"d{count}", count)
            arguments += [f"echo, requests of {count:,}={process.pid}={socket}={wire}", f"ours, {count:,} domains={daemon.process.pid}={maps}={wire}"]
            table = directory / f"hash{count}"
            table.write_text("".join(f"{key}\tsmtp:[mx.{key.split('@')[1]}]:25\n" for key in keys.read_text(encoding="ascii").split()), encoding="ascii")
            subprocess.run(["postmap", f"hash:{table}"], check=True)
            tables += [(f"hash:, {count:,} addresses", f"hash:{table}", keys), (f"ours, {count:,} domains", f"socketmap:unix:{maps}:transport", keys)]
        done = subprocess.run([build / "map-load", "--clients", str(CLIENTS), "--rounds", "9" if full else "3", "--requests", "200000" if full else "50000",
                               *arguments], check=True, capture_output=True, text=True)
        yield from done.stdout.splitlines()
        yield f"{CLIENTS} postmap -q - at once (the start of the processes included):"
        for name, table, keys in tables:
            rates = sorted(postmap(table, keys, 200000 if full else 50000) for _ in range(3))
            yield f"{name:28} {rates[1]:8.0f} lookups/s ({rates[0]:.0f} to {rates[-1]:.0f})"

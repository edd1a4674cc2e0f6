"""Messages a second of a whole private Postfix, with one milter after another."""

import statistics
import subprocess
import tempfile
import time
import shutil
from pathlib import Path

from private_mta.certificates import Certificates
from private_mta.postfix import PrivatePostfix

SETTINGS = {"virtual_transport": "discard", "default_transport": "discard", "relay_transport": "discard", "local_transport": "discard",
            "smtpd_tls_security_level": "none", "default_process_limit": "20", "smtpd_client_connection_rate_limit": "0"}
CLIENTS, BODY = 4, 2000


def send(port, messages):
    """Seconds until smtp-source has had every message accepted; each on a connection of its own."""
    began = time.monotonic()
    done = subprocess.run(["smtp-source", "-s", str(CLIENTS), "-m", str(messages), "-l", str(BODY), "-f", "boss@northwind.example",
                           "-t", "anna@contoso.example", f"127.0.0.1:{port}"], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0 or done.stderr:
        raise RuntimeError(f"smtp-source: {done.stderr}")
    return time.monotonic() - began


def measure(milters, rounds, messages):
    """`milters`: name -> socket or None. One Postfix each; the rounds go from one to the next. Yields lines of text."""
    directory = Path(tempfile.mkdtemp(prefix="perf-postfix-", dir="/tmp"))
    directory.chmod(0o755)
    hosts, rates = {}, {name: [] for name in milters}
    try:
        certificates = Certificates(directory / "tls")
        for name, socket in milters.items():
            hosts[name] = PrivatePostfix(directory / f"postfix-{len(hosts)}", certificates, f"unix:{socket}" if socket else None, SETTINGS)
            hosts[name].start()
            send(hosts[name].ports["xclient"], 50)
        for _ in range(rounds):
            for name, host in hosts.items():
                rates[name].append(messages / send(host.ports["xclient"], messages))
    finally:
        for host in hosts.values():
            host.stop()
        shutil.rmtree(directory, ignore_errors=True)
    for name, found in rates.items():
        yield f"{name:12} {statistics.median(found):6.0f} messages/s ({min(found):.0f} to {max(found):.0f})"

"""The programs under measurement as child processes: connector-milter with a syslog socket of its own, and the do-nothing milter."""

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

# A mount namespace whose /dev/log leads to our socket: the daemon's own log path, without touching the machine's.
NAMESPACE = """set -e
mount -t tmpfs none "$1"
for node in null zero random urandom; do touch "$1/$node"; mount --bind "/dev/$node" "$1/$node"; done
ln -s "$2" "$1/log"
mount --move "$1" /dev
shift 2
exec "$@"
"""


@dataclass
class Loaded:
    seconds: float  # wall time until READY=1
    cpu_seconds: float
    resident: int  # MB, once loaded
    peak: int


class Daemon:
    """connector-milter with `text` as its configuration, logging to the datagram socket `log`. Ends with the with-block."""

    def __init__(self, build, directory, text, log):
        self.directory = Path(directory)
        self.directory.mkdir(parents=True)
        (self.directory / "dev").mkdir()
        self.socket = self.directory / "milter.sock"
        self._program, self._log = Path(build) / "connector-milter", log
        self.config = self.directory / "connector-milter.conf"
        self.config.write_text(f'{text}\nmilter = {{ socket = "unix:{self.socket}"; group = "postfix"; mode = "0666"; }};\n'
                               f'control = {{ socket = "unix:{self.directory}/control.sock"; }};\n', encoding="utf-8")
        self.process = None

    def __enter__(self):
        notify = self.directory / "notify.sock"
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(str(notify))
            notify.chmod(0o666)
            ready.settimeout(120)
            began = time.monotonic()
            self.process = subprocess.Popen(
                ["unshare", "-m", "sh", "-c", NAMESPACE, "sh", self.directory / "dev", self._log, self._program, "-c", self.config],
                env=dict(os.environ, NOTIFY_SOCKET=str(notify)), stdin=subprocess.DEVNULL)
            if b"READY=1" not in ready.recv(4096).split(b"\n"):
                raise RuntimeError("connector-milter does not become ready")
            seconds = time.monotonic() - began
        self.loaded = Loaded(seconds, cpu_seconds(self.process.pid), status_mb(self.process.pid, "VmRSS"), status_mb(self.process.pid, "VmHWM"))
        return self

    def __exit__(self, *_):
        end(self.process)


class DoNothing:
    """The do-nothing milter on a socket of its own."""

    def __init__(self, build, directory):
        self.socket = Path(directory) / "nothing.sock"
        self._program = Path(build) / "do-nothing-milter"
        self.process = None

    def __enter__(self):
        self.process = subprocess.Popen([self._program, f"unix:{self.socket}"], stdin=subprocess.DEVNULL)
        late = time.monotonic() + 30
        while not self._answers():
            if time.monotonic() > late or self.process.poll() is not None:
                raise RuntimeError("the do-nothing milter does not start")
            time.sleep(0.02)
        self.socket.chmod(0o666)
        return self

    def _answers(self):
        with socket.socket(socket.AF_UNIX) as probe:
            try:
                probe.connect(str(self.socket))
            except OSError:
                return False
        return True

    def __exit__(self, *_):
        end(self.process)


def end(process):
    process.kill()
    process.wait()


def status_mb(pid, field):
    for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) // 1024
    raise ValueError(field)


def cpu_seconds(pid):
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

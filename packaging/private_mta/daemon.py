"""Our daemon as a child process: started with a configuration below its directory, waited for with READY=1, asked to end with SIGTERM."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from . import wait

# These say where a daemon lives; a private one lives elsewhere than the configuration it is given says.
_PLACES = re.compile(r"^(milter|maps|policy|control|log)\s*[=:]\s*\{[^}]*\}\s*[;,]?[^\n]*\n", re.M)
_FIELD = re.compile(r'(?<!\S)([a-z-]+)=("(?:[^"\\]|\\.)*"|\S+)')


class StartFailed(Exception):
    """The daemon ended before it was ready; `status` is its exit status, the message its complaints."""

    def __init__(self, status, complaints):
        super().__init__(f"connector-milter ended with status {status}: {complaints}")
        self.status, self.complaints = status, complaints


class ConnectorMilter:
    """`build` holds the programs. Its configuration lies in `directory`/config, its log (stderr) in `directory`/milter.log."""

    def __init__(self, build, directory, group="postfix"):
        self.build, self.directory = Path(build), Path(directory)
        self.config_file = self.directory / "config" / "connector-milter.conf"
        self.socket, self.control = self.directory / "run" / "milter.sock", self.directory / "run" / "control.sock"
        self.maps, self.policy = self.directory / "run" / "maps.sock", self.directory / "run" / "policy.sock"
        self.log_file = self.directory / "milter.log"
        self.process = None
        # For tests of faults: what to run the daemon under, what it finds in its environment, where its log goes.
        self.wrapper, self.environment, self.log_target, self.standard_error = [], {}, "stderr", None
        (self.directory / "config" / "connectors.d").mkdir(parents=True, exist_ok=True)
        self.socket.parent.mkdir(exist_ok=True)
        self.directory.chmod(0o755)
        shutil.chown(self.socket.parent, group=group)
        self.socket.parent.chmod(0o2750)
        self.log_file.touch()
        self._group = group

    def configure(self, text, connectors=None):
        """Writes the configuration: `text`, with our places instead of its own, and `connectors` (file name -> text) in connectors.d.

        The groups `maps` and `policy` are optional: they are there if `text` has them.
        """
        places = (f'milter = {{ socket = "unix:{self.socket}"; group = "{self._group}"; mode = "0660"; }};\n'
                  f'control = {{ socket = "unix:{self.control}"; }};\nlog = {{ target = "{self.log_target}"; level = "info"; }};\n')
        places += "".join(f'{name} = {{ socket = "unix:{path}"; group = "{self._group}"; mode = "0660"; }};\n'
                          for name, path in (("maps", self.maps), ("policy", self.policy)) if re.search(rf"^{name}\s*[=:]", text, re.M))
        self.config_file.write_text(_PLACES.sub("", text).rstrip() + "\n\n# Where this daemon lives.\n" + places, encoding="utf-8")
        directory = self.config_file.parent / "connectors.d"
        for old in directory.glob("*.conf"):
            old.unlink()
        for name, content in (connectors or {}).items():
            (directory / name).write_text(content, encoding="utf-8")

    def configure_from(self, directory, next_hops=None):
        """Copies a directory of configuration (an example of conf/), with our places; `next_hops` (as written there -> where it is here)."""
        def with_next_hops(path):
            text = path.read_text(encoding="utf-8")
            for there, here in (next_hops or {}).items():
                text = text.replace(f'"{there}"', f'"{here}"')
            return text
        directory = Path(directory)
        for path in directory.rglob("*"):
            if path.is_file():
                target = self.config_file.parent / path.relative_to(directory)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)
        connectors = {path.name: with_next_hops(path) for path in (directory / "connectors.d").glob("*.conf")}
        self.configure((directory / "connector-milter.conf").read_text(encoding="utf-8"), connectors)

    def start(self, detached=False):
        """Returns when the daemon said READY=1. `detached`: it outlives us."""
        self.socket.unlink(missing_ok=True)
        notify = self.directory / "notify.sock"
        notify.unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready, self.log_file.open("ab") as log:
            ready.bind(str(notify))
            notify.chmod(0o666)
            ready.settimeout(0.05)
            environment = dict(os.environ, NOTIFY_SOCKET=str(notify), **self.environment)
            self.process = subprocess.Popen([*self.wrapper, self.build / "connector-milter", "-c", self.config_file], stdin=subprocess.DEVNULL, stdout=log,
                                            stderr=self.standard_error or log, env=environment, start_new_session=detached)
            wait.until(lambda: self._is_ready(ready), "connector-milter to be ready", 30)
        notify.unlink()
        return self.process.pid

    def _is_ready(self, ready):
        try:
            return b"READY=1" in ready.recv(4096).split(b"\n")
        except TimeoutError:
            if self.process.poll() is not None:
                raise StartFailed(self.process.returncode, self.log()) from None
            return False

    def stop(self, seconds=35):
        """SIGTERM; returns the exit status."""
        if self.process is None:
            return 0
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise
        self.process = None
        return status

    def kill(self):
        """SIGKILL, as the kernel would when memory runs out."""
        self.process.kill()
        self.process.wait()
        self.process = None

    def hang_up(self):
        self.process.send_signal(signal.SIGHUP)

    def control_tool(self, *arguments):
        """Runs connectorctl against this daemon; returns (exit status, what it printed)."""
        done = subprocess.run([self.build / "connectorctl", "-c", self.config_file, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              check=False)
        return done.returncode, done.stdout + done.stderr

    def postfix_lines(self, queue_directory):
        """What `connectorctl postfix` says that a Postfix with this queue directory needs."""
        version = subprocess.run(["postconf", "-d", "-h", "mail_version"], capture_output=True, text=True, check=True).stdout.strip()
        status, text = self.control_tool("--json", "postfix", "--postfix-version", version, "--queue-directory", str(queue_directory))
        if status != 0:
            raise RuntimeError(f"connectorctl postfix: {text}")
        return json.loads(text)

    # The log

    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def sanitizer_report(self):
        """What a sanitizer had to say, or None."""
        found = re.search(r"(ERROR: \w+Sanitizer|WARNING: ThreadSanitizer|runtime error:).*", self.log(), re.S)
        return found.group(0)[:4000] if found else None

    def records(self, containing, after=0):
        """The log lines about messages that contain `containing`, as dictionaries; `line` is the whole line."""
        found = []
        for line in self.log()[after:].splitlines():
            if containing in line and "action=" in line:
                fields = {name: value.strip('"') for name, value in _FIELD.findall(line)}
                found.append(dict(fields, line=line))
        return found

    def record(self, containing, after=0):
        """The first of them; waits for it."""
        return wait.until(lambda: self.records(containing, after), f"a log line with {containing}")[0]

"""A private Sendmail: Debian's program, unpacked by sendmail_files.py, with its own configuration, queue, log and host name, on loopback.

It needs root. All mail, whoever it is for, is handed to a Sink in this process, so what arrives can be read byte by byte. The program
lives in mount and host name namespaces of its own: it finds a qualified host name, without which it would wait a minute for one, and a
/dev/log that we read. There is no PROXY protocol: a client claims an address of 127.0.0.0/8 by being there.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import threading
from pathlib import Path

from . import wait
from .postfix import LOGIN, PASSWORD, free_ports
from .sink import Sink
from .smtp_client import SmtpClient

HOST = "mail.contoso.example"
LISTENERS = ("mx", "relay", "submission")
_DEVICES = ("null", "zero", "random", "urandom")


def _defines(values):
    return [f"define(`{name}', `{value}')dnl" for name, value in values.items()]


class PrivateSendmail:
    """`files` is the root that sendmail_files.unpack() returned. The lines of `connectorctl sendmail` are made known by apply(), before start()."""

    def __init__(self, directory, certificates, files):
        self.directory, self.files = Path(directory), Path(files)
        self.config, self.queue, self._dev = self.directory / "mail", self.directory / "queue", self.directory / "dev"
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self.sink = Sink(name="inside.contoso.example", dsn=True)
        self._certificates, self._process, self._text, self._lines = certificates, None, "", []
        self._log, self._log_lock = [], threading.Lock()
        for path in (self.config, self.queue, self._dev):
            path.mkdir(parents=True)
        self.queue.chmod(0o700)
        self._make_login()
        self._read_log()

    # Setting up

    def add_login(self, login, password):
        name, realm = login.split("@")
        command = ["saslpasswd2", "-p", "-c", "-f", str(self.config / "users"), "-u", realm, name]
        subprocess.run(command, input=password, text=True, check=True, capture_output=True)

    def _make_login(self):
        # As for Postfix: Cyrus SASL with its own file of users. Sendmail calls itself Sendmail there.
        users = self.config / "users"
        self.add_login(LOGIN, PASSWORD)
        (self.config / "Sendmail.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {users}\nmech_list: PLAIN LOGIN\n", encoding="utf-8")

    def _read_log(self):
        for name in _DEVICES:
            (self._dev / name).touch()
        reader = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        reader.bind(str(self._dev / "log"))

        def read():
            while True:
                line = reader.recv(65536).decode(errors="replace")
                with self._log_lock:
                    self._log.append(line)
        threading.Thread(target=read, daemon=True).start()

    def apply(self, text, lines):
        """Takes what `connectorctl sendmail` printed: `text` is put into sendmail.mc as it stands, from `lines` (its JSON) come what is left to
        choose and the names of listeners."""
        self._text, self._lines = text, lines

    def _settings(self):
        return {
            "confPID_FILE": self.directory / "pid", "STATUS_FILE": self.directory / "statistics", "QUEUE_DIR": self.queue,
            "confCONTROL_SOCKET_NAME": self.directory / "control", "ALIAS_FILE": "null:none",
            "confSERVICE_SWITCH_FILE": self.config / "service.switch", "confDONT_PROBE_INTERFACES": "True", "confTO_IDENT": "0s",
            "confDOMAIN_NAME": HOST, "confAUTH_MECHANISMS": "PLAIN LOGIN", "confLOG_LEVEL": "14",
            "confTLS_SRV_OPTIONS": "V",  # as an administrator may have it: what connectorctl prints comes after it
            # A busy machine is no reason to refuse or queue the mail of a test.
            "confQUEUE_LA": "1000", "confREFUSE_LA": "1000", "confDELAY_LA": "1000",
            # Everything, for us and for others, goes to the sink.
            "SMART_HOST": "[127.0.0.2]", "RELAY_MAILER_ARGS": f"TCP $h {self.sink.port}",
            "LOCAL_MAILER_PATH": "[IPC]", "LOCAL_MAILER_ARGS": f"TCP [127.0.0.2] {self.sink.port}",
        }

    def _choices(self):
        """What the administrator is left to choose, as far as it is asked for."""
        authority = self._certificates.authority.certificate
        (self.config / "ca").mkdir(exist_ok=True)
        ours = {"confSERVER_CERT": self._certificates.server[0], "confSERVER_KEY": self._certificates.server[1], "confCACERT": authority,
                "confCACERT_PATH": self.config / "ca"}
        asked = [re.match(r"define\(`(\w+)'", line["example"]).group(1) for line in self._lines if "example" in line]
        return {name: ours[name] for name in asked}

    def _listeners(self):
        names = {line["listener"]: line["value"] for line in self._lines if "listener" in line}
        return [f"DAEMON_OPTIONS(`{names.get(listener, f'Name={listener}')}, Family=inet, Addr=127.0.0.1, Port={port}')dnl"
                for listener, port in self.ports.items()]

    def write_config(self):
        """Makes sendmail.mc and submit.mc, as Debian's but for places, and with m4 the files that Sendmail reads."""
        (self.config / "service.switch").write_text("hosts files\n", encoding="ascii")
        (self.directory / "statistics").touch()
        self._write_server()
        self._write_submission()

    def _write_server(self):
        self._m4("sendmail", [
            *_defines({"MAIL_SETTINGS_DIR": f"{self.config}/", "confTRUSTED_USER": "root"}),
            f"include(`{self.files}/usr/share/sendmail/cf/m4/cf.m4')dnl", "VERSIONID(`private')dnl", "OSTYPE(`debian')dnl", "DOMAIN(`debian-mta')dnl",
            "undefine(`confHOST_STATUS_DIRECTORY')dnl", "FEATURE(`no_default_msa')dnl", "FEATURE(`nocanonify')dnl",
            "FEATURE(`accept_unresolvable_domains')dnl", "FEATURE(`accept_unqualified_senders')dnl",
            # Only loopback can talk to us and nothing leaves this machine, so that every refusal seen is the milter's.
            "FEATURE(`promiscuous_relay')dnl", "LOCAL_DOMAIN(`contoso.example')dnl", "MODIFY_MAILER_FLAGS(`LOCAL', `-w')dnl",
            "MODIFY_MAILER_FLAGS(`LOCAL', `+X')dnl", "TRUST_AUTH_MECH(`PLAIN LOGIN')dnl", *_defines(self._settings()), *_defines(self._choices()),
            *self._text.splitlines(), *self._listeners(),
            "MAILER_DEFINITIONS", "MAILER(`local')dnl", "MAILER(`smtp')dnl", "LOCAL_CONFIG", f"ESASL_CONF_PATH={self.config}"])

    def _write_submission(self):
        """For programs of this machine: hands their mail to the listener mx, as Debian's submit.cf does to port 25."""
        client_queue = self.directory / "client-queue"
        client_queue.mkdir(exist_ok=True)
        shutil.chown(client_queue, "nobody", "nogroup")
        self._m4("submit", [
            *_defines({"MAIL_SETTINGS_DIR": f"{self.config}/", "confTRUSTED_USER": "nobody", "confRUN_AS_USER": "nobody:nogroup"}),
            f"include(`{self.files}/usr/share/sendmail/cf/m4/cf.m4')dnl", "VERSIONID(`private')dnl", "OSTYPE(`debian')dnl",
            "undefine(`confHOST_STATUS_DIRECTORY')dnl",
            *_defines({"MSP_QUEUE_DIR": client_queue, "confPID_FILE": self.directory / "client-pid", "STATUS_FILE": self.directory / "statistics",
                       "confSERVICE_SWITCH_FILE": self.config / "service.switch", "confDONT_PROBE_INTERFACES": "True", "confDOMAIN_NAME": HOST,
                       "confQUEUE_LA": "1000", "RELAY_MAILER_ARGS": f"TCP $h {self.ports['mx']}"}),
            "FEATURE(`msp', `[127.0.0.1]')dnl"])

    def _m4(self, name, lines):
        mc = self.config / f"{name}.mc"
        mc.write_text("\n".join(lines) + "\n", encoding="utf-8")
        done = subprocess.run(["m4", str(mc)], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"m4 does not take {mc}: {done.stderr}")
        (self.config / f"{name}.cf").write_text(done.stdout, encoding="utf-8")

    # Running

    def _command(self, *arguments, config="sendmail"):
        binds = "".join(f"mount --bind /dev/{name} {self._dev}/{name} && " for name in _DEVICES)
        script = f'{binds}mount --bind {self._dev} /dev && hostname {HOST} && exec "$@"'
        return ["unshare", "-mu", "sh", "-c", script, "sh", f"{self.files}/usr/libexec/sendmail/sendmail", "-C", str(self.config / f"{config}.cf"),
                *arguments]

    def start(self):
        self.sink.start()
        self.write_config()
        with (self.directory / "stderr").open("wb") as said:
            self._process = subprocess.Popen(self._command("-bD"), stdin=subprocess.DEVNULL, stdout=said, stderr=said, start_new_session=True)
        self.wait(self._listens, "Sendmail to listen")

    def _listens(self):
        if self._process.poll() is not None:
            raise RuntimeError(f"the private Sendmail does not start: {(self.directory / 'stderr').read_text()}{self.log()[-2000:]}")
        table = Path("/proc/net/tcp").read_text(encoding="ascii")
        return all(re.search(rf": 0100007F:{port:04X} 00000000:0000 0A ", table) for port in self.ports.values())

    def stop(self):
        if self._process:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(20)
            try:
                os.killpg(self._process.pid, signal.SIGTERM)  # sessions and deliveries that go on
            except ProcessLookupError:
                pass
            self._process = None
        self.sink.stop()

    def log(self):
        with self._log_lock:
            return "\n".join(self._log)

    def sendmail(self, message, *arguments, config="sendmail"):
        """The program as it would be started on this machine, fed with `message` (bytes); returns exit status and what it said."""
        done = subprocess.run(self._command(*arguments, config=config), input=message, capture_output=True, check=False, timeout=60)
        return done.returncode, (done.stdout + done.stderr).decode(errors="replace")

    def dialogue(self, commands):
        """`sendmail -bs` with standard input and output as pipes; returns the last line of each reply, the greeting first."""
        said = []
        with subprocess.Popen(self._command("-bs"), stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
            def reply():
                while (line := process.stdout.readline())[3:4] == "-":
                    pass
                said.append(line.rstrip())
            reply()
            data = False
            for command in commands:
                process.stdin.write(command + "\r\n")
                process.stdin.flush()
                if not data or command == ".":
                    reply()
                data = command == "DATA" or (data and command != ".")
        return said

    def inetd(self, source):
        """A session with `sendmail -bs` as inetd would start it for a client at `source`: the connection is its input and output."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            def serve():
                connection, _ = server.accept()
                with connection:
                    subprocess.run(self._command("-bs"), stdin=connection, stdout=connection, stderr=subprocess.DEVNULL, check=False)
            threading.Thread(target=serve, daemon=True).start()
            return SmtpClient(server.getsockname()[1], source=source)

    # What became of the mail

    def held(self):
        """The queue ids in quarantine (mailq -qQ): their control files begin with hf instead of qf."""
        return {path.name[2:] for path in self.queue.glob("hf*")}

    def queued(self):
        """The queue ids on their way to delivery."""
        return {path.name[2:] for prefix in ("qf", "tf", "xf", "Tf") for path in self.queue.glob(f"{prefix}*")}

    def control_file(self, queue_id):
        """The envelope and header of a message in the queue, with everything a milter did to it."""
        return next(self.queue.glob(f"[hqt]f{queue_id}")).read_text(errors="replace")

    def all_messages(self):
        """Every delivered message, once the queue holds only what is in quarantine."""
        self.wait(lambda: not self.queued(), "the queue to empty")
        return [received.message for received in list(self.sink.received)]

    def messages(self, queue_id):
        """The delivered copies of a message, parsed, once Sendmail is done with it."""
        self.wait(lambda: queue_id not in self.queued(), f"the delivery of {queue_id}")
        copies = []
        for received in self.sink.of(queue_id):
            copy = received.message
            copy.raw, copy.recipients = received.raw, received.recipients
            copies.append(copy)
        return copies

    def wait(self, condition, what):
        """wait.until() that shows the end of the log when it was in vain; returns the value."""
        try:
            return wait.until(condition, what, 60)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the end of Sendmail's log:\n{self.log()[-3000:]}") from None

"""A private Postfix: own configuration, queue, data and spool directories, own ports on loopback, own log.

It needs root, as Postfix does. All mail, whoever it is for, ends in one Maildir that the caller reads, unless something routes it to
`smtp` and a next hop on loopback (sink.py). The system's own instance is neither read nor touched. Address claims: the PROXY protocol on every listener, XCLIENT on the listener `xclient`.
"""

import os
import pwd
import re
import shutil
import socket
import subprocess
from email import policy as email_policy
from email.parser import BytesParser
from pathlib import Path

from . import wait
from .mail_queue import MailQueue

PASSWORD = "correct horse"
LOGIN = "anna@contoso.example"

# Listener: (the name connectors know it by, takes the PROXY protocol, further settings). `xclient` is the mx for XCLIENT clients.
LISTENERS = {
    "mx": ("mx", True, ()),
    "relay": ("relay", True, ()),
    "submission": ("submission", True, ("smtpd_sasl_auth_enable=yes", "smtpd_tls_auth_only=yes")),
    "xclient": ("mx", False, ("smtpd_sasl_auth_enable=yes", "smtpd_authorized_xclient_hosts=127.0.0.1")),
}


_given = set()


def free_ports(count):
    """Ports of 127.0.0.1 that were free a moment ago, and that no caller of this process was given before: it may not listen there yet."""
    sockets, ports = [], []
    while len(ports) < count:
        sockets.append(socket.create_server(("127.0.0.1", 0)))
        port = sockets[-1].getsockname()[1]
        if port not in _given:
            ports.append(port)
            _given.add(port)
    for s in sockets:
        s.close()
    return ports


def postconf(name, directory=None):
    command = ["postconf", *(["-c", str(directory)] if directory else ["-d"]), "-h", name]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def _service(line, options):
    """Lines of master.cf; `{ }` lets a value hold spaces."""
    return [line, *(f"    -o {{ {option} }}" if " " in option else f"    -o {option}" for option in options)]


class PrivatePostfix:
    """`directory` must be a path that every user may traverse. `milter`, a Postfix milter address, is for measurements of other milters than
    ours, which is made known by apply()."""

    def __init__(self, directory, certificates, milter=None, settings=None):
        self.directory = Path(directory)
        self.config, self.queue, self.spool = self.directory / "config", self.directory / "queue", self.directory / "mail"
        self.log_file = self.directory / "log" / "postfix.log"
        self._listeners = dict(LISTENERS)
        self.ports = dict(zip(LISTENERS, free_ports(len(LISTENERS))))
        self._certificates, self._milter, self._settings = certificates, milter, settings or {}
        self._delivered, self._read = {}, set()
        self.mail_queue = MailQueue(self)
        self._lay_out()

    # Setting up

    def _lay_out(self):
        for path in (self.config, self.queue, self.directory / "data", self.directory / "log", self.directory / "bin", self.config / "sasl"):
            path.mkdir(parents=True, exist_ok=True)
        self.directory.chmod(0o755)
        nobody, postfix = pwd.getpwnam("nobody"), pwd.getpwnam("postfix")
        os.chown(self.directory / "data", postfix.pw_uid, 0)
        self.spool.mkdir(exist_ok=True)
        os.chown(self.spool, nobody.pw_uid, nobody.pw_gid)
        self._copy_commands()
        self._make_login()
        (self.config / "main.cf").write_text("".join(f"{k} = {v}\n" for k, v in self._main(nobody).items()), encoding="utf-8")
        (self.config / "master.cf").write_text(self._master(), encoding="utf-8")

    def _copy_commands(self):
        # postdrop and postqueue are set-gid and refuse foreign configuration directories; copies without that bit do not.
        for command in Path(postconf("command_directory")).glob("post*"):
            target = self.directory / "bin" / command.name
            if command.name in ("postdrop", "postqueue"):
                shutil.copyfile(command, target)
                target.chmod(0o755)
            else:
                target.symlink_to(command)

    def _make_login(self):
        # Cyrus SASL with its own file of users: a real AUTH PLAIN without a further daemon. Debian looks in config/sasl.
        users, postfix = self.config / "sasl" / "users", pwd.getpwnam("postfix")
        name, realm = LOGIN.split("@")
        subprocess.run(["saslpasswd2", "-p", "-c", "-f", str(users), "-u", realm, name], input=PASSWORD, text=True, check=True, capture_output=True)
        os.chown(users, postfix.pw_uid, postfix.pw_gid)
        (self.config / "sasl" / "smtpd.conf").write_text(
            f"pwcheck_method: auxprop\nauxprop_plugin: sasldb\nsasldb_path: {users}\nmech_list: PLAIN LOGIN\n", encoding="utf-8")

    def _main(self, nobody):
        certificate, key = self._certificates.server
        main = {
            "compatibility_level": "3.6", "maillog_file": self.log_file, "maillog_file_prefixes": self.directory,
            "queue_directory": self.queue, "data_directory": self.directory / "data", "command_directory": self.directory / "bin",
            "inet_interfaces": "127.0.0.1", "inet_protocols": "all", "smtpd_peername_lookup": "no", "smtp_host_lookup": "native",
            "myhostname": "mail.contoso.example", "myorigin": "contoso.example", "mydestination": "contoso.example, localhost",
            "alias_maps": "", "alias_database": "", "local_recipient_maps": "",
            "biff": "no", "enable_long_queue_ids": "yes", "in_flow_delay": "0", "smtpd_error_sleep_time": "0", "smtpd_hard_error_limit": "5000",
            "smtpd_soft_error_limit": "4000", "smtpd_client_connection_count_limit": "0", "message_size_limit": "52428800", "virtual_mailbox_limit": "0", "mailbox_size_limit": "0",
            "local_header_rewrite_clients": "", "smtpd_timeout": "60s", "stale_lock_time": "30s",
            # What is routed goes to next hops by address: no name is ever looked up in the DNS.
            "smtp_dns_support_level": "disabled", "smtp_tls_CAfile": self._certificates.authority.certificate, "smtp_tls_loglevel": "1",
            "smtp_connection_cache_on_demand": "no",
            # Only loopback can talk to us and nothing leaves this machine, so that every refusal seen is the milter's.
            "mynetworks": "0.0.0.0/0 [::]/0", "smtpd_relay_restrictions": "permit_mynetworks, reject_unauth_destination",
            # Everything, for us and for others, ends in one Maildir.
            "local_transport": "virtual", "default_transport": "virtual", "relay_transport": "virtual", "virtual_transport": "virtual",
            "virtual_mailbox_base": self.spool, "virtual_mailbox_maps": "static:all/", "virtual_mailbox_domains": "", "virtual_uid_maps": f"static:{nobody.pw_uid}",
            "virtual_gid_maps": f"static:{nobody.pw_gid}", "virtual_destination_concurrency_limit": "4",
            "smtpd_tls_security_level": "may", "smtpd_tls_cert_file": certificate, "smtpd_tls_key_file": key,
            "smtpd_tls_CAfile": self._certificates.authority.certificate, "smtpd_tls_loglevel": "1", "smtpd_tls_received_header": "yes",
            "smtpd_sasl_local_domain": "", "smtpd_sasl_security_options": "noanonymous",
        }
        main.update(milter_connect_timeout="5s", milter_command_timeout="20s", milter_content_timeout="60s")
        if self._milter:
            main["smtpd_milters"] = f"{{ {self._milter}, default_action=tempfail }}"
            main["non_smtpd_milters"] = "$smtpd_milters"
        main.update(self._settings)
        return main

    def _master(self):
        lines = []
        for listener, port in self.ports.items():
            name, proxied, settings = self._listeners[listener]
            options = [f"syslog_name=postfix/{listener}", *settings]
            if self._milter:
                options.append(f"milter_macro_daemon_name={name}")
            if proxied:
                options.append("smtpd_upstream_proxy_protocol=haproxy")
            lines += _service(f"127.0.0.1:{port} inet n - n - - smtpd", options)
        lines += [f"{name} unix {private} - n {wakeup} {limit} {program}" for name, private, wakeup, limit, program in (
            ("pickup", "n", "60", "1", "pickup"), ("cleanup", "n", "-", "0", "cleanup"), ("qmgr", "n", "300", "1", "qmgr"),
            ("tlsmgr", "-", "1000?", "1", "tlsmgr"), ("rewrite", "-", "-", "-", "trivial-rewrite"), ("bounce", "-", "-", "0", "bounce"),
            ("defer", "-", "-", "0", "bounce"), ("trace", "-", "-", "0", "bounce"), ("verify", "-", "-", "1", "verify"),
            ("flush", "n", "1000?", "0", "flush"), ("proxymap", "-", "-", "-", "proxymap"), ("proxywrite", "-", "-", "1", "proxymap"),
            ("smtp", "-", "-", "-", "smtp"), ("relay", "-", "-", "-", "smtp"), ("showq", "n", "-", "-", "showq"), ("error", "-", "-", "-", "error"),
            ("retry", "-", "-", "-", "error"), ("discard", "-", "-", "-", "discard"), ("anvil", "-", "-", "1", "anvil"))]
        lines.append("virtual unix - n n - - virtual")
        lines.append("postlog unix-dgram n - n - 1 postlogd")
        return "\n".join(lines) + "\n"

    def apply(self, lines, without_milter=()):
        """Makes the settings that `connectorctl postfix --json` printed ours, as its reader would; what the caller of the constructor set stays.

        `without_milter`: services (as postconf -M names them) whose mail the milter does not see. Apply before start(), or reload().
        """
        main = []
        for line in lines:
            if line["value"] is None or (line.get("without_milter") and not without_milter):
                continue  # the first is for the administrator to choose: __init__ did
            if line["file"] == "main.cf":
                if line["name"] not in self._settings:
                    main.append(f"{line['name']} = {line['value']}")
            elif "name" not in line:
                self.postconf("-M", f"{line['service']} = {line['value']}")
            elif "service" in line:
                self._set_option(line["service"], line["name"], line["value"])
            else:
                named = [f"127.0.0.1:{port}/inet" for ours, port in self.ports.items() if self._listeners.get(ours, (ours,))[0] == line.get("listener")]
                for service in without_milter if line.get("without_milter") else named:
                    self._set_option(service, line["name"], line["value"])
        if main:
            self.postconf("-e", *main)

    def _set_option(self, service, name, value):
        if " " not in value:
            self.postconf("-P", f"{service}/{name}={value}")
            return
        # postconf -P takes no blanks in a value, an entry as a whole does.
        self.postconf("-PX", f"{service}/{name}")
        self.postconf("-M", f"{service} = {self.postconf('-M', service).strip()} -o {{ {name} = {value} }}")

    def postconf(self, *arguments):
        """postconf(1) for this instance; returns what it printed, warnings included. Raises if it fails."""
        done = subprocess.run(["postconf", "-c", str(self.config), *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise RuntimeError(f"postconf {' '.join(arguments)}: {done.stderr}")
        return done.stdout + done.stderr

    # Running

    def _postfix(self, verb):
        return subprocess.run(["postfix", "-c", str(self.config), verb], stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)

    def set(self, **parameters):
        """Sets main.cf parameters; a running Postfix hears of them at reload()."""
        self.postconf("-e", *(f"{name} = {value}" for name, value in parameters.items()))

    def add_service(self, line, *options):
        """Adds a service to master.cf, `options` as `name=value`."""
        with (self.config / "master.cf").open("a", encoding="utf-8") as master:
            master.write("\n".join(_service(line, options)) + "\n")

    def add_listener(self, listener, name, *options):
        """A further listener that connectors know as `name` (None: not at all), for client addresses claimed with the PROXY protocol."""
        self._listeners[listener], self.ports[listener] = (name, True, options), free_ports(1)[0]
        self.add_service(f"127.0.0.1:{self.ports[listener]} inet n - n - - smtpd", f"syslog_name=postfix/{listener}",
                         "smtpd_upstream_proxy_protocol=haproxy", *options)

    def reload(self):
        done = self._postfix("reload")
        if done.returncode != 0:
            raise RuntimeError(f"the private Postfix does not reload: {done.stderr}{done.stdout}")

    def start(self):
        done = self._postfix("start")
        if done.returncode != 0:
            raise RuntimeError(f"the private Postfix does not start: {done.stderr}{done.stdout}{self.log()[-2000:]}")

    def stop(self):
        self._postfix("stop")

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def sendmail(self, message, *arguments):
        """Submits `message` (bytes) as a local program would, with sendmail(1); returns its exit status and complaints."""
        command = ["/usr/sbin/sendmail", "-C", str(self.config), *arguments]
        done = subprocess.run(command, input=message, capture_output=True, check=False)
        return done.returncode, done.stderr.decode(errors="replace")

    # What became of the mail

    def held(self):
        """The queue ids in the hold queue."""
        return {path.name for path in (self.queue / "hold").rglob("*") if path.is_file()}

    def queued_text(self, queue_id):
        """A queued message as text, with everything a milter added."""
        return subprocess.run(["postcat", "-c", str(self.config), "-q", queue_id], capture_output=True, check=True).stdout.decode(errors="replace")

    def queued(self):
        """The queue ids on their way to delivery (or waiting for another attempt)."""
        queues = ("maildrop", "incoming", "active", "deferred")
        return {path.name for queue in queues for path in (self.queue / queue).rglob("*") if path.is_file()}

    def messages(self, queue_id):
        """The delivered copies of a message, parsed, once Postfix is done with it."""
        self.wait(lambda: queue_id not in self.queued(), f"the delivery of {queue_id}")
        self._read_maildir()
        return self._delivered.get(queue_id, [])

    def all_messages(self):
        """Every delivered message, once all queues (but hold) are empty."""
        self.wait(lambda: not self.queued(), "the queues to empty")
        self._read_maildir()
        return [message for copies in self._delivered.values() for message in copies]

    def wait(self, condition, what):
        """wait.until() that shows the end of the log when it was in vain; returns the value."""
        try:
            return wait.until(condition, what, 60)
        except TimeoutError as late:
            raise TimeoutError(f"{late}; the end of Postfix's log:\n{self.log()[-2000:]}") from None

    def _read_maildir(self):
        for path in (self.spool / "all" / "new").glob("*"):
            if path.name in self._read:
                continue
            self._read.add(path.name)
            raw = path.read_bytes()
            message = BytesParser(policy=email_policy.compat32).parsebytes(raw)
            message.raw = raw
            # Postfix's own Received field is the first; a sender may have forged others.
            found = re.search(r"\bid (\w+)", message.get_all("Received", [""])[0])
            self._delivered.setdefault(found.group(1) if found else "", []).append(message)

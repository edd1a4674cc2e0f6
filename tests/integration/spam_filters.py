"""Private instances of Debian's spam filters, with the files of conf/filters as an administrator would install them.

Each has a directory, ports and processes of its own, asks no name server and no network, and ends what it started. Nothing of theirs in
/etc is written, and a service of the system is neither read nor touched. What they are told here concerns where they live and what they
may ask, never how they judge mail.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
from pathlib import Path

from private_mta import wait
from private_mta.postfix import free_ports

SHIPPED = Path(__file__).resolve().parents[2] / "conf" / "filters"


def _answers(port):
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


class Filter:
    """`directory` is made, and is left for the caller to remove. start() returns when all ports answer."""

    user = None

    def __init__(self, directory):
        self.directory = Path(directory)
        self.directory.mkdir()
        self.directory.chmod(0o755)
        self._processes = []
        self._lay_out()

    def _lay_out(self):
        """Writes the configuration."""

    def commands(self):
        """(port that answers when it is ready, command) for each process, in order."""
        raise NotImplementedError

    def own(self, *names):
        """Directories that belong to the filter's user."""
        user = pwd.getpwnam(self.user)
        for name in names:
            path = self.directory / name
            path.mkdir(exist_ok=True)
            os.chown(path, user.pw_uid, user.pw_gid)

    def write(self, name, text):
        path = self.directory / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)

    def start(self):
        for _, command in self.commands():
            with (self.directory / "output").open("ab") as output:
                self._processes.append(subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL, stdout=output, stderr=output,
                                                        cwd=self.directory, start_new_session=True))

    def wait(self):
        for (port, command), process in zip(self.commands(), self._processes):
            wait.until(lambda port=port, process=process: process.poll() is not None or _answers(port), f"{command[0]} to listen", 60)
            if process.poll() is not None:
                raise RuntimeError(f"{command[0]} does not start: {self.output()[-2000:]}")

    def output(self):
        return (self.directory / "output").read_text(errors="replace")

    def stop(self):
        """SIGTERM to what start() started; what is left of those process groups after that is killed."""
        for process in reversed(self._processes):
            process.terminate()
        for process in self._processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                pass
            try:
                os.killpg(process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            process.wait()
        self._processes = []


class Rspamd(Filter):
    """Rspamd as Debian installs it, its proxy worker as a milter; our settings in local.d."""

    user = "_rspamd"
    # What asks others: modules that want DNS lists, maps or a fuzzy storage.
    silent = ("asn", "fuzzy_check", "mid", "multimap", "phishing", "rbl", "surbl")

    def _lay_out(self):
        self.port = free_ports(1)[0]
        self.own("db", "run", "log")
        self.write("local.d/settings.conf", (SHIPPED / "rspamd" / "settings.conf").read_text(encoding="utf-8"))
        self.write("suffixes", "com\nexample\nnet\norg\n")  # the full list takes half a minute to compile
        self.write("override.d/options.inc", 'dns { nameserver = [ "127.0.0.1:1" ]; timeout = 0.1s; retransmits = 1; }\nfilters = "chartable,dkim,regexp";\n'
                   f'disable_hyperscan = true;\nurl_tld = "{self.directory}/suffixes";\ntempdir = "{self.directory}/run";\n')
        self.write("override.d/worker-normal.inc", f'enabled = false;\nbind_socket = "{self.directory}/run/normal.sock";\n')
        self.write("override.d/worker-controller.inc", f'enabled = false;\nbind_socket = "{self.directory}/run/controller.sock";\n')
        self.write("override.d/worker-proxy.inc", f'bind_socket = "127.0.0.1:{self.port}";\nupstream "local" {{ default = yes; self_scan = yes; }}\n')
        self.write("override.d/milter_headers.conf", "extended_spam_headers = true;\nskip_local = false;\n")
        self.write("override.d/hfilter.conf", "from_enabled = false;\n")  # its answer hangs on how fast nobody answers
        for module in self.silent:
            self.write(f"override.d/{module}.conf", "enabled = false;\n")

    def commands(self):
        places = {"LOCAL_CONFDIR": "", "DBDIR": "/db", "RUNDIR": "/run", "LOGDIR": "/log"}
        return [(self.port, ["rspamd", "-f", "-c", "/etc/rspamd/rspamd.conf", "-u", self.user, "-g", self.user,
                             *(f"--var={name}={self.directory}{below}" for name, below in places.items())])]

    @property
    def milter(self):
        return f"inet:127.0.0.1:{self.port}"


def _spamassassin_site(directory):
    """Debian's site configuration with our rules, at `directory`/site."""
    site = directory / "site"
    shutil.copytree("/etc/spamassassin", site, ignore=shutil.ignore_patterns("sa-update-hooks.d"))
    shutil.copy(SHIPPED / "spamassassin" / "connector-milter.cf", site)
    return site


class SpamAssassin(Filter):
    """spamd with local tests only, and spamass-milter in front of it; our rules beside Debian's."""

    user = "debian-spamd"

    def _lay_out(self):
        self.spamd_port, self.port = free_ports(2)
        self.own("home")
        self.site = _spamassassin_site(self.directory)

    def commands(self):
        return [(self.spamd_port, ["spamd", "-L", "-x", f"--siteconfigpath={self.site}", "-i", "127.0.0.1", "-p", self.spamd_port, "-u", self.user,
                                   "-H", self.directory / "home", "-m", "2", "--min-children=2", "-s", "stderr"]),
                (self.port, ["spamass-milter", "-p", f"inet:{self.port}@127.0.0.1", "-m", "-i", "127.0.0.1", "--", "-d", "127.0.0.1", "-p", self.spamd_port])]

    @property
    def milter(self):
        return f"inet:127.0.0.1:{self.port}"


class Amavis(Filter):
    """amavis as an after-queue filter with Debian's defaults, our bank and rules, and no virus scanner.

    `port` is everybody's, `own_port` the one of the bank; what was judged is handed back to `back`.
    """

    user = "amavis"
    defaults = ("01-debian", "20-debian_defaults", "25-amavis_helpers")

    def _lay_out(self):
        self.port, self.own_port, self.back = free_ports(3)
        self.own("home", "tmp", "db")
        site = _spamassassin_site(self.directory)
        self.write("places", f"""use strict;
$MYHOME = '{self.directory}/home'; $TEMPBASE = '{self.directory}/tmp'; $ENV{{TMPDIR}} = $TEMPBASE; $helpers_home = $MYHOME;
$db_home = '{self.directory}/db'; $enable_db = 0; $enable_global_cache = 0; $enable_zmq = 0;
$pid_file = "$MYHOME/pid"; $lock_file = "$MYHOME/lock"; $unix_socketname = undef; $QUARANTINEDIR = undef;
$daemon_user = $daemon_group = '{self.user}'; $max_servers = 1; $do_syslog = 0; $LOGFILE = "$MYHOME/log"; $log_level = 2;
$myhostname = 'mail.contoso.example'; $mydomain = 'contoso.example'; @local_domains_maps = ( [ '.contoso.example' ] );
$inet_socket_bind = '127.0.0.1'; $forward_method = $notify_method = 'smtp:[127.0.0.1]:{self.back}';
$sa_local_tests_only = 1; $sa_siteconfigpath = '{site}';
@bypass_virus_checks_maps = (1); @bypass_spam_checks_maps = (0); $sa_tag_level_deflt = undef; $sa_tag2_level_deflt = $sa_kill_level_deflt = 5.0;
1;
""")
        shipped = (SHIPPED / "amavis" / "60-connector-milter").read_text(encoding="utf-8")
        self.write("shipped", shipped.replace("10024", str(self.port)).replace("10026", str(self.own_port)))

    def commands(self):
        files = [*(f"/etc/amavis/conf.d/{name}" for name in self.defaults), self.directory / "places", self.directory / "shipped"]
        return [(self.own_port, ["amavisd", *(word for file in files for word in ("-c", file)), "foreground"])]

    def connector(self):
        """The outbound connector as shipped, with our port."""
        return (SHIPPED / "amavis" / "amavis-route.conf").read_text(encoding="utf-8").replace("10026", str(self.own_port))

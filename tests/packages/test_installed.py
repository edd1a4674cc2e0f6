"""The installed package in a machine of its own: install, run as hardened, judge mail, upgrade, remove, purge.

The machine is a scratch root with systemd and Postfix of Debian, without a network. Where no systemd can be booted (control groups that are
not ours to use), those tests are skipped, and what is left is the daemon under the limits that the tools of a plain root can set.
"""

import re
import resource
import time
import unittest


import packages
import scratch

CONFIG, CONNECTORS = "/etc/connector-milter/connector-milter.conf", "/etc/connector-milter/connectors.d"
SPOOL = "/var/spool/postfix/connector-milter"

MOST_FILES = min(65536, resource.getrlimit(resource.RLIMIT_NOFILE)[1])  # where even root may not raise the limit, systemd takes what there is


def archive():
    return scratch.root_archive(packages.work(), packages.root_packages())


def wait(condition, what):
    end = time.monotonic() + 60
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited in vain for {what}")
        time.sleep(0.1)


def files(root):
    """Every file outside what dpkg, the journal and running services keep for themselves."""
    skip = r"/(proc|sys|dev|run|tmp|root)(/|$)|/var/(lib/dpkg|cache|log|lib/systemd|lib/postfix|spool/postfix/(?!connector-milter)|tmp|lib/private)(/|$)|/etc/\.pwd\.lock$|/etc/(passwd|group|shadow|gshadow)-$"
    listing = root.run("find", "/", "-xdev", "-printf", r"%p\n").stdout.splitlines()
    return {name for name in listing if not re.match(skip, name)}


class MachineTest(unittest.TestCase):
    """One boot a class; the package is installed."""

    machine = None

    @classmethod
    def setUpClass(cls):
        machine = scratch.Machine(archive())
        try:
            machine.__enter__()
        except OSError as why:
            raise unittest.SkipTest(f"not tested here: the unit, its restrictions, and the package under systemd: {str(why)[:200]}") from why
        cls.machine = machine
        cls.addClassCleanup(machine.__exit__)
        cls.deb = machine.put(packages.package())
        cls.before = files(machine)
        cls.postfix = machine.run("sh", "-c", "cat /etc/postfix/main.cf /etc/postfix/master.cf").stdout
        machine.run("dpkg", "--install", cls.deb)

    def run_in(self, *command, check=True):
        return self.machine.run(*command, check=check).stdout.strip()

    def journal(self):
        return self.run_in("journalctl", "--no-pager", "--unit", "connector-milter")

    def active(self):
        return self.run_in("systemctl", "is-active", "connector-milter", check=False)


class UnitTest(MachineTest):
    def main(self, file="status"):
        pid = self.run_in("systemctl", "show", "--value", "--property=MainPID", "connector-milter")
        return self.run_in("cat", f"/proc/{pid}/{file}")

    def test_1_runs_after_installation(self):
        """Installing starts the daemon with a config that refuses nothing, enabled for the next boot; Postfix's own files are as they were."""
        self.assertEqual((self.active(), self.run_in("systemctl", "is-enabled", "connector-milter")), ("active", "enabled"), self.journal())
        self.assertIn("0 connectors", self.run_in("connectorctl", "check"))
        self.assertIn("accept", self.run_in("connectorctl", "explain", "--client", "192.0.2.1", "--from", "a@b.example", "--to", "c@d.example", "--expect", "accept"))
        self.assertEqual(self.run_in("sh", "-c", "cat /etc/postfix/main.cf /etc/postfix/master.cf"), self.postfix.strip())
        self.assertIn("ready: 0 connectors", self.journal())

    def test_2_sockets(self):
        """Sockets and their directory are Postfix's to use and nobody else's; the control socket is the daemon's own."""
        owner = lambda path: self.run_in("stat", "-c", "%U:%G %a", path)  # noqa: E731
        self.assertEqual(owner(SPOOL), "connector-milter:postfix 2750")
        self.assertEqual(owner(f"{SPOOL}/milter.sock"), "connector-milter:postfix 660")
        self.assertEqual(owner("/run/connector-milter/control.sock"), "connector-milter:connector-milter 660")
        self.assertEqual(owner("/var/lib/connector-milter"), "connector-milter:connector-milter 750")

    def test_3_restrictions(self):
        """The running daemon has no capability and no way to any, a system call filter, no network, and the limits of the unit."""
        status = dict(line.split(":\t", 1) for line in self.main().splitlines() if ":\t" in line)
        for capabilities in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
            self.assertEqual(int(status[capabilities], 16), 0, capabilities)
        self.assertEqual((status["NoNewPrivs"], status["Seccomp"]), ("1", "2"))
        self.assertNotIn("0", status["Uid"].split())
        limits = self.main("limits")
        self.assertRegex(limits, rf"Max open files +{MOST_FILES} +{MOST_FILES} ")
        self.assertRegex(limits, r"Max core file size +0 +0")
        self.assertNotIn("eth", self.main("net/dev"))
        self.assertEqual(self.run_in("systemctl", "show", "--value", "--property=MemoryMax", "connector-milter"), str(2 << 30))

    def test_4_reload(self):
        """systemctl reload takes a good config; a bad one is refused and the old one stays in force."""
        self.machine.path(f"{CONNECTORS}/20-a.conf").write_text('inbound = ( { name = "a"; type = "device"; source_ips = [ "192.0.2.1" ]; } );\n')
        self.run_in("systemctl", "reload", "connector-milter")
        self.assertIn("a", self.run_in("connectorctl", "list"))
        self.assertIn("configuration loaded: 1 connectors", self.journal())
        self.machine.path(f"{CONNECTORS}/20-a.conf").write_text("inbound = nonsense;\n")
        self.assertNotEqual(self.machine.run("systemctl", "reload", "connector-milter", check=False).returncode, 0)
        self.assertIn("configuration refused, the old one stays in force: 1 connectors", self.journal())
        self.machine.path(f"{CONNECTORS}/20-a.conf").unlink()
        self.run_in("systemctl", "reload", "connector-milter")

    def test_5_killed(self):
        """Killed, it is started again."""
        self.run_in("systemctl", "kill", "--signal=KILL", "connector-milter")
        wait(lambda: self.journal().count("ready: 0 connectors") >= 2 and self.active() == "active", "the daemon after a kill")

    def test_6_inet(self):
        """A socket on TCP needs the documented drop-in: without it the daemon says that it cannot; with it it listens."""
        drop_in = re.search(r"```\n(# [^\n]*inet\.conf\n.*?)```", (packages.TOP / "packaging/docs/install.md").read_text(), re.S).group(1)
        config = self.machine.path(CONFIG)
        original = config.read_text()
        config.write_text(original + 'milter = { socket = "inet:8891@127.0.0.1"; };\n')
        self.assertNotEqual(self.machine.run("systemctl", "restart", "connector-milter", check=False).returncode, 0)
        directory = self.machine.path("/etc/systemd/system/connector-milter.service.d")
        directory.mkdir()
        (directory / "inet.conf").write_text(drop_in)
        self.run_in("systemctl", "daemon-reload")
        self.run_in("systemctl", "reset-failed", "connector-milter")
        self.run_in("systemctl", "restart", "connector-milter")
        self.assertRegex(self.main("net/tcp"), "0100007F:22BB 00000000:0000 0A")
        (directory / "inet.conf").unlink()
        directory.rmdir()
        config.write_text(original)
        self.run_in("systemctl", "daemon-reload")
        self.run_in("systemctl", "restart", "connector-milter")


class MailTest(MachineTest):
    def test_mail(self):
        """autopkgtest's test: Postfix with the printed lines, mail of a stranger, an impostor and a device."""
        script = self.machine.put(packages.TOP / "packaging/debian/tests/postfix")
        self.assertEqual(self.run_in("sh", script).count("ok: "), 3)


class LifecycleTest(MachineTest):
    def test_1_upgrade(self):
        """An upgrade keeps what was edited, takes what was not, and restarts the daemon."""
        config = self.machine.path(CONFIG)
        config.write_text(config.read_text().replace(".organization.example", ".contoso.example"))
        edited, pid = config.read_text(), self.run_in("systemctl", "show", "--property=MainPID", "connector-milter")
        next_one = self.next_version()
        self.run_in("dpkg", "--force-confdef", "--force-confold", "--install", self.machine.put(next_one))
        self.assertEqual(config.read_text(), edited)
        self.assertIn("# The next version.", self.machine.path(f"{CONNECTORS}/README.conf").read_text())
        self.assertEqual(self.active(), "active", self.journal())
        self.assertNotEqual(self.run_in("systemctl", "show", "--property=MainPID", "connector-milter"), pid)

    def next_version(self):
        """The package with a higher version and other defaults in both conffiles."""
        tree, name = packages.work() / "next", packages.work() / "next.deb"
        packages.run("rm", "-rf", str(tree))
        packages.run("dpkg-deb", "--raw-extract", str(packages.package()), str(tree))
        control = tree / "DEBIAN/control"
        control.write_text(re.sub(r"^Version: (.*)$", r"Version: \g<1>+next", control.read_text(), flags=re.M))
        for conffile in (CONFIG, f"{CONNECTORS}/README.conf"):
            with (tree / conffile.lstrip("/")).open("a", encoding="utf-8") as file:
                file.write("# The next version.\n")
        packages.run("dpkg-deb", "--root-owner-group", "--build", str(tree), str(name))
        return name

    def test_2_remove(self):
        """Removed, the daemon is gone; the configuration stays, and counts when the package is installed again."""
        self.run_in("dpkg", "--remove", "connector-milter")
        self.assertNotEqual(self.active(), "active")
        self.assertFalse(self.machine.path("/usr/sbin/connector-milter").exists())
        self.assertIn(".contoso.example", self.machine.path(CONFIG).read_text())
        self.run_in("dpkg", "--force-confdef", "--force-confold", "--install", self.deb)
        self.assertEqual(self.active(), "active", self.journal())
        self.assertIn(".contoso.example", self.machine.path(CONFIG).read_text())

    def test_3_purge(self):
        """Purged, it leaves no file, no user and no group."""
        self.machine.path(f"{CONNECTORS}/90-own.conf").write_text("")
        self.run_in("connectorctl", "key", "new", "2026a")
        self.run_in("dpkg", "--purge", "connector-milter")
        self.assertEqual(sorted(files(self.machine) ^ self.before), [])
        for database in ("passwd", "group"):
            self.assertEqual(self.run_in("getent", database, "connector-milter", check=False), "")
        self.assertEqual(self.run_in("systemctl", "list-unit-files", "--no-legend", "connector-milter*", check=False), "")
        self.assertNotEqual(self.machine.run("test", "-e", "/run/connector-milter", check=False).returncode, 0)


class PlainRootTest(unittest.TestCase):
    """Without a running systemd: containers, other supervisors."""

    RESTRICTED = """set -e
systemd-tmpfiles --create connector-milter.conf
prlimit --nofile=MOST_FILES --core=0 --nproc=8192 setpriv --reuid connector-milter --regid connector-milter --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all --ambient-caps=-all sh -c 'umask 0077; exec /usr/sbin/connector-milter' &
for i in $(seq 300); do ! connectorctl status >/dev/null 2>&1 || break; sleep 0.1; done
connectorctl status; stat -c '%U:%G %a' /var/spool/postfix/connector-milter/milter.sock; grep -E '^(Cap(Eff|Bnd)|NoNewPrivs)' /proc/$!/status; kill -TERM $!; wait $!
"""

    def test_restricted(self):
        """Without systemd the daemon runs as its own user, without privileges, within its limits. Not tested so: system call filter, read-only file system."""
        with scratch.ScratchRoot(archive()) as root:
            deb = root.put(packages.package())
            said = root.run("sh", "-c", f"dpkg --install {deb}; {self.RESTRICTED.replace('MOST_FILES', str(MOST_FILES))}").stdout
            self.assertIn("connector-milter:postfix 660", said)
            self.assertRegex(said, r"CapEff:\t0+\nCapBnd:\t0+\nNoNewPrivs:\t1")

    def test_without_postfix(self):
        """Without the group postfix it installs and says what Sendmail needs; with that it runs."""
        with scratch.ScratchRoot(archive()) as root:
            deb = root.put(packages.package())
            said = root.run("sh", "-c", f"""set -e; dpkg --purge --force-depends postfix >/dev/null 2>&1; ! getent group postfix
                dpkg --install {deb}; [ -d /run/connector-milter ]
                printf '%s\\n' 'milter = {{ socket = "unix:/run/connector-milter/milter.sock"; group = "connector-milter"; }};' >>{CONFIG}
                connector-milter & for i in $(seq 300); do ! connectorctl status >/dev/null 2>&1 || break; sleep 0.1; done
                connectorctl status; stat -c '%U:%G %a' /run/connector-milter/milter.sock; kill $!; wait $!""").stdout
            self.assertIn("there is no Postfix here", said)
            self.assertIn("connector-milter:connector-milter 660", said)


if __name__ == "__main__":
    unittest.main()

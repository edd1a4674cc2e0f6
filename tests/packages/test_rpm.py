"""The RPM: built by rpmbuild from the tarball of `make dist`, as an administrator of Fedora or EL would, here with Debian's tools.

Not tested here: that Fedora's own macros and dependencies resolve (--nodeps), and installing it.
"""

import functools
import re
import tarfile
import unittest

import packages
from packages import TOP, run

FILES = """
/etc/connector-milter /etc/connector-milter/connector-milter.conf /etc/connector-milter/connectors.d /etc/connector-milter/connectors.d/README.conf
/etc/mail /etc/mail/m4 /etc/mail/m4/connector-milter.m4 /usr/bin/connectorctl /usr/lib/systemd/system/connector-milter.service
/usr/lib/sysusers.d/connector-milter.conf /usr/lib/tmpfiles.d/connector-milter.conf /usr/sbin/connector-milter
/usr/share/bash-completion/completions/connectorctl /usr/share/man/man5/connector-milter.conf.5 /usr/share/man/man7/connector-milter-trust.7
/usr/share/man/man8/connector-milter.8 /usr/share/man/man8/connectorctl.8
""".split()


@functools.lru_cache(None)
def tarball():
    tree, build = packages.work() / "dist-tree", packages.work() / "dist-build"
    run("rm", "-rf", str(tree), str(build))
    packages.copy_of_tree(tree)
    build.mkdir()
    run("autoreconf", "-i", cwd=tree)
    run(str(tree / "configure"), cwd=build)
    run("make", "dist", cwd=build)
    return build / f"connector-milter-{packages.version()}.tar.xz"


@functools.lru_cache(None)
def rpm():
    top = packages.work() / "rpm"
    run("rm", "-rf", str(top))
    # Without macros for debug packages: Debian's rpm has others than Fedora's.
    run("rpmbuild", "--nodeps", "-tb", "--define", f"_topdir {top}", "--define", "debug_package %{nil}", "--define", f"_dbpath {top}/db",
        *(["--define", f"optflags {packages.fast_flags()}"] if packages.fast_flags() else []), str(tarball()))
    return next((top / "RPMS").rglob("connector-milter-*.rpm"))


class RpmTest(unittest.TestCase):
    def query(self, *options):
        return run("rpm", "--query", "--package", "--dbpath", str(packages.work() / "rpm" / "db"), *options, str(rpm()))

    def test_tarball(self):
        """The tarball holds packaging, tests and the finished spec, from which the packages can be built again."""
        with tarfile.open(tarball()) as archive:
            names = {name.partition("/")[2] for name in archive.getnames()}
        listed = {str(path.relative_to(TOP)) for part in ("packaging", "conf", "milter", "tests") for path in (TOP / part).rglob("*")
                  if path.is_file() and "__pycache__" not in path.parts and not path.name.endswith(".orig")}
        self.assertEqual(sorted(listed - names), [])
        self.assertIn("connector-milter.spec", names)

    def test_files(self):
        """It holds the same files as the Debian package, at the places of Fedora."""
        listed = [name for name in self.query("--list").splitlines() if not name.startswith(("/usr/share/doc/connector-milter", "/usr/share/licenses"))]
        self.assertEqual(sorted(re.sub(r"(/man/.*)\.gz$", r"\1", name) for name in listed), sorted(FILES))
        self.assertEqual(sorted(self.query("--configfiles").split()), [name for name in sorted(FILES) if name.endswith((".conf", ".m4")) and name.startswith("/etc")])
        self.assertIn("/usr/share/doc/connector-milter/selinux.md", self.query("--docfiles"))

    def test_head(self):
        """Version and licence are ours; the scripts know systemd."""
        self.assertEqual(self.query("--queryformat", "%{VERSION} %{LICENSE}"), f"{packages.version()} Apache-2.0")
        self.assertIn("systemd-sysusers connector-milter.conf", self.query("--scripts"))


class SelinuxTest(unittest.TestCase):
    def test_module(self):
        """The SELinux module that the guide shows compiles."""
        text = (TOP / "packaging/docs/selinux.md").read_text()
        directory = packages.work() / "selinux"
        directory.mkdir(exist_ok=True)
        for kind in ("te", "fc"):
            (directory / f"connector_milter.{kind}").write_text(re.search(rf"`connector_milter\.{kind}`:\n```\n(.*?)```", text, re.S).group(1))
        (directory / "connector_milter.pp").unlink(missing_ok=True)
        run("make", "-f", "/usr/share/selinux/devel/Makefile", "connector_milter.pp", cwd=directory)
        self.assertTrue((directory / "connector_milter.pp").exists())


if __name__ == "__main__":
    unittest.main()

"""What the build makes: files, lint, the same bytes twice, the unit's exposure, completion, the version everywhere."""

import gzip
import os
import re
import subprocess
import unittest

import packages
from packages import TOP, run

# Everything the package puts outside /usr/share/doc.
FILES = """
etc/apparmor.d/usr.sbin.connector-milter etc/connector-milter/connector-milter.conf etc/connector-milter/connectors.d/README.conf
etc/mail/m4/connector-milter.m4 lib/systemd/system/connector-milter.service usr/bin/connectorctl usr/lib/sysusers.d/connector-milter.conf
usr/lib/tmpfiles.d/connector-milter.conf usr/sbin/connector-milter usr/share/bash-completion/completions/connectorctl
usr/share/lintian/overrides/connector-milter usr/share/man/man5/connector-milter.conf.5.gz usr/share/man/man7/connector-milter-trust.7.gz
usr/share/man/man8/connector-milter.8.gz usr/share/man/man8/connectorctl.8.gz
""".split()
WORST_EXPOSURE = 1.5


def files_below(directory):
    return {str(path.relative_to(directory)) for path in directory.rglob("*") if not path.is_dir()}


class BuildTest(unittest.TestCase):
    def test_files(self):
        """The package holds the programs, their documents and examples, and nothing else; its conffiles are all of /etc."""
        files = files_below(packages.unpacked())
        documents = {name for name in files if name.startswith("usr/share/doc/connector-milter/")}
        self.assertEqual(sorted(files - documents), sorted(FILES))
        for name in ("install.md", "selinux.md", "first-connectors.md", "CHANGELOG.md", "examples/contoso/connectors.d/10-own.conf"):
            self.assertTrue({f"usr/share/doc/connector-milter/{name}", f"usr/share/doc/connector-milter/{name}.gz"} & documents, name)
        conffiles = run("dpkg-deb", "--info", str(packages.package()), "conffiles").split()
        self.assertEqual(sorted(conffiles), sorted("/" + name for name in files if name.startswith("etc/")))

    def test_version(self):
        """The version of configure.ac is that of the package, the programs and the manual pages."""
        version, root = packages.version(), packages.unpacked()
        self.assertEqual(run("dpkg-deb", "--field", str(packages.package()), "Version").strip(), version.replace("-", "~"))
        self.assertEqual(run(str(root / "usr/bin/connectorctl"), "--version").strip(), f"connectorctl {version}")
        self.assertEqual(run(str(root / "usr/sbin/connector-milter"), "--version").strip(), f"connector-milter {version}")
        for page in root.glob("usr/share/man/*/*.gz"):
            self.assertIn(f"\n.Os connector-milter {version}\n", gzip.decompress(page.read_bytes()).decode(), page.name)

    def test_lintian(self):
        """lintian finds nothing, pedantic included, in package and source."""
        changes = next(packages.directory().glob("*.changes"))
        # That a program calls no function which can be fortified is no fault: test_blhc sees that the compiler was told to.
        found = run("lintian", "--allow-root", "--pedantic", "--display-info", "--suppress-tags", "hardening-no-fortify-functions",
                    "--fail-on", "error,warning,info,pedantic", str(changes))
        self.assertEqual(found.strip(), "")

    def test_blhc(self):
        """Every compiler call of the build was given the hardening flags, but for PIE, which Debian's compiler does by itself."""
        run("blhc", "--all", "--debian", str(next(packages.directory().glob("*.build"))))

    def test_reproducible(self):
        """An exported copy elsewhere, built by another umask, time zone and locale, gives the same bytes, and stays clean."""
        said = next(packages.directory().glob("*.buildinfo")).read_text()
        os.environ["SOURCE_DATE_EPOCH"] = re.search(r'SOURCE_DATE_EPOCH="(\d+)"', said).group(1)
        second, tree = packages.work() / "deb-again", packages.work() / "tree"
        run("rm", "-rf", str(second), str(tree))
        packages.copy_of_tree(tree)
        before = files_below(tree)
        environment = dict(os.environ, TZ="Pacific/Auckland", LC_ALL="C", LANGUAGE="C")
        run(str(tree / "packaging" / "build-deb"), "--output", str(second), env=environment, preexec_fn=lambda: os.umask(0o077))
        self.assertEqual(files_below(tree), before)
        first = {path.name: path.read_bytes() for path in packages.directory().iterdir() if path.suffix in (".deb", ".xz")}
        again = {path.name: path.read_bytes() for path in second.iterdir() if path.suffix in (".deb", ".xz")}
        self.assertEqual(sorted(first), sorted(again))
        self.assertEqual([name for name in first if first[name] != again[name]], [])

    def test_exposure(self):
        """systemd calls the unit safe, and its settings are ones that it knows."""
        unit = packages.unpacked() / "lib/systemd/system/connector-milter.service"
        report = run("systemd-analyze", "security", "--offline=true", "--no-pager", str(unit))
        exposure = float(re.search(r"Overall exposure level for connector-milter.service: ([0-9.]+)", report).group(1))
        self.assertLessEqual(exposure, WORST_EXPOSURE, report)
        self.assertNotIn("Unknown", report)

    def test_apparmor(self):
        """The AppArmor profile compiles."""
        run("apparmor_parser", "--skip-kernel-load", "--skip-cache", str(packages.unpacked() / "etc/apparmor.d/usr.sbin.connector-milter"))

    def test_completion(self):
        """bash completes the commands and options that connectorctl has, and the names of connectors."""
        tool = packages.unpacked() / "usr/bin/connectorctl"
        commands = re.findall(r"^  ([a-z]+) ", run(str(tool), "--help").split("Subcommands:")[1], re.M)
        self.assertEqual(self.complete("") & set(commands), set(commands))
        for command in commands:
            options = set(re.findall(r"^  (?:-., ?)?(--[a-z-]+)", run(str(tool), command, "--help"), re.M))
            self.assertEqual(options - self.complete(command, "-"), set(), command)
        scenarios = re.findall(r"^  ([a-z]+) ", run(str(tool), "new", "--help").split("Scenarios:")[1], re.M)
        self.assertEqual((self.complete("new", ""), len(scenarios)), (set(scenarios), 5))
        for scenario in scenarios:
            options = set(re.findall(r"^  (--[a-z-]+)", run(str(tool), "new", scenario, "--help"), re.M))
            self.assertIn("--name", options)
            self.assertEqual(options - self.complete("new", scenario, "-"), set(), scenario)
            self.assertEqual(options - self.complete("new", "--output", "x", scenario, "--mode", "audit", "-"), set(), scenario)
        self.assertNotIn("--tenant", self.complete("new", "devices", "--"))
        self.assertEqual((self.complete("key", ""), self.complete("key", "new", "x", "--d")), ({"new", "--help"}, {"--dir"}))
        self.assertEqual(self.complete("-c", str(TOP / "conf/examples/contoso/connector-milter.conf"), "show", "exch"), {"exchange"})
        self.assertEqual(self.complete("explain", "--expect", "t"), {"tempfail", "tag"})

    def complete(self, *words):
        """What bash would offer for the last of `words` after connectorctl."""
        script = f"""source {TOP}/packaging/completion/connectorctl
            COMP_WORDS=(connectorctl "$@"); COMP_CWORD=$#; _connectorctl; printf '%s\\n' "${{COMPREPLY[@]}}" """
        path = f"{packages.unpacked()}/usr/bin:{os.environ['PATH']}"
        done = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, check=True, env=dict(os.environ, PATH=path))
        return set(done.stdout.split())


if __name__ == "__main__":
    unittest.main()

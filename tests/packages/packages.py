"""The packages under test: built once a run from this tree, by the commands that users have."""

import functools
import os
import re
import subprocess
from pathlib import Path

TOP = Path(__file__).resolve().parents[2]
LIBRARY_FREE = ("systemd", "systemd-sysv", "postfix", "swaks")  # what the roots hold beside the libraries that the package needs


def work():
    return Path(os.environ["CM_WORK"])


def run(*command, **how):
    """Runs a command of this machine; returns its output. Failing raises, with the end of the output."""
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False, **how)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout[-6000:]}")
    return done.stdout


def version():
    """As configure.ac says, the one place."""
    return re.search(r"^AC_INIT\(\[connector-milter\],\[([^]]+)\]\)$", (TOP / "configure.ac").read_text(), re.M).group(1)


def copy_of_tree(target):
    """An exported tree: what is in git or would be, without .git; without git, this tree but for what builds left."""
    target.mkdir(parents=True)
    if (TOP / ".git").exists():
        listed = run("git", "-C", str(TOP), "ls-files", "-z", "--cached", "--others", "--exclude-standard")
        names = [name for name in listed.split("\0") if name and (TOP / name).exists()]
        subprocess.run(["tar", "-c", "-C", str(TOP), "--null", "--files-from", "-", "-f", str(target / ".tar")], input="\0".join(names).encode(), check=True)
    else:
        run("tar", "-c", "-C", str(TOP), "--exclude=./build*", "-f", str(target / ".tar"), ".")
    run("tar", "-x", "-C", str(target), "-f", str(target / ".tar"))
    (target / ".tar").unlink()
    return target


@functools.lru_cache(None)
def directory():
    """Where packaging/build-deb left what it built from this tree."""
    if "CM_PACKAGES" in os.environ:
        return Path(os.environ["CM_PACKAGES"])
    run(str(TOP / "packaging" / "build-deb"), "--output", str(work() / "deb"))
    return work() / "deb"


def package():
    architecture = run("dpkg", "--print-architecture").strip()
    return directory() / f"connector-milter_{version().replace('-', '~')}_{architecture}.deb"


@functools.lru_cache(None)
def unpacked():
    """The files of the package."""
    target = work() / "unpacked"
    run("rm", "-rf", str(target))
    run("dpkg-deb", "--extract", str(package()), str(target))
    return target


def fast_flags():
    """Flags of the compiler for a run that is about packaging alone: CM_PACKAGE_CXXFLAGS; empty: those of the distribution."""
    return os.environ.get("CM_PACKAGE_CXXFLAGS", "")


def root_packages():
    """Names of what a root must hold so that the package installs without a network."""
    alternatives = re.split(r",\s*", run("dpkg-deb", "--field", str(package()), "Depends").strip())
    return sorted({re.split(r"[ (|]", alternative)[0] for alternative in alternatives} | set(LIBRARY_FREE))

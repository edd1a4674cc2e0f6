"""The files of Debian's Sendmail, unpacked into a directory of their own: beside whatever mail server is installed, never instead of it.

They come from this machine's Debian mirror by apt-get, which checks their signatures. Nothing is installed, no maintainer script runs, and
no file outside the directory is touched. A download that fails is an error: whoever asked cannot do without.
"""

import fcntl
import shutil
import subprocess
from pathlib import Path

PACKAGES = ("sendmail-bin", "sendmail-cf")
_OWN_PATH = "/usr/share/sendmail/cf/"  # the only path that the files for m4 hold


def unpack(directory):
    """Returns the root of the unpacked files below `directory`, a cache: what is complete there is not fetched again. Raises RuntimeError."""
    directory = Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    with (directory / "lock").open("w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = directory / "root"
        if not root.is_dir():
            unfinished = directory / "unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            for package in _download(directory / "packages"):
                _run("dpkg-deb", "-x", package, unfinished)
            _move_paths(unfinished, root)
            unfinished.rename(root)
    return root


def _download(directory):
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir()
    try:
        _run("apt-get", "-q", "download", *PACKAGES, cwd=directory)
    except RuntimeError:  # package lists that are missing, or so old that they name files that are gone
        _run("apt-get", "-q", "update")
        _run("apt-get", "-q", "download", *PACKAGES, cwd=directory)
    found = [path for package in PACKAGES for path in directory.glob(f"{package}_*.deb")]
    if len(found) != len(PACKAGES):
        raise RuntimeError(f"apt-get fetched {', '.join(path.name for path in found) or 'nothing'} of {' '.join(PACKAGES)}")
    return found


def _move_paths(unpacked, root):
    for path in (unpacked / _OWN_PATH.lstrip("/")).rglob("*.m4"):
        text = path.read_text(encoding="latin-1")
        if _OWN_PATH in text:
            path.write_text(text.replace(_OWN_PATH, f"{root}{_OWN_PATH}"), encoding="latin-1")


def _run(*command, cwd=None):
    done = subprocess.run([str(word) for word in command], cwd=cwd, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(str(word) for word in command)} failed: {done.stderr.strip()}")
    return done.stdout

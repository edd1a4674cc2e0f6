"""A bare Debian 12 in a directory, to install packages into: as a root to run commands in, or booted with its own systemd.

Everything in it has its own mounts, processes and network, whose only interface is loopback. Nothing here touches the machine's own
files, services or mail system; what was started ends when the context ends. Needs root, and mmdebstrap to make the root once.
"""

import hashlib
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

PATH = "/usr/sbin:/usr/bin:/sbin:/bin"
# Mounts of a root. /dev is small and its own; /run is empty, as at boot.
MOUNT = """
set -e; cd "$1"
mount --make-rprivate /; mount --bind . .; cd "$PWD"
mount -t proc proc proc
mount -t tmpfs -o mode=755 tmpfs dev
for node in null zero full random urandom tty; do touch dev/$node; mount --bind /dev/$node dev/$node; done
mkdir dev/pts dev/shm; mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts; mount -t tmpfs tmpfs dev/shm
ln -s pts/ptmx dev/ptmx; ln -s /proc/self/fd dev/fd
mount -t tmpfs -o mode=755 tmpfs run
ip link set lo up
"""
RUN = MOUNT + 'root=$1; shift; exec chroot "$root" /usr/bin/env -i PATH=' + PATH + ' HOME=/root LANG=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"'
# systemd finds the control groups of its own below those that we joined, in the layout that the machine has.
BOOT = MOUNT + """
mount -t sysfs -o ro sysfs sys
if [ "$(stat -f -c %T /sys/fs/cgroup)" = cgroup2fs ]; then mount -t cgroup2 cgroup2 sys/fs/cgroup; else
  mount -t tmpfs -o mode=755 tmpfs sys/fs/cgroup
  mkdir sys/fs/cgroup/systemd; mount -t cgroup -o none,name=systemd cgroup sys/fs/cgroup/systemd
  for group in memory pids; do mkdir sys/fs/cgroup/$group; mount -t cgroup -o $group cgroup sys/fs/cgroup/$group; done
fi
exec chroot "$1" /usr/bin/env -i container=other PATH=""" + PATH + """ \\
  /lib/systemd/systemd --log-target=console --show-status=no --unit=multi-user.target
"""


def root_archive(directory, packages):
    """The archive of a bare Debian 12 with `packages`, made if it is not there."""
    name = hashlib.sha256(" ".join(sorted(packages)).encode()).hexdigest()[:12]
    archive = Path(directory) / f"root-{name}.tar"
    if not archive.exists():
        part = archive.with_suffix(".part.tar")
        subprocess.run(["mmdebstrap", "--quiet", "--variant=apt", "--include=" + ",".join(packages), "bookworm", str(part)], check=True)
        part.rename(archive)
    return archive


class ScratchRoot:
    """A context manager; `run` runs a command in the root, `path` finds a file of it."""

    def __init__(self, archive):
        self.directory = Path(tempfile.mkdtemp(prefix="scratch-root-", dir="/tmp"))
        subprocess.run(["tar", "-xf", str(archive), "-C", str(self.directory), "--exclude=./dev/*"], check=True)
        self.directory.chmod(0o755)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["rm", "-rf", "--one-file-system", str(self.directory)], check=True)

    def path(self, inside):
        return self.directory / inside.lstrip("/")

    def put(self, file):
        """Copies a file to /root; returns its name there."""
        shutil.copy(file, self.path("/root"))
        return f"/root/{Path(file).name}"

    def run(self, *command, check=True):
        """Runs it and waits; returns the finished process, `stdout` holding all output. Failing raises, with the output."""
        return finish(["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--fork", "--kill-child", "bash", "-c", RUN, "bash", str(self.directory), *command], check)


def finish(command, check):
    done = subprocess.run(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    if check and done.returncode != 0:
        raise AssertionError(f"{command[-1]}: status {done.returncode}\n{done.stdout[-4000:]}")
    return done


class Groups:
    """Control groups of our own, one in each hierarchy, so that a systemd in there arranges itself below them."""

    def __init__(self):
        top, name = Path("/sys/fs/cgroup"), f"scratch-{os.getpid()}"
        hierarchies = [top] if (top / "cgroup.procs").exists() else sorted({d.resolve() for d in top.iterdir() if (d / "cgroup.procs").exists()})
        self.directories = [hierarchy / name for hierarchy in hierarchies]
        for directory in self.directories:
            directory.mkdir(exist_ok=True)
            for setting in ("cpuset.cpus", "cpuset.mems"):
                if (directory / setting).exists() and "cpuset" in str(directory):
                    (directory / setting).write_text((directory.parent / setting).read_text())

    def join(self):
        """Moves the calling process there: for the child, before it becomes the command."""
        for directory in self.directories:
            (directory / "cgroup.procs").write_text("0")

    def remove(self):
        for directory in self.directories:
            for below, _, _ in os.walk(directory, topdown=False):
                for _ in range(50):
                    try:
                        os.rmdir(below)
                        break
                    except OSError:
                        time.sleep(0.1)  # the last process is not quite gone


class Machine(ScratchRoot):
    """A scratch root that was booted: `run` runs a command in it, systemctl(1) included. Raises OSError where this machine cannot do that."""

    def __enter__(self):
        log = self.directory.with_suffix(".log")
        self._log = log.open("w+", encoding="utf-8")
        self._groups = None
        try:
            self._groups = Groups()
            self._process = subprocess.Popen(  # pylint: disable=consider-using-with
                ["unshare", "--mount", "--pid", "--net", "--uts", "--ipc", "--cgroup", "--fork", "--kill-child", "bash", "-c", BOOT, "bash", str(self.directory)],
                stdin=subprocess.DEVNULL, stdout=self._log, stderr=subprocess.STDOUT, preexec_fn=self._groups.join)
            self._wait_for_boot()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        process = getattr(self, "_process", None)
        if process:
            init = self._init()
            if init:
                os.kill(init, 9)  # and with it all its processes
            process.kill()
            process.wait()
        if self._groups:
            self._groups.remove()
        self._log.close()
        Path(self._log.name).unlink()
        super().__exit__()

    def _init(self):
        try:
            children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        except OSError:
            return None
        return int(children[0]) if children else None

    def _wait_for_boot(self):
        end = time.monotonic() + 180
        while time.monotonic() < end and self._process.poll() is None:
            init = self._init()
            if init and Path(f"/proc/{init}/comm").read_text().strip() == "systemd":
                state = self.run("systemctl", "is-system-running", check=False).stdout.strip()
                if state in ("running", "degraded"):
                    return
            time.sleep(0.2)
        self._log.seek(0)
        raise OSError("systemd does not boot in a scratch root here: " + self._log.read()[-1500:])

    def run(self, *command, check=True):
        enter = ["nsenter", "--target", str(self._init()), "--mount", "--pid", "--net", "--ipc", "--uts", "--cgroup", "--root", "--wd"]
        return finish([*enter, "/usr/bin/env", "-i", f"PATH={PATH}", "HOME=/root", "LANG=C.UTF-8", "DEBIAN_FRONTEND=noninteractive", *command], check)

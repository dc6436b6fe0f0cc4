"""A throw-away Debian with a real systemd as its first process, in a container of systemd-nspawn.

Needs root, a kernel with overlayfs and cgroup v2, and Debian's packages debootstrap and
systemd-container. The base is built once, which takes about a minute, and kept.
"""

from __future__ import annotations

import hashlib
import os
import platform
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from attrs import define, field

HOST = platform.freedesktop_os_release().get("VERSION_CODENAME", "")
"""The Debian of this host."""

SUITE = os.environ.get("SUPERVISOR_TEST_SUITE") or HOST
"""The Debian that is tested."""

PACKAGES = "systemd,systemd-sysv,cron,dbus,logrotate,procps,iproute2,python3,python3-venv,ruby"
MASKED = (
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "console-getty.service",
    "dpkg-db-backup.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "fstrim.timer",
    "logrotate.timer",
    "systemd-networkd.service",
    "systemd-resolved.service",
    "systemd-timesyncd.service",
    "systemd-tmpfiles-clean.timer",
)
CACHE = Path(os.environ.get("SUPERVISOR_TEST_CACHE", "/var/tmp/supervisor-tests"))

# A mount namespace of its own gives nspawn a /run/systemd and a pure cgroup v2 view, whatever
# the host has mounted; all of it vanishes with the namespace.
BOOT = r"""
set -e
own=$(sed -n 's/^0:://p' /proc/self/cgroup); own=${own%/}
mkdir -p /run/systemd
mount -t tmpfs -o mode=755 tmpfs /run/systemd
mount -t cgroup2 cgroup2 /sys/fs/cgroup
group=/sys/fs/cgroup$own/supervisor-tests-$$
mkdir -p "$group"
echo $$ >"$group/cgroup.procs"
echo "${group#/sys/fs/cgroup}" >"$RUN/cgroup"
systemd-nspawn --quiet --boot --directory="$BASE" --volatile=overlay --machine="$NAME" \
    --register=no --keep-unit --link-journal=no --resolv-conf=off \
    --timezone=off --capability=CAP_BPF,CAP_PERFMON,CAP_SYS_RESOURCE \
    --system-call-filter=bpf --console=pipe "$@" </dev/null &
echo $! >"$RUN/nspawn"
wait $!
"""

UNSHARE = ("unshare", "--mount", "--propagation", "private", "--")
CLEAN = ["/usr/bin/env", "-i", "PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"]
CLEAN += ["LANG=C.UTF-8", "TERM=dumb", "SYSTEMD_PAGER=", "SYSTEMD_COLORS=0", "SYSTEMD_URLIFY=0"]


class CannotBuild(Exception):
    """The base cannot be made here; the text says why."""


def obstacle() -> str:
    """Return why no container can be booted here, or nothing."""
    if os.geteuid() != 0:
        return "containers need root"
    missing = [name for name in ("debootstrap", "systemd-nspawn") if shutil.which(name) is None]
    if missing:
        return f"not installed: {', '.join(missing)}; scripts/test-systemd installs them"
    mount = "mount -t cgroup2 cgroup2 /sys/fs/cgroup"
    mounted = subprocess.run([*UNSHARE, "sh", "-c", mount], capture_output=True, check=False)
    return "" if mounted.returncode == 0 else f"cgroup v2 cannot be mounted: {mounted.stderr!r}"


def base(suite: str = SUITE) -> Path:
    """Return the root file system that every machine starts from, built if it is missing."""
    digest = hashlib.sha256(f"{suite} {PACKAGES} {MASKED}".encode()).hexdigest()[:8]
    found = CACHE / f"{suite}-{digest}"
    if found.exists():
        return found
    CACHE.mkdir(mode=0o755, parents=True, exist_ok=True)
    making = Path(tempfile.mkdtemp(prefix="making-", dir=CACHE))
    making.chmod(0o755)
    variant = ("--variant=minbase", f"--include={PACKAGES}")
    with (CACHE / "debootstrap.log").open("wb") as log:
        built = subprocess.run(
            [*UNSHARE, "debootstrap", *variant, suite, str(making), mirror()],
            check=False,
            stdout=log,
            stderr=log,
            stdin=subprocess.DEVNULL,
        )
    if built.returncode:
        shutil.rmtree(making)
        raise CannotBuild((CACHE / "debootstrap.log").read_text(errors="replace")[-500:])
    for name in MASKED:
        (making / "etc/systemd/system" / name).symlink_to("/dev/null")
    for name in ("etc/resolv.conf", "etc/hostname"):
        (making / name).unlink(missing_ok=True)
    for waste in ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man"):
        shutil.rmtree(making / waste, ignore_errors=True)
    making.rename(found)
    return found


def mirror() -> str:
    """Return where this host's own apt has Debian from. Other suites are there, too."""
    listing = ["apt-get", "indextargets", "--format", "$(RELEASE) $(COMPONENT) $(REPO_URI)"]
    for before in ([], ["apt-get", "update", "-qq"]):  # without package lists there is no answer
        subprocess.run(before or ["true"], check=False, stdin=subprocess.DEVNULL)
        listed = subprocess.run(listing, check=False, capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            release, component, uri = line.split(" ", 2)
            if (release, component) == (HOST, "main"):
                return uri
    raise CannotBuild(f"apt has no sources for {HOST}")


@define
class Machine:
    """One container, from `boot` to `down`. What is written in it vanishes with it."""

    name: str = "supervisor-tests"
    suite: str = SUITE
    network: tuple[str, ...] = ("--private-network",)
    """What systemd-nspawn is told about the network. Nothing: it is that of the host."""

    leader: int = 0
    _run: Path = field(factory=lambda: Path(tempfile.mkdtemp(prefix="supervisor-machine-")))
    _nspawn: subprocess.Popen[bytes] | None = None

    def boot(self, *arguments: str) -> None:
        """Start it with further arguments of systemd-nspawn, and wait until it is up."""
        environment = os.environ | {
            "RUN": str(self._run),
            "BASE": str(base(self.suite)),
            "NAME": self.name,
        }
        with (self._run / "log").open("wb") as log:
            self._nspawn = subprocess.Popen(
                [*UNSHARE, "bash", "-c", BOOT, "boot", *self.network, *arguments],
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        deadline = time.monotonic() + 60
        while not self._is_up():
            assert self._nspawn.poll() is None, (self._run / "log").read_text(errors="replace")
            assert time.monotonic() < deadline, "the machine does not boot"
            time.sleep(0.1)  # a real boot takes real time

    def _is_up(self) -> bool:
        self.leader = self._find_leader()
        if not self.leader:
            return False
        state = self.run("systemctl is-system-running --wait", check=False).stdout.strip()
        return state in ("running", "degraded")

    def _find_leader(self) -> int:
        """Return the PID, outside, of the machine's own systemd."""
        try:
            nspawn = int((self._run / "nspawn").read_text())
            children = Path(f"/proc/{nspawn}/task/{nspawn}/children").read_text().split()
            for child in children:
                status = Path(f"/proc/{child}/status").read_text()
                pids = next(line for line in status.splitlines() if line.startswith("NSpid:"))
                if pids.split()[-1] == "1" and "systemd" in status.splitlines()[0]:
                    return int(child)
        except (OSError, ValueError, StopIteration):
            pass
        return 0

    def run(
        self,
        script: str,
        variables: Mapping[str, str] | None = None,
        *,
        check: bool = True,
        timeout: float = 60,
    ) -> subprocess.CompletedProcess[str]:
        """Run a shell script inside; its failure is a failure of the test."""
        given = [f"{name}={value}" for name, value in (variables or {}).items()]
        enter = ["nsenter", "-t", str(self.leader), "-m", "-u", "-i", "-n", "-p", "-C", "--"]
        done = subprocess.run(
            [*enter, *CLEAN, *given, "sh", "-c", script],
            capture_output=True,
            text=True,
            check=False,
            timeout=timeout,
            stdin=subprocess.DEVNULL,
        )
        assert not check or done.returncode == 0, f"{script}\n{done.stdout}\n{done.stderr}"
        return done

    def write(self, path: str, text: str, mode: str = "644") -> None:
        """Put a file into the machine."""
        enter = ["nsenter", "-t", str(self.leader), "-m", "-p", "--"]
        script = 'mkdir -p "$(dirname "$1")"; cat >"$1"; chmod "$2" "$1"'
        subprocess.run(
            [*enter, *CLEAN, "sh", "-c", script, "write", path, mode],
            input=text,
            text=True,
            check=True,
        )

    def down(self) -> None:
        """Power it off and leave nothing behind but the base."""
        if self.leader:
            os.kill(self.leader, signal.SIGRTMIN + 4)  # poweroff.target, see systemd(1)
        if self._nspawn is not None:
            try:
                self._nspawn.wait(20)
            except subprocess.TimeoutExpired:
                os.kill(self.leader, signal.SIGKILL)
                self._nspawn.wait(20)
        if (self._run / "cgroup").exists():
            self._remove_group((self._run / "cgroup").read_text().strip())
        shutil.rmtree(self._run, ignore_errors=True)

    def _remove_group(self, group: str) -> None:
        script = (
            'mount -t cgroup2 cgroup2 /sys/fs/cgroup; cd "/sys/fs/cgroup${1%/*}" || exit 0; '
            'find "${1##*/}" -depth -type d -exec rmdir {} + 2>/dev/null; true'
        )
        subprocess.run([*UNSHARE, "bash", "-c", script, "remove", group], check=False)

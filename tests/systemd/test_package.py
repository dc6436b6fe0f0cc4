"""The Debian packages on new hosts of their suites: install, upgrade, go back, remove, purge.

dpkg installs them without a network. Alertmanager and a mail server run beside them.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from attrs import frozen

from tests.scripts.test_install import wheel
from tests.systemd import mailed, packages
from tests.systemd.conftest import PIP, wheels
from tests.systemd.machine import SUITE, CannotBuild, Machine, base, obstacle
from tests.systemd.test_unit import status, wait_for

pytestmark = pytest.mark.timeout(900)

SUITES = ("bookworm", "trixie")
PACKAGE = "alertmanager-supervisor"
FILES = (
    "find / -xdev \\( -path /proc -o -path /sys -o -path /run -o -path /tmp -o -path /srv "
    "-o -path /var/lib/dpkg -o -path /var/log -o -path /var/lib/systemd -o -path /var/cache \\) "
    "-prune -o -printf '%y %m %u:%g %p %l\\n' | sort"
)
"""Prints all that a package can leave behind, but for what dpkg and systemd note for themselves."""

KEPT_FOR_EVER = ("/etc/passwd", "/etc/group", "/etc/shadow", "/etc/gshadow")
"""The user stays after a purge, as Debian's packages keep theirs."""

SERVICE = """
service = "SHOP"

[alertmanager]
urls = ["http://127.0.0.1:9093"]

[[modules]]
check = "disk"
every = "1s"
[modules.params]
filesystems = [{ filesystem = "/", max_use_percent = 0 }]

[[modules]]
check = "command"
name = "shop"
every = "1s"
[modules.params]
protocol = "text"
argv = ["test", "!", "-e", "/srv/broken"]
"""
"""The disk fires at once, the other one when a test says so."""

OTHERS = """
[[modules]]
check = "{check}"
every = "1s"
[modules.params]
{params}
"""
BUSY = (
    ("connection", 'servers = [{ name = "peer", host = "127.0.0.1", port = 9093 }]'),
    ("daemon", 'daemons = [{ name = "dbus-daemon" }]'),
    ("http", 'targets = [{ name = "peer", url = "http://127.0.0.1:9093/-/healthy" }]'),
    ("inode", 'filesystems = [{ filesystem = "/", max_use_percent = 100 }]'),
    ("session", "max_total = 100000"),
    ("system", "oom_kills = false"),
    ("systemd_unit", 'units = [{ name = "dbus.socket" }]'),
)
"""Modules that find nothing. They run while the files of their checks are replaced."""


@frozen
class Host:
    """A new host of one suite, with the packages for it in /srv/packages."""

    machine: Machine
    suite: str

    def dpkg(self, *arguments: str) -> str:
        return self.machine.run(f"dpkg {' '.join(arguments)} 2>&1", timeout=300).stdout

    def version(self) -> str:
        """Return the version that runs."""
        return str(status(self.machine, "Shop")["version"])

    def firing(self) -> dict[str, str]:
        """Return what fires, and since when."""
        return {
            each["alertname"]: each["starts_at"]
            for each in status(self.machine, "Shop")["alerts"]
            if each["state"] == "firing"
        }

    def mails_after(self, count: int) -> list[str]:
        """Return all mails as soon as there are so many."""
        wait_for(self.machine, "Shop", lambda: len(mailed.mails(self.machine)) >= count, 60)
        return mailed.mails(self.machine)


@contextmanager
def booted(suite: str, *arguments: str) -> Iterator[Host]:
    """Boot a new host."""
    if found := obstacle():
        pytest.skip(found)
    try:
        base(suite)
    except CannotBuild as error:
        pytest.skip(f"cannot build a Debian {suite}: {error}")
    machine = Machine(name=f"supervisor-{suite}", suite=suite)
    try:
        binds = (f"--bind-ro={packages.directory(suite)}:/srv/packages", *mailed.BINDS)
        machine.boot(*binds, *arguments)
        yield Host(machine, suite)
    finally:
        machine.down()


def write_service(machine: Machine) -> None:
    busy = "".join(OTHERS.format(check=check, params=params) for check, params in BUSY)
    machine.write("/etc/supervisor/Shop.toml", SERVICE + busy)


@pytest.fixture(params=SUITES)
def host(request: pytest.FixtureRequest) -> Iterator[Host]:
    with booted(request.param) as made:
        yield made


def test_a_package_lives_from_its_first_mail_to_its_purge(host: Host) -> None:
    """All in one, since each step goes on from where the one before has left the host."""
    machine = host.machine
    before = machine.run(FILES).stdout

    # A new host has its first mail within a minute.
    host.dpkg("-i", "/srv/packages/old.deb")
    first, since = start_service(host, f"/usr/share/{PACKAGE}/configs")
    old = host.version()
    assert "/opt" not in machine.run("systemctl cat supervisor@Shop").stdout
    own = machine.run("getent group supervisor").stdout.split(":")[2]
    assert machine.run("cat /proc/sys/net/ipv4/ping_group_range").stdout.split() == [own, own]

    # An upgrade and a way back keep what fires. None of it is mailed again, and nothing else is.
    for package, version in (("new.deb", packages.NEWER), ("old.deb", old)):
        install_over(host, package)
        assert (host.version(), host.firing()) == (version, since)
    assert_nothing_else_was_mailed(host, first)

    # A file that is wrong, or one that no longer is, does not stand in the way of an upgrade.
    machine.run("rm /etc/supervisor/Demo.toml")
    machine.write("/etc/supervisor/wrong.toml", "nonsense")
    machine.run("systemctl start supervisor@wrong", check=False)
    host.dpkg("-i", "/srv/packages/new.deb")
    machine.run("rm /etc/supervisor/wrong.toml")

    # What is removed leaves configuration and ledger, and with them the next one goes on.
    host.dpkg("-r", PACKAGE)
    kept = machine.run("ls /etc/supervisor/Shop.toml /var/lib/supervisor/Shop/ledger")
    assert kept.returncode == 0
    assert machine.run("systemctl is-active supervisor@Shop", check=False).stdout == "inactive\n"
    assert machine.run(f"ls -d /usr/lib/{PACKAGE} /usr/bin/{PACKAGE}", check=False).stdout == ""
    host.dpkg("-i", "/srv/packages/old.deb")
    machine.run("systemctl start supervisor@Shop")
    assert host.firing().items() >= since.items()

    # A purge leaves nothing but the user. supervisord's files in /etc/supervisor are not ours.
    machine.run("systemctl stop sink alertmanager; rm -r /etc/alertmanager")
    host.dpkg("-P", PACKAGE)
    assert changed(before, machine.run(FILES).stdout) == []
    machine.run("mkdir -p /etc/supervisor; echo >/etc/supervisor/supervisord.conf")
    host.dpkg("-i", "/srv/packages/old.deb")
    host.dpkg("-P", PACKAGE)
    assert machine.run("ls /etc/supervisor").stdout == "supervisord.conf\n"


def test_a_package_takes_the_place_of_the_installer(project: Path, tmp_path: Path) -> None:
    own = wheel(tmp_path, "spool", "1.0")
    binds = (f"{project}:/srv/project", f"{wheels()}:/srv/wheels", f"{tmp_path}:/srv/own")
    with booted(SUITE, *(f"--bind-ro={each}" for each in binds)) as host:
        machine = host.machine
        machine.run(f"/srv/project/scripts/install --with /srv/own/{own.name}", PIP, timeout=300)
        first, since = start_service(host, "/opt/supervisor/current/configs")
        install_over(host, "new.deb")

        assert (host.version(), host.firing()) == (packages.NEWER, since)
        assert_nothing_else_was_mailed(host, first)
        assert machine.run("systemctl is-enabled supervisor@Shop").stdout == "enabled\n"
        found = machine.run(f"command -v {PACKAGE}; systemctl show -P FragmentPath supervisor@Shop")
        program, unit = found.stdout.split()
        assert program == f"/usr/bin/{PACKAGE}"
        assert unit.endswith("/lib/systemd/system/supervisor@.service")
        machine.run(f"/usr/lib/{PACKAGE}/bin/python -P -c 'import spool'")
        refused = machine.run("/srv/project/scripts/install", PIP, check=False)
        assert "upgrade or remove that one with apt-get" in refused.stderr


def start_service(host: Host, configs: str) -> tuple[str, dict[str, str]]:
    """Start all. Return the first mail, and what fires then, and since when."""
    mailed.start(host.machine, configs)
    write_service(host.machine)
    host.machine.run("systemctl enable --now supervisor@Shop")
    (first,) = host.mails_after(1)
    wait_for(host.machine, "Shop", lambda: all_have_run(host.machine))
    since = host.firing()
    assert set(since) == {"Disk usage"}
    assert "Disk usage" in first
    return first, since


def install_over(host: Host, package: str) -> None:
    """Install a package over what runs, and wait until that has looked at everything."""
    pid = status(host.machine, "Shop")["pid"]
    host.dpkg("-i", f"/srv/packages/{package}")
    wait_for(host.machine, "Shop", lambda: status(host.machine, "Shop")["pid"] != pid)
    wait_for(host.machine, "Shop", lambda: all_have_run(host.machine))


def assert_nothing_else_was_mailed(host: Host, first: str) -> None:
    """Let the other module fire, too. Its mail is the second one."""
    host.machine.run("touch /srv/broken")
    mails = host.mails_after(2)

    assert mails[0] == first
    assert "shop" in mails[1]
    assert len(mails) == 2


def all_have_run(machine: Machine) -> bool:
    return all(each["runs"] >= 1 for each in _modules(machine))


def _modules(machine: Machine) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = status(machine, "Shop")["modules"]
    return found


def changed(before: str, after: str) -> list[str]:
    """Return the lines that differ, but for those of files that hold users."""
    return sorted(
        line
        for line in set(before.splitlines()) ^ set(after.splitlines())
        if line.split()[3].rstrip("-") not in KEPT_FOR_EVER
    )

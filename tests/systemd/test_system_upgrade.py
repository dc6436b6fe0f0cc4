"""A real upgrade of the system, from Debian 12 to 13, beneath a service that runs."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import AlertmanagerServer, SmtpSink
from tests.systemd.conftest import wheels
from tests.systemd.machine import SUITE, CannotBuild, Machine, base, obstacle
from tests.systemd.test_unit import DISK, configure, journal, show, status, wait_for

OLD, NEW = "bookworm", "trixie"

pytestmark = [
    pytest.mark.timeout(3600),
    pytest.mark.skipif(SUITE != OLD, reason=f"it begins with {OLD}"),
]

PIP = {"PIP_NO_INDEX": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
PIP["PIP_FIND_LINKS"] = "/srv/wheels-old /srv/wheels-new"
INSTALL = "/srv/project/scripts/install"
APT = "DEBIAN_FRONTEND=noninteractive apt-get -y -qq -o Dpkg::Options::=--force-confold"
UPGRADE = f"""
sed -i 's/{OLD}/{NEW}/' /etc/apt/sources.list
{APT} update && {APT} full-upgrade
"""
GONE = "the Python of this release is gone: run scripts/install again"


@pytest.fixture
def host(project: Path) -> Iterator[Machine]:
    """Boot a Debian 12 that has this host's network."""
    if found := obstacle():
        pytest.skip(found)
    try:
        base(OLD)
        binds = {project: "project", wheels(OLD): "wheels-old", wheels(NEW): "wheels-new"}
    except CannotBuild as error:
        pytest.skip(f"cannot build a Debian: {error}")
    booted = Machine(name="supervisor-upgrade", suite=OLD, network=())
    acquire = subprocess.run(
        ["apt-config", "dump", "Acquire"], check=True, capture_output=True, text=True
    )
    try:
        booted.boot(*(f"--bind-ro={path}:/srv/{name}" for path, name in binds.items()))
        for path in ("/etc/resolv.conf", "/etc/hosts"):
            booted.write(path, Path(path).read_text(encoding="utf-8"))
        booted.write("/etc/apt/apt.conf.d/10host", acquire.stdout)  # proxies, for example
        yield booted
    finally:
        booted.down()


@pytest.fixture
def mails(tmp_path: Path) -> Iterator[tuple[AlertmanagerServer, SmtpSink]]:
    with SmtpSink().running() as sink:
        server = AlertmanagerServer(tmp_path, f"127.0.0.1:{sink.port}")
        server.start()
        yield server, sink
        server.stop()


def restart(machine: Machine) -> str:
    """Restart the service, as a boot would start it; return its state."""
    machine.run("systemctl restart supervisor@kept", check=False)
    return show(machine, "kept", "ActiveState")


def test_it_outlives_an_upgrade_of_the_system(
    host: Machine, mails: tuple[AlertmanagerServer, SmtpSink]
) -> None:
    server, sink = mails
    host.run(INSTALL, PIP, timeout=900)
    configure(host, "kept", DISK, f'[alertmanager]\nurls = ["{server.url}"]\n')
    host.run("systemctl enable --now supervisor@kept")
    wait_for(host, "kept", lambda: sink.mails, 60)
    before = status(host, "kept")
    host.run(UPGRADE, timeout=1800)

    assert host.run("python3 --version").stdout.startswith("Python 3.13")
    assert status(host, "kept")["pid"] == before["pid"]
    assert restart(host) == "active"
    warned = host.run("alertmanager-supervisor doctor --service kept", check=False).stdout
    assert "it runs with Python 3.11, but the system has Python 3.13 now" in warned

    host.run(f"{APT} purge python3.11-minimal", timeout=900)
    assert restart(host) != "active"
    wait_for(host, "kept", lambda: GONE in journal(host, "kept"))
    refused = host.run("alertmanager-supervisor status --service kept", check=False)
    assert (refused.returncode, refused.stderr.strip()) == (1, GONE)

    host.run(INSTALL, PIP, timeout=900)
    wait_for(host, "kept", lambda: show(host, "kept", "ActiveState") == "active", 60)
    back = host.run(f"{INSTALL} --rollback", check=False)
    after = status(host, "kept")
    host.run("systemctl stop supervisor@kept")

    assert back.returncode != 0
    assert "cannot run: the Python that it was made with is gone" in back.stderr
    assert [each["starts_at"] for each in after["alerts"]] == [
        each["starts_at"] for each in before["alerts"]
    ]
    assert len(sink.mails) == 1, sink.subjects()

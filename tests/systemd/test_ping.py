"""The `ping` check inside the unit as it is shipped: no capabilities, and its group may ping."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest

from tests.systemd.conftest import PIP
from tests.systemd.machine import Machine
from tests.systemd.test_install import INSTALL
from tests.systemd.test_unit import configure, show, status, wait_for

pytestmark = pytest.mark.timeout(600)

NAME = "ping"
NEIGHBOUR = "192.0.2.2"
PING = f"""
[[modules]]
check = "ping"
every = "2s"
[modules.params]
count = 2
interval = 0.1
timeout = 0.5
hosts = [
    {{ name = "loopback", host = "127.0.0.1" }},
    {{ name = "neighbour", host = "{NEIGHBOUR}" }},
    {{ name = "loopback6", host = "::1" }},
]
"""
RANGE = "/proc/sys/net/ipv4/ping_group_range"
FILE = "/etc/sysctl.d/50-alertmanager-supervisor.conf"


@pytest.fixture
def neighbour(machine: Machine) -> Iterator[None]:
    """Make a veth pair. The other end is in a network namespace of its own, and answers."""
    other = subprocess.Popen(
        ["unshare", "--net", "sh", "-c", "ip link set lo up; echo; exec sleep infinity"],
        stdout=subprocess.PIPE,
    )
    try:
        assert other.stdout is not None
        other.stdout.readline()
        near = ["nsenter", "-t", str(machine.leader), "-n", "ip"]
        far = ["nsenter", "-t", str(other.pid), "-n", "ip"]
        for command in (
            [*near, "link", "add", "near", "type", "veth", "peer", "far", "netns", str(other.pid)],
            [*near, "addr", "add", "192.0.2.1/24", "dev", "near"],
            [*near, "link", "set", "near", "up"],
            [*far, "addr", "add", f"{NEIGHBOUR}/24", "dev", "far"],
            [*far, "link", "set", "far", "up"],
        ):
            subprocess.run(command, check=True)
        yield
    finally:
        other.kill()
        other.communicate()


def module(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = status(machine, NAME)["modules"][0]
    return found


def gid(machine: Machine) -> str:
    return machine.run("getent group supervisor").stdout.split(":")[2]


def allowed(machine: Machine) -> list[str]:
    return machine.run(f"cat {RANGE}").stdout.split()


@pytest.mark.usefixtures("neighbour")
def test_the_unit_pings_without_capabilities(machine: Machine) -> None:
    configure(machine, NAME, PING)
    machine.run(f"systemctl start supervisor@{NAME}")
    wait_for(machine, NAME, lambda: module(machine)["runs"] >= 1)
    pid = show(machine, NAME, "MainPID")
    capabilities = machine.run(f"grep ^Cap /proc/{pid}/status").stdout.split()[1::2]
    found, alerts = module(machine), status(machine, NAME)["alerts"]
    # It must fire, too: the neighbour goes away.
    machine.run("ip link set near down")
    wait_for(machine, NAME, lambda: status(machine, NAME)["alerts"])
    (gone,) = status(machine, NAME)["alerts"]
    machine.run(f"systemctl stop supervisor@{NAME}")

    assert set(capabilities) == {"0" * 16}
    assert (found["last_result"], alerts) == ("ok", [])
    assert (gone["alertname"], gone["instance"]) == ("Packet loss", "neighbour")


def test_the_installer_lets_the_group_ping_also_after_a_boot(machine: Machine) -> None:
    own = gid(machine)
    first = allowed(machine)
    machine.run(f"rm {FILE}")
    machine.run(INSTALL, PIP)  # as after a removal that left the range
    machine.run(f"echo 1 0 >{RANGE}; /lib/systemd/systemd-sysctl {FILE}")
    booted = allowed(machine)

    assert (first, booted) == ([own, own], [own, own])


def test_a_range_that_the_host_has_chosen_stays(machine: Machine) -> None:
    own = gid(machine)
    kept = machine.run(f"cat {FILE}; rm {FILE}; echo 4000 5000 >{RANGE}").stdout
    narrow = machine.run(INSTALL, PIP).stdout
    after_narrow = allowed(machine)
    machine.run(f"echo 0 5000 >{RANGE}")
    wide = machine.run(INSTALL, PIP).stdout
    after_wide = allowed(machine)
    left = machine.run(f"ls {FILE}", check=False).stdout
    machine.run(f"echo 1 0 >{RANGE}")
    machine.run(INSTALL, PIP)

    assert f"note: group supervisor ({own}) may not ping" in narrow
    assert "may not ping" not in wide
    assert (after_narrow, after_wide, left) == (["4000", "5000"], ["0", "5000"], "")
    assert allowed(machine) == [own, own]
    assert machine.run(f"cat {FILE}").stdout == kept


def test_doctor_and_validate_say_before_that_the_group_may_not_ping(machine: Machine) -> None:
    own = gid(machine)
    configure(machine, NAME, PING)
    machine.run(f"echo 1 0 >{RANGE}")
    run = "runuser -u supervisor -- alertmanager-supervisor"
    validated = machine.run(f"{run} validate --service {NAME}", check=False).stderr
    asked = machine.run(f"{run} doctor --service {NAME}", check=False).stdout
    once = machine.run(f"{run} once --json --service {NAME}", check=False).stdout
    machine.run(f"echo {own} {own} >{RANGE}")
    good = machine.run(f"{run} validate --service {NAME}", check=False).stderr

    remedy = f'as root: sysctl -w net.ipv4.ping_group_range="{own} {own}"'
    assert remedy in validated
    assert remedy in asked
    assert remedy in json.loads(once)[0]["error"]
    assert good == ""

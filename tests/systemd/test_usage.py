"""The limits of `daemon` and `systemd_unit` inside the supervisor's own unit, on a real eater."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.systemd.machine import Machine
from tests.systemd.test_unit import configure, status, wait_for

pytestmark = pytest.mark.timeout(600)

NAME = "usage"
MODULES = """
[[modules]]
check = "systemd_unit"
every = "1s"
[modules.params]
failed = false
units = [{ name = "eater", max_cpu_percent = 10, max_memory = "20MiB", max_tasks = 5 }]

[[modules]]
check = "daemon"
every = "1s"
[[modules.params.daemons]]
name = "eater"
user = "nobody"
count = "1-3"
max_cpu_percent = 10
max_memory = "20MiB"
max_threads = 5
max_open_files = 30
min_uptime = "10m"
"""
UNIT = """
[Service]
User=nobody
ExecStart=/usr/bin/python3 /etc/eater.py
Restart=always
RestartSec=0
"""
EATS = """
import os, threading, time
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
eaten = bytearray(b"x") * (40 << 20)
for _ in range(7):
    threading.Thread(target=time.sleep, args=(10**6,), daemon=True).start()
while True:
    pass
"""
OF_UNIT = {"max_memory": "Unit memory", "max_tasks": "Unit tasks"}
"""What systemd knows only if the kernel has the controllers in version 2."""


@pytest.fixture
def supervised(machine: Machine) -> Iterator[Machine]:
    """Start the eater and the supervisor that watches it."""
    machine.write("/etc/eater.py", EATS)
    machine.write("/etc/systemd/system/eater.service", UNIT)
    machine.run("systemctl daemon-reload; systemctl start eater")
    configure(machine, NAME, MODULES)
    machine.run(f"systemctl start supervisor@{NAME}")
    yield machine
    machine.run(f"systemctl stop supervisor@{NAME} eater; rm -r /var/lib/supervisor/{NAME}")


def alerts(machine: Machine, *states: str) -> dict[str, dict[str, Any]]:
    return {
        each["alertname"]: each
        for each in status(machine, NAME)["alerts"]
        if each["state"] in (states or ("firing",))
    }


def test_what_eats_is_told_of(supervised: Machine) -> None:
    of_daemon = {"Daemon CPU usage", "Daemon memory", "Daemon threads", "Daemon open files"}
    wait_for(supervised, NAME, lambda: {"Unit CPU usage", *of_daemon} <= alerts(supervised).keys())
    found = alerts(supervised)
    known = supervised.run("systemctl show --property=MemoryCurrent,TasksCurrent eater").stdout

    assert found["Daemon memory"]["instance"] == "eater"
    assert "of memory (RSS), more than 20.0 MiB" in found["Daemon memory"]["message"]
    assert found["Daemon threads"]["message"] == "eater has 8 threads, more than 5"
    if "[not set]" in known:
        unreadable = found["Value unreadable"]["message"]
        assert "cannot judge max_memory, max_tasks of eater.service: systemd does not" in unreadable
    else:
        assert {*OF_UNIT.values()} <= found.keys()
    assert "Daemon user wrong" not in found
    assert "Daemon count" not in found


def test_a_daemon_that_restarts_in_a_loop_is_told_of(supervised: Machine) -> None:
    wait_for(supervised, NAME, lambda: "Daemon threads" in alerts(supervised))
    assert "Daemon restarted" not in alerts(supervised, "firing", "resolved", "over")
    supervised.run("for _ in 1 2 3; do systemctl kill -s KILL eater; sleep 1.2; done")
    wait_for(
        supervised,
        NAME,
        lambda: "Daemon restarted" in alerts(supervised, "firing", "resolved", "over"),
    )


def test_doctor_says_what_this_user_cannot_see(supervised: Machine) -> None:
    asked = supervised.run(
        "cd /; runuser -u supervisor -- /opt/supervisor/current/venv/bin/python -P -m supervisor "
        f"validate --service {NAME} --config-dir /etc/supervisor"
    )

    assert (
        "daemons[0].max_memory: warning: cannot see the PSS of 1 process, such as" in asked.stderr
    )

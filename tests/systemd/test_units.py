"""The `systemd_unit` check inside the supervisor's own unit, with units that fail for real."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.systemd.machine import Machine
from tests.systemd.test_unit import configure, status, wait_for

pytestmark = pytest.mark.timeout(600)

NAME = "units"
UNITS = """
[[modules]]
check = "systemd_unit"
every = "1s"
[modules.params]
units = [{ name = "watched", sub_state = "running" }, { name = "dbus.socket" }]
ignore = ["ignored*"]
"""
WATCHED = """
[Service]
ExecStart=/bin/sleep infinity
Restart=on-failure
RestartSec=0
"""
LOOPING = """
[Unit]
StartLimitBurst=3
[Service]
ExecStart=/bin/false
Restart=always
RestartSec=0
"""
NOT_ACTIVE = ("Unit not active", "E", "watched.service")
RESTARTED = ("Unit restarted", "W", "watched.service")


@pytest.fixture
def supervised(machine: Machine) -> Iterator[Machine]:
    """Start the supervisor, and the unit that it watches."""
    machine.write("/etc/systemd/system/watched.service", WATCHED)
    machine.run("systemctl reset-failed; systemctl daemon-reload; systemctl start watched")
    configure(machine, NAME, UNITS)
    machine.run(f"systemctl start supervisor@{NAME}")
    wait_for(machine, NAME, lambda: module(machine)["last_result"] == "ok")
    yield machine
    machine.run(f"systemctl stop supervisor@{NAME} watched; systemctl reset-failed")
    machine.run(f"rm -r /var/lib/supervisor/{NAME}")


def module(machine: Machine) -> dict[str, Any]:
    found: dict[str, Any] = status(machine, NAME)["modules"][0]
    return found


def alerts(machine: Machine, state: str = "firing") -> list[tuple[str, str, str]]:
    return [
        (each["alertname"], each["event_type"], each["instance"])
        for each in status(machine, NAME)["alerts"]
        if each["state"] == state
    ]


def restarts(machine: Machine) -> list[float]:
    return [
        each["value"]
        for each in module(machine)["measurements"]
        if each["name"] == "unit_restarts" and each["labels"] == {"unit": "watched.service"}
    ]


def test_a_unit_that_stops_is_told_of_until_it_runs(supervised: Machine) -> None:
    supervised.run("systemctl stop watched")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [NOT_ACTIVE])
    supervised.run("systemctl start watched")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [])

    assert NOT_ACTIVE in alerts(supervised, "resolved")


def test_restarts_are_counted(supervised: Machine) -> None:
    for count in (1, 2):
        supervised.run("systemctl kill -s KILL watched")
        wait_for(supervised, NAME, lambda: restarts(supervised) == [count])  # noqa: B023  # at once
        wait_for(supervised, NAME, lambda: alerts(supervised) == [])

    assert alerts(supervised, "resolved").count(RESTARTED) == 1


def test_another_unit_that_fails_is_told_of_until_it_is_reset(supervised: Machine) -> None:
    supervised.run("systemd-run --unit=ignored-one false; systemd-run --unit=other false")
    failed = ("Unit failed", "E", "other.service")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [failed])
    supervised.run("systemctl reset-failed other")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [])

    assert failed in alerts(supervised, "resolved")


def test_a_unit_that_systemd_no_longer_restarts_is_told_of(supervised: Machine) -> None:
    supervised.write("/etc/systemd/system/looping.service", LOOPING)
    supervised.run("systemctl daemon-reload; systemctl start looping")
    failed = ("Unit failed", "E", "looping.service")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [failed])
    restarts = supervised.run("systemctl show --value --property=NRestarts looping")
    supervised.run("systemctl reset-failed looping; rm /etc/systemd/system/looping.service")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [])

    assert int(restarts.stdout) >= 2


def test_a_bus_that_is_away_fails_the_check(supervised: Machine) -> None:
    supervised.run("mv /run/dbus/system_bus_socket /run/dbus/away")
    try:
        wait_for(supervised, NAME, lambda: module(supervised)["last_result"] == "failed")
        (failure,) = alerts(supervised)
        message = status(supervised, NAME)["alerts"][0]["message"]
    finally:
        supervised.run("mv /run/dbus/away /run/dbus/system_bus_socket")
    wait_for(supervised, NAME, lambda: alerts(supervised) == [])

    assert failure == ("Failed to execute module (systemd_unit)", "TE", "")
    assert message.startswith("cannot ask systemd: Failed to connect to ")

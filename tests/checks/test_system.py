"""The `system` check on this host, and on values that pass each limit."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import system
from checks._kernel import vitals
from checks._kernel.proc_stat import CpuTimes, Memory
from checks._kernel.vitals import Vitals, kills_since, parse_pressure, recalled
from checks.system import Params, run
from supervisor.api import Condition, Context, Limit, Measurement, Observation, Report
from tests.support.check_context import context
from tests.support.processes import make_zombie

CALM = Vitals(
    boot="b",
    uptime=86400.0 * 3,
    load=(0.1, 0.1, 0.1),
    cpu_percent=5.0,
    ticks=CpuTimes(5, 95, 0, 0),
    memory=Memory(1000, 800, 100, 100),
    pressure={"cpu": 0.0, "memory": 0.0, "io": 0.0},
    open_files=100,
    most_open_files=1000,
    processes=50,
    zombies=0,
    oom_kills=0,
)
LIMITS: Mapping[str, Any] = {
    "max_load_per_core": 2,
    "max_cpu_percent": 90,
    "min_memory_percent": 10,
    "max_swap_percent": 50,
    "max_cpu_pressure": 20,
    "max_memory_pressure": 10,
    "max_io_pressure": 30,
    "max_open_files_percent": 80,
    "max_processes": 500,
    "max_zombies": 10,
    "min_uptime": 600.0,
}
WRONG = [
    ("Load", "", {"load": (0.0, 1000.0, 0.0)}),
    ("CPU usage", "", {"cpu_percent": 91.0}),
    ("Memory", "", {"memory": Memory(1000, 99, 100, 100)}),
    ("Swap usage", "", {"memory": Memory(1000, 800, 100, 40)}),
    ("Pressure", "cpu", {"pressure": {"cpu": 20.1}}),
    ("Pressure", "memory", {"pressure": {"memory": 10.1}}),
    ("Pressure", "io", {"pressure": {"io": 30.1}}),
    ("Open files", "", {"open_files": 801}),
    ("Processes", "", {"processes": 501}),
    ("Zombies", "", {"zombies": 11}),
    ("Host started", "", {"uptime": 599.0}),
]


async def look(given: Context | None = None, **limits: Any) -> list[Observation]:
    return list(await run(given or context(), Params(**as_limits(limits))))


def as_limits(numbers: Mapping[str, Any]) -> dict[str, Any]:
    """Return the parameters in which each number is a limit."""
    return {
        name: Limit.of(number) if type(number) in (int, float) else number
        for name, number in numbers.items()
    }


def conditions(seen: list[Observation]) -> list[str]:
    return [item.alertname for item in seen if isinstance(item, Condition)]


def measured(seen: list[Observation]) -> dict[str, float]:
    return {item.name: item.value for item in seen if isinstance(item, Measurement)}


async def test_a_host_is_measured_without_any_limit() -> None:
    seen = await look()
    found = measured(seen)

    assert conditions(seen) == []
    assert 0 < found["memory_available_bytes"] <= found["memory_total_bytes"]
    assert found["processes"] > 1
    assert found["uptime_seconds"] > 1


@pytest.mark.parametrize(("alertname", "instance", "change"), WRONG)
async def test_each_limit_raises_its_own_condition(
    monkeypatch: pytest.MonkeyPatch, alertname: str, instance: str, change: dict[str, Any]
) -> None:
    found = [CALM, evolve(CALM, **change)]
    monkeypatch.setattr(system, "read", lambda _before: found.pop(0))
    calm = await look(**LIMITS)
    seen = [item for item in await look(**LIMITS) if isinstance(item, Condition)]

    assert conditions(calm) == []
    assert [(item.alertname, item.instance, item.event_type) for item in seen] == [
        (alertname, instance, "W")
    ]
    assert "(limit " in seen[0].message


async def test_a_table_of_limits_has_two_types_and_a_band(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = Limit((("W", 10.0), ("E", 3.0)), clear=12.0)
    load = Limit((("W", 0.5), ("E", 1.0)))
    found = []
    for available in (121, 120, 99, 29):
        host = evolve(CALM, memory=Memory(1000, available, 100, 100))
        monkeypatch.setattr(system, "read", lambda _before, host=host: host)
        seen = await look(min_memory_percent=memory, max_load_per_core=load)
        found.append(
            [(each.event_type, each.sustain) for each in seen if isinstance(each, Condition)]
        )
    (condition,) = [each for each in seen if isinstance(each, Condition)]
    limits = {each.name: each.limits for each in seen if isinstance(each, Measurement)}

    assert found == [[], [("W", True)], [("W", False)], [("E", False)]]
    assert condition.message.endswith(" (limit W 10, E 3, clear 12)")
    assert limits["memory_available_bytes"] == (100.0, 30.0)


def test_a_minimum_in_the_wrong_order_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^E \(20\) is above W \(10\), so W never fires; "):
        Params(min_memory_percent=Limit((("W", 10.0), ("E", 20.0))))
    with pytest.raises(ValueError, match="101 is not a percentage"):
        Params(max_cpu_percent=Limit((("W", 10.0), ("E", 101))))


def test_busy_processors_are_seen_and_calm_again() -> None:
    given = context()
    trio.run(look, given)
    spin = [sys.executable, "-c", "while True: pass"]
    busy = [subprocess.Popen(spin) for _ in range(4)]
    try:
        trio.run(trio.sleep, 0.5)  # what is measured is real time
        seen = trio.run(lambda: look(evolve(given, state=dict(given.state)), max_cpu_percent=60))
    finally:
        for process in busy:
            process.kill()
            process.wait()

    assert conditions(seen) == ["CPU usage"]


def test_a_real_zombie_is_counted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(vitals, "PROC", tmp_path)
    with subprocess.Popen(["sleep", "600"]) as process:
        (tmp_path / f"{process.pid}").symlink_to(f"/proc/{process.pid}")
        alive = vitals._count_processes()
        make_zombie(process.pid)
        dead = vitals._count_processes()

    assert (alive, dead) == ((1, 0), (1, 1))


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ({}, 0),
        ({"boot": "b", "oom_kills": 3}, 2),
        ({"boot": "b", "oom_kills": 5}, 0),
        ({"boot": "another", "oom_kills": 9}, 5),
        ({"boot": "b", "oom_kills": "x"}, 0),
    ],
)
def test_kills_for_lack_of_memory_are_counted_once(state: dict[str, Any], expected: int) -> None:
    assert kills_since(state, evolve(CALM, oom_kills=5)) == expected


async def test_a_kill_for_lack_of_memory_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [CALM, evolve(CALM, oom_kills=2), evolve(CALM, oom_kills=2)]
    monkeypatch.setattr(system, "read", lambda _before: found.pop(0))
    given = context()
    seen = [[item for item in await look(given) if isinstance(item, Report)] for _ in range(3)]

    assert [len(each) for each in seen] == [0, 1, 0]
    assert "2 times since the last run" in seen[1][0].message


@pytest.mark.parametrize("cpu", [None, 5, [1, 2], [1, 2, 3, "x"]])
def test_a_malformed_state_is_ignored(cpu: object) -> None:
    assert recalled({"boot": "b", "cpu": cpu}, "b") is None


def test_times_of_another_boot_do_not_count() -> None:
    state = {"boot": "b", "cpu": [1, 2, 3, 4]}

    assert recalled(state, "b") is not None
    assert recalled(state, "c") is None


@given(st.binary(max_size=100))
def test_any_pressure_file_is_read_or_passed_over(text: bytes) -> None:
    found = parse_pressure(text)

    assert found is None or found >= 0


def test_the_pressure_is_the_average_of_one_minute_for_some_tasks() -> None:
    text = (
        b"some avg10=1.00 avg60=2.50 avg300=3.00 total=4\nfull avg10=0 avg60=9.9 avg300=0 total=0"
    )

    assert parse_pressure(text) == 2.5


@pytest.mark.parametrize("name", ["max_cpu_percent", "min_memory_percent", "max_io_pressure"])
def test_more_than_100_percent_is_refused(name: str) -> None:
    limits: dict[str, Any] = {name: 101}
    with pytest.raises(ValueError, match="101 is not a percentage; write a number from 0 to 100"):
        Params(**as_limits(limits))


def test_a_limit_below_zero_is_refused() -> None:
    with pytest.raises(ValueError, match="-1 is less than 0; write 0 or more"):
        Params(max_zombies=Limit.of(-1))


async def test_a_limit_on_a_value_that_the_host_does_not_tell_is_said(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("stat", "meminfo", "uptime", "sys/kernel/random/boot_id"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes((Path("/proc") / name).read_bytes())
    (tmp_path / "pressure").mkdir()
    (tmp_path / "pressure" / "io").write_text("")
    monkeypatch.setattr(vitals, "PROC", tmp_path)
    seen = await look(max_io_pressure=40, max_memory_pressure=40, max_open_files_percent=80)
    said = {item.instance: item.message for item in seen if isinstance(item, Condition)}

    assert set(conditions(seen)) == {"Value unreadable"}
    assert said == {
        "max_io_pressure": "cannot judge max_io_pressure: cannot read /proc/pressure/io: "
        "it does not say so",
        "max_memory_pressure": "cannot judge max_memory_pressure: "
        "cannot read /proc/pressure/memory: No such file or directory",
        "max_open_files_percent": "cannot judge max_open_files_percent: "
        "cannot read /proc/sys/fs/file-nr: No such file or directory",
    }
    assert measured(seen)["load"] >= 0
    assert not measured(seen).keys() & {"open_files", "oom_kills", "pressure_percent"}


async def test_what_is_only_measured_does_not_fail_the_check(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    host = evolve(CALM, open_files=None, oom_kills=None, pressure={}, unreadable={"vmstat": "x"})
    monkeypatch.setattr(system, "read", lambda _before: host)

    assert conditions(await look()) == []


def test_processes_of_containers_are_not_counted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    statuses = {
        "1": "State:\tS (sleeping)\nNSpid:\t1\n",
        "2": "State:\tZ (zombie)\nNSpid:\t2\n",
        "3": "State:\tS (sleeping)\nNSpid:\t3\t1\n",
        "4": "State:\tZ (zombie)\nNSpid:\t4\t2\n",
        "5": "State:\tR (running)\n",
    }
    for pid, status in statuses.items():
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "status").write_text(status)
    (tmp_path / "6").mkdir()  # it has just ended
    monkeypatch.setattr(vitals, "PROC", tmp_path)

    assert vitals._count_processes() == (3, 1)

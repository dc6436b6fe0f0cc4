"""What units use: figures of a systemctl of the test, and a real control group's cache."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from attrs import evolve

from checks import systemd_unit
from checks._processes import processor_time
from checks._processes.processor_time import Moment
from checks._units import usage
from checks.systemd_unit import ROOT_SLICE, Params, WatchedUnit
from supervisor.api import Condition, Json, Limit, Measurement, Observation, Size
from tests.support.check_context import context

MIB = 1 << 20
GROUP = "/system.slice/a.service"


@pytest.fixture
def systemctl(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a directory: its systemctl prints `answer` and writes what it was asked to `asked`."""
    script = f'#!/bin/sh\nprintf "%s\\n" "$@" >{tmp_path}/asked\ncat {tmp_path}/answer\n'
    (tmp_path / "systemctl").write_text(script)
    (tmp_path / "systemctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    monkeypatch.setattr(usage, "GROUPS", tmp_path / "cgroup")
    return tmp_path


def answer(systemctl: Path, **properties: object) -> None:
    given = {"Id": "a.service", "LoadState": "loaded", "ActiveState": "active"}
    given |= {"SubState": "running", "ControlGroup": GROUP, "InvocationID": "1"}
    text = "".join(f"{key}={value}\n" for key, value in {**given, **properties}.items())
    (systemctl / "answer").write_text(f"Id={ROOT_SLICE}\nActiveState=active\n\n{text}")


async def look(
    systemctl: Path,
    unit: WatchedUnit,
    state: dict[str, Json] | None = None,
    /,
    **properties: object,
) -> list[Observation]:
    answer(systemctl, **properties)
    remembering = evolve(context(), state={} if state is None else state)
    return list(await systemd_unit.run(remembering, Params((unit,), failed=False)))


def told(seen: list[Observation]) -> list[tuple[str, str, str, str]]:
    return [
        (item.alertname, item.event_type, item.instance, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


def figures(seen: list[Observation]) -> dict[str, float]:
    return {item.name: item.value for item in seen if isinstance(item, Measurement)}


MEMORY = WatchedUnit("a", max_memory=Limit((("W", Size(100 * MIB)), ("E", Size(200 * MIB)))))
TASKS = WatchedUnit("a", max_tasks=Limit.of(10))
PROCESSOR = WatchedUnit("a", max_cpu_percent=Limit.of(50.0))


async def test_a_unit_that_holds_too_much_memory_is_told_of(systemctl: Path) -> None:
    enough = await look(systemctl, MEMORY, MemoryCurrent=100 * MIB)
    warned = await look(systemctl, MEMORY, MemoryCurrent=101 * MIB)
    failed = await look(systemctl, MEMORY, MemoryCurrent=300 * MIB)

    assert told(enough) == []
    assert figures(enough) == {"unit_memory_bytes": 100 * MIB}
    message = "a.service holds 101.0 MiB of memory (limit W 100.0 MiB, E 200.0 MiB)"
    assert told(warned) == [("Unit memory", "W", "a.service", message)]
    assert [each[:2] for each in told(failed)] == [("Unit memory", "E")]


@pytest.mark.parametrize(
    ("directory", "name"), [("", "inactive_file"), ("memory", "total_inactive_file")]
)
async def test_files_in_its_memory_do_not_count(systemctl: Path, directory: str, name: str) -> None:
    group = systemctl / "cgroup" / directory / GROUP.lstrip("/")
    group.mkdir(parents=True)
    (group / "memory.stat").write_text(f"anon 5\n{name} {80 * MIB}\nactive_file 7\n")
    seen = await look(systemctl, MEMORY, MemoryCurrent=150 * MIB)
    more = await look(systemctl, MEMORY, MemoryCurrent=190 * MIB)

    assert told(seen) == []
    assert figures(seen) == {"unit_memory_bytes": 70 * MIB}
    assert told(more)[0][3].startswith(
        "a.service holds 110.0 MiB of memory, beside 80.0 MiB of files (limit"
    )


async def test_a_unit_with_too_many_tasks_is_told_of(systemctl: Path) -> None:
    seen = await look(systemctl, TASKS, TasksCurrent=11)

    assert told(await look(systemctl, TASKS, TasksCurrent=10)) == []
    message = "a.service has 11 tasks, more than 10"
    assert told(seen) == [("Unit tasks", "W", "a.service", message)]
    assert figures(seen) == {"unit_tasks": 11}


async def test_a_unit_that_uses_the_processor_is_told_of_from_the_second_run(
    systemctl: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    state: dict[str, Json] = {}

    async def after(seconds: float, used: object, invocation: str = "1") -> list[Observation]:
        monkeypatch.setattr(processor_time, "now", lambda: Moment("boot", 100 + seconds))
        more = {"CPUUsageNSec": used, "InvocationID": invocation}
        return await look(systemctl, PROCESSOR, state, **more)

    first = await after(0, 10**10)
    second = await after(10, 16 * 10**9)
    started_again = await after(20, 4 * 10**9, "2")
    unknown = await after(30, "[not set]", "2")

    assert (told(first), figures(first)) == ([], {})
    message = "a.service used 60 % of a processor since the last run, more than 50 %"
    assert told(second) == [("Unit CPU usage", "W", "a.service", message)]
    assert (told(started_again), figures(started_again)) == ([], {"unit_cpu_percent": 40.0})
    assert figures(unknown) == {}
    assert len(json.dumps(state)) < 300


@pytest.mark.parametrize("figure", ["[not set]", 2**64 - 1, ""])
async def test_what_systemd_does_not_know_is_unreadable(systemctl: Path, figure: object) -> None:
    unit = WatchedUnit(
        "a",
        max_memory=Limit.of(Size(1)),
        max_cpu_percent=Limit.of(1.0),
        max_tasks=Limit.of(1),
    )
    lacking = {"MemoryCurrent": figure, "CPUUsageNSec": figure, "TasksCurrent": figure}
    seen = await look(systemctl, unit, **lacking)
    examined = await systemd_unit.examine(Params((WatchedUnit(ROOT_SLICE), unit)))

    message = (
        "cannot judge max_memory, max_cpu_percent, max_tasks of a.service: systemd does not know; "
        "it needs MemoryAccounting=yes CPUAccounting=yes TasksAccounting=yes"
    )
    assert told(seen) == [("Value unreadable", "E", "a.service", message)]
    assert [each.partition(": ")[0] for each in examined or ()] == [
        "units[1].max_memory",
        "units[1].max_cpu_percent",
        "units[1].max_tasks",
    ]


async def test_a_unit_without_processes_has_no_figures(systemctl: Path) -> None:
    exited = {"SubState": "exited", "ControlGroup": "", "MemoryCurrent": "[not set]"}
    seen = await look(systemctl, MEMORY, **exited)
    examined = await systemd_unit.examine(Params((MEMORY,)))

    assert (told(seen), figures(seen)) == ([], {})
    assert examined == []


async def test_figures_that_no_limit_needs_are_not_asked_for(systemctl: Path) -> None:
    state: dict[str, Json] = {"processor": {"boot": "x"}}
    await look(systemctl, WatchedUnit("a"), state)
    without = (systemctl / "asked").read_text()
    examined = await systemd_unit.examine(Params((WatchedUnit("a"),)))
    await look(systemctl, TASKS)

    assert "ControlGroup" not in without
    assert "TasksCurrent" in (systemctl / "asked").read_text()
    assert "processor" not in state
    assert examined is None


@pytest.mark.parametrize("state", [None, [], "x", {"boot": 1}, {"used": {"a.service": 3}}])
async def test_an_absurd_state_is_begun_again(systemctl: Path, state: Json) -> None:
    kept: dict[str, Json] = {"processor": state}
    seen = await look(systemctl, PROCESSOR, kept, CPUUsageNSec=10**12)

    assert told(seen) == []
    assert processor_time.recall(kept["processor"]) is not None


@pytest.mark.parametrize("name", ["a.timer", "a.target", "a.path", "a.device", "a.automount"])
def test_a_unit_of_a_kind_without_processes_is_refused(name: str) -> None:
    kind = name.partition(".")[2]
    given: list[dict[str, Any]] = [
        {"max_memory": Limit.of(Size(1))},
        {"max_cpu_percent": Limit.of(1.0)},
        {"max_tasks": Limit.of(1)},
    ]
    for limit in given:
        with pytest.raises(ValueError, match=f"a {kind} has no processes of its own"):
            WatchedUnit(name, **limit)
        WatchedUnit("a.slice", **limit)


@contextlib.contextmanager
def real_group() -> Iterator[tuple[Path, Path]]:
    """Yield the root of the memory's control groups, and a new one. Skip where there is none."""
    name = f"supervisor-test-{os.getpid()}"
    for root in (Path("/sys/fs/cgroup/memory"), Path("/sys/fs/cgroup")):
        group = root / name
        try:
            group.mkdir()
        except OSError:
            continue
        if (group / "memory.stat").exists():
            break
        group.rmdir()
    else:
        pytest.skip("no control group with memory can be made here")
    try:
        yield root, group
    finally:
        group.rmdir()


def test_the_cache_of_a_real_control_group_is_read(tmp_path: Path) -> None:
    with real_group() as (_, group):
        large = tmp_path / "large"
        script = (
            f"echo $$ >{group}/cgroup.procs; head -c {16 * MIB} /dev/zero >{large}; "
            f"sync {large}; echo $$ >{group.parent}/cgroup.procs"
        )
        assert os.waitstatus_to_exitcode(os.system(script)) == 0  # noqa: S605  # our own words
        cache = usage.file_cache(f"/{group.name}")
        large.unlink()

    assert cache > 8 * MIB

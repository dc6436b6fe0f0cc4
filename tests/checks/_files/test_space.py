"""Limits for free space and for its growth, on a real filesystem that fills."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import disk
from checks._files.filesystems import DiskFilesystem, DiskParams
from checks._files.space import about
from supervisor.api import Condition, Context, Duration, Json, Limit, Observation, Size
from tests.support.check_context import context
from tests.support.mounts import conditions, needs_root, seen, tmpfs

pytestmark = pytest.mark.may_block("the tests mount")

MIB = 2**20
DAY = Limit((("W", Duration(86400)), ("E", Duration(4 * 3600))), clear=Duration(36 * 3600))


def at(seconds: float, state: dict[str, Json]) -> Context:
    return evolve(context(), clock=lambda: 1_800_000_000 + seconds, state=state)


def about_space(point: Path, **limits: Limit[Size] | Limit[Duration]) -> DiskParams:
    filesystem = DiskFilesystem(str(point), Limit.of(100), **limits)  # type: ignore[arg-type]  # one of each
    return DiskParams((filesystem,))


def use(point: Path, size: int) -> None:
    (point / "file").write_bytes(bytes(size))


@needs_root
async def test_little_free_space_fires_by_the_limits_of_its_size(tmp_path: Path) -> None:
    limit = Limit((("W", Size(5 * MIB)), ("E", Size(2 * MIB))), clear=Size(6 * MIB))
    found = []
    observed: list[Observation] = []
    with tmpfs(tmp_path / "small", "size=10m") as point:
        for used in (3, 5, 6, 9, 4.5, 4):
            use(point, int(used * MIB))
            params = about_space(point, min_free=limit)
            observed = list(await disk.run(context(), params))
            found.append([(each.event_type, each.sustain) for each in conditions(observed)])
        use(point, 9 * MIB)
        (condition,) = conditions(await disk.run(context(), params))

    warns, goes_on = [("W", False)], [("W", True)]
    assert found == [[], goes_on, warns, [("E", False)], goes_on, goes_on]
    message = f"{point} has 1.0 MiB free (limit W 5.0 MiB, E 2.0 MiB, clear 6.0 MiB), device tmpfs"
    assert condition == Condition("Disk free", "E", str(point), message)


@needs_root
async def test_a_filesystem_that_will_be_full_soon_fires_until_it_grows_no_more(
    tmp_path: Path,
) -> None:
    state: dict[str, Json] = {}
    found = []
    with tmpfs(tmp_path / "small", "size=10m") as point:
        params = about_space(point, full_within=DAY)
        for minute in range(0, 130, 10):
            use(point, int(min(minute, 50) / 100 * MIB))  # 0.1 MiB each 10 min, for 50 min
            observed = conditions(await disk.run(at(minute * 60, state), params))
            found.append([(each.alertname, each.event_type) for each in observed])
            if minute == 50:
                (condition,) = observed
        kept = str(state)
        await disk.run(at(8000, state), about_space(point))

    soon = [("Disk full soon", "W")]
    assert found[:6] == [[], [], [], soon, soon, soon]
    assert found[11:] == [[], []]
    assert len(kept) < 400
    assert "growth" not in state
    assert condition.message == (
        f"{point} is full in about 16 h if it grows as in the last hour "
        "(limit W 1 d, E 4 h, clear 1 d 12 h), 9.5 MiB free, device tmpfs"
    )


@needs_root
async def test_a_limit_of_100_does_not_switch_off_the_other_limits(tmp_path: Path) -> None:
    missing = tmp_path / "missing"
    params = about_space(missing, min_free=Limit.of(Size(1)))

    assert seen(await disk.run(context(), params)) == [
        ("Filesystem not mounted", "E", str(missing))
    ]


@pytest.mark.parametrize("state", [{"growth": 5}, {"growth": {"x": 1}}, {"writable": 3}])
async def test_a_state_of_another_form_counts_as_none(state: dict[str, Json]) -> None:
    filesystem = DiskFilesystem("/", Limit.of(100), full_within=DAY)

    assert seen(await disk.run(at(0, state), DiskParams((filesystem,)))) == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "1 min"), (400, "7 min"), (1500, "20 min"), (9000, "2 h"), (200_000, "2 d")],
)
def test_a_time_is_told_in_few_steps(seconds: float, text: str) -> None:
    assert about(seconds) == text


@given(st.floats(0, 1e12))
def test_a_told_time_is_near_to_the_true_one(seconds: float) -> None:
    assert about(seconds)

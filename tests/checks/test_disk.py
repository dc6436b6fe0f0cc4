"""The `disk` check on real filesystems: full, and not mounted."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._common import sizes
from checks._files.filesystems import DiskFilesystem as Filesystem
from checks._files.filesystems import DiskParams as Params
from checks._files.mounts import Mount
from checks._files.usage import space, use_percent
from supervisor.alerts import sanitize
from supervisor.api import Condition, Limit, Measurement
from tests.checks.disk_bench import look
from tests.support.mounts import (
    conditions,
    ext4,
    measured,
    needs_root,
    seen,
    shown_by_df,
    source_of,
    tmpfs,
    watching,
)

pytestmark = pytest.mark.may_block("the tests mount, and ask df")

PAGE = 4096


def fill(file: Path) -> None:
    """Write until nothing more fits."""
    with file.open("wb", buffering=0) as opened, pytest.raises(OSError, match="No space left"):  # noqa: PT012  # the last of many fails
        while True:
            opened.write(bytes(PAGE))


@needs_root
async def test_a_filesystem_fires_above_its_limit_and_not_at_it(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", f"size={100 * PAGE}") as point:
        (point / "file").write_bytes(bytes(90 * PAGE))
        assert seen(await look(watching(point))) == []

        (point / "file").write_bytes(bytes(90 * PAGE + 1))
        (condition,) = conditions(await look(watching(point)))

        (point / "file").unlink()
        assert seen(await look(watching(point))) == []

    message = f"{point} is 91 % full (limit 90 %), 36.0 KiB free, device tmpfs"
    assert condition == Condition("Disk usage", "W", str(point), message)


@needs_root
async def test_a_table_of_limits_has_two_types_and_a_band(tmp_path: Path) -> None:
    limit = Limit((("W", 80), ("E", 95)), clear=75)
    found = []
    with tmpfs(tmp_path / "small", f"size={100 * PAGE}") as point:
        for pages in (74, 75, 80, 81, 90, 96):
            (point / "file").write_bytes(bytes(pages * PAGE))
            observed = await look(watching(point, limit=limit))
            found.append(
                [(each.event_type, each.sustain, each.keeps) for each in conditions(observed)]
            )
        (condition,) = conditions(observed)
        (percent,) = [
            item
            for item in observed
            if isinstance(item, Measurement) and item.name == "disk_use_percent"
        ]

    assert found == [
        [],
        [("W", True, ())],
        [("W", True, ())],
        [("W", False, ())],
        [("W", False, ("E",))],
        [("E", False, ())],
    ]
    assert condition.instance == str(point)
    assert condition.message == (
        f"{point} is 96 % full (limit W 80 %, E 95 %, clear 75 %), 16.0 KiB free, device tmpfs"
    )
    assert percent.limits == (80, 95)


@needs_root
async def test_blocks_reserved_for_root_count_as_in_df(tmp_path: Path) -> None:
    with ext4(tmp_path) as point:
        for megabytes in range(6):
            (point / str(megabytes)).write_bytes(bytes(1024 * 1024))
            os.sync()
            shown = shown_by_df("pcent", point)
            assert measured(await look(watching(point)), "disk_use_percent") == shown
        fill(point / "rest")
        full = await look(watching(source_of(point)))
        for file in point.glob("[0-9r]*"):
            file.unlink()
        os.sync()
        emptied = await look(watching(source_of(point)))

    assert measured(full, "disk_use_percent") == {str(point): 100}
    assert measured(full, "disk_free_bytes") == {str(point): 0}
    assert seen(full) == [("Disk usage", "W", str(point))]
    assert seen(emptied) == []


@needs_root
async def test_a_filesystem_that_another_one_hides_counts_as_not_mounted(tmp_path: Path) -> None:
    with ext4(tmp_path) as point:
        device = source_of(point)
        with tmpfs(point, f"size={100 * PAGE}"):
            (hidden,) = conditions(await look(watching(device)))
            on_top = measured(await look(watching(point)), "disk_free_bytes")
        assert seen(await look(watching(device))) == []

    message = f"{device} is not mounted"
    assert hidden == Condition("Filesystem not mounted", "E", device, message)
    assert on_top == {str(point): 100 * PAGE}


@needs_root
async def test_a_filesystem_that_is_not_mounted_fires_until_it_is_mounted(tmp_path: Path) -> None:
    point = tmp_path / "small"
    before = seen(await look(watching(point)))
    with tmpfs(point, "size=400k"):
        mounted_again = seen(await look(watching(point)))

    assert before == [("Filesystem not mounted", "E", str(point))]
    assert mounted_again == []


@needs_root
async def test_the_name_of_a_mount_point_is_shown_safely(tmp_path: Path) -> None:
    name = os.fsdecode(b"\xff\n<b>\x1b[m")
    with tmpfs(tmp_path / name, "size=400k") as point:
        fill(point / "file")
        (condition,) = conditions(await look(watching(point)))
    cleaned = sanitize.clean_observation(condition)

    assert condition.instance == str(point)
    expected = rf"{tmp_path}/\xff\n<b>\x1b[m is 100 % full (limit 90 %), 0 B free, device tmpfs"
    assert condition.message == expected
    assert isinstance(cleaned, Condition)
    assert cleaned.message == expected


@needs_root
async def test_a_limit_of_100_raises_nothing_at_all(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "size=400k") as point:
        fill(point / "file")
        full = await look(watching(point, limit=100))
    gone = await look(watching(point, limit=100))

    assert seen(full) == seen(gone) == []
    assert measured(full, "disk_use_percent") == {str(point): 100}


async def test_a_limit_of_0_fires_for_anything_used() -> None:
    assert seen(await look(watching("/", limit=0))) == [("Disk usage", "W", "/")]


async def test_a_filesystem_without_a_size_is_left_out() -> None:
    assert await look(watching("/proc", "proc", limit=0)) == []


async def test_backup_and_event_type_are_those_of_the_filesystem() -> None:
    filesystem = Filesystem("/", Limit.of(0), backup=True, event_type="S")
    (condition,) = conditions(await look(Params((filesystem,))))
    (missing,) = conditions(await look(Params((Filesystem("/missing", Limit.of(1), backup=True),))))

    assert (condition.event_type, condition.labels) == ("S", {"backup": "true"})
    assert (missing.event_type, missing.labels) == ("E", {"backup": "true"})


def test_free_space_is_counted_in_fragments_as_df_does() -> None:
    answer = os.statvfs_result((1024 * 1024, 512, 100, 60, 50, 0, 0, 0, 0, 255))
    mount = Mount(1, 0, "8:1", "/", "/srv", "nfs4", "server:/export")
    usage = space(mount, answer)

    assert usage is not None
    assert (usage.percent, usage.left) == (45, "25.0 KiB free")


@given(st.integers(-5, 2**70), st.integers(-5, 2**70))
def test_a_percentage_is_rounded_up_and_within_bounds(used: int, available: int) -> None:
    percent = use_percent(used, available)
    used, available = max(used, 0), max(available, 0)

    if percent is None:
        assert used + available == 0
    else:
        assert 0 <= percent <= 100
        assert (percent - 1) * (used + available) < 100 * used <= percent * (used + available)


@pytest.mark.parametrize(
    ("count", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (1024, "1.0 KiB"),
        (1024 * 1024 - 1, "1.0 MiB"),
        (int(12.34 * 1024**3), "12.3 GiB"),
        (2**80, "1048576.0 EiB"),
    ],
)
def test_sizes_are_written_for_people(count: int, text: str) -> None:
    assert sizes.size(count) == text

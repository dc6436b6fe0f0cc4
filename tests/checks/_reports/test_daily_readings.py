"""What the daily report reads of this host."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import trio

from checks._devices import interfaces, md_arrays
from checks._files import mounts
from checks._reports import daily_readings
from tests.support.mounts import needs_root, tmpfs
from tests.support.sysfs_tree import lay

DATA = Path(__file__).parent.parent / "_devices" / "data"
"""Recorded trees of sysfs."""

OTHERS = 50
"""More processes than are busy on any machine that runs these tests."""


def test_a_busy_and_a_large_process_are_among_the_first() -> None:
    script = "hoard = b'x' * (300 << 20)\nprint(flush=True)\nwhile True: pass"
    argv = [sys.executable, "-c", script, "--password=hunter2", "<b>greedy</b>"]
    with subprocess.Popen(argv, stdout=subprocess.PIPE) as greedy:
        assert greedy.stdout is not None
        greedy.stdout.readline()
        try:
            readings = trio.run(daily_readings.read, OTHERS, 30.0)
        finally:
            greedy.kill()

    assert greedy.pid in [each.consumer.process.pid for each in readings.by_cpu]
    (large,) = [each for each in readings.by_memory if each.consumer.process.pid == greedy.pid]
    assert large.consumer.process.resident >= 300 << 20
    assert "***" in large.title
    assert "hunter2" not in large.title


@needs_root
@pytest.mark.may_block("it mounts")
async def test_memory_filesystems_are_left_out(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "memory", "size=1m") as point:
        readings = await daily_readings.read(0, 5.0)

    mounted = [each.mount_point for each in readings.filesystems]
    assert "/" in mounted
    assert str(point) not in mounted


async def test_a_mount_table_that_cannot_be_read_leaves_the_rest_of_the_report(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(mounts, "MOUNTINFO", tmp_path / "missing")
    readings = await daily_readings.read(0, 5.0)
    (found,) = readings.filesystems

    assert found.space is None
    assert "No such file or directory" in found.trouble
    assert readings.uptime > 0


async def test_bonds_and_arrays_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(interfaces, "NET", lay(DATA / "interfaces/bond-one-pulled.tree", tmp_path))
    monkeypatch.setattr(md_arrays, "BLOCK", lay(DATA / "arrays/raid1-failed.tree", tmp_path))
    readings = await daily_readings.read(0, 30.0)

    assert [(each.name, len(each.lost_members)) for each in readings.bonds] == [("bond1", 1)]
    assert [(each.name, each.failed) for each in readings.arrays] == [("md0", ("loop1",))]


async def test_a_bond_that_is_set_down_is_left_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interfaces, "NET", lay(DATA / "interfaces/bond-one-pulled.tree", tmp_path))
    (tmp_path / "bond1/flags").write_text("0x1402\n")

    assert (await daily_readings.read(0, 30.0)).bonds == ()


async def test_a_host_that_does_not_show_its_devices_is_reported_without_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(interfaces, "NET", tmp_path / "missing")
    readings = await daily_readings.read(0, 30.0)

    assert (readings.bonds, readings.arrays) == ((), ())

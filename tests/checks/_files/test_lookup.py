"""Names that are not in the mount table: links, and filesystems that autofs mounts on a look."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from checks import disk
from supervisor.api import Condition, Observation
from tests.support.check_context import context
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import (
    automounted,
    command,
    conditions,
    measured,
    mount_points,
    needs_root,
    seen,
    stop,
    tmpfs,
    watching,
)

pytestmark = pytest.mark.may_block("the tests mount, and start an automounter")


async def look(*names: str | Path, seconds: float = 5.0) -> list[Observation]:
    return list(await disk.run(context(), watching(*names, timeout=seconds)))


@needs_root
async def test_a_link_to_a_mount_point_is_that_mount_point(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "real", "size=64k") as point:
        (tmp_path / "link").symlink_to(point)
        (tmp_path / "further").symlink_to("link")
        observed = await look(tmp_path / "further")

    assert seen(observed) == []
    assert measured(observed, "disk_use_percent") == {str(point): 0}


async def test_a_link_to_something_else_is_not_mounted(tmp_path: Path) -> None:
    (tmp_path / "dangling").symlink_to(tmp_path / "missing")
    (tmp_path / "loop").symlink_to("loop")
    (tmp_path / "directory").symlink_to(tmp_path)
    (tmp_path / "file").write_text("")
    names = [tmp_path / name for name in ("dangling", "loop", "directory", "file/x", "missing")]

    assert seen(await look(*names)) == [
        ("Filesystem not mounted", "E", str(name)) for name in names
    ]


@needs_root
async def test_a_filesystem_that_autofs_mounts_on_a_look_is_judged(tmp_path: Path) -> None:
    with automounted(tmp_path) as (_, point):
        idle = str(point) not in mount_points()
        observed = await look(point)
        again = await look(point)
        command("umount", point)
        left = point.exists() and str(point) not in mount_points()
        expired = await look(point)
        absent = await look(point.with_name("other"))

    assert idle
    assert left
    assert (seen(observed), seen(again), seen(expired)) == ([], [], [])
    assert [*measured(observed, "disk_use_percent")] == [str(point)]
    assert seen(absent) == [("Filesystem not mounted", "E", str(point.with_name("other")))]


@needs_root
async def test_an_automounter_that_hangs_does_not_delay_the_others(tmp_path: Path) -> None:
    with automounted(tmp_path) as (process, point), tmpfs(tmp_path / "fine", "size=64k") as fine:
        stop(process)
        observed = await look(point, fine, seconds=0.3)
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()

    message = f"{point} does not respond: no answer within 0.3 s"
    assert conditions(observed) == [
        Condition("Filesystem not responding", "E", str(point), message)
    ]
    assert [*measured(observed, "disk_use_percent")] == [str(fine)]

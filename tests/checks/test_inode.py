"""The `inode` check on real filesystems that run out of inodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from checks import inode
from checks._files import usage
from checks._files.filesystems import DiskParams, Params
from supervisor.api import Condition, Observation
from tests.support.check_context import context
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


async def look(params: DiskParams) -> list[Observation]:
    own = Params(params.filesystems, params.probe_timeout)
    return list(await inode.run(context(), own))


def make_files(directory: Path) -> int:
    """Make empty files until all inodes are used, and return how many."""
    number = 0
    with pytest.raises(OSError, match="No space left"):  # noqa: PT012  # the last of many fails
        for number in range(10_000):
            (directory / f"{number}").touch()
    return number


@needs_root
async def test_a_filesystem_fires_above_its_limit_and_not_at_it(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "small", "size=1m,nr_inodes=100") as point:
        for number in range(89):  # the root directory is the ninetieth
            (point / f"{number}").touch()
        assert seen(await look(watching(point))) == []

        (point / "one more").touch()
        (condition,) = conditions(await look(watching(point)))

        (point / "one more").unlink()
        assert seen(await look(watching(point))) == []

    message = f"{point} has used 91 % of its inodes (limit 90 %), 9 free, device tmpfs"
    assert condition == Condition("Inode usage", "W", str(point), message)


@needs_root
async def test_a_device_runs_out_of_inodes_and_has_some_again(tmp_path: Path) -> None:
    with ext4(tmp_path) as point:
        device = source_of(point)
        before = await look(watching(device))
        shown_before = shown_by_df("ipcent", point)
        made = make_files(point)
        full = await look(watching(device))
        for number in range(made):
            (point / f"{number}").unlink()
        after = await look(watching(device))

    assert measured(before, "inode_use_percent") == shown_before
    assert measured(full, "inode_use_percent") == {str(point): 100}
    assert seen(full) == [("Inode usage", "W", str(point))]
    assert seen(before) == seen(after) == []


async def test_every_mount_of_this_machine_has_used_what_df_says() -> None:
    for _ in range(20):
        before = shown_by_df("ipcent")
        ours = measured(await look(watching(*before)), "inode_use_percent")
        if ours == before:  # else another program has just written
            break

    assert ours == before


async def test_a_filesystem_without_a_number_of_inodes_is_left_out() -> None:
    assert await look(watching("/proc", limit=0)) == []


async def test_a_filesystem_that_is_not_mounted_fires() -> None:
    assert seen(await look(watching("/missing"))) == [("Filesystem not mounted", "E", "/missing")]
    assert seen(await look(watching("/missing", limit=100))) == []


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0"), (9, "9"), (999, "999"), (1234, "1,230"), (12_345_678, "12,300,000")],
)
def test_numbers_are_rounded_for_people(count: int, text: str) -> None:
    assert usage.rounded(count) == text

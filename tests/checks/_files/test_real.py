"""The name "*": each filesystem that holds files of this host, but for the exceptions."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve

from checks import disk
from checks._files.filesystems import DiskFilesystem, DiskParams
from checks._files.mounts import Mount
from checks._files.real import is_excepted, real
from supervisor.api import Limit, Observation
from tests.support.check_context import context
from tests.support.mounts import ext4, measured, needs_root, seen, source_of, tmpfs

pytestmark = pytest.mark.may_block("the tests mount")

ROOT = Mount(1, 0, "8:1", "/", "/", "ext4", "/dev/sda1")
OTHERS = [
    evolve(ROOT, number=number, device=f"9:{number}", mount_point=point, kind=kind, source=source)
    for number, (point, kind, source) in enumerate(
        [
            ("/boot", "ext4", "/dev/sda2"),
            ("/home", "xfs", "/dev/mapper/vg-home"),
            ("/proc", "proc", "proc"),
            ("/run", "tmpfs", "tmpfs"),
            ("/snap/core/1", "squashfs", "/dev/loop0"),
            ("/srv/nfs", "nfs4", "server:/export"),
        ],
        2,
    )
]


def each(*exceptions: str, limit: int = 90) -> DiskFilesystem:
    return DiskFilesystem("*", Limit.of(limit), except_=exceptions)


async def look(*filesystems: DiskFilesystem) -> list[Observation]:
    return list(await disk.run(context(), DiskParams(filesystems)))


def test_what_holds_files_of_this_host_is_real() -> None:
    bound = evolve(ROOT, number=90, root="/srv", mount_point="/bound")

    assert [mount.mount_point for mount in real([ROOT, bound, *OTHERS])] == [
        "/",
        "/boot",
        "/home",
        "/srv/nfs",
    ]
    assert real([evolve(ROOT, kind="overlay")])


@pytest.mark.parametrize(
    ("name", "points"),
    [
        ("/boot", {"/boot"}),
        ("/boot/", {"/boot"}),
        ("/s*", {"/snap/core/1", "/srv/nfs"}),
        ("/snap/*", {"/snap/core/1"}),
        ("tmpfs", {"/run"}),
        ("nfs*", {"/srv/nfs"}),
        ("/dev/mapper/*", {"/home"}),
        ("/", {"/"}),
        ("/hom", set()),
        ("EXT4", set()),
    ],
)
def test_an_exception_names_points_devices_and_types(name: str, points: set[str]) -> None:
    assert {mount.mount_point for mount in [ROOT, *OTHERS] if is_excepted(mount, [name])} == points


@needs_root
async def test_a_filesystem_that_is_mounted_later_is_watched_too(tmp_path: Path) -> None:
    before = measured(await look(each()), "disk_use_percent")
    with ext4(tmp_path) as point, tmpfs(tmp_path / "memory", "size=64k"):
        found = await look(each(limit=0))
        by_point = await look(each(str(point), limit=0))
        by_pattern = await look(each(f"{tmp_path}*", limit=0))
        by_device = await look(each(source_of(point), limit=0))
        by_type = await look(each("ext4", limit=0))
    after = measured(await look(each()), "disk_use_percent")

    assert {*measured(found, "disk_use_percent")} == {*before, str(point)}
    assert ("Disk usage", "W", str(point)) in seen(found)
    for observed in (by_point, by_pattern, by_device, by_type):
        assert str(point) not in measured(observed, "disk_use_percent")
    assert {*after} == {*before}


@needs_root
async def test_an_entry_of_its_own_takes_a_filesystem_away_from_all(tmp_path: Path) -> None:
    with ext4(tmp_path) as point:
        (tmp_path / "link").symlink_to(point)
        for name in (str(point), source_of(point), str(tmp_path / "link")):
            own = DiskFilesystem(name, Limit.of(99))
            found = await look(each(limit=0), own)

            assert ("Disk usage", "W", str(point)) not in seen(found)
            assert str(point) in measured(found, "disk_use_percent")


async def test_all_that_stand_for_nothing_are_not_missed() -> None:
    assert seen(await look(each("*"))) == []


@pytest.mark.parametrize("names", [("",), ("/boot", " "), ("a\0",)])
def test_an_exception_without_a_name_is_refused(names: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="is not the name of a filesystem; "):
        each(*names)


def test_exceptions_of_one_filesystem_are_refused() -> None:
    with pytest.raises(ValueError, match=r'is only for filesystem = "\*"; remove it'):
        DiskFilesystem("/", Limit.of(90), except_=("/boot",))

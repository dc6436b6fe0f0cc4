"""Filesystems that became read-only, and those that are so on purpose."""

from __future__ import annotations

from pathlib import Path

import pytest
from attrs import evolve
from hypothesis import given
from hypothesis import strategies as st

from checks import disk
from checks._files import read_only
from checks._files.filesystems import DiskFilesystem, DiskParams
from checks._files.mounts import Mount, read_mounts
from checks._files.read_only import became_read_only, parse_fstab, read_fstab
from supervisor.api import Condition, Json, Limit
from tests.support.check_context import context
from tests.support.mounts import (
    command,
    conditions,
    ext4,
    mounted,
    needs_root,
    seen,
    source_of,
    tmpfs,
    watching,
)

pytestmark = pytest.mark.may_block("the tests mount")

DATA = Mount(
    number=1,
    parent=0,
    device="8:1",
    root="/",
    mount_point="/data",
    kind="ext4",
    source="/dev/sda1",
    options="rw",
    own_options="rw,relatime",
)
FSTAB = b"""# the root
/dev/sda1\t/data/  ext4 defaults,noatime 0 2
/dev/sda2 /mnt/a\\040b ext4 noauto,ro
/dev/sda3 none swap sw 0 0
broken line
"""


@pytest.fixture
def fstab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(read_only, "FSTAB", tmp_path / "fstab")
    return tmp_path / "fstab"


@pytest.mark.parametrize(
    ("options", "own_options", "kind", "expected"),
    [
        ("rw", "rw,relatime", "ext4", False),
        ("rw,errors=remount-ro", "rw", "ext4", False),
        ("rw,errors=remount-ro,emergency_ro", "ro", "ext4", True),
        ("rw,shutdown", "ro", "xfs", True),
        ("ro", "rw,relatime", "ext4", True),
        ("ro,errors=remount-ro", "ro", "ext4", True),
        ("ro", "ro,relatime", "ext4", False),
        ("ro", "rw", "squashfs", False),
        ("ro", "rw", "overlay", False),
        ("rw", "ro", "btrfs", False),
    ],
)
def test_the_options_of_a_mount_tell_whether_it_was_to_be_writable(
    fstab: Path, options: str, own_options: str, kind: str, expected: bool
) -> None:
    mount = evolve(DATA, options=options, own_options=own_options, kind=kind)

    assert became_read_only(mount) is expected


@pytest.mark.parametrize("own_options", ["rw", "ro"])
def test_fstab_tells_whether_it_was_to_be_writable(fstab: Path, own_options: str) -> None:
    mount = evolve(DATA, options="ro,errors=remount-ro", own_options=own_options)
    fstab.write_bytes(FSTAB)
    writable = became_read_only(mount)
    fstab.write_bytes(FSTAB.replace(b"defaults", b"ro"))

    assert (writable, became_read_only(mount)) == (True, False)


def test_fstab_is_read_by_mount_point(fstab: Path) -> None:
    absent = read_fstab()
    fstab.write_bytes(FSTAB)

    assert absent == {}
    assert read_fstab() == {
        "/data": {"defaults", "noatime"},
        "/mnt/a b": {"noauto", "ro"},
        "none": {"sw"},
    }


@pytest.mark.parametrize("kind", ["ext4", "nfs4", "zfs"])
def test_what_was_writable_was_to_be_so_unless_fstab_says_ro(fstab: Path, kind: str) -> None:
    mount = evolve(DATA, options="ro", own_options="ro", kind=kind)
    without = became_read_only(mount, was_writable=True), became_read_only(mount)
    fstab.write_bytes(FSTAB.replace(b"defaults", b"ro"))
    meant = became_read_only(mount, was_writable=True)

    assert without == (True, False)
    assert meant is False
    assert became_read_only(DATA, was_writable=True) is False


@needs_root
async def test_a_filesystem_that_is_read_only_since_the_last_run_fires(tmp_path: Path) -> None:
    found = []
    state: dict[str, Json] = {}
    with tmpfs(tmp_path / "small", "size=64k") as point:
        for options in ("rw", "ro", "ro", "rw", "ro"):
            command("mount", "-o", f"remount,{options}", point)
            own = evolve(context(), state=state)
            found.append(seen(await disk.run(own, watching(point))))
        allowed = DiskFilesystem(str(point), Limit.of(90), read_only=True)
        own = evolve(context(), state=state)
        silent = seen(await disk.run(own, DiskParams((allowed,))))
    with tmpfs(tmp_path / "small", "ro,size=64k"):
        remembered = seen(await disk.run(own, watching(point)))

    fires = [("Filesystem read-only", "E", str(point))]
    assert found == [[], fires, fires, [], fires]
    assert silent == remembered == []
    assert state == {}


@given(st.binary(max_size=100))
def test_any_fstab_is_read(text: bytes) -> None:
    assert all(parse_fstab(text).values())


@needs_root
async def test_an_ext4_that_became_read_only_after_an_error_fires(tmp_path: Path) -> None:
    with ext4(tmp_path, "loop,errors=remount-ro") as point:
        device = source_of(point)
        trigger = Path("/sys/fs/ext4") / Path(device).name / "trigger_fs_error"
        if not trigger.exists():
            pytest.skip("this kernel makes no errors on demand")
        before = list(await disk.run(context(), watching(point)))
        trigger.write_text("an error")
        with pytest.raises(OSError, match="Read-only"):
            (point / "file").touch()
        after = list(await disk.run(context(), watching(point)))
        allowed = DiskFilesystem(str(point), Limit.of(90), read_only=True)
        silent = list(await disk.run(context(), evolve(watching(), filesystems=(allowed,))))

    message = f"{point} is read-only, though it was mounted to be written to, device {device}"
    assert conditions(after) == [Condition("Filesystem read-only", "E", str(point), message)]
    assert seen(before) == seen(silent) == []


@needs_root
async def test_an_ext4_that_is_read_only_on_purpose_is_fine(tmp_path: Path) -> None:
    with (
        ext4(tmp_path, "loop,ro") as point,
        mounted("--bind", point, tmp_path / "bound") as bound,
    ):
        observed = list(await disk.run(context(), watching(point, bound)))
        (mount,) = [each for each in read_mounts() if each.mount_point == str(point)]

    assert "ro" in mount.options.split(",")
    assert "ro" in mount.own_options.split(",")
    assert seen(observed) == []

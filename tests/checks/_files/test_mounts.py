"""The mount table: read from any bytes, and searched by the names that `df` shows."""

from __future__ import annotations

import os
import string
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._files.mounts import MOUNTINFO, Mount, named, parse, reachable, read_mounts
from tests.support.mounts import mounted, needs_root

ROOT = Mount(1, 0, "8:1", "/", "/", "ext4", "/dev/sda1", "rw")

TABLE = rb"""22 27 0:21 / /proc rw,relatime shared:5 - proc proc rw
27 1 8:3 / / rw,relatime shared:1 master:2 - ext4 /dev/sda3 rw,errors=remount-ro

36 27 0:40 / /mnt/with\040space\011tab\012line\134slash rw - nfs4 server:/export rw,vers=4.2
37 27 0:41 / /empty rw -  rw
not a line of the table
38 x 0:42 / /broken rw - tmpfs tmpfs rw
39 27 0:43 / /source rw - tmpfs  rw"""

EXPECTED = [
    (22, 27, "0:21", "/proc", "proc", "proc"),
    (27, 1, "8:3", "/", "ext4", "/dev/sda3"),
    (36, 27, "0:40", "/mnt/with space\ttab\nline\\slash", "nfs4", "server:/export"),
    (39, 27, "0:43", "/source", "tmpfs", ""),
]

NAMES = st.binary(min_size=1).filter(lambda name: b"\0" not in name)
PATHS = st.lists(NAMES.map(lambda name: name.replace(b"/", b"_")), max_size=4).map(
    lambda names: b"/" + b"/".join(names)
)
HOSTILE_LINES = st.lists(
    st.lists(
        st.one_of(
            st.sampled_from([b"-", b"1", b"2", b"8:1", b"/", b"/a", b"/a/b", b"", b"\\", b"\\999"]),
            st.binary(max_size=8),
        ),
        max_size=12,
    ).map(b" ".join),
    max_size=12,
).map(b"\n".join)


def mount(number: int, parent: int, point: str, root: str = "/", **fields: str) -> Mount:
    texts = {"device": f"0:{number}", "kind": "tmpfs", "source": "tmpfs", **fields}
    return Mount(number=number, parent=parent, root=root, mount_point=point, **texts)


def escaped(name: bytes) -> bytes:
    """Return a name as the kernel writes it."""
    return b"".join(b"\\%03o" % byte if byte in b" \t\n\\#" else bytes([byte]) for byte in name)


def points(mounts: list[Mount]) -> list[str]:
    return [mount.mount_point for mount in mounts]


def numbers(mounts: list[Mount]) -> list[int]:
    return [mount.number for mount in mounts]


def test_a_table_is_read_line_by_line() -> None:
    found = [(m.number, m.parent, m.device, m.mount_point, m.kind, m.source) for m in parse(TABLE)]

    assert found == EXPECTED


@given(PATHS, PATHS, NAMES)
def test_any_name_that_the_kernel_escapes_is_read_as_it_is(
    root: bytes, point: bytes, source: bytes
) -> None:
    names = b" ".join(map(escaped, (root, point)))
    (found,) = parse(b"7 1 8:1 %s rw shared:1 - ext4 %s rw\n" % (names, escaped(source)))

    assert tuple(map(os.fsencode, (found.root, found.mount_point, found.source))) == (
        root,
        point,
        source,
    )


@given(HOSTILE_LINES, st.text(max_size=6))
def test_any_table_is_read_and_searched_without_an_error(table: bytes, name: str) -> None:
    mounts = parse(table)

    assert set(numbers(reachable(mounts))) <= set(numbers(mounts))
    assert set(numbers(named(name, mounts))) <= set(numbers(mounts))


def test_a_mount_on_a_mount_point_hides_the_one_below() -> None:
    below, middle, top = mount(2, 1, "/a"), mount(3, 2, "/a"), mount(4, 3, "/a")

    assert numbers(reachable([ROOT, below, middle, top])) == [1, 4]


def test_a_mount_above_hides_all_that_was_mounted_inside() -> None:
    inside, deeper = mount(2, 1, "/a/b"), mount(3, 2, "/a/b/c")
    over, sibling = mount(4, 1, "/a"), mount(5, 1, "/ab")

    assert numbers(reachable([ROOT, inside, deeper, over, sibling])) == [1, 4, 5]


def test_what_is_mounted_inside_the_upper_one_is_not_hidden() -> None:
    assert numbers(reachable([ROOT, mount(2, 1, "/a"), mount(3, 2, "/a/b")])) == [1, 2, 3]


def test_a_second_root_hides_the_first_and_what_is_in_it() -> None:
    initial = mount(1, 1, "/", kind="rootfs", source="rootfs")
    lost, root, kept = mount(2, 1, "/early"), mount(3, 1, "/"), mount(4, 3, "/late")

    assert numbers(reachable([initial, lost, root, kept])) == [3, 4]


@pytest.mark.parametrize("parents", [(2, 3), (3, 2), (9, 9)])
def test_parents_in_a_circle_are_kept(parents: tuple[int, int]) -> None:
    mounts = [mount(2, parents[0], "/a"), mount(3, parents[1], "/b")]

    assert reachable(mounts) == mounts


def test_a_name_is_a_mount_point_before_it_is_a_device() -> None:
    source = mount(2, 1, "/data", source="/dev/sdb1")
    bound = mount(3, 1, "/copy", source="/data", kind="fuse.bindfs")

    assert points(named("/data/", [ROOT, source, bound])) == ["/data"]
    assert points(named("/data", [ROOT, bound])) == ["/copy"]


def test_a_name_without_a_slash_is_a_source_or_a_type() -> None:
    mounts = [
        ROOT,
        mount(2, 1, "/run"),
        mount(3, 1, "/tools", source="tools"),
        mount(4, 1, "/fake", source="tmpfs", kind="overlay"),
        mount(5, 1, "/srv", source="server:/export", kind="nfs4"),
    ]

    assert points(named("tmpfs", mounts)) == ["/fake", "/run", "/tools"]
    assert points(named("server:/export", mounts)) == ["/srv"]
    assert points(named("nfs", mounts)) == []


def test_udev_is_a_source_or_the_type_devtmpfs() -> None:
    debian = mount(2, 1, "/dev", source="udev", kind="devtmpfs")
    other = mount(2, 1, "/dev", source="devtmpfs", kind="devtmpfs")

    assert named("udev", [ROOT, debian]) == [debian]
    assert named("udev", [ROOT, other]) == [other]
    assert named("devtmpfs", [ROOT, debian]) == [debian]


def test_among_mounts_of_one_filesystem_its_root_counts_then_the_shortest_path() -> None:
    def sda(number: int, point: str, root: str) -> Mount:
        return mount(number, 1, point, root, device="8:3", source="/dev/sda3")

    mounts = [sda(2, "/a", "/sub"), sda(3, "/longer", "/"), sda(4, "/long", "/")]

    assert points(named("/dev/sda3", mounts)) == ["/long"]
    assert points(named("/dev/sda3", mounts[:1])) == ["/a"]


def test_subvolumes_of_btrfs_each_count_and_their_binds_do_not() -> None:
    def subvolume(number: int, point: str, root: str, identity: int) -> Mount:
        options = f"rw,space_cache=v2,subvolid={identity},subvol={root}"
        fields = {"device": "0:30", "source": "/dev/sda3", "kind": "btrfs", "options": options}
        return mount(number, 1, point, root, **fields)

    mounts = [
        subvolume(2, "/", "/@", 256),
        subvolume(3, "/home", "/@home", 257),
        subvolume(4, "/srv/bound", "/@home/srv", 257),
    ]

    assert points(named("/dev/sda3", mounts)) == ["/", "/home"]


@given(st.text(string.printable), st.text(string.printable))
def test_no_name_finds_another_mount(name: str, source: str) -> None:
    found = named(name, [mount(2, 1, "/a", source=source, kind="ext4")])

    assert bool(found) == (name in (source, "ext4") or os.path.normpath(name) == "/a")


def test_a_directory_mounted_over_itself_is_not_a_filesystem() -> None:
    """As systemd does with ProtectHome=read-only."""
    home = mount(2, 1, "/home", "/home", device="8:1", kind="ext4")
    inner = mount(3, 2, "/home/a", "/home/a", device="8:1", kind="ext4")
    other = mount(4, 1, "/srv", "/home", device="8:1", kind="ext4")
    real = mount(5, 2, "/home/disk")

    assert reachable([ROOT, home, inner, other, real]) == [ROOT, other, real]
    assert named("/home", reachable([ROOT, home])) == []


def test_a_subvolume_in_its_own_place_is_a_filesystem() -> None:
    top = mount(1, 1, "/", "/@", device="0:30", kind="btrfs", options="rw,subvolid=256,subvol=/@")
    options = "rw,subvolid=257,subvol=/@/home"
    home = mount(2, 1, "/home", "/@/home", device="0:30", kind="btrfs", options=options)

    assert reachable([top, home]) == [top, home]


@needs_root
def test_a_real_directory_mounted_over_itself(tmp_path: Path) -> None:
    with mounted("--bind", tmp_path, tmp_path):
        assert str(tmp_path) in MOUNTINFO.read_text()
        assert str(tmp_path) not in points(read_mounts())

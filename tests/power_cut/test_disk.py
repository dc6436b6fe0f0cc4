"""The model of the disk: what is safe stays, and of the rest any part may be there."""

from __future__ import annotations

from random import Random
from typing import TypeAlias

from attrs import define, field
from hypothesis import given
from hypothesis import strategies as st

from tests.power_cut.disk import SECTOR, Disk, Image
from tests.power_cut.trace import (
    DirectoryMade,
    Opened,
    Operation,
    Removed,
    Renamed,
    SyncBegun,
    Synced,
    Truncated,
    Written,
)

ROOT = 1
"""The inode of the recorded directory."""

FILE = 2
"""The inode of a file."""

KEPT = (0.0, 0.3, 0.7, 1.0)


def disk_after(*operations: Operation) -> Disk:
    disk = Disk(ROOT)
    for operation in operations:
        disk.apply(operation)
    return disk


def images(disk: Disk) -> list[Image]:
    """Return some of the images that a cut may leave."""
    return [disk.after_cut(Random(seed), kept) for seed in range(40) for kept in KEPT]


def opened(path: str = "a", inode: int = FILE) -> Opened:
    return Opened(at=0, path=path, inode=inode)


def written(data: bytes, offset: int = 0, inode: int = FILE) -> Written:
    return Written(at=0, inode=inode, offset=offset, data=data)


def synced(inode: int) -> tuple[Operation, Operation]:
    return SyncBegun(at=0, inode=inode), Synced(at=0, inode=inode)


def test_a_file_whose_name_was_not_synced_may_be_absent_though_its_content_was() -> None:
    found = images(disk_after(opened(), written(b"x"), *synced(FILE)))

    assert {} in found
    assert {"a": b"x"} in found


def test_a_file_whose_content_was_not_synced_may_be_empty_though_its_name_was() -> None:
    found = images(disk_after(opened(), written(b"x"), *synced(ROOT)))

    assert all(image in ({"a": b""}, {"a": b"x"}) for image in found)
    assert {"a": b""} in found


def test_a_removal_may_be_undone() -> None:
    found = images(disk_after(opened(), *synced(ROOT), Removed(at=0, path="a")))

    assert {} in found
    assert {"a": b""} in found


def test_a_rename_is_done_whole_or_not_at_all() -> None:
    rename = Renamed(at=0, path="a", target="b")
    found = images(disk_after(opened(), *synced(ROOT), rename))

    assert {("a",), ("b",)} == {tuple(image) for image in found}


def test_what_is_in_a_directory_is_lost_with_its_name() -> None:
    made = DirectoryMade(at=0, path="d", inode=3)
    safe = (opened("d/a"), written(b"x"), *synced(FILE), *synced(3))

    assert {} in images(disk_after(made, *safe))
    assert {"d": None, "d/a": b"x"} == disk_after(made, *safe, *synced(ROOT)).after_cut(
        Random(1), 0.0
    )


def test_a_write_is_torn_at_sectors_alone() -> None:
    start = 100
    change = written(b"n" * (2 * SECTOR), start)
    old = (opened(), written(b"o" * (3 * SECTOR)), *synced(FILE), *synced(ROOT))
    found = {image["a"] for image in images(disk_after(*old, change))}
    pieces = [(start, SECTOR), (SECTOR, 2 * SECTOR), (2 * SECTOR, 2 * SECTOR + start)]

    assert 8 == len(found), "each of the three pieces is there or not"
    for content in found:
        assert content is not None
        assert all(len(set(content[begin:end])) == 1 for begin, end in pieces)


def test_a_sync_does_not_cover_what_is_written_while_it_runs() -> None:
    begun, ended = synced(FILE)
    disk = disk_after(opened(), *synced(ROOT), written(b"1"), begun, written(b"2", 1), ended)

    assert {"a": b"1"} == disk.after_cut(Random(1), 0.0)
    assert {"a": b"12"} == disk.after_cut(Random(1), 1.0)


def test_the_inode_of_a_removed_file_may_be_used_again() -> None:
    first = (opened(), written(b"1"), *synced(FILE), *synced(ROOT), Removed(at=0, path="a"))
    disk = disk_after(*first, opened(), written(b"2"), *synced(FILE))

    assert {"a": b"1"} == disk.after_cut(Random(1), 0.0)
    assert {"a": b"2"} == disk.after_cut(Random(1), 1.0)


Action: TypeAlias = tuple[str, str, str, int, bytes]
"""What to do, two names, a number and data. An action that does not fit is left out."""

actions = st.lists(
    st.tuples(
        st.sampled_from(
            (
                "open",
                "open",
                "write",
                "write",
                "write",
                "truncate",
                "sync",
                "tidy",
                "move",
                "remove",
            )
        ),
        st.sampled_from("abc"),
        st.sampled_from("abc"),
        st.integers(0, 3 * SECTOR),
        st.binary(max_size=8).map(lambda text: text * 100),
    ),
    max_size=40,
)


@define
class Plain:
    """The same files without a model of time: what is there, and what was there at each sync."""

    files: dict[str, int] = field(factory=dict)
    content: dict[int, bytes] = field(factory=dict)
    safe_files: dict[str, int] = field(factory=dict)
    safe_content: dict[int, bytes] = field(factory=dict)
    operations: list[Operation] = field(factory=list)

    def do(self, action: Action) -> None:
        verb, name, other, number, data = action
        inode = self.files.get(name, 0)
        if verb == "open":
            if not inode:
                self.files[name] = inode = ROOT + 1 + len(self.content)
                self.content[inode] = self.safe_content[inode] = b""
            self.operations.append(opened(name, inode))
        elif verb == "tidy":
            self.safe_files = dict(self.files)
            self.operations += synced(ROOT)
        elif not inode:
            return
        elif verb == "write":
            before = self.content[inode].ljust(number, b"\0") if data else self.content[inode]
            self.content[inode] = before[:number] + data + before[number + len(data) :]
            if data:
                self.operations.append(written(data, number, inode))
            else:
                self.content[inode] = before
        elif verb == "truncate":
            self.content[inode] = self.content[inode][:number].ljust(number, b"\0")
            self.operations.append(Truncated(at=0, inode=inode, size=number))
        elif verb == "sync":
            self.safe_content[inode] = self.content[inode]
            self.operations += synced(inode)
        elif verb == "move" and name != other:
            self.files[other] = self.files.pop(name)
            self.operations.append(Renamed(at=0, path=name, target=other))
        elif verb == "remove":
            del self.files[name]
            self.operations.append(Removed(at=0, path=name))


def plain_after(done: list[Action]) -> Plain:
    plain = Plain()
    for action in done:
        plain.do(action)
    return plain


@given(actions)
def test_with_all_kept_the_disk_is_what_the_system_saw(done: list[Action]) -> None:
    plain = plain_after(done)
    found = disk_after(*plain.operations).after_cut(Random(1), 1.0)

    assert {name: plain.content[inode] for name, inode in plain.files.items()} == found


@given(actions)
def test_with_nothing_kept_the_disk_is_what_was_synced(done: list[Action]) -> None:
    plain = plain_after(done)
    found = disk_after(*plain.operations).after_cut(Random(1), 0.0)

    assert {name: plain.safe_content[inode] for name, inode in plain.safe_files.items()} == found


@given(actions, st.integers(), st.sampled_from(KEPT))
def test_what_is_synced_whole_has_one_state(done: list[Action], seed: int, kept: float) -> None:
    plain = plain_after(done)
    everything = [step for name in plain.files for step in synced(plain.files[name])]
    disk = disk_after(*plain.operations, *everything, *synced(ROOT))

    assert {name: plain.content[inode] for name, inode in plain.files.items()} == disk.after_cut(
        Random(seed), kept
    )


@given(
    st.lists(st.tuples(st.integers(0, 3), st.integers(1, 255)), min_size=1, max_size=12),
    st.integers(0, 12),
    st.integers(),
)
def test_a_sector_holds_what_it_held_at_the_sync_or_got_since(
    writes: list[tuple[int, int]], before: int, seed: int
) -> None:
    sectors = [written(bytes([value]) * SECTOR, place * SECTOR) for place, value in writes]
    safe, rest = sectors[:before], sectors[before:]
    disk = disk_after(opened(), *synced(ROOT), *safe, *synced(FILE), *rest)
    content = disk.after_cut(Random(seed), 0.5)["a"]
    assert content is not None
    for place in range(len(content) // SECTOR):
        (value,) = set(content[place * SECTOR : (place + 1) * SECTOR])
        old = [number for where, number in writes[:before] if where == place][-1:] or [0]
        new = [number for where, number in writes[before:] if where == place]

        assert value in old + new

"""What may be on a disk after a power cut: all that was synced, and any part of what was not.

Strict POSIX: the sync of a file says nothing about its name. A name is safe when its directory was
synced. Writes are torn at sectors; a sector is written whole or not at all, as SQLite assumes.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import TypeAlias

from attrs import define, evolve, field, frozen

from tests.power_cut.trace import (
    DirectoryMade,
    Opened,
    Operation,
    Printed,
    Removed,
    Renamed,
    SyncBegun,
    Synced,
    Truncated,
    Written,
)

SECTOR = 512
"""Bytes that a disk writes whole or not at all."""

Image: TypeAlias = dict[str, bytes | None]
"""The content of each file by its path. None stands for a directory."""


@define(eq=False)
class File:
    """The content of one file."""

    synced: bytearray = field(factory=bytearray)
    """What is safe."""

    pending: list[Written | Truncated] = field(factory=list)
    """What was done since the last sync."""

    covered: int = 0
    """How many of the pending changes the sync in progress covers."""

    def sync(self) -> None:
        for change in self.pending[: self.covered]:
            _apply(change, self.synced)
        del self.pending[: self.covered]
        self.covered = 0

    def after_cut(self, random: Random, kept: float) -> bytes:
        """Return the synced content with about the part `kept` of the pending changes."""
        content = bytearray(self.synced)
        for change in self.pending:
            for piece in _pieces(change):
                if random.random() < kept:
                    _apply(piece, content)
        return bytes(content)


@define(eq=False)
class Directory:
    """One directory. The disk keeps the names in it."""

    path: str
    """Where it is. The empty string stands for the recorded directory."""


Node: TypeAlias = File | Directory


@frozen
class NameChange:
    """What happened to names of one directory at once. None stands for a name that is gone."""

    directory: str
    """Its path."""

    names: dict[str, Node | None]
    """What is behind each changed path now."""


@define
class Disk:
    """A directory as the running system sees it, and what of it is safe."""

    inode: int
    """That of the directory itself."""

    names: dict[str, Node] = field(init=False)
    """What is behind each path."""

    _synced_names: dict[str, Node] = field(init=False)
    """The names that are safe."""

    _pending: list[NameChange] = field(factory=list, init=False)
    """Changes of names since the last sync of their directory."""

    _covered: dict[str, int] = field(factory=dict, init=False)
    """How many of the pending changes the sync in progress of a directory covers."""

    _nodes: dict[int, Node] = field(factory=dict, init=False)
    """What is behind each inode."""

    def __attrs_post_init__(self) -> None:
        self.names = {"": Directory("")}
        self._nodes[self.inode] = self.names[""]
        self._synced_names = dict(self.names)

    @classmethod
    def of(cls, root: Path) -> Disk:
        """Return a disk on which all that is in a directory is safe."""
        disk = cls(root.stat().st_ino)
        for path in sorted(root.rglob("*")):
            if path.is_dir() or path.is_file():
                name = path.relative_to(root).as_posix()
                node = Directory(name) if path.is_dir() else File(bytearray(path.read_bytes()))
                disk._nodes[path.stat().st_ino] = disk.names[name] = node
        disk._synced_names = dict(disk.names)
        return disk

    def apply(self, operation: Operation) -> None:
        """Do what the process did."""
        match operation:
            case Opened(path=path, inode=inode):
                if path not in self.names:
                    self._nodes[inode] = file = File()
                    self._rename({path: file})
            case DirectoryMade(path=path, inode=inode):
                self._nodes[inode] = directory = Directory(path)
                self._rename({path: directory})
            case Renamed(path=path, target=target):
                self._rename({path: None, target: self.names[path]})
            case Removed(path=path):
                self._rename({path: None})
            case Written(inode=inode) | Truncated(inode=inode):
                file_of(self._nodes[inode]).pending.append(operation)
            case SyncBegun(inode=inode):
                self._begin_sync(self._nodes[inode])
            case Synced(inode=inode):
                self._sync(self._nodes[inode])
            case Printed():
                pass

    def after_cut(self, random: Random, kept: float) -> Image:
        """Return what is there after a cut: about the part `kept` of what was not synced.

        With 0 it is what is safe, with 1 all that was done.
        """
        names: dict[str, Node | None] = dict(self._synced_names)
        for change in self._pending:
            if random.random() < kept:
                names |= change.names
        image: Image = {}
        for path, node in sorted(names.items()):
            if path and node is not None and (_parent(path) in image or not _parent(path)):
                image[path] = node.after_cut(random, kept) if isinstance(node, File) else None
        return image

    def _rename(self, names: dict[str, Node | None]) -> None:
        (directory,) = {_parent(path) for path in names}
        self._pending.append(NameChange(directory, names))
        _change_names(self.names, names)

    def _begin_sync(self, node: Node) -> None:
        if isinstance(node, File):
            node.covered = len(node.pending)
        else:
            self._covered[node.path] = sum(
                change.directory == node.path for change in self._pending
            )

    def _sync(self, node: Node) -> None:
        if isinstance(node, File):
            node.sync()
            return
        covered = self._covered.pop(node.path)
        rest = []
        for change in self._pending:
            if change.directory == node.path and covered:
                covered -= 1
                _change_names(self._synced_names, change.names)
            else:
                rest.append(change)
        self._pending = rest


def write_image(image: Image, root: Path) -> None:
    """Make an empty directory hold an image."""
    for path, content in sorted(image.items()):
        if content is None:
            (root / path).mkdir(mode=0o700)
        else:
            (root / path).write_bytes(content)


def file_of(node: Node) -> File:
    """Return a node that must be a file."""
    assert isinstance(node, File)
    return node


def _parent(path: str) -> str:
    return path.rpartition("/")[0]


def _change_names(names: dict[str, Node], changed: dict[str, Node | None]) -> None:
    for path, node in changed.items():
        if node is None:
            names.pop(path, None)
        else:
            names[path] = node


def _pieces(change: Written | Truncated) -> Iterator[Written | Truncated]:
    """Yield what a cut can separate: the sectors of a write."""
    if isinstance(change, Truncated):
        yield change
        return
    begin, end = 0, len(change.data)
    while begin < end:
        position = change.offset + begin
        size = min(end - begin, SECTOR - position % SECTOR)
        yield evolve(change, offset=position, data=change.data[begin : begin + size])
        begin += size


def _apply(change: Written | Truncated, content: bytearray) -> None:
    if isinstance(change, Truncated):
        del content[change.size :]
        content.extend(bytes(change.size - len(content)))
    else:
        content.extend(bytes(max(0, change.offset - len(content))))
        content[change.offset : change.offset + len(change.data)] = change.data

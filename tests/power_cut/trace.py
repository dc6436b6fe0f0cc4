"""What one process did to a directory and what it printed, in order: the trace of the shim."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import TypeAlias

from attrs import frozen


@frozen(kw_only=True)
class Opened:
    """A file was opened, and made if it was missing."""

    at: int
    """When, in nanoseconds of Unix time. So it is in all operations."""

    path: str
    """Relative to the recorded directory."""

    inode: int
    """The file. A number is used again after its file is gone."""


@frozen(kw_only=True)
class DirectoryMade:
    """A directory was made."""

    at: int
    path: str
    inode: int


@frozen(kw_only=True)
class Renamed:
    """A file got another name."""

    at: int
    path: str
    target: str


@frozen(kw_only=True)
class Removed:
    """A name was removed."""

    at: int
    path: str


@frozen(kw_only=True)
class Written:
    """Bytes were written to a file."""

    at: int
    inode: int
    offset: int
    data: bytes


@frozen(kw_only=True)
class Truncated:
    """A file got another size."""

    at: int
    inode: int
    size: int


@frozen(kw_only=True)
class SyncBegun:
    """A sync of a file or directory began. It covers what was done before."""

    at: int
    inode: int


@frozen(kw_only=True)
class Synced:
    """A sync has returned."""

    at: int
    inode: int


@frozen(kw_only=True)
class Printed:
    """The process wrote to its standard output or error."""

    at: int
    data: bytes


Operation: TypeAlias = (
    Opened | DirectoryMade | Renamed | Removed | Written | Truncated | SyncBegun | Synced | Printed
)

_HEADER = struct.Struct("<c7xQQQQQ")
"""`struct header` of shim.c."""


def read_trace(path: Path) -> Iterator[Operation]:
    """Yield the operations of a trace. One that was cut off by a kill is left out."""
    content = path.read_bytes()
    position = 0
    while position + _HEADER.size <= len(content):
        kind, at, inode, number, *lengths = _HEADER.unpack_from(content, position)
        middle = position + _HEADER.size + lengths[0]
        end = middle + lengths[1]
        if end > len(content):
            return
        name = content[position + _HEADER.size : middle].decode()
        yield _operation(kind, at, inode, number, name=name, data=content[middle:end])
        position = end


def _operation(
    kind: bytes, at: int, inode: int, number: int, *, name: str, data: bytes
) -> Operation:
    match kind:
        case b"O":
            return Opened(at=at, path=name, inode=inode)
        case b"D":
            return DirectoryMade(at=at, path=name, inode=inode)
        case b"R":
            return Renamed(at=at, path=name, target=data.decode())
        case b"U":
            return Removed(at=at, path=name)
        case b"W":
            return Written(at=at, inode=inode, offset=number, data=data)
        case b"T":
            return Truncated(at=at, inode=inode, size=number)
        case b"B":
            return SyncBegun(at=at, inode=inode)
        case b"S":
            return Synced(at=at, inode=inode)
        case b"L":
            return Printed(at=at, data=data)
    raise ValueError(f"the trace has an operation of kind {kind!r}")

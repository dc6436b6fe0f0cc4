"""What a service file says of the filesystems to watch. Used by `disk` and `inode`."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from attrs import Attribute, field, frozen

from checks._common.deadlines import timeout_field
from checks._common.event_types import event_type_field
from checks._common.limits import each_number, limit_field
from checks._common.validators import is_positive, only_for_each, unique, up_to
from supervisor.api import Duration, Limit, Size, lower_limit, upper_limit

NEVER = 100
"""With this limit, in percent, a filesystem is never too full."""

EACH = "*"
"""The name that stands for each filesystem that holds files of this host."""


def _names_something(value: str) -> None:
    if not value.strip() or "\0" in value:
        raise ValueError("is not the name of a filesystem; write for example '/' or '/dev/sda1'")


@frozen
class Filesystem:
    """One filesystem, or several of one type, and how full it may be."""

    filesystem: str = field(
        metadata={
            "help": (
                "a device, a mount point or a type, as df shows it; udev means devtmpfs; "
                "*: each one that holds files of this host"
            ),
            "example": '"/"',
        }
    )
    max_use_percent: Limit[int] = field(
        validator=[upper_limit, each_number(up_to(100, "a percentage"))],
        metadata={
            "help": "fires above this percentage of df; 100: never fires",
            "example": "90",
            "range": "from 1 to 100",
        },
    )
    backup: bool = field(
        default=False, metadata={"help": 'adds the label backup="true" to its conditions'}
    )
    read_only: bool = field(
        default=False, metadata={"help": "true: it may have become read-only after an error"}
    )
    event_type: str = event_type_field("W", "when it is too full")
    except_: tuple[str, ...] = field(
        default=(),
        validator=only_for_each("filesystem"),
        metadata={
            "help": "those that * does not stand for: devices, mount points or types, also "
            "as patterns such as /snap/*",
            "example": '["/boot", "/snap/*"]',
        },
    )

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels that its conditions get."""
        return {"backup": "true"} if self.backup else {}

    @property
    def is_each(self) -> bool:
        """Whether it stands for each filesystem that no other entry names."""
        return self.filesystem == EACH

    @property
    def is_watched(self) -> bool:
        """Whether anything is ever said of it."""
        return min(self.max_use_percent.numbers) < NEVER

    @filesystem.validator
    def _is_a_name(self, _: Attribute[str], value: str) -> None:
        _names_something(value)

    @except_.validator
    def _are_exceptions(self, _: Attribute[tuple[str, ...]], value: tuple[str, ...]) -> None:
        for name in value:
            _names_something(name)


@frozen
class DiskFilesystem(Filesystem):
    """The same with limits for its space."""

    min_free: Limit[Size] | None = limit_field(lower_limit, "fires when less is free, such as 5GiB")
    full_within: Limit[Duration] | None = limit_field(
        lower_limit,
        "fires when it is full within this time if it grows as in the last hour",
        is_positive,
    )

    @property
    def is_watched(self) -> bool:
        """Whether anything is ever said of it."""
        return bool(super().is_watched or self.min_free or self.full_within)


def _filesystems_field() -> Any:
    return field(
        validator=unique(
            lambda filesystem: os.path.normpath(filesystem.filesystem),
            remedy="keep one of them",
        ),
        metadata={"help": "the filesystems to look at", "named_by": ("filesystem",)},
    )


@frozen
class Params:
    """The filesystems, and how long each may take to answer."""

    filesystems: tuple[Filesystem, ...] = _filesystems_field()
    probe_timeout: Duration = timeout_field(
        5, "a filesystem that takes longer to answer is not responding"
    )


@frozen
class DiskParams:
    """The same with limits for their space."""

    filesystems: tuple[DiskFilesystem, ...] = _filesystems_field()
    probe_timeout: Duration = timeout_field(
        5, "a filesystem that takes longer to answer is not responding"
    )

"""Watches directories for files that wait too long to be processed.

Only regular files directly in the directory count, not links or subdirectories. Hidden files count,
since a broken transfer leaves them.

Coming from Monit: `check directory`; Icinga: `file_age`; Telegraf: `filecount`.
"""

from __future__ import annotations

import heapq
import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from itertools import chain
from typing import NamedTuple

import trio
from attrs import Attribute, define, field, frozen

from checks._common.deadlines import timeout_field
from checks._common.durations import span, stepped
from checks._common.event_types import event_type_field
from checks._common.gather import gather
from checks._common.plurals import counted
from checks._common.printable import is_text, shown
from checks._common.sizes import size
from checks._common.validators import unique
from checks._files.probing import probe_within
from checks._files.watched.ages import AGE_BY, AgeBy, begin
from checks._files.watched.names import are_names, matcher
from supervisor.api import (
    Condition,
    Context,
    Crossing,
    Duration,
    Limit,
    Measurement,
    Observation,
    upper_limit,
)

MAX_LISTED_FILES = 50
"""The most files that are listed, the oldest first."""

_limiter = trio.CapacityLimiter(16)
"""How many directories are read at the same time.

The time of a directory begins at its turn, so that directories that hang do not use up the time of
others.
"""

_DETAIL = """\
<p>{{ message }}</p>
<table style="border-collapse:collapse">
<tr style="text-align:left"><th style="padding:4px 12px 4px 0">Since</th>\
<th style="padding:4px 12px 4px 0;text-align:right">Size</th><th>File</th></tr>
{% for file in files %}<tr style="vertical-align:top">\
<td style="padding:2px 12px 2px 0;white-space:nowrap">{{ file.since }}</td>\
<td style="padding:2px 12px 2px 0;white-space:nowrap;text-align:right">{{ file.size }}</td>\
<td style="padding:2px 0;word-break:break-all">{{ file.name }}</td></tr>
{% endfor %}</table>
{% if others %}<p>and {{ "{:,}".format(others) }} more</p>{% endif %}"""
"""The template of the detail."""


@frozen
class Directory:
    """One directory, and how long a file may stay there."""

    directory: str = field(
        metadata={
            "help": "its path; files in subdirectories do not count",
            "example": '"/srv/inbound"',
        }
    )
    max_age: Limit[Duration] = field(
        validator=upper_limit,
        metadata={
            "help": "fires when the last write to a file is longer ago than this; see `age_by`",
            "example": '"1h"',
        },
    )
    event_type: str = event_type_field("W", "when it fires")
    age_by: AgeBy = field(default="modification", metadata=AGE_BY)
    patterns: tuple[str, ...] = field(
        default=(),
        validator=are_names,
        metadata={
            "help": "only files whose names fit one of these count; default: all",
            "example": '["*.xml"]',
        },
    )
    except_: tuple[str, ...] = field(
        default=(),
        validator=are_names,
        metadata={
            "help": "files whose names fit one of these do not count",
            "example": '["*.tmp"]',
        },
    )
    name: str = field(default="", metadata={"help": "the instance; default: the directory"})

    @directory.validator
    def _is_path(self, _: Attribute[str], value: str) -> None:
        if not value or not is_text(value):
            raise ValueError(f"{value!r} is not a directory; write for example '/srv/inbound'")

    @property
    def instance(self) -> str:
        """Its name in alerts."""
        return self.name or self.directory

    @property
    def labels(self) -> Mapping[str, str]:
        """The labels of its measurements."""
        return {"directory": self.directory} | ({"name": self.name} if self.name else {})


@frozen
class Params:
    """The directories, and how long each may take to be read."""

    directories: tuple[Directory, ...] = field(
        validator=unique(
            lambda directory: directory.name or os.path.normpath(directory.directory),
            remedy="keep one of them, or give each its own name",
        ),
        metadata={"help": "the directories to look into", "named_by": ("directory",)},
    )
    probe_timeout: Duration = timeout_field(
        20, "a directory that takes longer to read is unreadable"
    )


class OldFile(NamedTuple):
    """A file that waits. The oldest one sorts first."""

    since: float
    """When its age begins, in Unix seconds."""

    name: str
    bytes: int


@frozen
class OldFiles:
    """How many files wait, and the oldest of them."""

    count: int = 0
    oldest: tuple[OldFile, ...] = ()

    unseen: int = 0
    """How many entries could not be looked at."""

    trouble: str = ""
    """Why the first of them could not."""


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each directory in which files wait, or that cannot be read."""
    examine = partial(_examine, context, seconds=params.probe_timeout)
    return [*chain.from_iterable(await gather(examine, params.directories))]


async def _examine(context: Context, directory: Directory, seconds: float) -> list[Observation]:
    """Return what is known of a directory. The seconds for reading it begin at its turn."""
    path = directory.directory
    try:
        async with _limiter:
            now = context.clock()
            call = partial(scan, directory, now - directory.max_age.lowest)
            old = await probe_within(seconds, f"read of {path}", call)
    except OSError as error:
        return [_unreadable(path, directory, error.strerror or str(error))]
    observed: list[Observation] = [
        Measurement("unprocessed_files", old.count, labels=directory.labels)
    ]
    if old.count and (crossing := _judged(directory, old, now)):
        observed.append(_condition(context, directory, old, now, crossing))
    if old.unseen:
        files = counted(old.unseen, "file")
        observed.append(_unreadable(f"{files} in {path}", directory, old.trouble))
    return observed


def _unreadable(what: str, directory: Directory, cause: str) -> Condition:
    message = f"cannot read {what}: {cause}"
    return Condition("Directory unreadable", "E", directory.instance, message)


def scan(directory: Directory, before: float) -> OldFiles:
    """Return the files of a directory whose age begins before a time in Unix seconds.

    One file that cannot be looked at does not hide the others. Raises `OSError`.
    """
    waiting = _Waiting(before, directory.age_by)
    if directory.patterns:
        waiting.is_meant = matcher(directory.patterns)
    if directory.except_:
        waiting.is_excepted = matcher(directory.except_)
    with os.scandir(directory.directory) as entries:
        oldest = heapq.nsmallest(MAX_LISTED_FILES, waiting.of(entries))
    if waiting.error is None:
        return OldFiles(waiting.count, tuple(oldest))
    if not waiting.looked_at:
        raise waiting.error
    trouble = waiting.error.strerror or str(waiting.error)
    return OldFiles(waiting.count, tuple(oldest), waiting.unseen, trouble)


@define
class _Waiting:
    """Counts the files that wait, and those that cannot be looked at."""

    before: float
    age_by: AgeBy
    is_meant: Callable[[str], object] = field(default=lambda _name: True)
    is_excepted: Callable[[str], object] = field(default=lambda _name: False)
    count: int = 0
    looked_at: int = 0
    unseen: int = 0
    error: OSError | None = None

    def of(self, entries: Iterable[os.DirEntry[str]]) -> Iterator[OldFile]:
        """Yield the entries that are files that wait."""
        for entry in entries:
            if not self.is_meant(entry.name) or self.is_excepted(entry.name):
                continue
            try:
                if not entry.is_file(follow_symlinks=False):
                    continue
                status = entry.stat(follow_symlinks=False)
            except FileNotFoundError:  # it has just been processed
                continue
            except OSError as error:
                self.unseen += 1
                self.error = self.error or error
                continue
            self.looked_at += 1
            since = begin(status, self.age_by)
            if since < self.before:
                self.count += 1
                yield OldFile(max(since, 0.0), entry.name, status.st_size)


def _judged(directory: Directory, old: OldFiles, now: float) -> Crossing | None:
    """Return what the oldest file is worth. `scan` has compared it with the lowest number."""
    if directory.max_age.is_plain:
        return Crossing(directory.event_type)
    return directory.max_age.above(now - old.oldest[0].since, directory.event_type)


def _condition(
    context: Context, directory: Directory, old: OldFiles, now: float, crossing: Crossing
) -> Condition:
    first, least = old.oldest[0], directory.max_age.lowest
    age = max(stepped(now - first.since), least)
    message = (
        f"{shown(directory.directory)} holds {counted(old.count, 'file')} "
        f"older than {span(least)}; the oldest, {shown(first.name)}, "
        f"is over {span(age)} old"
    )
    detail = context.render(
        _DETAIL,
        message=message,
        files=[_row(context, file) for file in old.oldest],
        others=old.count - len(old.oldest),
    )
    return crossing.condition("Unprocessed files", directory.instance, message, detail=detail)


def _row(context: Context, file: OldFile) -> Mapping[str, str]:
    since = datetime.fromtimestamp(file.since, context.timezone)
    return {
        "since": f"{since:%Y-%m-%d %H:%M:%S}",
        "size": size(file.bytes),
        "name": shown(file.name),
    }

"""Looks whether logs can be read, before anything runs. Used by `log_pattern`."""

from __future__ import annotations

import os
import stat
from collections.abc import Sequence
from functools import partial

import trio

from checks._common.deadlines import rounded
from checks._files.probing import probe_within
from checks._logs.journal import JournalMissing, examine_journal
from checks._logs.parameters import Log
from checks._logs.patterns.directory import Trouble
from checks._logs.patterns.finding import find
from supervisor.api import CheckFailed

REMEDY = "let the supervisor's user read it"
"""What to do about a log that cannot be read."""


async def wrong_with(log: Log, seconds: float) -> str:
    """Return why a log cannot be read. Empty if it can."""
    if log.journal is not None:
        return await _wrong_with_journal(log, seconds)
    if log.is_pattern and not await is_one_file(log.path, seconds / 3):
        return await _wrong_with_pattern(log, seconds / 3)
    try:
        await probe_within(seconds, f"look at {log.path}", partial(_open, log.path))
    except FileNotFoundError:
        optional = f"{log.path} is missing; correct path, or write optional = true"
        return "" if log.optional else optional
    except OSError as error:
        return f"cannot read {log.path}: {error.strerror or error}; {REMEDY}"
    return ""


async def is_one_file(path: str, seconds: float) -> bool:
    """Return whether a path is the name of a file, although it looks like a pattern."""
    try:
        return await probe_within(seconds, f"look at {path}", partial(os.path.lexists, path))
    except OSError:
        return False


async def _wrong_with_journal(log: Log, seconds: float) -> str:
    try:
        with trio.fail_after(seconds):
            await examine_journal()
    except JournalMissing as error:
        return "" if log.optional else f"{error}; or write optional = true"
    except trio.TooSlowError:
        return f"cannot read the journal: no answer within {rounded(seconds)} s"
    except CheckFailed as error:
        return f"cannot read the journal: {error}"
    return ""


async def _wrong_with_pattern(log: Log, seconds: float) -> str:
    found = await find(log.path, log.instance, seconds)
    troubles = found.troubles
    paths = [link.path for link in found.links]
    for directory, listing in found.listings.items():
        paths += [os.path.join(directory, seen.name) for seen in listing.files]
    if not troubles:
        try:
            call = partial(_unreadable, paths)
            troubles = await probe_within(seconds, f"look at {log.path}", call)
        except OSError as error:
            troubles = [Trouble.of(log.path, error)]
    if troubles:
        more = f", and {len(troubles) - 1} more" if troubles[1:] else ""
        return f"cannot read {troubles[0].path}: {troubles[0].cause}{more}; {REMEDY}"
    if not found.count and not log.optional:
        return f"no file fits {log.path}; correct path, or write optional = true"
    return ""


def _unreadable(paths: Sequence[str]) -> list[Trouble]:
    found = []
    for path in paths:
        try:
            _open(path)
        except FileNotFoundError:  # it was rotated in this moment
            continue
        except OSError as error:
            found.append(Trouble.of(path, error))
    return found


def _open(path: str) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode):
        raise OSError("it is not a regular file")
    os.close(os.open(path, os.O_RDONLY | os.O_CLOEXEC))

"""Looks at one file. Used by `file`. The functions block, so call them in a thread."""

from __future__ import annotations

import errno
import os
import stat
import time

from attrs import evolve, field, frozen

from checks._files.watched.ages import age
from checks._files.watched.entry import WatchedFile
from checks._files.watched.growing import Growth, Point, compare
from checks._files.watched.hashing import Budget, Digest, Unfinished, identity_of, read_on
from checks._files.watched.memory import Known, Newest, named
from checks._files.watched.owners import GROUPS, USERS, not_theirs
from checks._files.watched.pattern import Found, Match, find

_unfinished = Unfinished()
"""Files of which a part is read. A thread that hangs keeps its file."""


@frozen
class Reading:
    """What is known of a file now."""

    found: Found = field(factory=Found)
    """The file itself is the newest, also where a path names it. None: it is missing."""

    age: float = 0.0
    """In seconds."""

    size_before: int | None = None
    """The size of the one before."""

    growth: Growth | None = None
    digest: Digest | None = None
    """None: it is not known, or it is not asked for."""

    unread: int = 0
    """How many bytes must be read until its SHA-256 is known."""

    wrong_owner: str = ""
    """What is wrong with the user to whom it belongs."""

    wrong_group: str = ""
    """What is wrong with the group to which it belongs."""

    trouble: str = ""
    """Why something could not be looked at."""

    known: Known = field(factory=Known)
    """What is to be kept of it."""


@frozen
class Shared:
    """What all files of one run share."""

    module: str
    """The service and the module."""

    now: float
    """Unix seconds."""

    budget: Budget
    """How much may be read."""


def look(entry: WatchedFile, known: Known, shared: Shared, seconds: float) -> Reading:
    """Look at a file for at most about so many seconds. Raises `OSError`."""
    ends = time.monotonic() + seconds / 2
    if entry.newest:
        found = find(entry.newest, entry.age_by, shared.now, entry.settled)
    else:
        found = _at(entry, shared.now)
    if (match := found.newest) is None or not entry.exists:
        return Reading(found, trouble=found.trouble, known=known)
    reading = Reading(
        found,
        age=shared.now - match.since,
        wrong_owner=not_theirs(USERS, match.status.st_uid, entry.owner, "user"),
        wrong_group=not_theirs(GROUPS, match.status.st_gid, entry.group, "group"),
        trouble=found.trouble,
        known=Known(digest=known.digest) if entry.sha256 else Known(),
    )
    reading = _sized(entry, reading, match, known, shared.now)
    if entry.sha256 and stat.S_ISREG(match.status.st_mode):
        return _hashed(entry, reading, match, shared=shared, ends=ends)
    return reading


def _at(entry: WatchedFile, now: float) -> Found:
    try:
        status = os.stat(entry.path)
    except OSError as error:
        if error.errno in (errno.ENOENT, errno.ENOTDIR):
            return Found()
        raise
    return Found(Match(now - age(status, entry.age_by, now), entry.path, status), count=1)


def _sized(entry: WatchedFile, reading: Reading, match: Match, known: Known, now: float) -> Reading:
    """Return the reading with what the sizes of earlier runs tell, if that is asked for."""
    size = match.status.st_size
    if entry.max_growth is not None or entry.min_growth is not None:
        file = named(match.path, match.inode)
        growth, point = compare(known.point, Point(max(int(now), 0), size, file))
        reading = evolve(reading, growth=growth, known=evolve(reading.known, point=point))
    if entry.min_size_percent is not None:
        newest = Newest(named(match.path), max(int(match.since), 0), size).after(known.newest)
        before = reading.found.before
        known_before = newest.before if newest.before >= 0 else None
        reading = evolve(
            reading,
            size_before=before.status.st_size if before else known_before,
            known=evolve(reading.known, newest=newest),
        )
    return reading


def _hashed(
    entry: WatchedFile, reading: Reading, match: Match, *, shared: Shared, ends: float
) -> Reading:
    """Return the reading with the SHA-256, if all of the file is read by now."""
    digest = reading.known.digest
    if digest and digest.identity == identity_of(match.status):
        return evolve(reading, digest=digest)
    key = f"{shared.module} {entry.key}"
    try:
        hashing = read_on(entry.path, _unfinished.take(key), shared.budget, ends)
    except FileNotFoundError:  # it was just removed, and may be replaced at once
        return evolve(reading, unread=match.status.st_size)
    except OSError as error:
        trouble = f"{entry.path}: {error.strerror or error}"
        return evolve(reading, trouble=trouble)
    if hashing.digest is not None:
        known = evolve(reading.known, digest=hashing.digest)
        return evolve(reading, digest=hashing.digest, known=known)
    _unfinished.put(key, hashing)
    trouble = ""
    if hashing.changes_all_the_time:
        trouble = f"{entry.path}: it changes before all of it is read, so its SHA-256 is not known"
    return evolve(reading, unread=hashing.left, trouble=trouble)

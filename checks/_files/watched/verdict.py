"""What a file is worth that was looked at: conditions, reports and measurements. Used by `file`."""

from __future__ import annotations

import stat
from collections.abc import Iterator
from typing import Any

from checks._common.durations import span, stepped
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.sizes import size
from checks._files.watched.entry import CHANGED, WatchedFile
from checks._files.watched.hashing import Digest
from checks._files.watched.pattern import Match, Status
from checks._files.watched.reading import Reading
from supervisor.api import Condition, Crossing, Limit, Measurement, Observation, Report

KINDS = (
    (stat.S_ISREG, "file", "a regular file"),
    (stat.S_ISDIR, "directory", "a directory"),
    (stat.S_ISFIFO, "fifo", "a FIFO"),
    (stat.S_ISSOCK, "socket", "a socket"),
    (stat.S_ISBLK, "device", "a device"),
    (stat.S_ISCHR, "device", "a device"),
)
"""The kinds of files: how they are told, their names in a service file, and in messages."""


def observations(
    entry: WatchedFile, reading: Reading, known: Digest | None
) -> Iterator[Observation]:
    """Yield what is known of a file. `known` is the SHA-256 that an earlier run has found."""
    match = reading.found.newest
    if reading.trouble:
        yield unreadable(entry, reading.trouble)
    if match is None:
        if entry.exists and not entry.optional:
            yield _condition(entry, "File missing", _missing(entry, reading))
        return
    if not entry.exists:
        yield _condition(entry, "File exists", _present(entry, reading, match))
        return
    kind, name = _kind_of(match.status)
    if kind != entry.kind:
        wanted = next(words for _, each, words in KINDS if each == entry.kind)
        text = f"{_where(entry, match)} is {name}, not {wanted}"
        yield _condition(entry, "File kind wrong", text)
        return
    yield from _measurements(entry, reading, match.status)
    yield from _ages(entry, reading, match)
    yield from _sizes(entry, reading, match)
    yield from _rights(entry, reading, match)
    yield from _contents(entry, reading, match, known)


def unreadable(entry: WatchedFile, cause: str) -> Condition:
    """Return the condition of what cannot be looked at."""
    return Condition("File unreadable", "E", entry.instance, f"cannot read {shown(cause, 1000)}")


def _condition(entry: WatchedFile, alertname: str, text: str) -> Condition:
    return Condition(alertname, entry.event_type, entry.instance, text)


def _missing(entry: WatchedFile, reading: Reading) -> str:
    if not entry.newest:
        return f"{shown(entry.path)} is missing"
    text = f"no file fits {shown(entry.newest)}"
    if reading.found.unsettled:
        text += f" that was not written to for {span(entry.settled)}"
    return text


def _present(entry: WatchedFile, reading: Reading, match: Match) -> str:
    if not entry.newest:
        return f"{shown(entry.path)} is there, and must not be"
    fit = "fits" if reading.found.count == 1 else "fit"
    files = counted(reading.found.count, "file")
    return f"{files} {fit} {shown(entry.newest)}, and none may; the newest is {shown(match.path)}"


def _kind_of(status: Status) -> tuple[str, str]:
    for is_kind, name, words in KINDS:
        if is_kind(status.st_mode):
            return name, words
    return "", "of an unknown kind"


def _where(entry: WatchedFile, match: Match) -> str:
    """Return how messages begin."""
    if not entry.newest:
        return shown(entry.path)
    return f"{shown(match.path)}, the newest of {shown(entry.newest)},"


def _measurements(entry: WatchedFile, reading: Reading, status: Status) -> Iterator[Measurement]:
    ages, sizes = (_numbers(entry.max_age, entry.min_age), _numbers(entry.max_size, entry.min_size))
    yield Measurement("file_age_seconds", round(reading.age, 3), "s", entry.labels, limits=ages)
    if entry.kind == "file":
        yield Measurement("file_size_bytes", status.st_size, "B", entry.labels, limits=sizes)
    if entry.sha256:
        yield Measurement("file_unread_bytes", reading.unread, "B", entry.labels)


def _numbers(*limits: Limit[Any] | None) -> tuple[float, ...]:
    return tuple(number for limit in limits if limit is not None for number in limit.numbers)


def _ages(entry: WatchedFile, reading: Reading, match: Match) -> Iterator[Condition]:
    verb = "was last changed" if entry.age_by == "change" else "was last written to"
    where = f"{_where(entry, match)} {verb}"
    if (limit := entry.max_age) and (crossing := limit.above(reading.age, entry.event_type)):
        old = max(stepped(reading.age), limit.lowest)
        text = f"{where} over {span(old)} ago (limit {limit.words(span)})"
        yield crossing.condition("File too old", entry.instance, text)
    if (limit := entry.min_age) and (crossing := limit.below(reading.age, entry.event_type)):
        text = f"{where} {span(stepped(reading.age))} ago (limit {limit.words(span)})"
        yield crossing.condition("File too new", entry.instance, text)


def _sizes(entry: WatchedFile, reading: Reading, match: Match) -> Iterator[Condition]:
    count, before, growth = match.status.st_size, reading.size_before, reading.growth
    has, kind = f"has {size(count)}", entry.event_type
    found: list[tuple[str, Crossing | None, str]] = []
    if limit := entry.max_size:
        words = f"{has} (limit {limit.words(size)})"
        found.append(("File too large", limit.above(count, kind), words))
    if limit := entry.min_size:
        words = f"{has} (limit {limit.words(size)})"
        found.append(("File too small", limit.below(count, kind), words))
    if (share := entry.min_size_percent) and before:
        percent = 100 * count / before
        words = f"{has}, {percent:.0f} % of the {size(before)} of the one before"
        words += f" (limit {share.words('{:g} %'.format)})"
        found.append(("File smaller than before", share.below(percent, kind), words))
    if growth is not None:
        grown = f"has grown by {size(growth.grown)} since the run before"
        if (limit := entry.max_growth) and growth.is_much:
            words = f"{grown} (limit {limit.words(size)})"
            found.append(("File grows too fast", limit.above(growth.grown, kind), words))
        if (limit := entry.min_growth) and growth.is_little:
            words = f"{grown} (limit {limit.words(size)})"
            found.append(("File grows too slowly", limit.below(growth.grown, kind), words))
    for alertname, crossing, words in found:
        if crossing is not None:
            yield crossing.condition(alertname, entry.instance, f"{_where(entry, match)} {words}")


def _rights(entry: WatchedFile, reading: Reading, match: Match) -> Iterator[Condition]:
    mode = stat.S_IMODE(match.status.st_mode)
    wanted = entry.mode_bits
    if wanted is not None and mode != wanted:
        text = f"{_where(entry, match)} has the mode {mode:04o}, not {wanted:04o}"
        yield _condition(entry, "File mode wrong", text)
    for alertname, wrong in (
        ("File owner wrong", reading.wrong_owner),
        ("File group wrong", reading.wrong_group),
    ):
        if wrong:
            yield _condition(entry, alertname, f"{_where(entry, match)} {shown(wrong)}")


def _contents(
    entry: WatchedFile, reading: Reading, match: Match, known: Digest | None
) -> Iterator[Observation]:
    now, where = reading.digest, _where(entry, match)
    if entry.sha256 == CHANGED:
        if now and known and now.sha256 != known.sha256:
            text = f"{where} has changed: its SHA-256 is {now.sha256}, and was {known.sha256}"
            alertname = f"File changed ({entry.instance})"
            yield Report(alertname, text, event_type=entry.event_type)
    elif entry.sha256:
        crossing = Crossing(entry.event_type, sustain=now is None)
        is_right = now is not None and now.sha256 == entry.sha256.lower()
        if not is_right:
            found = f"has the SHA-256 {now.sha256}" if now else "is read for its SHA-256"
            text = f"{where} {found}; it must be {entry.sha256.lower()}"
            yield crossing.condition("File checksum wrong", entry.instance, text)

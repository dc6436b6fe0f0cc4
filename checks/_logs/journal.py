"""Reads the messages that came into systemd's journal since the last time. Used by `log_pattern`.

journalctl is asked from a cursor on, with the entry of the cursor itself: `--after-cursor` of
systemd 252 passes over an entry when a filter does not let that of the cursor through. And the
entry shows that the journal still holds it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import trio
from attrs import define, frozen

from checks._common.printable import shown
from checks._logs.parameters import Journal
from supervisor.api import CheckFailed, Completed, Json, probe, run_command

MAX_BYTES = 4 << 20
"""The most bytes of one answer of journalctl. To parse that takes a tenth of a second."""

MAX_ANSWERS = 8
"""The most answers that one run reads. The next runs read the rest."""

CURSOR_BYTES = 64 * 1024
"""The bytes of an answer of which only the first cursors are looked at."""

MAX_CURSOR_AGE = 3600.0
"""Seconds after which a cursor is replaced by a newer one, although no message has come.

The journal forgets old entries. A cursor that it forgets within this time was lost in a flood.
"""

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_LOG_LEVEL": "notice"}
"""The variables that keep journalctl's output plain and in English."""

FIELDS = "MESSAGE,SYSLOG_IDENTIFIER,_COMM"
"""The fields that are asked for. journalctl adds the cursor."""

MAX_STDERR_CHARACTERS = 500
"""The most characters of journalctl's own error message that are shown."""

NOT_PERMITTED = re.compile(r"not seeing messages from other users|insufficient permissions")
"""What journalctl says to a user who may not read the journal of the system."""

NOT_THERE = re.compile(r"No journal files were found")
"""What journalctl says where no journal is kept."""

REMEDY = "let the supervisor's user read it: add it to the group systemd-journal"
"""What to do when the journal may not be read."""

_CURSOR = re.compile(r"[0-9a-f]+;i=[0-9a-f]+;b=[0-9a-f]+;m=[0-9a-f]+;t=([0-9a-f]+);x=[0-9a-f]+")
"""A cursor without the `s=` at its beginning. Its `t` is a time in Unix microseconds."""

_SHOWN = re.compile(r"^-- cursor: (\S+)$", re.MULTILINE)
"""The line in which journalctl shows the cursor of the last entry."""

_limiter = trio.CapacityLimiter(2)
"""How many journalctl run at the same time. Each maps all files of the journal."""


class JournalMissing(CheckFailed):
    """journalctl is not installed, or no journal is kept."""


@frozen
class Reading:
    """The result of a read."""

    cursor: str
    """The entry at which reading stopped. Empty for a journal without entries."""

    is_behind: bool = False
    """Whether more messages wait than one run reads."""

    is_lost: bool = False
    """Whether the journal does not hold the cursor any more, so that messages may be missing."""

    too_long: int = 0
    """How many messages were passed over because they are too long."""

    def dump(self) -> Json:
        """Return what the state keeps."""
        return {"cursor": self.cursor}


def known_cursor(value: Json) -> str | None:
    """Return the cursor that a state holds. None if the journal was never read."""
    match value:
        case {"cursor": str(cursor)}:
            return cursor
    return None


async def read_journal(
    journal: Journal,
    known: str | None,
    take: Callable[[bytes, str], object],
    *,
    until: float,
    now: float,
) -> Reading:
    """Give each new message and its program to `take`, and return where reading stopped.

    `known` is None at the first time: then only what comes later is new. No answer is asked for
    after `until`, a time of the event loop. Raises `CheckFailed`.
    """
    async with _limiter:
        if known is None:
            return Reading(await _last_cursor())
        if known and not _CURSOR.fullmatch(known.removeprefix("s=")):
            return Reading(await _last_cursor(), is_lost=True)
        newest = await _last_cursor() if _is_old(known, now) else ""
        walk, is_lost, is_cut = _Walk(_filters(journal), known, known, known), False, True
        for number in range(MAX_ANSWERS):
            if number and trio.current_time() > until:
                break
            page, is_cut = await walk.step(take)
            if not number and known and page.first != known:
                first = await _first_cursor(known)
                is_lost = first != known
                walk.read = page.last or first or await _last_cursor()
            if not is_cut:
                return Reading(page.last or newest or walk.read, False, is_lost, walk.too_long)
            if not page.last and not await walk.pass_over(page):
                is_cut = False
                break
        return Reading(walk.read, is_cut, is_lost, walk.too_long)


async def examine_journal() -> None:
    """Raises `CheckFailed` when the journal cannot be read."""
    await _last_cursor()


@frozen
class _Page:
    """The entries of one answer."""

    first: str = ""
    """The cursor of the first one."""

    last: str = ""
    """The cursor of the last one that is new."""


@define
class _Walk:
    """The way through the journal, from answer to answer."""

    filters: Sequence[str]

    read: str
    """The last entry that was read or passed over."""

    start: str
    """The first entry of the next answer. Empty: the first one of the journal."""

    after: str
    """The entry of the next answer that is not new. Empty: all are new."""

    too_long: int = 0
    """How many messages were passed over."""

    async def step(self, take: Callable[[bytes, str], object]) -> tuple[_Page, bool]:
        """Give new messages to `take`. Also return whether more of them wait."""
        asked = [*_json(FIELDS), *self.filters, *_from(self.start)]
        answer, is_cut = await _ask(asked, MAX_BYTES)
        page = await probe("read of the journal", partial(_take, answer, self.after, take))
        if page.last:
            self.read = self.start = self.after = page.last
        return page, is_cut

    async def pass_over(self, page: _Page) -> bool:
        """Pass over the message that is too long for an answer. Return whether another follows."""
        asked = [*_json("_BOOT_ID"), *self.filters, *_from(self.start)]
        answer, _ = await _ask(asked, CURSOR_BYTES)
        cursors = [cursor for cursor, _ in _entries(answer) if cursor != self.after]
        if cursors and page.first == self.after:  # else the old one was too long, too
            self.read = cursors.pop(0)
            self.too_long += 1
        self.start, self.after = cursors[0] if cursors else "", ""
        return bool(cursors)


def _take(answer: bytes, after: str, take: Callable[[bytes, str], object]) -> _Page:
    first = last = ""
    for cursor, entry in _entries(answer):
        first = first or cursor
        if cursor != after:
            take(_text(entry.get("MESSAGE")), _source(entry))
            last = cursor
    return _Page(first, last)


def _entries(answer: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each entry of an answer after its cursor."""
    for line in answer.split(b"\n")[:-1]:  # the last one has no end: it is empty or cut
        entry = _entry(line)
        cursor = entry.get("__CURSOR")
        if isinstance(cursor, str):
            yield cursor, entry


def _entry(line: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _text(value: object) -> bytes:
    """Return the text of a field: bytes that are not text are numbers, several values a list."""
    match value:
        case str():
            return value.encode(errors="replace")
        case [int(), *_]:
            return bytes(each for each in value if isinstance(each, int) and 0 <= each < 256)
        case list():
            return b"\n".join(map(_text, value))
    return b""


def _source(entry: dict[str, Any]) -> str:
    return (_text(entry.get("SYSLOG_IDENTIFIER")) or _text(entry.get("_COMM")) or b"?").decode(
        errors="replace"
    )


async def _last_cursor() -> str:
    """Return the cursor of the last entry, whatever its unit. Empty without any.

    With --output=json, journalctl would not say that it is not permitted.
    """
    answer, _ = await _ask(["--lines=0", "--show-cursor"], CURSOR_BYTES)
    found = _SHOWN.search(answer.decode(errors="replace"))
    return found[1] if found else ""


async def _first_cursor(cursor: str) -> str:
    """Return the cursor itself if the journal still holds it, else that of the next entry."""
    answer, _ = await _ask([*_json("_BOOT_ID"), *_from(cursor)], CURSOR_BYTES)
    return next((cursor for cursor, _ in _entries(answer)), "")


def _filters(journal: Journal) -> list[str]:
    filters = [f"--unit={journal.name}"] if journal.unit else []
    return [*filters, f"--priority={journal.priority}"] if journal.priority else filters


def _from(cursor: str) -> list[str]:
    return [f"--cursor={cursor}"] if cursor else []


def _is_old(cursor: str, now: float) -> bool:
    found = _CURSOR.fullmatch(cursor.removeprefix("s="))
    return found is not None and now - int(found[1], 16) / 1e6 > MAX_CURSOR_AGE


def _json(fields: str) -> list[str]:
    return ["--output=json", "--all", f"--output-fields={fields}"]


async def _ask(arguments: Sequence[str], keep: int) -> tuple[bytes, bool]:
    """Return what journalctl answers, and whether that is cut. Raises `CheckFailed`."""
    argv = ["journalctl", "--no-pager", *arguments]
    try:
        asked = await run_command(argv, env=ENVIRONMENT, keep=keep, end_when_full=True)
    except CheckFailed as error:
        raise JournalMissing(str(error)) from None
    is_cut = asked.stdout_bytes > len(asked.stdout)
    _judge(asked, is_cut=is_cut)
    return asked.stdout, is_cut


def _judge(asked: Completed, *, is_cut: bool) -> None:
    stderr = " ".join(asked.stderr.decode(errors="replace").split())
    if NOT_PERMITTED.search(stderr):
        raise CheckFailed(f"it is not permitted; {REMEDY}")
    if NOT_THERE.search(stderr):
        raise JournalMissing("this host keeps no journal")
    if asked.status and not is_cut:
        raise CheckFailed(
            shown(stderr, MAX_STDERR_CHARACTERS) or f"journalctl ended with {asked.status}"
        )

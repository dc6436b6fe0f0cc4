"""Every weather, with what is promised in it. See docs/reference/promises.md."""

from __future__ import annotations

import errno
from functools import partial

from attrs import evolve

from tests.host_weather import acts
from tests.host_weather.weather import Promise, Weather

HANGS = 30.0
"""Seconds until a disk that hangs is given up, which are 10, and as long again as usual."""

UNWRITABLE = Promise(says=("LedgerUnwritable",))
NO_SECRET = Promise(arrives_in=None, says=("PeerMisconfigured",), shows=("misconfigured",))
REPLACED = Promise(says=("LedgerCorrupt",))
OTHER_FAILS = Promise(shows=("retrying",), hides=("LedgerUnwritable",))


def switched(name: str, kind: str, promise: Promise, **values: int) -> Weather:
    """Return a weather that some switches of `shim.c` make."""
    off = dict.fromkeys(values, 0)
    return Weather(
        name=name,
        kind=kind,
        begin=lambda host: host.switches.set(**values),
        end=lambda host: host.switches.set(**off),
        promise=promise,
    )


def _disk() -> list[Weather]:
    failing = [
        switched(f"fsync: {errno.errorcode[code]}", "disk", UNWRITABLE, sync_error=code)
        for code in (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS)
    ]
    torn = [
        switched(
            f"write: a half, then {errno.errorcode[code]}", "disk", UNWRITABLE, write_error=code
        )
        for code in (errno.ENOSPC, errno.EIO)
    ]
    calm = Promise(hides=("LedgerUnwritable", "LedgerCorrupt"))
    # The last commit is waited for longer than `stop_grace`: the code then tells that.
    hangs = evolve(UNWRITABLE, arrives_in=HANGS, codes=frozenset({0, 1}))
    slow = evolve(calm, codes=hangs.codes)
    for_good = evolve(hangs, keeps=False)
    return [
        *failing,
        *torn,
        switched("write: in halves", "disk", calm, write_halves=1),
        switched("fsync: takes 0.5 s", "disk", calm, sync_delay=500),
        switched("fsync: takes 2 s", "disk", slow, sync_delay=2000),
        switched("fsync: hangs", "disk", hangs, sync_hangs=1),
        Weather(
            name="fsync: hangs for good",
            kind="disk",
            begin=lambda host: host.switches.set(sync_hangs=1),
            promise=for_good,
        ),
    ]


def _limits() -> list[Weather]:
    no_threads = Promise(
        reaches_other=True,
        hides=("LedgerUnwritable", "Failed to execute"),
    )
    no_descriptors = Promise(
        answers=False,
        says=("Failed to execute module (leaves-a-child)",),
        hides=("LedgerUnwritable", "LedgerCorrupt"),
    )
    return [
        Weather(
            name="no thread",
            kind="names",  # a name that must be looked up needs a thread
            begin=acts.allow_no_thread,
            end=acts.allow_threads,
            promise=no_threads,
            quiet=11.0,  # trio keeps an idle thread for 10 s, only then is a new one needed
        ),
        Weather(
            name="no descriptor: EMFILE",
            kind="descriptors",
            begin=acts.allow_no_descriptor,
            end=acts.allow_descriptors,
            promise=no_descriptors,
        ),
        switched("no descriptor: ENFILE", "descriptors", no_descriptors, open_error=errno.ENFILE),
    ]


def _names() -> list[Weather]:
    return [switched("names hang", "names", OTHER_FAILS, names_hang=1)]


def _files() -> list[Weather]:
    happens = partial(Weather, kind="ledger", end=acts.do_nothing, promise=REPLACED)
    # The socket is in the directory. It is made again within 30 s.
    directory = Promise(answers=False, says=("LedgerCorrupt",))
    return [
        happens(name="ledger: removed", begin=acts.remove_ledger),
        happens(
            name="ledger: its WAL removed", begin=lambda host: acts.remove_files(host, "ledger-wal")
        ),
        happens(name="ledger: renamed", begin=acts.rename_ledger),
        happens(name="ledger: cut", begin=lambda host: acts.cut_file(host, "ledger")),
        happens(name="ledger: its WAL cut", begin=lambda host: acts.cut_file(host, "ledger-wal")),
        happens(name="ledger: an older copy in its place", begin=acts.replace_ledger),
        happens(name="directory: removed", begin=acts.remove_directory, promise=directory),
        happens(name="directory: renamed", begin=acts.rename_directory, promise=directory),
    ]


def _log() -> list[Weather]:
    full = Promise(says_later=("log entries that were dropped",))
    return [
        Weather(
            name="log: not read",
            kind="log",
            begin=lambda host: host.subject.logs[-1].pause(),
            end=lambda host: host.subject.logs[-1].resume(),
        ),
        Weather(
            name="log: its reader is gone",
            kind="log",
            begin=lambda host: host.subject.logs[-1].close(),
        ),
        switched("log: on a full disk", "log", full, log_error=errno.ENOSPC),
    ]


def _secrets() -> list[Weather]:
    bad = partial(
        Weather, kind="secret", end=acts.write_secret, promise=NO_SECRET, with_secret=True
    )
    return [
        bad(name="secret: a FIFO", begin=acts.make_fifo),
        bad(name="secret: a FIFO from the start", begin=acts.make_fifo, at_start=True),
        bad(name="secret: a FIFO, then a reload", begin=acts.make_fifo_and_reload),
        bad(name="secret: gone", begin=lambda host: host.secret.unlink()),
        bad(name="secret: 1 TiB", begin=acts.make_huge),
        bad(
            name="secret: its mount hangs",
            begin=lambda host: host.switches.set(secret_hangs=1),
            end=lambda host: host.switches.set(secret_hangs=0),
        ),
    ]


def _clocks() -> list[Weather]:
    dated = partial(Weather, kind="clock", end=acts.give_true_date)
    skew = Promise(reaches_other=True, says_of_peer=("PeerClockSkew",))
    unnoticed = Promise(reaches_other=True, hides=("PeerClockSkew",))
    is_set = Promise(says_of_peer=("PeerClockSkew",))
    return [
        dated(name="date: wanders", begin=acts.let_date_wander, promise=skew),
        dated(
            name="date: a day ahead", begin=partial(acts.shift_date, seconds=86400), promise=skew
        ),
        dated(
            name="date: fifty years ago",
            begin=partial(acts.shift_date, seconds=-50 * 365 * 86400),
            promise=skew,
        ),
        dated(
            name="date: nonsense",
            begin=partial(acts.give_date, date="yesterday"),
            promise=unnoticed,
        ),
        dated(name="date: absent", begin=partial(acts.give_date, date=None), promise=unnoticed),
        switched("clock: an hour ahead", "clock", is_set, clock_offset=3600),
        switched("clock: an hour back", "clock", is_set, clock_offset=-3600),
    ]


WEATHERS = {
    weather.name: weather
    for weather in (
        *_disk(),
        *_limits(),
        *_names(),
        *_files(),
        *_log(),
        *_secrets(),
        *_clocks(),
    )
}
"""All of them by name."""

"""Watches single files: whether they are there, their age, size, growth, rights and contents.

Coming from Monit: `check file`, `check fifo`, `check directory`; Icinga: `file_age`; Telegraf:
`filestat`, `file`.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial
from itertools import chain

import trio
from attrs import field, frozen

from checks._common.deadlines import timeout_field, within
from checks._common.gather import gather
from checks._common.validators import Rule, is_not_empty, unique
from checks._files.probing import probe_within
from checks._files.watched.entry import WatchedFile
from checks._files.watched.hashing import Budget, look_into
from checks._files.watched.memory import Known
from checks._files.watched.owners import GROUPS, USERS
from checks._files.watched.reading import Shared, look
from checks._files.watched.verdict import observations, unreadable
from supervisor.api import Context, Duration, Json, Observation, probe

MAX_FILES = 200
"""The most files of one module. What is remembered of them must stay small."""

_limiter = trio.CapacityLimiter(16)
"""How many files are looked at the same time. The time of a file begins at its turn."""


def _are_few(_params: object, _: object, value: tuple[WatchedFile, ...]) -> None:
    if len(value) > MAX_FILES:
        raise ValueError(f"has {len(value)} files; write at most {MAX_FILES}, and a second module")


@frozen
class Params:
    """The files, and how long each may take to be looked at."""

    files: tuple[WatchedFile, ...] = field(
        validator=[
            is_not_empty,
            Rule(_are_few, {"maxItems": MAX_FILES}),
            unique(lambda file: file.instance),
        ],
        metadata={"help": "the files to watch", "named_by": ("path", "newest", "name")},
    )
    probe_timeout: Duration = timeout_field(20, "a file that takes longer to look at is unreadable")


EXAMINES_THIS_HOST = True
"""`examine` needs no network, so `validate` asks it, too."""


async def examine(params: Params) -> Iterable[str]:
    """Return which users and groups this host does not know, and which files cannot be read."""
    unknown = await probe("look for users and groups", partial(_unknown, params))
    seconds = within(params.probe_timeout)
    refused = await gather(partial(_refused, seconds=seconds), params.files)
    unreadable = [f"files[{number}].path: {why}" for number, why in enumerate(refused) if why]
    return [*unknown, *unreadable]


async def _refused(file: WatchedFile, seconds: float) -> str:
    """Return why a file cannot be read for its SHA-256. Empty: it can, or it is not there."""
    if not file.sha256:
        return ""
    try:
        await probe_within(seconds, f"look at {file.path}", partial(look_into, file.path))
    except FileNotFoundError:
        return ""
    except OSError as error:
        why = error.strerror or str(error)
        return f"cannot read {file.path}: {why}; let the supervisor's user read it"
    return ""


def _unknown(params: Params) -> list[str]:
    return [
        f"files[{number}].{key}: {wanted} is not a {kind} of this host; write one of its {kind}s, "
        "or a number"
        for number, file in enumerate(params.files)
        for key, wanted, names, kind in (
            ("owner", file.owner, USERS, "user"),
            ("group", file.group, GROUPS, "group"),
        )
        if wanted and names.number_of(wanted) is None
    ]


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what is wrong with each file. The state keeps what the next run compares with."""
    module = f"{context.service} {context.module}"
    shared = Shared(module, context.clock(), Budget())
    kept: dict[str, Json] = {}
    examine = partial(
        _examine, shared=shared, seconds=params.probe_timeout, known=context.state, kept=kept
    )
    observed = await gather(examine, params.files)
    context.state.clear()
    context.state.update({key: value for key, value in kept.items() if value})
    return [*chain.from_iterable(observed)]


async def _examine(
    file: WatchedFile,
    *,
    shared: Shared,
    seconds: float,
    known: dict[str, Json],
    kept: dict[str, Json],
) -> list[Observation]:
    """Return what is known of a file, and put into `kept` what the next run must know."""
    before = Known.load(known.get(file.key))
    kept[file.key] = before.dump()  # of a file that cannot be looked at, all of it
    try:
        async with _limiter:
            limit = within(seconds)
            call = partial(look, file, before, shared, limit)
            name = f"look at {file.path or file.newest} for {file.instance}"
            reading = await probe_within(limit, name, call)
    except OSError as error:
        path = error.filename or file.path or file.newest
        return [unreadable(file, f"{path}: {error.strerror or error}")]
    kept[file.key] = reading.known.dump()
    return [*observations(file, reading, before.digest)]

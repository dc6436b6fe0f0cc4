"""Watches for PNR push messages of local flights that were received and not processed in time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import trio
from attrs import field, frozen

from checks._common.durations import span
from checks._common.event_types import event_type_field
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._common.validators import up_to
from checks._database import sql_file
from checks._database.query import examine_query, read
from checks._database.server import Database, Rows, count, moment, text
from checks._database.sql_file import QuerySpec, query_field
from checks._reports import airports as reports_airports
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Duration,
    Measurement,
    Observation,
    probe,
)

QUERY = QuerySpec(
    "pnr_push_process.sql",
    {"airports": ("ICN", "GMP"), "received_before": datetime(2026, 1, 1)},  # noqa: DTZ001  # as all times that go to the database, in the session's zone
    ("airline", "waiting", "oldest", "sample"),
)
"""Finds the messages that wait, by airline."""

_DETAIL_TEMPLATE = """\
<p>{{ message }}</p>
<table style="border-collapse:collapse">
{% for line in sample %}<tr><td style="padding:2px 0;word-break:break-all">{{ line }}</td></tr>
{% endfor %}</table>"""
"""What the alert shows of the messages."""


@frozen
class Params:
    """Which messages, of which flights, and how long they may wait."""

    airports_file: Path = field(
        metadata={"help": "a JSON list, or object, of the codes of the local airports"}
    )
    database: Database = field(metadata={"help": "the PNR database"})
    process_within: Duration = field(
        default=Duration(600), metadata={"help": "how long a message may wait to be processed"}
    )
    poll_interval: Duration = field(
        default=Duration(10),
        metadata={"help": "when messages wait: how long until it looks again, in the same run"},
    )
    retries: int = field(
        default=2,
        validator=up_to(100, "a number of retries"),
        metadata={"help": "how often it looks again before it says so"},
    )
    query: Path | None = query_field(QUERY)
    event_type: str = event_type_field("E", "when it fires")

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield what is hardly meant, for `validate`."""
        yield from sql_file.warnings(query=self.query)


@frozen
class Backlog:
    """The messages of one airline that wait too long."""

    airline: str
    waiting: int
    """How many there are."""

    oldest: datetime
    """When the oldest was received, in the service's zone."""

    sample: Sequence[str]
    """Some of them, in words."""


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each airline whose messages still wait after all retries.

    Raises `CheckFailed` when airports or messages cannot be read.
    """
    path = params.airports_file
    airports = await probe(f"read of {path}", lambda: reports_airports.read(path))
    begun = trio.current_time()
    found = await _look(context, params, airports)
    once = trio.current_time() - begun
    for _ in range(params.retries):
        if not found or not _time_for(params.poll_interval + 2 * once):
            break
        await trio.sleep(params.poll_interval)
        found = await _look(context, params, airports)
    waiting = sum(backlog.waiting for backlog in found)
    return [
        Measurement("unprocessed_pushes", waiting),
        *(_condition(context, params, backlog) for backlog in found),
    ]


async def examine(params: Params) -> Iterable[str]:
    """Return what is wrong with the airports file, and what a live server finds in the query."""
    problems = []
    path = params.airports_file
    try:
        await probe(f"read of {path}", lambda: reports_airports.read(path))
    except CheckFailed as error:
        problems.append(str(error))
    return [*problems, *await examine_query(params.database, QUERY, params.query)]


def _time_for(seconds: float) -> bool:
    """Return whether the run has that much time left, and a little more for its result."""
    left = trio.current_effective_deadline() - trio.current_time()
    return left * 0.9 > seconds + 0.5


async def _look(context: Context, params: Params, airports: tuple[str, ...]) -> list[Backlog]:
    statement = await QUERY.statement(params.query)
    before = context.now() - timedelta(seconds=params.process_within)
    values = {"airports": airports, "received_before": before.replace(tzinfo=None)}
    (rows,) = await read(context.now(), params.database, (statement, values))
    return sorted(_backlogs(context, rows), key=lambda backlog: backlog.airline)


def _backlogs(context: Context, rows: Rows) -> Iterator[Backlog]:
    for airline, waiting, oldest, sample in rows.pick(*QUERY.columns):
        if count(waiting, "column waiting"):
            since = moment(oldest, "column oldest").replace(tzinfo=context.timezone)
            lines = [line for line in text(sample).splitlines() if line.strip()]
            yield Backlog(text(airline), count(waiting, "column waiting"), since, lines)


def _condition(context: Context, params: Params, backlog: Backlog) -> Condition:
    message = (
        f"{shown(backlog.airline, 80)}: {counted(backlog.waiting, 'push message')} "
        f"not processed within {span(params.process_within)}, "
        f"the oldest received {backlog.oldest:%Y-%m-%d %H:%M:%S}"
    )
    if backlog.sample:
        message += f", such as {shown(backlog.sample[0], 200)}"
    sample = [shown(line, 500) for line in backlog.sample[:20]]
    detail = context.render(_DETAIL_TEMPLATE, message=message, sample=sample)
    return Condition(
        alertname="Push not processed",
        event_type=params.event_type,
        instance=backlog.airline,
        message=message,
        detail=detail,
    )

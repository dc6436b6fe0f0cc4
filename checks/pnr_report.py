"""Reports the PNR messages of each airline since the last report, beside those of the day before.

Each report begins where the last committed one ended. So no message is missed or counted twice.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

from attrs import Attribute, field, frozen

from checks._common.time_zones import zone
from checks._database import sql_file
from checks._database.query import examine_query, read
from checks._database.server import Database, Rows, count, moment, text
from checks._database.sql_file import QuerySpec, Statement, query_field
from checks._reports import pnr_page
from checks._reports.pnr_page import Airline, PnrFigures, Tally
from checks._reports.theme import template
from checks._reports.window import Window, next_window, remember
from supervisor.api import Context, Duration, Observation, Report

MAX_DATABASES = 10
"""How many databases one report may have."""

EXAMPLE = datetime(2026, 1, 1)  # noqa: DTZ001  # as all times that go to the database, in the session's zone
"""A time for the examples of the queries."""

QUERY = QuerySpec(
    "pnr_report.sql",
    {"since": EXAMPLE, "until": EXAMPLE},
    ("airline", "process", "messages"),
)
"""Counts the messages of a time, by airline and process."""

SERVICES = QuerySpec("pnr_report_services.sql", columns=("service", "name", "last_message_date"))
"""Lists the airlines with their names and last message dates."""


@frozen
class Params:
    """Which databases, and how the report is made."""

    databases: tuple[Database, ...] = field(
        metadata={"help": "the PNR databases; each has a table in the report"}
    )
    monitoring_database: Database | None = field(
        default=None,
        metadata={"help": "where the airlines' names and last message dates are, if anywhere"},
    )
    timezone: str = field(
        default="",
        metadata={"help": "zone of the report, such as 'Asia/Seoul'; default: the service's"},
    )
    process_names: Mapping[str, str] = field(
        factory=dict, metadata={"help": "readable names of the processes: { U = 'Job Updater' }"}
    )
    report_interval: Duration | None = field(
        default=None,
        metadata={
            "help": "how far the first report looks back; default: to the `at` time before",
            "range": "of 1m or more",
        },
    )
    exclude_services: tuple[str, ...] = field(
        default=(), metadata={"help": "airlines that are not counted"}
    )
    query: Path | None = query_field(QUERY)
    services_query: Path | None = query_field(SERVICES)

    @databases.validator
    def _are_some(self, _: Attribute[tuple[Database, ...]], value: tuple[Database, ...]) -> None:
        if not 0 < len(value) <= MAX_DATABASES:
            raise ValueError(f"has {len(value)} databases; give 1 to {MAX_DATABASES}")

    @timezone.validator
    def _is_a_zone(self, _: Attribute[str], value: str) -> None:
        if value:
            zone(value)

    @report_interval.validator
    def _is_positive(self, _: Attribute[Duration | None], value: Duration | None) -> None:
        if value is not None and value < 60:
            raise ValueError("is less than a minute; write for example '12h'")

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield what is hardly meant, for `validate`."""
        yield from sql_file.warnings(query=self.query, services_query=self.services_query)


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return one report on the time since the last one, none when less than a minute has passed.

    Raises `CheckFailed` when a database cannot be read. The next report then covers this time.
    """
    now = context.now()
    if params.timezone:
        now = now.astimezone(zone(params.timezone))
    length = timedelta(seconds=params.report_interval) if params.report_interval else None
    window = next_window(context.state, now, context.at, length)
    if window is None:
        return []
    query = await QUERY.statement(params.query)
    figures = PnrFigures(
        window,
        [await _tally(database, query, window, params) for database in params.databases],
        await _airlines(now, params),
        params.process_names,
    )
    detail = context.render(template("pnr_report.html"), **pnr_page.page(context, figures))
    context.state.clear()
    context.state.update(remember(window))
    return [Report("PNR report", pnr_page.summary(figures), detail)]


async def examine(params: Params) -> Iterable[str]:
    """Return what live servers find wrong with the queries."""
    problems = [
        problem
        for database in params.databases
        for problem in await examine_query(database, QUERY, params.query)
    ]
    if params.monitoring_database is not None:
        problems += await examine_query(params.monitoring_database, SERVICES, params.services_query)
    return problems


async def _tally(database: Database, query: Statement, window: Window, params: Params) -> Tally:
    now, before = await read(
        window.until,
        database,
        (query, window.values(window.until)),
        (query, window.day_before.values(window.until)),
    )
    messages = by_airline(now, params.exclude_services)
    earlier = by_airline(before, params.exclude_services)
    return Tally(
        database.title, messages, {code: sum(each.values()) for code, each in earlier.items()}
    )


def by_airline(rows: Rows, excluded: Iterable[str]) -> dict[str, Counter[str]]:
    """Return the messages of each airline by process, without the excluded airlines."""
    left_out = frozenset(excluded)
    found: dict[str, Counter[str]] = {}
    for airline, process, messages in rows.pick(*QUERY.columns):
        code = text(airline)
        number = count(messages, "column messages")
        if code not in left_out:
            found.setdefault(code, Counter())[text(process)] += number
    return found


async def _airlines(now: datetime, params: Params) -> dict[str, Airline]:
    if params.monitoring_database is None:
        return {}
    statement = await SERVICES.statement(params.services_query)
    (rows,) = await read(now, params.monitoring_database, (statement, {}))
    return {
        text(service): Airline(
            text(name), None if last is None else moment(last, "column last_message_date")
        )
        for service, name, last in rows.pick(*SERVICES.columns)
    }

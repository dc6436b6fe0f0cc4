"""Copies each service's last message date from the PNR database to the monitoring database."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from pathlib import Path

from attrs import field, frozen

from checks._common.validators import not_blank
from checks._database import sql_file
from checks._database.query import examine_query, read, write
from checks._database.server import Database, Rows, moment, text
from checks._database.sql_file import QuerySpec, query_field
from supervisor.api import CheckFailed, Context, Measurement, Observation

SELECT = QuerySpec(
    "pnr_last_message_date_select.sql",
    columns=("service", "last_message_date"),
)
"""Reads the dates from the PNR database."""

UPDATE = QuerySpec(
    "pnr_last_message_date_update.sql",
    {"server_name": "TEST", "service": "KE", "last_message_date": datetime(2026, 1, 1)},  # noqa: DTZ001  # as all times that go to the database, in the session's zone
)
"""Writes the date of one service to the monitoring database."""


@frozen
class Params:
    """Which databases, and the name of this server."""

    server_name: str = field(
        validator=not_blank("write the server's name in the monitoring database"),
        metadata={"help": "this server's name in the monitoring database"},
    )
    pnr_database: Database = field(metadata={"help": "where the dates are read"})
    monitoring_database: Database = field(metadata={"help": "where they are written"})
    select_query: Path | None = query_field(SELECT)
    update_query: Path | None = query_field(UPDATE)

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield what is hardly meant, for `validate`."""
        yield from sql_file.warnings(select_query=self.select_query)


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return how many dates were copied: either all or none.

    Raises `CheckFailed` when they could not be read or written.
    """
    select = await SELECT.statement(params.select_query)
    update = await UPDATE.statement(params.update_query)
    now = context.now()
    (rows,) = await read(now, params.pnr_database, (select, {}))
    dates = latest(rows)
    if dates:
        # Sorted, so that two servers that write at the same time do not block each other.
        values = [
            {"server_name": params.server_name, "service": service, "last_message_date": date}
            for service, date in sorted(dates.items())
        ]
        await write(now, params.monitoring_database, update, values)
    return [Measurement("services", len(dates))]


async def examine(params: Params) -> Iterable[str]:
    """Return what live servers find wrong with the two queries."""
    return [
        *await examine_query(params.pnr_database, SELECT, params.select_query),
        *await examine_query(params.monitoring_database, UPDATE, params.update_query),
    ]


def latest(rows: Rows) -> dict[str, datetime]:
    """Return the last date of each service. A service without any message is left out."""
    dates: dict[str, datetime] = {}
    for name, date in rows.pick(*SELECT.columns):
        service = text(name)
        if not service:
            raise CheckFailed("the query returns a row whose column service is empty")
        if date is not None:
            found = moment(date, f"the last message date of {service}")
            dates[service] = max(found, dates.get(service, found))
    return dates

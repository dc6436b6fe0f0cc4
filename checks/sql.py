"""Puts a query to MySQL or MariaDB: its rows, or a number against limits.

With instance_column or message_column alone, each row is a condition. Otherwise the query gives a
number, or with instance_column one for each row, which is measured and compared with max and min.

Coming from Monit: `check host … protocol mysql`; Icinga: `mysql_query`; Telegraf: `sql`, `mysql`.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from attrs import Attribute, field, frozen

from checks._common.event_types import event_type_field
from checks._common.limits import compared, limit_field
from checks._common.printable import shown
from checks._database import sql_file
from checks._database.query import examine_query, read
from checks._database.server import Database, Rows, missing_columns, number, text
from checks._database.sql_file import QuerySpec
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Crossing,
    Limit,
    Measurement,
    Observation,
    lower_limit,
    upper_limit,
)

MAX_VALUE_CHARACTERS = 200
"""The length of a value in a message."""


@frozen
class Params:
    """Which query, on which database, and what its rows mean."""

    database: Database = field(metadata={"help": "where the query is put"})
    query: Path = field(
        metadata={"help": "an SQL file with one SELECT; relative to the service file's directory"}
    )
    params: Mapping[str, str | int | float | bool | tuple[str | int, ...]] = field(
        factory=dict, metadata={"help": "the value of each %(name)s in the query"}
    )
    alertname: str = field(
        default="", metadata={"help": "what its conditions are called; default: the module's name"}
    )
    event_type: str = event_type_field("W", "when it fires")
    instance_column: str = field(
        default="", metadata={"help": "the column that tells the rows apart"}
    )
    message_column: str = field(
        default="", metadata={"help": "the column with the message; default: all of the row"}
    )
    max: Limit[float] | None = limit_field(upper_limit, "fires when the number is greater")
    min: Limit[float] | None = limit_field(lower_limit, "fires when the number is less")

    @query.validator
    def _fits(self, _: Attribute[Path], value: Path) -> None:
        sql_file.fitting(sql_file.read(value), self.params)

    @params.validator
    def _have_no_empty_list(self, _: Attribute[Any], value: Mapping[str, object]) -> None:
        if empty := [name for name, given in value.items() if given == ()]:
            raise ValueError(
                f"{empty[0]} is an empty list, which SQL does not know; give it a value"
            )

    @min.validator  # noqa: A003  # the parameter's name
    def _is_not_above_max(self, _: Attribute[Any], value: Limit[float] | None) -> None:
        if value is None or self.max is None:
            return
        least, most = min(self.max.numbers), max(value.numbers)
        if most > least:
            raise ValueError(f"{most:g} is more than max ({least:g}); exchange them")

    def warnings(self) -> Iterator[tuple[str, str]]:
        """Yield what is hardly meant, for `validate`."""
        yield from sql_file.warnings(query=self.query)

    @property
    def gives_conditions(self) -> bool:
        """Whether each row is a condition and not a number."""
        named = self.instance_column or self.message_column
        return bool(named) and self.max is None and self.min is None

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the query must return."""
        return tuple(filter(None, (self.instance_column, self.message_column)))


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return what the rows say; raises `CheckFailed` when they cannot be read or understood."""
    statement = await sql_file.load(params.query, params.params)
    (rows,) = await read(context.now(), params.database, (statement, params.params))
    if problem := missing_columns(rows.columns, params.columns):
        raise CheckFailed(problem)
    alertname = params.alertname or context.module
    if params.gives_conditions:
        return [_condition(alertname, params, row) for row in _records(rows)]
    return list(_numbers(alertname, params, rows))


async def examine(params: Params) -> Iterable[str]:
    """Return what a live server finds wrong with the query."""
    spec = QuerySpec(params.query.name, params.params, params.columns)
    return await examine_query(params.database, spec, params.query)


def _records(rows: Rows) -> Iterator[dict[str, str]]:
    for row in rows.rows:
        yield dict(zip(rows.columns, map(text, row), strict=True))


def _condition(alertname: str, params: Params, row: Mapping[str, str]) -> Condition:
    instance = row.get(params.instance_column, "")
    return Condition(alertname, params.event_type, instance, _message(params, row))


def _message(params: Params, row: Mapping[str, str]) -> str:
    if params.message_column:
        return row[params.message_column]
    others = (
        f"{name} {shown(value, MAX_VALUE_CHARACTERS)}"
        for name, value in row.items()
        if name != params.instance_column
    )
    return ", ".join(others) or row[params.instance_column]


def _numbers(alertname: str, params: Params, rows: Rows) -> Iterator[Observation]:
    if not params.instance_column and len(rows.rows) != 1:
        raise CheckFailed(
            f"the query returns {len(rows.rows):,} rows where one number was expected; "
            "write instance_column to tell rows apart"
        )
    column = _number_column(params, rows.columns)
    name = rows.columns[column]
    for row, record in zip(rows.rows, _records(rows), strict=True):
        instance = record.get(params.instance_column, "")
        value = number(row[column], f"column {name}")
        if not math.isfinite(value):
            raise CheckFailed(f"column {name} is {value}, which is not a number")
        yield Measurement(
            "value",
            value,
            labels={"instance": instance} if instance else {},
            limits=tuple(
                number for limit in (params.min, params.max) if limit for number in limit.numbers
            ),
        )
        for crossing, limit in _crossed(params, value):
            what = f"{shown(instance, MAX_VALUE_CHARACTERS)}: " if instance else ""
            message = record.get(params.message_column) or f"{what}{value:,.10g}{limit}"
            yield crossing.condition(alertname, instance, message)


def _number_column(params: Params, columns: tuple[str, ...]) -> int:
    """Return the index of the first column that is neither instance nor message."""
    for index, column in enumerate(columns):
        if column not in params.columns:
            return index
    raise CheckFailed("the query returns no column with a number; add one to it")


def _crossed(params: Params, value: float) -> Iterator[tuple[Crossing, str]]:
    """Yield what the value is worth against each limit, with the limit in words."""
    show = "{:,.10g}".format
    if params.max and (crossing := params.max.above(value, params.event_type)):
        yield crossing, compared(" is more than", params.max, show)
    if params.min and (crossing := params.min.below(value, params.event_type)):
        yield crossing, compared(" is less than", params.min, show)

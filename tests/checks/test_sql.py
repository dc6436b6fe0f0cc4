"""The `sql` check: what rows become, and which parameters are refused. No server is needed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from checks import sql
from checks._database import mysql
from checks._database.server import Database, Rows, text
from checks.sql import Params
from supervisor.api import CheckFailed, Condition, Limit, Measurement, Observation
from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from supervisor.modules.loader import load_check
from tests.support.check_context import context

DATABASE = Database(user="eborder")


@pytest.fixture
def seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Return a function that runs the check on the rows of a query."""
    query = tmp_path / "query.sql"
    query.write_text("SELECT 1")

    async def look(columns: str, *rows: Sequence[object], **params: Any) -> list[Observation]:
        async def read(*_: object) -> list[Rows]:
            return [Rows(tuple(columns.split()), rows)]

        monkeypatch.setattr(sql, "read", read)
        for name in params.keys() & {"max", "min"}:
            if not isinstance(params[name], Limit):
                params[name] = Limit.of(params[name])
        return list(await sql.run(context(), Params(DATABASE, query, **params)))

    return look


async def test_each_row_is_a_condition(seen: Any) -> None:
    found = await seen(
        "queue note",
        ("NO", "쌓였다 100%"),
        (7, None),
        alertname="Queue",
        event_type="E",
        instance_column="queue",
        message_column="note",
    )

    assert found == [
        Condition("Queue", "E", "NO", "쌓였다 100%"),
        Condition("Queue", "E", "7", ""),
    ]


async def test_without_a_message_column_the_row_is_the_message(seen: Any) -> None:
    when = datetime(2026, 11, 23, 9)  # noqa: DTZ001  # as a driver returns it
    found = await seen("id n at", ("a", Decimal("1.50"), when), instance_column="id")

    assert found == [Condition("the module", "W", "a", "n 1.50, at 2026-11-23 09:00:00")]


async def test_no_row_is_no_condition(seen: Any) -> None:
    assert await seen("id", instance_column="id") == []


@pytest.mark.parametrize(
    ("value", "limits", "message"),
    [
        (5, {"max": 5}, None),
        (6, {"max": 5}, "6 is more than 5"),
        (5, {"min": 5}, None),
        (Decimal("4.5"), {"min": 5, "max": 9}, "4.5 is less than 5"),
        (-1, {}, None),
    ],
)
async def test_a_number_is_measured_and_compared(
    seen: Any, value: object, limits: dict[str, float], message: str | None
) -> None:
    measured, *conditions = await seen("n", (value,), **limits)

    assert measured == Measurement("value", float(str(value)))
    assert [item.message for item in conditions] == ([message] if message else [])


@pytest.mark.parametrize(
    ("value", "types"),
    [
        (60, []),
        (70, [("W", True)]),
        (81, [("W", False)]),
        (99, [("E", False)]),
        (9, [("W", False)]),
    ],
)
async def test_a_table_of_limits_has_two_types_and_a_band(
    seen: Any, value: int, types: list[tuple[str, bool]]
) -> None:
    upper, lower = Limit((("W", 80.0), ("E", 95.0)), clear=70.0), Limit((("W", 10.0),))
    measured, *conditions = await seen("n", (value,), max=upper, min=lower)

    assert [(item.event_type, item.sustain) for item in conditions] == types
    assert measured.limits == (10, 80, 95)
    assert [item.message for item in conditions] == [
        f"{value} (limit W 80, E 95, clear 70)" if value > 60 else f"{value} (limit W 10)"
        for _ in types
    ]


async def test_each_row_may_have_its_number(seen: Any) -> None:
    found = await seen("queue n", ("KE", 3), ("NO", 12_000), instance_column="queue", max=10)

    assert found == [
        Measurement("value", 3.0, labels={"instance": "KE"}),
        Measurement("value", 12000.0, labels={"instance": "NO"}),
        Condition("the module", "W", "NO", "NO: 12,000 is more than 10"),
    ]


@pytest.mark.parametrize(
    ("columns", "rows", "params", "wrong"),
    [
        ("n", [], {}, "the query returns 0 rows where one number was expected"),
        ("n", [(1,), (2,)], {}, "the query returns 2 rows where one number was expected"),
        ("n", [(None,)], {}, "column n is NULL, which is not a number"),
        ("n", [("many",)], {}, "column n is 'many', which is not a number"),
        ("n", [(float("nan"),)], {}, "column n is nan, which is not a number"),
        ("q", [("a",)], {"instance_column": "q", "max": 1}, "no column with a number"),
        ("n m", [(1, 2)], {"instance_column": "q"}, "no column q; it returns n, m"),
    ],
)
async def test_an_answer_that_makes_no_sense_is_a_failure(
    seen: Any, columns: str, rows: list[tuple[object]], params: dict[str, Any], wrong: str
) -> None:
    with pytest.raises(CheckFailed, match=wrong):
        await seen(columns, *rows, **params)


@pytest.mark.parametrize(
    ("value", "expected"),
    [(None, ""), (b"\xeb\x8c\x80\xff", "대\ufffd"), ("NO", "NO"), (date(2026, 1, 2), "2026-01-02")],
)
def test_values_are_text_for_people(value: object, expected: str) -> None:
    assert text(value) == expected


# -- parameters --------------------------------------------------------------------------------


def problems(directory: Path, params: str) -> list[str]:
    path = directory / "Test.toml"
    path.write_text(
        f'service = "T"\n[[modules]]\ncheck = "sql"\nevery = "1m"\n[modules.params]\n{params}',
        encoding="utf-8",
    )
    try:
        load_service(path, lambda name: load_check(name).params)
    except ConfigError as error:
        return [
            f"{problem.key.removeprefix('modules[0].params')}: {problem.wrong}; {problem.remedy}"
            for problem in error.problems
        ]
    return []


def test_a_query_lies_beside_the_service_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "sql").mkdir()
    (tmp_path / "sql" / "mine.sql").write_text("SELECT %(code)s")
    monkeypatch.chdir("/")
    good = 'database = { user = "u" }\nquery = "sql/mine.sql"\nparams = { code = "KE" }'

    assert problems(tmp_path, good) == []
    assert problems(tmp_path, good.replace("mine", "none")) == [
        f".query: cannot be read: {tmp_path}/sql/none.sql: No such file or directory; give the "
        "path of a file with one SQL statement, as it is seen from the service file"
    ]
    assert problems(tmp_path, good.replace("code =", "airline =")) == [
        ".query: asks for %(code)s, which it is not given; given are %(airline)s"
    ]


def test_all_problems_are_named_without_the_password(tmp_path: Path) -> None:
    (tmp_path / "a.sql").write_text("SELECT 1")
    found = problems(
        tmp_path,
        'query = "a.sql"\nmax = 1\nmin = 2\nevent_type = ""\n'
        'database = { user = "", port = 0, password = "dummy-geheim", ca_file = "x" }',
    )

    assert [problem.split(":")[0] for problem in found] == [".database.password"]
    assert "dummy-geheim" not in str(found)
    found = problems(
        tmp_path,
        'query = "a.sql"\nmax = 1\nmin = 2\nevent_type = ""\n'
        'database = { user = "u", port = 0, ca_file = "x", read_timeout = 0 }',
    )
    assert [problem.split(":")[0] for problem in found] == [
        ".database.port",
        ".database.read_timeout",
        ".database.ca_file",
    ]
    found = problems(
        tmp_path,
        'query = "a.sql"\nmax = 1\nmin = 2\nevent_type = ""\ndatabase = { user = "u" }',
    )
    assert [problem.split(":")[0] for problem in found] == [".event_type", ".min"]


def test_each_kind_of_server_has_its_own_limit() -> None:
    assert mysql.limits("5.5.5-10.11.6-MariaDB-log", 1.62) == (
        "SET SESSION max_statement_time = 1.620"
    )
    assert mysql.limits("8.0.36", 1.62) == (
        "SET SESSION max_execution_time = 1620, lock_wait_timeout = 1, innodb_lock_wait_timeout = 1"
    )

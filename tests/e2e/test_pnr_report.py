"""The PNR report on a real MariaDB, and whether the shipped queries fit the reference schema."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from checks import pnr_last_message_date, pnr_push_process, pnr_report, sql
from supervisor.api import CheckFailed, Context, Json, Report
from tests.e2e.mariadb import MariaDbServer
from tests.e2e.pnr import NOW, at, copy_params, dates, insert, push_params, report_params
from tests.support.mail_page import Page


def handled(
    mariadb: MariaDbServer,
    when: datetime,
    airline: str,
    messages: int = 1,
    process: str = "U",
    database: str = "KOR-PNR",
) -> None:
    insert(
        mariadb,
        database,
        "report_row",
        {
            "airline": airline,
            "process": process,
            "messages": messages,
            "handled": when.replace(tzinfo=None),
        },
    )


async def report(mariadb: MariaDbServer, run_context: Context, **given: Any) -> Report:
    (found,) = await pnr_report.run(run_context, report_params(mariadb, **given))
    assert isinstance(found, Report)
    return found


async def test_the_report_counts_by_airline_and_process_beside_the_day_before(
    mariadb: MariaDbServer,
) -> None:
    morning, yesterday = NOW.replace(hour=9), NOW.replace(day=22, hour=9)
    handled(mariadb, morning, "KE", 1200)
    handled(mariadb, morning, "KE", 34, "P")
    handled(mariadb, morning, "NO", 7)
    handled(mariadb, morning, "1E", 5)
    handled(mariadb, morning, "4V", 999)
    handled(mariadb, NOW.replace(hour=7), "KE", 100_000)  # before the window
    handled(mariadb, yesterday, "KE", 1000)
    handled(mariadb, yesterday, "OZ", 3)
    handled(mariadb, morning, "NH", 40, "U", "JPN-PNR")
    for service, name in (("KE", "대한항공"), ("NH", "全日空 <ANA>"), ("NO", "Neos")):
        row = {"server_name": "TEST", "service": service, "name": name}
        insert(mariadb, "eborder", "service", {**row, "last_message_date": "2026-11-23 17:58:00"})

    found = await report(mariadb, at())
    text = Page(found.detail).text

    assert (found.alertname, found.event_type) == ("PNR report", "I")
    assert found.message == (
        "1,286 messages, 28 % more than the day before, Monday 23 November 2026, 08:00 to 18:00 "
        "KST: KE 1,234, NH 40, NO 7, 1E 5"
    )
    for expected in (
        "1,286 messages, 28 % more than the day before KOR-PNR-TEST on kor-pnr-test1 "
        "Monday 23 November 2026, 08:00 to 18:00 KST",
        "KOR-PNR 1,246 messages, 24 % more than the day before",
        "KE 대한항공 Job Updater 1,200, P 34, last message 2026-11-23 17:58 1,234 1,000",
        "NO Neos Job Updater 7, last message 2026-11-23 17:58 7 0",
        "1E Job Updater 5 5 0",
        "OZ 0 3",
        "JPN-PNR 40 messages, none the day before",
        "NH 全日空 <ANA> Job Updater 40",
        "Compared with Sunday 22 November 2026, 08:00 to 18:00 KST.",
    ):
        assert expected in text
    assert "4V" not in text


async def test_the_next_report_begins_where_the_last_committed_one_ended(
    mariadb: MariaDbServer,
) -> None:
    state: dict[str, Json] = {}
    minutes = [NOW.replace(hour=hour, minute=0, second=0) for hour in range(8, 18)]
    for minute in minutes:
        handled(mariadb, minute, "KE")
    first = await report(mariadb, at(NOW.replace(hour=12), state))
    again = list(await pnr_report.run(at(NOW.replace(hour=12), state), report_params(mariadb)))
    # The report after the failed one covers its time, too.
    with pytest.raises(CheckFailed):
        await report(mariadb, at(NOW.replace(hour=14), state), databases=(mariadb.database("x"),))
    third = await report(mariadb, at(NOW, state))

    assert first.message.startswith(
        "4 messages, none the day before, Sunday 22 November 2026, 18:00"
    )
    assert again == []
    assert third.message.startswith(
        "6 messages, none the day before, Monday 23 November 2026, 12:00"
    )
    assert state == {"until": "2026-11-23T18:00:00+09:00"}


async def test_a_timestamp_column_counts_the_same_window(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    query = tmp_path / "query.sql"
    query.write_text(
        "SELECT 'KE' AS airline, '' AS process, COUNT(*) AS messages FROM "
        "(SELECT FROM_UNIXTIME(%(stamp)s) AS handled) t "
        "WHERE handled >= %(since)s AND handled < %(until)s".replace(
            "%(stamp)s", str(int(NOW.replace(hour=8, minute=0, second=0).timestamp()))
        ),
        encoding="utf-8",
    )
    databases = (mariadb.database(),)
    found = await report(mariadb, at(), query=query, databases=databases, timezone="UTC")

    assert "KE 1" in found.message


async def test_the_shipped_queries_fit_the_reference_schema(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    query = tmp_path / "query.sql"
    query.write_text(
        "SELECT airline, 1 AS n FROM flight WHERE airline IN %(codes)s", encoding="utf-8"
    )
    general = sql.Params(
        mariadb.database(), query, {"codes": ("KE", "OZ")}, instance_column="airline"
    )

    assert list(await pnr_push_process.examine(push_params(mariadb, tmp_path))) == []
    assert list(await pnr_last_message_date.examine(copy_params(mariadb))) == []
    assert list(await pnr_report.examine(report_params(mariadb))) == []
    assert list(await sql.examine(general)) == []
    assert dates(mariadb) == {}


async def test_a_query_that_does_not_fit_is_found_before_it_is_needed(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    def written(text: str) -> Path:
        path = tmp_path / f"{len(list(tmp_path.iterdir()))}.sql"
        path.write_text(text, encoding="utf-8")
        return path

    where = f"KOR-PNR at 127.0.0.1:{mariadb.port} as eborder"
    missing = written("SELECT SLEEP(9) AS service FROM flight")
    absent = written(
        "UPDATE absent SET a = %(server_name)s, b = %(service)s, c = %(last_message_date)s"
    )
    (tmp_path / "airports.json").write_text("[]")

    assert list(
        await pnr_last_message_date.examine(copy_params(mariadb, select_query=missing))
    ) == [f"{where}: the query returns no column last_message_date; it returns service"]
    (problem,) = await pnr_last_message_date.examine(copy_params(mariadb, update_query=absent))
    assert "Table 'eborder.absent' doesn't exist" in problem
    params = push_params(mariadb, tmp_path, database=mariadb.database(port=1))
    assert len(list(await pnr_push_process.examine(params))) == 2

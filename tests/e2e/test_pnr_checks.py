"""The PNR checks on a real MariaDB with the reference schema and the shipped queries."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve

from checks import pnr_last_message_date, pnr_push_process, pnr_report, sql
from supervisor.api import CheckFailed, Condition, Context, Duration, Json, Measurement, Report
from tests.e2e.mariadb import MariaDbServer, SlowProxy
from tests.support.check_context import context
from tests.support.mail_page import Page

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 23, 18, 0, 7, tzinfo=SEOUL)
AT = ("08:00", "18:00")


def at(now: datetime = NOW, state: dict[str, Json] | None = None) -> Context:
    return evolve(
        context(AT),
        service="KOR-PNR-TEST",
        host="kor-pnr-test1",
        clock=now.timestamp,
        state={} if state is None else state,
    )


def insert(mariadb: MariaDbServer, database: str, table: str, *rows: Mapping[str, Any]) -> None:
    with mariadb.connect(database) as connection, connection.cursor() as cursor:
        for row in rows:
            places = ", ".join(["%s"] * len(row))
            cursor.execute(
                f"INSERT INTO {table} ({', '.join(row)}) VALUES ({places})",  # noqa: S608  # the test's own names
                list(row.values()),
            )


# -- pnr_push_process --------------------------------------------------------------------------


def flight(mariadb: MariaDbServer, number: int, airline: str, route: str) -> None:
    departure, arrival = route.split("-")
    insert(
        mariadb,
        "KOR-PNR",
        "flight",
        {
            "id": number,
            "airline": airline,
            "flight_number": f"{number:03}",
            "departure": departure,
            "arrival": arrival,
            "departs": NOW.replace(tzinfo=None),
        },
    )


def push(
    mariadb: MariaDbServer, number: int, airline: str, minutes: float, *, processed: bool = False
) -> None:
    """Insert a message of a flight, received that many minutes ago."""
    received = (NOW - timedelta(minutes=minutes)).replace(tzinfo=None)
    insert(
        mariadb,
        "KOR-PNR",
        "push_message",
        {
            "flight_id": number,
            "airline": airline,
            "passenger": "홍길동",
            "received": received,
            "processed": received if processed else None,
        },
    )


def push_params(mariadb: MariaDbServer, directory: Path, **given: Any) -> pnr_push_process.Params:
    file = directory / "airports.json"
    if not file.exists():
        file.write_text('["ICN", "GMP"]', encoding="utf-8")
    defaults = {"airports_file": file, "database": mariadb.database(), "retries": 0}
    return pnr_push_process.Params(**{**defaults, **given})


def seed(mariadb: MariaDbServer) -> None:
    for number, airline, route in (
        (1, "KE", "ICN-NRT"),
        (2, "KE", "NRT-GMP"),
        (3, "NO", "OSL-ICN"),
        (4, "1E", "NRT-HND"),  # neither from nor to the airports of the file
        (5, "9E", "ICN-JFK"),
    ):
        flight(mariadb, number, airline, route)
    push(mariadb, 1, "KE", 11)
    push(mariadb, 1, "KE", 40, processed=True)
    push(mariadb, 2, "KE", 32)
    push(mariadb, 3, "NO", 10.5)
    push(mariadb, 4, "1E", 300)
    push(mariadb, 5, "9E", 9)  # not too long yet


async def test_messages_that_wait_too_long_fire_by_airline(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    seed(mariadb)
    measured, *conditions = await pnr_push_process.run(at(), push_params(mariadb, tmp_path))

    assert measured == Measurement("unprocessed_pushes", 3)
    assert [
        (item.alertname, item.event_type, item.instance)
        for item in conditions
        if isinstance(item, Condition)
    ] == [("Push not processed", "E", "KE"), ("Push not processed", "E", "NO")]
    first = conditions[0]
    assert isinstance(first, Condition)
    assert first.message.startswith(
        "KE: 2 push messages not processed within 10 min, the oldest received "
        "2026-11-23 17:28:07, such as KE002 NRT-GMP message "
    )
    assert Page(first.detail).text.count("received 2026-11-23") == 4


async def test_a_message_processed_between_retries_is_not_an_alert(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    seed(mariadb)
    params = push_params(mariadb, tmp_path, retries=100, poll_interval=Duration(0.02))
    looks = 0

    def clock() -> float:
        nonlocal looks
        looks += 1
        if looks == 6:
            mariadb.sql("UPDATE push_message SET processed = received", "KOR-PNR")
        return NOW.timestamp()

    found = await pnr_push_process.run(evolve(at(), clock=clock), params)

    assert found == [Measurement("unprocessed_pushes", 0)]
    assert looks >= 6


async def test_retries_end_before_the_deadline_of_the_run(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    seed(mariadb)
    params = push_params(mariadb, tmp_path, retries=50, poll_interval=Duration(0.6))
    with trio.fail_after(2):
        found = list(await pnr_push_process.run(at(), params))

    assert len(found) == 3


@pytest.mark.parametrize("content", ["", "[]", '{"ICN": ', "[1, 2]", "\x00", '["<script>"]'])
async def test_a_bad_airports_file_fails_the_check(
    mariadb: MariaDbServer, tmp_path: Path, content: str
) -> None:
    file = tmp_path / "airports.json"
    file.write_text(content, encoding="utf-8")

    with pytest.raises(CheckFailed, match=f"cannot use the airports file {file}: "):
        await pnr_push_process.run(at(), push_params(mariadb, tmp_path))


# -- pnr_last_message_date ---------------------------------------------------------------------


def dates(mariadb: MariaDbServer) -> dict[str, str]:
    rows = mariadb.sql(
        "SELECT service, last_message_date FROM service WHERE server_name = 'TEST'", "eborder"
    )
    return {service: f"{date:%H:%M:%S}" for service, date in rows}


def copy_params(mariadb: MariaDbServer, **given: Any) -> pnr_last_message_date.Params:
    defaults = {
        "server_name": "TEST",
        "pnr_database": mariadb.database(),
        "monitoring_database": mariadb.database("eborder"),
    }
    return pnr_last_message_date.Params(**{**defaults, **given})


async def copy(mariadb: MariaDbServer, **given: Any) -> list[object]:
    return list(await pnr_last_message_date.run(at(), copy_params(mariadb, **given)))


async def test_last_message_dates_are_copied_and_a_second_run_changes_nothing(
    mariadb: MariaDbServer,
) -> None:
    seed(mariadb)
    insert(
        mariadb, "eborder", "service", {"server_name": "TEST", "service": "KE", "name": "대한항공"}
    )
    first = await copy(mariadb)
    once = mariadb.sql("SELECT * FROM service", "eborder")
    await copy(mariadb)

    assert first == [Measurement("services", 4)]
    assert dates(mariadb) == {
        "1E": "13:00:07",
        "9E": "17:51:07",
        "KE": "17:49:07",
        "NO": "17:49:37",
    }
    assert mariadb.sql("SELECT * FROM service", "eborder") == once
    assert ("TEST", "KE", "대한항공", NOW.replace(hour=17, minute=49, tzinfo=None)) in once


async def test_a_date_never_moves_backwards(mariadb: MariaDbServer) -> None:
    seed(mariadb)
    await copy(mariadb)
    mariadb.sql(
        "DELETE FROM push_message WHERE airline = 'KE' ORDER BY received DESC LIMIT 1", "KOR-PNR"
    )
    mariadb.sql(
        "UPDATE push_message SET received = received + INTERVAL 1 MINUTE WHERE airline = 'NO'",
        "KOR-PNR",
    )
    await copy(mariadb)

    assert dates(mariadb)["KE"] == "17:49:07"
    assert dates(mariadb)["NO"] == "17:50:37"


async def test_nothing_is_written_when_the_read_failed(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    seed(mariadb)
    broken = tmp_path / "broken.sql"
    for query in (
        "SELECT airline AS service, IF(airline = 'NO', '2026', received) AS last_message_date FROM",
        "SELECT IF(airline = 'NO', '', airline) AS service, received AS last_message_date FROM",
        "SELECT airline AS service FROM",
        "SELECT airline AS service, received AS last_message_date FROM seq_1_to_4000 JOIN",
    ):
        broken.write_text(f"{query} push_message", encoding="utf-8")
        with pytest.raises(CheckFailed):
            await copy(mariadb, select_query=broken)
    with SlowProxy(mariadb.port, b"push_message", drips=True).running() as proxy:
        dripping = mariadb.database(port=proxy.port, read_timeout=Duration(1))
        with pytest.raises(CheckFailed, match="no answer within 1 s"):
            await copy(mariadb, pnr_database=dripping)

    assert dates(mariadb) == {}


async def test_a_write_that_fails_in_the_middle_writes_nothing(mariadb: MariaDbServer) -> None:
    seed(mariadb)
    with mariadb.connect("eborder") as connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO service VALUES ('TEST', 'NO', NULL, NULL)")
        cursor.execute("START TRANSACTION; UPDATE service SET name = 'x' WHERE service = 'NO'")
        while cursor.nextset():
            pass
        with pytest.raises(CheckFailed, match=r"waited for a lock|no answer within"):
            await copy(
                mariadb, monitoring_database=mariadb.database("eborder", read_timeout=Duration(0.4))
            )
    mariadb.until_nobody()

    assert mariadb.sql("SELECT service, last_message_date FROM service", "eborder") == [
        ("NO", None)
    ]


async def test_a_service_without_any_message_is_not_changed(
    mariadb: MariaDbServer, tmp_path: Path
) -> None:
    query = tmp_path / "select.sql"
    query.write_text("SELECT 'KE' AS service, NULL AS last_message_date", encoding="utf-8")

    assert await copy(mariadb, select_query=query) == [Measurement("services", 0)]
    assert dates(mariadb) == {}


# -- pnr_report --------------------------------------------------------------------------------


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


def report_params(mariadb: MariaDbServer, **given: Any) -> pnr_report.Params:
    defaults = {
        "databases": (mariadb.database("KOR-PNR"), mariadb.database("JPN-PNR")),
        "monitoring_database": mariadb.database("eborder"),
        "process_names": {"U": "Job Updater"},
        "exclude_services": ("4V", "TW"),
        "timezone": "KST",
    }
    return pnr_report.Params(**{**defaults, **given})


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


# -- what a live server finds wrong ------------------------------------------------------------


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

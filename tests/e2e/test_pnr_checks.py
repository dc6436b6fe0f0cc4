"""The PNR checks that watch and copy, on a real MariaDB with the reference schema."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks import pnr_last_message_date, pnr_push_process
from supervisor.api import CheckFailed, Condition, Duration, Measurement
from tests.e2e.mariadb import MariaDbServer, SlowProxy
from tests.e2e.pnr import NOW, at, copy_params, dates, insert, push_params, seed
from tests.support.mail_page import Page


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

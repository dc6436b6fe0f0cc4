"""The reference schema with messages and flights, and parameters of the PNR checks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from attrs import evolve

from checks import pnr_last_message_date, pnr_push_process, pnr_report
from supervisor.api import Context, Json
from tests.e2e.mariadb import MariaDbServer
from tests.support.check_context import context

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


def report_params(mariadb: MariaDbServer, **given: Any) -> pnr_report.Params:
    defaults = {
        "databases": (mariadb.database("KOR-PNR"), mariadb.database("JPN-PNR")),
        "monitoring_database": mariadb.database("eborder"),
        "process_names": {"U": "Job Updater"},
        "exclude_services": ("4V", "TW"),
        "timezone": "KST",
    }
    return pnr_report.Params(**{**defaults, **given})

"""A report on an invented host, for the tests of `daily` and for the picture in docs/."""

from __future__ import annotations

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from attrs import evolve

from checks._files.usage import Usage
from checks._kernel.proc_stat import Birth, CpuTimes, Memory
from checks._processes.top import Consumer, ProcessUsage
from checks._reports.daily_page import page
from checks._reports.daily_readings import FilesystemReading, Readings, TopProcess
from checks._reports.period import Activity, Period, Resolved
from checks._reports.theme import template
from supervisor.api import AlertView, Context
from tests.support import check_context

SEOUL = ZoneInfo("Asia/Seoul")
NOW = datetime(2026, 11, 23, 16, 30, tzinfo=SEOUL)
MORNING = NOW.replace(hour=9, minute=0)
GIB = 1 << 30


def alert(
    alertname: str,
    event_type: str = "E",
    instance: str = "",
    *,
    check: str = "disk",
    state: str = "firing",
    message: str = "",
    began: datetime = MORNING,
    ended: datetime | None = None,
) -> AlertView:
    return AlertView(alertname, event_type, instance, check, state, message, began, ended)


def top(title: str, pid: int, cpu: float, resident: int) -> TopProcess:
    return TopProcess(title, Consumer(ProcessUsage(pid, "name", 1, 1, resident), cpu))


def use(percent: int, left: str = "") -> Usage:
    return Usage(percent, "", left, ())


BUSY = (
    top("mariadbd --defaults-file=/etc/mysql/my.cnf", 812, 61, 6 * GIB),
    top("ruby archiveManager_PnrTest", 2210, 23, GIB // 3),
    top("java com.example.PnrGateway", 1904, 9, 3 * GIB),
)
READINGS = Readings(
    birth=Birth("boot/7/1", 12 * 86400.0),
    uptime=41 * 86400.0 + 3 * 3600,
    processors=8,
    load=(1.92, 1.40, 1.11),
    cpu=CpuTimes(24, 72, 4, 0),
    memory=Memory(32 * GIB, 9 * GIB, 8 * GIB, 7 * GIB),
    sessions=1204,
    filesystems=(
        FilesystemReading("/", use(41, "23.6 GiB free"), use(12)),
        FilesystemReading("/data", use(88, "61.0 GiB free"), use(3)),
        FilesystemReading("/backup", use(97, "9.8 GiB free"), use(1)),
        FilesystemReading("/mnt/archive", trouble="no answer within 5 s"),
    ),
    by_cpu=BUSY,
    by_memory=(BUSY[0], BUSY[2], BUSY[1]),
)
PERIOD = Period(
    since=MORNING,
    counted_since=MORNING,
    firing=(
        alert(
            "Connection failed",
            instance="USTD-DEV1",
            check="connection",
            message="cannot connect to USTD-DEV1 (127.0.14.31:1112): connection refused",
            began=NOW.replace(hour=15, minute=42),
        ),
        alert(
            "Disk usage",
            "W",
            "/backup",
            message="/backup is 97 % full (limit 95 %), 9.8 GiB free, device /dev/sdb1",
            began=NOW.replace(day=21, hour=4, minute=10),
        ),
    ),
    resolved=(
        Resolved(
            alert(
                "Unprocessed files",
                "W",
                "/data/queue/한국",
                check="unprocessed_file",
                began=NOW.replace(hour=11, minute=5),
                ended=NOW.replace(hour=11, minute=40),
            ),
            3,
        ),
    ),
    activities=(
        Activity("connection", 90, 0, 0, "conditions"),
        Activity("disk", 90, 0, 0, "conditions"),
        Activity("pnr_push_process", 45, 2, 1, "timeout"),
        Activity("unprocessed_file", 90, 0, 0, "ok"),
    ),
)


def context(now: datetime = NOW, **values: object) -> Context:
    return evolve(
        check_context.context(),
        service="KOR-PNR-TEST",
        host="kor-pnr-test1",
        module="daily",
        timezone=SEOUL,
        clock=now.timestamp,
        **values,  # type: ignore[arg-type]  # the test's own
    )


def html(readings: Readings = READINGS, period: Period = PERIOD, now: datetime = NOW) -> str:
    """Return the page that is mailed."""
    return context().render(template("daily.html"), **page(context(), now, readings, period))


def later(hours: float) -> datetime:
    return NOW + timedelta(hours=hours)

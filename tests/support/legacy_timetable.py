"""The timetable of one host of the legacy agent, written by hand."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

from supervisor.config.service import Module, Service
from supervisor.observations import Duration

MINUTE = Duration(60)
FIVE_MINUTES = Duration(300)

MODULES = (
    Module("connection", "connection", every=FIVE_MINUTES, at=("00:00-23:55",)),
    Module("daemon", "daemon", every=MINUTE),
    Module("daily", "daily", at=("09:00", "16:30")),
    Module("disk", "disk", every=MINUTE),
    Module("inode", "inode", every=MINUTE),
    Module("routing_table", "routing_table", every=MINUTE),
    Module("session", "session", every=MINUTE),
    Module("unprocessed_file", "unprocessed_file", every=MINUTE),
    Module("pnr_push_process", "pnr_push_process", every=FIVE_MINUTES),
    Module("pnr_last_message_date", "pnr_last_message_date", at=("08:00", "12:00", "16:00")),
    Module("pnr_report", "pnr_report", at=("08:00", "18:00")),
)

AT_TIMES = {
    "daily": ["09:00", "16:30"],
    "pnr_last_message_date": ["08:00", "12:00", "16:00"],
    "pnr_report": ["08:00", "18:00"],
}
INTERVALS = {
    "daemon": 60,
    "disk": 60,
    "inode": 60,
    "routing_table": 60,
    "session": 60,
    "unprocessed_file": 60,
    "pnr_push_process": 300,
}


def every_five_minutes(first: str, last: str) -> list[str]:
    """Return "HH:MM" from `first` to `last`."""
    minutes = [int(text[:2]) * 60 + int(text[3:]) for text in (first, last)]
    return [f"{at // 60:02}:{at % 60:02}" for at in range(minutes[0], minutes[1] + 1, 5)]


def service(timezone: str) -> Service:
    return Service(
        Path("KorPnrTest.toml"),
        "KOR-PNR-TEST",
        ZoneInfo(timezone),
        labels={"host": "pnr-test"},
        modules=MODULES,
    )

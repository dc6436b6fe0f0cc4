"""What people and systemd are told of the running supervisor."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from supervisor.daemon.status_line import start_table
from supervisor.stats.module_stats import ModuleStats

TABLE_START = 1_700_000_000.0


def test_the_table_shows_when_each_module_runs_next() -> None:
    rows = [
        ModuleStats("disk", "disk", next_run=TABLE_START + 4),
        ModuleStats("nightly report", "command", next_run=TABLE_START + 11 * 3600),
        ModuleStats("old", "connection", state="disabled"),
    ]

    assert start_table(rows, ZoneInfo("Asia/Seoul"), TABLE_START).split("\n") == [
        "  MODULE          CHECK       NEXT RUN",
        "  disk            disk        07:13:24 (in 4 s)",
        "  nightly report  command     18:13:20 (in 11 h 0 min)",
        "  old             connection  disabled",
    ]

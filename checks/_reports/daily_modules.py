"""The modules in the daily report: what each did since the last one."""

from __future__ import annotations

from datetime import datetime

from attrs import frozen

from checks._common.printable import shown
from checks._reports.period import Activity, Period
from checks._reports.theme import EMPHASIS
from checks._reports.wording import MAX_NAME, moment

ENDINGS = {"failed": "last run failed", "timeout": "last run timed out"}
"""The notes about failures of the last run. Other results need no note."""


@frozen
class ModuleRow:
    """What a module did."""

    module: str
    note: str
    runs: str
    failures: str
    skipped: str

    emphasis: str
    """The style of the failures."""


def module_row(activity: Activity) -> ModuleRow:
    """Return the row of a module. Its failures stand out."""
    return ModuleRow(
        module=shown(activity.module, MAX_NAME),
        note=ENDINGS.get(activity.last_result, ""),
        runs=f"{activity.runs:,}",
        failures=f"{activity.failures:,}",
        skipped=f"{activity.skipped:,}",
        emphasis=EMPHASIS if activity.failures else "",
    )


def all_modules(period: Period, now: datetime) -> str:
    """Return in words what all modules did together."""
    runs = sum(activity.runs for activity in period.activities)
    failures = sum(activity.failures for activity in period.activities)
    failed = f"{failures:,} of {runs:,} runs" if failures else f"none of {runs:,} runs"
    return f"{failed} failed since {moment(period.counted_since, now)}"

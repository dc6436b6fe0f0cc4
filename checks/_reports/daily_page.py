"""What the daily report shows. `daily.html` lays it out."""

from __future__ import annotations

from datetime import datetime

from checks._common.durations import MINUTE, long_span
from checks._common.plurals import counted
from checks._common.printable import shown
from checks._reports.daily_alerts import firing_row, resolved_row, worst_colour
from checks._reports.daily_host import (
    device_gauges,
    filesystem_gauge,
    gauges,
    process_tables,
    processors,
)
from checks._reports.daily_modules import all_modules, module_row
from checks._reports.daily_readings import Readings
from checks._reports.period import Period
from checks._reports.short_table import short_table
from checks._reports.wording import MAX_NAME, day, moment
from supervisor.api import Context

# With these bounds the page stays below 256 KiB, even when all names are as long as they may be.

MAX_FIRING = 30
"""The most alerts that are shown as firing."""

MAX_RESOLVED = 20
"""The most alerts that are shown as resolved."""

MAX_FILESYSTEMS = 20
"""The most filesystems that are shown."""

MAX_MODULES = 30
"""The most modules that are shown."""

MAX_SUMMARY_ALERTS = 3
"""The most alerts that the summary names."""


def page(context: Context, now: datetime, readings: Readings, period: Period) -> dict[str, object]:
    """Return the values of the template. Times are shown in the zone of `now`."""
    return {
        "verdict": verdict(period),
        "colour": worst_colour(period.firing, known=not period.not_looked),
        "subject": f"{shown(context.service, MAX_NAME)} on {shown(context.host, MAX_NAME)}",
        "time": f"{day(now)}, {now:%H:%M %Z}",
        "firing": short_table(period.firing, MAX_FIRING, lambda alert: firing_row(alert, now)),
        "resolved": short_table(
            period.resolved,
            MAX_RESOLVED,
            lambda alert: resolved_row(alert, now),
            note=f"since {moment(period.since, now)}" if period.since else "",
        ),
        "gauges": [*gauges(readings), *device_gauges(readings)],
        "filesystems": short_table(readings.filesystems, MAX_FILESYSTEMS, filesystem_gauge),
        "tops": process_tables(readings),
        "modules": short_table(
            sorted(period.activities, key=lambda activity: (-activity.failures, activity.module)),
            MAX_MODULES,
            module_row,
            note=all_modules(period, now),
        ),
        "footer": footer(readings, period, now),
    }


def summary(readings: Readings, period: Period) -> str:
    """Return the report in one line."""
    names = [shown(alert.alertname, MAX_NAME) for alert in period.firing]
    first = list(dict.fromkeys(names))[:MAX_SUMMARY_ALERTS]
    parts = [
        verdict(period) + (f" ({', '.join(first)})" if first else ""),
        f"up {long_span(readings.uptime)}",
        f"load {readings.load[0]:.2f} on {processors(readings)}",
        f"memory {readings.memory.percent} % used",
    ]
    full = [(each.space.percent, each.mount_point) for each in readings.filesystems if each.space]
    if full:
        percent, mount_point = max(full)
        parts.append(f"fullest filesystem {shown(mount_point, MAX_NAME)} {percent} %")
    return ", ".join(parts)


def verdict(period: Period) -> str:
    """Return the report in a few words."""
    if period.firing:
        firing = f"{counted(len(period.firing), 'alert')} firing"
        return f"{firing}; {period.not_looked}" if period.not_looked else firing
    return f"Not looked yet: {period.not_looked}" if period.not_looked else "All well"


def footer(readings: Readings, period: Period, now: datetime) -> str:
    """Return how long the supervisor has been running, and when the last report was made."""
    age = readings.birth.age
    running = long_span(age) if age >= MINUTE else "less than a minute"
    last = f"The last report: {moment(period.since, now)}." if period.since else ""
    return f"The supervisor has been running for {running}. {last}".strip()

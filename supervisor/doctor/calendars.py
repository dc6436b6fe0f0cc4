"""Finds out, for `doctor`, which calendars end soon. Days after that are not left out."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

from supervisor.config.calendars.calendar import Calendar
from supervisor.config.service import Service
from supervisor.doctor.findings import Examination, Finding
from supervisor.doctor.secrets import values_of

SOON = 60
"""Days before the last date of a calendar from which on it is told."""


def calendars(service: Service) -> Iterator[Calendar]:
    """Yield each calendar that is in use, once."""
    found: dict[Calendar, None] = {}
    parts: list[object] = [window.except_ for window in service.maintenance]
    for module in service.modules:
        if module.enabled:
            parts += (module.except_, module.params, module.during)
    for part in parts:
        found |= dict.fromkeys(each for _, each in values_of(Calendar, (), part))
    yield from found


def examine_calendars(service: Service) -> Examination | None:
    """Return which calendars end soon. None: there are no calendars."""
    today = datetime.now(service.timezone).date()
    found = [*calendars(service)]
    if not found:
        return None
    soon = {each: finding for each in found if (finding := _ends_soon(each, today))}
    good = (f"{each.path} goes on until {each.end}" for each in found if each not in soon)
    return Examination("Calendars", tuple(good), tuple(soon.values()))


def _ends_soon(calendar: Calendar, today: date) -> Finding | None:
    left = (calendar.end - today).days
    if left >= SOON:
        return None
    verb = "ended" if left < 0 else "ends"
    what = f"{calendar.path} {verb} on {calendar.end} ({calendar.names[calendar.end]})"
    return Finding(what, "add the dates of the next year", serious=False)

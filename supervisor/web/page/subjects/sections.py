"""The HTML of the pages of one module and of one alert. Imported when one is first asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from supervisor.control.snapshot import Snapshot
from supervisor.text import clean
from supervisor.web.page import templates
from supervisor.web.page.subjects import alert, module
from supervisor.web.page.subjects.view import gather_alert, gather_module

MODULE_SECTIONS = ("measured", "output", "runs", "settings", "episodes")
"""The sections that the page of a module has besides its alerts."""

ALERT_SECTIONS = ("measured", "detail", "settings", "episodes")
"""The sections that the page of an alert has besides the alert."""

_own = templates.environment.get_template("subjects/subjects.html")


async def of_module(snapshot: Snapshot, name: str) -> Callable[[], dict[str, str]] | None:
    """Return what makes the HTML of each section of a module's page, to be called in a thread.

    None if there is no such module.
    """
    view = await gather_module(snapshot, name)
    return None if view is None else lambda: _html(module.values(view), MODULE_SECTIONS)


async def of_alert(snapshot: Snapshot, fingerprint: str) -> Callable[[], dict[str, str]] | None:
    """Return the same for an alert, present or past."""
    view = await gather_alert(snapshot, fingerprint)
    return None if view is None else lambda: _html(alert.values(view), ALERT_SECTIONS)


def _html(values: dict[str, object], names: Iterable[str]) -> dict[str, str]:
    around = templates.made(values, (*templates.AROUND, "alerts"))
    own = _own.make_module(values)
    return around | {name: clean(str(getattr(own, f"{name}_section")())) for name in names}

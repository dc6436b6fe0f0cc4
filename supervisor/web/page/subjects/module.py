"""The page of one module in words: what it sees, measures and did, and how it is configured."""

from __future__ import annotations

import shlex
from collections.abc import Sequence

from attrs import frozen

from supervisor.config.service import Module
from supervisor.observations import RESULT_WORDS, Measurement
from supervisor.stats.recent_values import series_of
from supervisor.text import duration, without_secrets
from supervisor.web.page import drawing
from supervisor.web.page.alert_rows import colour_of, module_of, worst_first
from supervisor.web.page.drawing import Picture
from supervisor.web.page.figures import figure
from supervisor.web.page.page import TIMELINE_STEP, Page, program
from supervisor.web.page.subjects.episodes import ended, episodes, is_about
from supervisor.web.page.subjects.parameters import parameters
from supervisor.web.page.subjects.view import Measured, ModuleView
from supervisor.web.page.verdict import Verdict, verdict

MAX_MEASUREMENTS = 100
"""Rows of measurements. The page says how many more there are."""

RESULT_COLOURS = {"ok": "green", "conditions": "amber", "failed": "red", "timeout": "red"}
"""The colour of the page's head. A module that has not run is grey."""


@frozen
class MeasurementRow:
    """A measurement, and how it was before."""

    name: str
    labels: str
    value: str
    limits: str
    picture: Picture


def values(shown: ModuleView) -> dict[str, object]:
    """Return the values of the templates by their names."""
    page, module, row = Page(shown.view), shown.module, shown.row
    rows = page.alert_rows()
    status, now = shown.view.status, shown.view.now
    alerts = worst_first(
        alert
        for alert in status["alerts"]
        if module_of(alert) == module.name and alert["state"] not in ("report", "resolved")
    )
    end = (int(now) // TIMELINE_STEP + 1) * TIMELINE_STEP
    past = [alert for alert in ended(shown.view) if is_about(alert, module.name)]
    runs = [*shown.recent]
    return page.common() | {
        "root": "../",
        "back": True,
        "overall": verdict(status),
        "verdict": _verdict(shown, [colour_of(alert["event_type"]) for alert in alerts]),
        "module": page.module(row, end),
        "alerts": [rows.row(alert) for alert in alerts],
        "more_alerts": 0,
        "resolved": [],
        "measured": measurement_rows(shown.measured.last[:MAX_MEASUREMENTS], shown.measured),
        "more_measured": max(0, len(shown.measured.last) - MAX_MEASUREMENTS),
        "measured_at": None if shown.measured.at is None else page.moments.at(shown.measured.at),
        "output": without_secrets(shown.output),
        "bars": drawing.bars(runs),
        "lane": drawing.lane(runs, end, shown.view.about.started),
        "hours": [page.moments.at(at) for at in drawing.quarters(end)],
        "schedule": schedule(module),
        "parameters": parameters(module.params),
        "commands": commands(shown),
        "module_name": "",
        "episodes": episodes(past, page.moments),
    }


def measurement_rows(
    measurements: Sequence[Measurement], measured: Measured
) -> list[MeasurementRow]:
    """Return the rows of these measurements, with their last values."""
    rows = []
    for item in measurements:
        known = measured.values.values.get(series_of(item), ())
        limits = sorted(set(item.limits))
        texts = [figure(limit, item.unit) for limit in limits]
        value = figure(item.value, item.unit)
        words = f"last {value}"
        if known:
            least, most = figure(min(known), item.unit), figure(max(known), item.unit)
            words = f"{len(known)} values, {least} to {most}, {words}"
        words += f"; limit {' and '.join(texts)}" if texts else ""
        rows.append(
            MeasurementRow(
                name=item.name,
                labels=" ".join(item.labels.values()),
                value=value,
                limits=", ".join(texts),
                picture=drawing.spark(known, limits, words),
            )
        )
    return rows


def schedule(module: Module) -> list[str]:
    """Return when a module runs and when its conditions fire, in words."""
    every = duration(module.every) if module.every else ""
    if module.at:
        when = f"at {', '.join(module.at)}" + (f" (in ranges every {every})" if every else "")
        if calendars := ", ".join(calendar.path.name for calendar in module.except_):
            when += f" except {calendars}"
    else:
        when = f"every {every}"
    words = [when, f"timeout {duration(module.timeout)}"]
    words += [f"other parameters {', '.join(each.at)}" for each in module.during]
    if isinstance(module.fire_after, str):
        words.append(f"fires after {module.fire_after} runs")
    elif module.fire_after > 1:
        words.append(f"fires after {module.fire_after} runs in a row")
    if module.runs_to_clear > 1:
        words.append(f"resolves after {module.runs_to_clear} runs in a row")
    return words


def commands(shown: ModuleView) -> list[str]:
    """Return the commands that run the module now: for alerts, and only to look."""
    name, *service = program(shown.view.about.service)
    module = shown.module.name
    return [shlex.join([name, verb, *service, module]) for verb in ("run-now", "once")]


def _verdict(shown: ModuleView, colours: Sequence[str]) -> Verdict:
    row = shown.row
    word, colour = RESULT_WORDS[row["last_result"]], RESULT_COLOURS.get(row["last_result"], "grey")
    if row["state"] == "disabled":
        word, colour = "disabled", "grey"
    elif colour == "amber" and "red" in colours:
        colour = "red"
    check = () if shown.module.check == shown.module.name else (f"check {shown.module.check}",)
    return Verdict(f"{shown.module.name}: {word}", colour, check)

"""The output of a monitoring plugin. Used by `command`.

The format is that of the guidelines of monitoring-plugins.org, section 2.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator

from attrs import frozen

from supervisor.api import Measurement

ITEM = re.compile(
    r"""
    (?: '(?P<quoted>(?:[^']|'')++)' | (?P<plain>[^\s'=]++) ) =
    (?: (?P<value> [-+]?+ (?:[0-9]++(?:\.[0-9]*+)?+ | \.[0-9]++) (?:[eE][-+]?[0-9]++)?+ )
        (?P<unit> [a-zA-Z%°µ/]{0,16}+ )
      | U )
    (?= [;\s] | $ ) (?P<rest> \S*+ )
    """,
    re.VERBOSE,
)
"""One item of performance data: 'label'=value[UOM];[warn];[crit];[min];[max].

The plugin itself has compared the value with the thresholds; they are read to be shown. The
quantifiers are possessive, so that hostile output does not make the search quadratic.
"""

MAX_THRESHOLD = 64
"""Characters of a threshold that are read."""

GAP = re.compile(r"\s*+")
"""The space between two items."""

WORD = re.compile(r"\S*+")
"""Something that is not an item, up to the next space."""


@frozen
class PluginOutput:
    """What a plugin printed."""

    text: str
    """The first line."""

    long_text: str
    """The lines after it."""

    measurements: tuple[Measurement, ...]
    """The performance data."""

    unread: tuple[str, ...] = ()
    """The words among the performance data that are not numbers with a label."""


def parse_output(stdout: str) -> PluginOutput:
    """Split a plugin's output."""
    first, _, others = stdout.partition("\n")
    text, _, perfdata = first.partition("|")
    long_text, _, more_perfdata = others.partition("|")
    unread: list[str] = []
    measurements = {
        measurement.name: measurement
        for measurement in parse_perfdata(f"{perfdata}\n{more_perfdata}", unread.append)
    }
    return PluginOutput(
        text.strip(), long_text.strip(), tuple(measurements.values()), tuple(unread)
    )


def parse_perfdata(
    perfdata: str, pass_over: Callable[[str], object] = lambda _: None
) -> Iterator[Measurement]:
    """Yield each labelled number. An unknown value (`U`) is left out.

    Words that are malformed go to `pass_over`.
    """
    position = _skip(GAP, perfdata, 0)
    while position < len(perfdata):
        item = ITEM.match(perfdata, position)
        end = item.end() if item else _skip(WORD, perfdata, position)
        measurement = _measurement(item) if item else None
        if measurement is not None:
            yield measurement
        elif item is None or item["value"] is not None:
            pass_over(perfdata[position:end])
        position = _skip(GAP, perfdata, end)


def _measurement(item: re.Match[str]) -> Measurement | None:
    label = (item["quoted"] or "").replace("''", "'") or item["plain"]
    if item["value"] is None or not label.isprintable():
        return None
    value = float(item["value"])
    if not math.isfinite(value):
        return None
    return Measurement(label, value, item["unit"], limits=tuple(_limits(item["rest"])))


def _limits(rest: str) -> Iterator[float]:
    """Yield the numbers of both thresholds: `80` of "80", 10 and 20 of "@10:20"."""
    for threshold in rest.split(";", 3)[1:3]:
        for text in threshold[:MAX_THRESHOLD].removeprefix("@").split(":", 1):
            try:
                limit = float(text)
            except ValueError:  # "", "~" or nonsense
                continue
            if limit or ":" not in threshold:  # "0:90" is below 0, which few values are
                yield limit


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position

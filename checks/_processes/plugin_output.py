"""What a monitoring plugin prints, by the guidelines of monitoring-plugins.org, section 2."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator

from attrs import frozen

from supervisor.api import Measurement

# 'label'=value[UOM];[warn];[crit];[min];[max]: the thresholds are the plugin's own affair.
# Possessive quantifiers: hostile output must not make the search quadratic.
ITEM = re.compile(
    r"""
    (?: '(?P<quoted>(?:[^']|'')++)' | (?P<plain>[^\s'=]++) ) =
    (?: (?P<value> [-+]?+ (?:[0-9]++(?:\.[0-9]*+)?+ | \.[0-9]++) (?:[eE][-+]?[0-9]++)?+ )
        (?P<unit> [a-zA-Z%°µ/]{0,16}+ )
      | U )
    (?= [;\s] | $ ) \S*+
    """,
    re.VERBOSE,
)
GAP = re.compile(r"\s*+")
WORD = re.compile(r"\S*+")


@frozen
class PluginOutput:
    """The first line's text, the lines of long text, and the performance data."""

    text: str
    long_text: str
    measurements: tuple[Measurement, ...]


def parse_output(stdout: str) -> PluginOutput:
    """Split a plugin's output; what is malformed in its performance data is left out."""
    first, _, others = stdout.partition("\n")
    text, _, perfdata = first.partition("|")
    long_text, _, more_perfdata = others.partition("|")
    measurements = {
        measurement.name: measurement
        for measurement in parse_perfdata(f"{perfdata}\n{more_perfdata}")
    }
    return PluginOutput(text.strip(), long_text.strip(), tuple(measurements.values()))


def parse_perfdata(perfdata: str) -> Iterator[Measurement]:
    """Yield each labelled number; an unknown value (`U`) is none."""
    position = _skip(GAP, perfdata, 0)
    while position < len(perfdata):
        item = ITEM.match(perfdata, position)
        if item and (measurement := _measurement(item)):
            yield measurement
        position = item.end() if item else _skip(WORD, perfdata, position)
        position = _skip(GAP, perfdata, position)


def _measurement(item: re.Match[str]) -> Measurement | None:
    label = (item["quoted"] or "").replace("''", "'") or item["plain"]
    if item["value"] is None or not label.isprintable():
        return None
    value = float(item["value"])
    return Measurement(label, value, item["unit"]) if math.isfinite(value) else None


def _skip(pattern: re.Pattern[str], text: str, position: int) -> int:
    match = pattern.match(text, position)
    return match.end() if match else position

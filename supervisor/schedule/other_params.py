"""When modules have other parameters on a day, for `plan`. Pure. Times are Unix seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from zoneinfo import ZoneInfo

import attrs

from supervisor.config import schema_text
from supervisor.config.service import During, Module
from supervisor.schedule.local_day import LocalDay
from supervisor.schedule.windows import spans


@attrs.frozen
class OtherParams:
    """A time at which a module has other parameters."""

    module: str
    """The module."""
    start: float
    """When they begin to count. It may be on the day before."""
    end: float
    """When they end to count."""
    changed: tuple[str, ...]
    """What differs, as the file has it: "max_total = 100"."""


def other_params(module: Module, day: LocalDay, timezone: ZoneInfo) -> Iterator[OtherParams]:
    """Yield the times that touch a day."""
    for each in module.during:
        for date in (day.date - timedelta(days=1), day.date):
            for start, end in spans(each.at, each.except_, timezone, date):
                if end > day.start and start < day.end:
                    yield OtherParams(module.name, start, end, _changed(module, each))


def _changed(module: Module, during: During) -> tuple[str, ...]:
    own, other = module.params, during.params
    if not attrs.has(type(own)):
        return ()
    return tuple(
        f"{schema_text.key_name(key)} = {schema_text.written(getattr(other, key.name))}"
        for key in attrs.fields(type(own))  # type: ignore[arg-type]  # `has` it
        if getattr(own, key.name) != getattr(other, key.name)
    )

"""Other parameters at other times: `[[modules.during]]`. Pure."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from supervisor.config.service import During, Module


def during(module: Module, timezone: ZoneInfo, now: float) -> During | None:
    """Return the table that is in force at a moment (Unix seconds). The first that fits counts."""
    if not module.during:
        return None
    from supervisor.schedule.windows import is_within  # few modules have other parameters

    fits = (each for each in module.during if is_within(each.at, each.except_, timezone, now))
    return next(fits, None)


def params_at(module: Module, timezone: ZoneInfo, now: float) -> object:
    """Return the parameters of a run that begins at a moment (Unix seconds)."""
    found = during(module, timezone, now)
    return module.params if found is None else found.params

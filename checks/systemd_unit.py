"""Watches whether units of systemd are active, were restarted or have failed.

Coming from Icinga: `systemd`; Telegraf: `systemd_units`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fnmatch import fnmatchcase
from functools import partial
from typing import ClassVar

from attrs import field, frozen

from checks._common.event_types import event_type_field
from checks._common.plurals import times
from checks._common.printable import shown
from checks._common.validators import unique
from checks._processes import systemd_units
from checks._processes.systemd_units import Unit
from checks._units.watched import WatchedUnit
from supervisor.api import (
    CheckFailed,
    Condition,
    Context,
    Json,
    Measurement,
    Observation,
    probe,
    run_command,
)

__all__ = ["Params", "WatchedUnit", "examine", "run"]

EXAMINES_THIS_HOST = True
"""`examine` asks this host's systemd alone, so `validate` asks it, too."""

MAX_ANSWER_BYTES = 4 << 20
"""The most bytes of systemctl's answer. About 20,000 units fit."""

ROOT_SLICE = "-.slice"
"""A unit that every systemd has. An answer without it is not complete."""

ENVIRONMENT = {"LC_ALL": "C.UTF-8", "SYSTEMD_COLORS": "0", "SYSTEMD_LOG_LEVEL": "notice"}
"""The variables that keep systemctl's output plain and in English."""

MAX_STDERR_CHARACTERS = 500
"""The most characters of systemctl's own error message that are shown."""


@frozen
class Params:
    """Which units must be active, and whether others may have failed."""

    past_events: ClassVar[frozenset[str]] = frozenset({"Unit restarted"})
    """Alerts that are held until an Alertmanager has notified of them."""

    units: tuple[WatchedUnit, ...] = field(
        default=(),
        validator=unique(lambda watched: watched.unit, remedy="remove one"),
        metadata={"help": "units that must be active"},
    )
    failed: bool = field(default=True, metadata={"help": "whether any other failed unit counts"})
    ignore: tuple[str, ...] = field(
        default=(), metadata={"help": "failed units that do not count: 'apt-*.service'"}
    )
    failed_event_type: str = event_type_field("E", "of other failed units")

    def __attrs_post_init__(self) -> None:
        if not self.units and not self.failed:
            raise ValueError("there is nothing to look at; name units or write failed = true")


async def run(context: Context, params: Params) -> Iterable[Observation]:
    """Return a condition for each unit that is not as it must be.

    The numbers of restarts are kept in the state, and so is the time of the processors.
    """
    units, by_name = await _units(params, failed=params.failed)
    judged = await _judged(context, params, by_name)
    known = _recalled(context.state.get("restarts"))
    restarts: dict[str, Json] = {}
    observed: list[Observation] = []
    for watched in params.units:
        unit = by_name[watched.unit]
        observed += _activity(watched, unit)
        if unit.restarts is not None:
            restarts[watched.unit] = unit.restarts
            observed += _restarts(watched, unit, known.get(watched.unit, unit.restarts))
        observed += judged.get(watched.unit, ())
    context.state["restarts"] = restarts
    observed += _failures(params, units) if params.failed else []
    return observed


async def examine(params: Params) -> Iterable[str] | None:
    """Return the limits whose figures systemd does not know. None: no unit has such a limit."""
    if not any(each.is_measured for each in params.units):
        return None
    from checks._units import usage, verdict  # only limits need them

    _, by_name = await _units(params, failed=False)
    names = [watched.unit for watched in params.units if watched.is_measured]
    usages = await probe(
        "read of control groups", lambda: {name: usage.of(by_name[name]) for name in names}
    )
    return [
        f"units[{number}].{key}: systemd does not know this figure of {watched.unit}; write "
        f"{setting}=yes into the unit, if the kernel has this controller, or leave the limit out"
        for number, watched in enumerate(params.units)
        for key, setting in verdict.unknown(watched, usages.get(watched.unit))
    ]


async def _judged(
    context: Context, params: Params, units: Mapping[str, Unit]
) -> Mapping[str, Sequence[Observation]]:
    """Return what is measured and wrong of the units that have limits for what they use."""
    earlier = context.state.pop("processor", None)
    limited = {each.unit: each for each in params.units if each.is_measured}
    if not limited:
        return {}
    from checks._units import usage, verdict  # only limits need them

    measured = {name: units[name] for name in limited}
    usages, context.state["processor"] = await probe(
        "read of control groups", partial(usage.measure, measured, earlier)
    )
    return {name: [*verdict.observations(limited[name], each)] for name, each in usages.items()}


async def _units(params: Params, *, failed: bool) -> tuple[list[Unit], dict[str, Unit]]:
    """Return the units, also by each of their names. Raises `CheckFailed` if one is missing."""
    names = [watched.unit for watched in params.units]
    figures = systemd_units.FIGURES if any(each.is_measured for each in params.units) else ()
    units = await _ask(names, (*systemd_units.PROPERTIES, *figures), failed=failed)
    by_name = {alias: unit for unit in units for alias in unit.aliases}
    if missing := {ROOT_SLICE, *names} - by_name.keys():
        raise CheckFailed(f"systemctl says nothing about {', '.join(sorted(missing))}")
    return units, by_name


async def _ask(names: Sequence[str], asked_for: Sequence[str], *, failed: bool) -> list[Unit]:
    """Ask for these units, and perhaps for all that have failed, in one call."""
    properties = f"--property={','.join(asked_for)}"
    # --state applies to units that a pattern matches. A unit that is named is always shown.
    others = ("*",) if failed else ()
    argv = ["systemctl", "show", "--no-pager", properties, "--state=failed", "--"]
    asked = await run_command(
        [*argv, ROOT_SLICE, *names, *others], env=ENVIRONMENT, keep=MAX_ANSWER_BYTES
    )
    if asked.status != 0:
        stderr = " ".join(asked.stderr.decode(errors="replace").split())
        why = shown(stderr, MAX_STDERR_CHARACTERS) or f"systemctl ended with {asked.status}"
        raise CheckFailed(f"cannot ask systemd: {why}")
    if asked.stdout_bytes > len(asked.stdout):
        raise CheckFailed(
            f"the answer of systemctl is longer than {MAX_ANSWER_BYTES >> 20} MiB; "
            "run systemctl reset-failed"
        )
    return list(systemd_units.parse(asked.stdout.decode(errors="replace")))


def _activity(watched: WatchedUnit, unit: Unit) -> Iterator[Observation]:
    expected = watched.sub_states
    fits = not expected or unit.is_in(expected)
    if unit.is_up and fits:
        return
    message = f"{watched.unit} {_described(unit)}"
    message += "" if fits else f", expected {' or '.join(expected)}"
    yield Condition("Unit not active", watched.event_type, watched.unit, message)


def _described(unit: Unit) -> str:
    result = "" if unit.result in ("", "success") else f", result {shown(unit.result)}"
    status = f", status {shown(unit.status)}" if unit.status not in ("", "0") else ""
    state = f"is {shown(unit.active)} ({shown(unit.sub)}){result}{status}"
    if unit.load in ("loaded", ""):
        return state
    why = {"not-found": "is not known to systemd", "masked": "is masked"}.get(
        unit.load, f"cannot be loaded: {shown(unit.load)}"
    )
    # The file of a failed unit may be gone or masked.
    return why if unit.active in ("inactive", "") else f"{why} and {state}"


def _restarts(watched: WatchedUnit, unit: Unit, before: int) -> Iterator[Observation]:
    assert unit.restarts is not None  # noqa: S101  # for the type checker
    yield Measurement("unit_restarts", unit.restarts, labels={"unit": watched.unit})
    # systemd counts from 0 again after a start by hand or `reset-failed`.
    new = unit.restarts - before if unit.restarts >= before else unit.restarts
    if crossing := watched.max_restarts.above(new, "W"):
        message = (
            f"{watched.unit} was restarted {times(new)} since the last run; it {_described(unit)}"
        )
        yield crossing.condition("Unit restarted", watched.unit, message)


def _failures(params: Params, units: Iterable[Unit]) -> Iterator[Observation]:
    """Yield a condition for each failed unit. A watched one has its condition already."""
    watched = {each.unit for each in params.units}
    failed = {
        unit.name: unit for unit in units if unit.active == "failed" and not unit.aliases & watched
    }
    counted = [
        unit
        for name, unit in sorted(failed.items())
        if not any(fnmatchcase(name, pattern) for pattern in params.ignore)
    ]
    yield Measurement("failed_units", len(counted))
    for unit in counted:
        name = shown(unit.name)
        message = f"{name} {_described(unit)}"
        yield Condition("Unit failed", params.failed_event_type, name, message)


def _recalled(known: Json) -> Mapping[str, int]:
    found = known if isinstance(known, dict) else {}
    return {name: count for name, count in found.items() if type(count) is int and count >= 0}

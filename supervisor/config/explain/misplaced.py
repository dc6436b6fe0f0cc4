"""Keys that a table does not have: where they belong, and what other programs' keys are here."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, get_args

from supervisor.config import schema_text
from supervisor.config.explain.schedules import BEFORE_A_TIME, timetable_for
from supervisor.config.problems import UNKNOWN_KEY, KeyProblem, ParamsOf
from supervisor.config.rules import tables
from supervisor.config.service import Alertmanager, Module, Service, StatusListener
from supervisor.errors import ConfigError
from supervisor.text import nearest

_EVERY = 'write every = "5m", or at = ["09:00"]'

_SAME_IN_MODULES = {
    **dict.fromkeys(
        (
            "check_interval",
            "cycle",
            "cycles",
            "frequency",
            "interval",
            "normal_check_interval",
            "period",
        ),
        'write every = "5m"',
    ),
    **dict.fromkeys(("cron", "schedule", "oncalendar", "when", "executetime"), _EVERY),
    **dict.fromkeys(("time", "times", "hour", "hours"), 'write at = ["09:00"]'),
    **dict.fromkeys(("day", "days", "weekday", "weekdays", "day_of_week", "dow"), BEFORE_A_TIME),
    **dict.fromkeys(
        ("calendar", "exclude", "excluded_timeperiods", "holiday", "holidays", "skip"),
        'write except = ["calendars/kr.toml"]',
    ),
    **dict.fromkeys(
        ("runbook", "runbook_url", "summary", "description", "notes_url"),
        "write it under [modules.annotations]",
    ),
    **dict.fromkeys(("severity", "team", "priority", "tags"), "write it under [modules.labels]"),
    **dict.fromkeys(("type", "plugin", "check_command", "inputs"), "write check = with its name"),
    **dict.fromkeys(("max_check_attempts", "retries", "for"), "write fire_after = with runs"),
    **dict.fromkeys(("disabled", "disable"), "write enabled = false"),
}
"""What other programs call the keys of a module, and what to write here."""

_SECTIONS = (("alertmanager", Alertmanager), ("status", StatusListener))
"""The tables of a service file with keys of their own."""


def remedy_for_an_unknown_key(
    problem: KeyProblem, document: Mapping[str, Any], params_of: ParamsOf
) -> str:
    """Return where a key belongs, or what it is called here. Empty if that is not known."""
    if problem.wrong != UNKNOWN_KEY:
        return ""
    match problem.path:
        case (*_, "override"):
            return "remove it: no other file says what this one says"
        case (str(key),):
            return _at_the_top(key, document)
        case ("modules", int(index), str(key)):
            value = document["modules"][index][key]
            is_slip = nearest(key, _keys(Module))  # `chekc = "daily"` is not a timetable
            if isinstance(value, str) and not is_slip and (right := timetable_for(value)):
                return right
            return _in_a_module(key, _params(document, index, params_of))
        case ("modules", int(index), "params", str(key)):
            return _in_params(key, _params(document, index, params_of))
        case (str(section), str(key)) if key in _keys(Service) or key in _keys(Module):
            right = "at the top of the file" if key in _keys(Service) else "under [[modules]]"
            return f"it belongs {right}, not under [{section}]"
    return ""


def _at_the_top(key: str, document: Mapping[str, Any]) -> str:
    if key == "params":
        return "write [modules.params] under the module's [[modules]]"
    if key in ("module", "checks", "check") and isinstance(document[key], dict | list):
        return "write [[modules]] for each module"
    if key == "annotations":
        return "write [modules.annotations] under the module's [[modules]]"
    for section, table in _SECTIONS:
        if key in _keys(table):
            return f"it belongs under [{section}]"
    return "it belongs to a module, under [[modules]]" if key in _keys(Module) else ""


def _in_a_module(key: str, params: type | None) -> str:
    if params is not None and key in _keys(params):
        return "it belongs under [modules.params]"
    if params is not None and (table := _table_with(key, params)):
        return f"it belongs into an entry of {table}, under [modules.params]"
    if remedy := _SAME_IN_MODULES.get(key.lower()):
        return remedy
    if key in _keys(Service):
        return "it belongs at the top of the file, before the first [table]"
    for section, table_class in _SECTIONS:
        if key in _keys(table_class):
            return f"it belongs under [{section}]"
    return ""


def _in_params(key: str, params: type | None) -> str:
    if params is not None and (table := _table_with(key, params)):
        return f"it belongs into an entry of {table}"
    if key in _keys(Module):
        return "it belongs to the module itself, above [modules.params]"
    return ""


def _params(document: Mapping[str, Any], index: int, params_of: ParamsOf) -> type | None:
    check = dict(tables(document.get("modules"))).get(index, {}).get("check")
    try:
        return params_of(check) if isinstance(check, str) else None
    except (ConfigError, ValueError):
        return None


def _keys(table: type) -> set[str]:
    return {schema_text.key_name(field) for field in schema_text.keys(table)}


def _table_with(key: str, params: type) -> str:
    """Return which parameter is a table, or a list of them, that has the key."""
    for field in schema_text.keys(params):
        if any(key in _keys(table) for table in _tables(field.type)):
            return schema_text.key_name(field)
    return ""


def _tables(expected: Any) -> Iterator[type]:
    if isinstance(expected, type) and schema_text.kind(expected) == "table":
        yield expected
    for argument in get_args(expected):
        yield from _tables(argument)

"""Each limit of each check takes a table. A wrong table is answered with what would be right."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args, get_origin

import attrs
import pytest

from supervisor.api import Limit
from supervisor.config.load import load_service
from supervisor.errors import ConfigError
from supervisor.modules.loader import known_checks, load_check

PAGE = Path(__file__).parent.parent.parent / "docs" / "reference" / "checks.md"

SERVICE = """\
service = "TEST"
[[modules]]
check = "{check}"
every = "1m"
[modules.params]
{params}
"""

DATABASE = 'query = "query.sql"\ndatabase = { host = "h", user = "u" }\nalertname = "Rows"\n'
FILESYSTEM = 'filesystems = [{ filesystem = "/", max_use_percent = 90, LIMIT }]'
PLUGIN = 'protocol = "nagios"\nargv = ["x"]\n'
TARGET = 'targets = [{ name = "a", url = "https://127.0.0.1/", LIMIT }]'

PARAMS = {
    ("certificate", "min_days"): 'certificates = [{ name = "a", file = "/a.pem", LIMIT }]',
    ("clock", "max_offset"): 'servers = [{ host = "127.0.0.1" }]\nLIMIT',
    ("command", "limits"): f"{PLUGIN}limits = {{ time = TABLE }}",
    ("command", "min_limits"): f"{PLUGIN}min_limits = {{ time = TABLE }}",
    **{
        ("daemon", name): 'daemons = [{ name = "a", LIMIT }]'
        for name in ("max_cpu_percent", "max_memory", "max_open_files", "max_threads", "min_uptime")
    },
    ("disk", "full_within"): FILESYSTEM,
    ("disk", "max_use_percent"): 'filesystems = [{ filesystem = "/", LIMIT }]',
    ("disk", "min_free"): FILESYSTEM,
    ("dns", "max_seconds"): 'queries = [{ name = "a", ask = "a.invalid", LIMIT }]',
    **{
        ("file", f"{side}_{what}"): 'files = [{ path = "/a", LIMIT }]'
        for side in ("max", "min")
        for what in ("age", "size", "growth")
    },
    ("file", "min_size_percent"): 'files = [{ newest = "/a*", LIMIT }]',
    ("http", "max_seconds"): TARGET,
    ("http", "min_days"): TARGET,
    ("inode", "max_use_percent"): 'filesystems = [{ filesystem = "/", LIMIT }]',
    **{
        ("interface", name): 'interfaces = [{ name = "eth0", LIMIT }]'
        for name in (
            *("members", "min_speed", "max_bytes_per_second", "max_drops_per_minute"),
            *("max_errors_per_minute", "max_use_percent"),
        )
    },
    ("jobs", "max_duration"): 'jobs = [{ name = "a", LIMIT }]',
    ("jobs", "min_duration"): 'jobs = [{ name = "a", LIMIT }]',
    ("ping", "max_loss_percent"): 'hosts = [{ name = "a", host = "127.0.0.1", LIMIT }]',
    ("ping", "max_seconds"): 'hosts = [{ name = "a", host = "127.0.0.1", LIMIT }]',
    ("raid", "max_mismatches"): 'arrays = [{ name = "md0", LIMIT }]',
    ("session", "limit"): 'sessions = [{ name = "a", port = 22, LIMIT }]',
    ("sql", "max"): f"{DATABASE}LIMIT",
    ("sql", "min"): f"{DATABASE}LIMIT",
    **{
        ("systemd_unit", name): 'units = [{ name = "a.service", LIMIT }]'
        for name in ("max_cpu_percent", "max_memory", "max_restarts", "max_tasks")
    },
    ("talk", "max_seconds"): 'servers = [{ name = "a", host = "a", preset = "ssh", LIMIT }]',
    ("unprocessed_file", "max_age"): 'directories = [{ directory = "/a", LIMIT }]',
}
"""The parameters around a limit. Another limit stands alone."""

MINIMA = ("full_within", "members", "min")
"""How the names of limits begin that a value should not be below."""


def kinds(kind: Any) -> Iterator[Any]:
    """Yield a type and the types inside of it, but not those inside of a limit."""
    yield kind
    if get_origin(kind) is not Limit:
        for inner in get_args(kind):
            yield from kinds(inner)


def limits(params: type[Any], outer: tuple[type[Any], ...] = ()) -> Iterator[str]:
    """Yield the names of the limits in a table of parameters and the tables inside of it."""
    for each in attrs.fields(attrs.resolve_types(params)):
        for kind in kinds(each.type):
            if get_origin(kind) is Limit:
                yield each.name
            elif attrs.has(kind) and kind not in outer:
                yield from limits(kind, (*outer, kind))


FOUND = sorted(
    {(check, name) for check in known_checks() for name in limits(load_check(check).params)}
)


def load(directory: Path, check: str, name: str, table: str) -> None:
    """Read a service file with this table."""
    params = PARAMS.get((check, name), "LIMIT").replace("LIMIT", f"{name} = TABLE")
    text = SERVICE.format(check=check, params=params.replace("TABLE", table))
    (directory / "query.sql").write_text("SELECT 1", encoding="utf-8")
    (directory / "Test.toml").write_text(text, encoding="utf-8")
    load_service(directory / "Test.toml", lambda check: load_check(check).params)


def answer(directory: Path, check: str, name: str, table: str) -> str:
    """Return what is said of a wrong table, without the place and without units."""
    with pytest.raises(ConfigError) as caught:
        load(directory, check, name, table)
    (problem,) = caught.value.problems
    assert problem.key.removesuffix(".X").removesuffix(".time").endswith(name)
    return re.sub(r"(\d)s\b", r"\1", f"{problem.wrong}; {problem.remedy}")


def test_the_limits_are_found_with_their_checks() -> None:
    assert set(PARAMS) <= set(FOUND)
    assert ("system", "max_zombies") in FOUND


@pytest.mark.parametrize(("check", "name"), FOUND)
def test_a_wrong_table_is_answered_with_what_would_be_right(
    tmp_path: Path, check: str, name: str
) -> None:
    is_minimum = name.startswith(MINIMA)
    tables = ["{ W = 1, E = 3 }", "{ W = 3, E = 1 }"]
    right, wrong = reversed(tables) if is_minimum else tables
    past, before = ("above", "below") if is_minimum else ("below", "above")
    first, last = re.findall(r"\d", right)
    clear = right.replace(" }", ", clear = 2 }")

    load(tmp_path, check, name, right)
    answers = [answer(tmp_path, check, name, table) for table in (wrong, clear, "{ X = 1 }")]

    assert [text.removeprefix("time: ") for text in answers] == [
        f"E ({first}) is {past} W ({last}), so W never fires; exchange the two numbers",
        f"clear (2) is {before} W ({first}); write {first}, or a number {past} it",
        "is not an event type of a limit; write one of E, I, S, W, clear",
    ]


@pytest.mark.parametrize("check", sorted({check for check, _ in FOUND}))
def test_the_reference_shows_a_table_in_the_example_of_each_check(check: str) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (section,) = (
        part for part in re.split(r"(?m)^### ", page) if check in part.split("\n")[0].split(", ")
    )

    assert any("= { W = " in block for block in re.findall(r"(?s)```toml\n(.*?)```", section))

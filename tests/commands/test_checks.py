"""The pages about checks, word for word."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal
from zoneinfo import ZoneInfo

import pytest
from attrs import field, frozen

from supervisor.__main__ import main
from supervisor.api import Limit
from supervisor.commands import checks
from supervisor.commands.checks import Parameter, parameters, show_check, show_checks
from supervisor.config.secret import Secret
from supervisor.errors import ConfigError, Problem
from supervisor.modules.loader import Check, NoParams
from supervisor.observations import Duration, Observation


@frozen
class Server:
    name: str = field(metadata={"help": "shown in alerts"})
    port: int = 80


@frozen
class Params:
    servers: tuple[Server, ...] = field(metadata={"help": "who is asked"})
    timeout: Duration = field(default=Duration(5400), metadata={"help": "for each server"})
    wait: Duration | None = None
    mode: Literal["fast", "slow"] = "fast"
    key: Secret | None = None
    ratio: float = 2.0
    strict: bool = True
    names: str | tuple[str, ...] = ("a", "b")
    limits: Mapping[str, int] = field(factory=dict)
    zone: ZoneInfo | None = None
    file: Path = Path("/etc/hosts")
    first: Server = field(factory=lambda: Server("a"))


async def run(context: object, params: object) -> Iterable[Observation]:
    return ()


PORTS = Check("ports", Params, run, "Asks each server.\n\nAll at once.")


def test_each_parameter_is_described_with_those_inside_of_it() -> None:
    assert (
        Parameter("servers", "list of tables", "required", "who is asked"),
        Parameter("name", "text", "required", "shown in alerts", depth=1),
        Parameter("port", "integer", "80", depth=1),
        Parameter("timeout", "duration", "1h30m", "for each server"),
        Parameter("wait", "duration", "none"),
        Parameter("mode", 'one of "fast", "slow"', '"fast"'),
        Parameter("key", "secret", "none"),
        Parameter("ratio", "number", "2.0"),
        Parameter("strict", "boolean", "true"),
        Parameter("names", "text or list of text", '["a", "b"]'),
        Parameter("limits", "table of integers", "{}"),
        Parameter("zone", "time zone", "none"),
        Parameter("file", "path", '"/etc/hosts"'),
        Parameter("first", "table", "{…}"),
        Parameter("name", "text", "required", "shown in alerts", depth=1),
        Parameter("port", "integer", "80", depth=1),
    ) == parameters(PORTS)


def test_a_page_lines_up_its_columns() -> None:
    @frozen
    class Few:
        servers: tuple[Server, ...] = field(metadata={"help": "who is asked"})
        timeout: Duration = Duration(1)

    page = """\
ports

Asks each server.

Parameters:
  servers  list of tables  required  who is asked
    name   text            required  shown in alerts
    port   integer         80
  timeout  duration        1s"""

    assert page == show_check(Check("ports", Few, run, "Asks each server."))


def test_what_a_table_of_limits_is_stands_once_below_the_parameters() -> None:
    @frozen
    class Limited:
        most: Limit[int]
        wait: Limit[Duration] = Limit.of(Duration(90))
        least: Limit[float] | None = None

    page = show_check(Check("ports", Limited, run))

    assert page.startswith(
        "ports\n\nParameters:\n"
        "  most   integer or limits   required\n"
        "  wait   duration or limits  1m30s\n"
        "  least  number or limits    none\n\n"
        "Limits are a table in place of the number, such as { W = 80, E = 95, clear = 75 }:\n"
    )


def test_a_check_without_parameters_says_so() -> None:
    page = "ping\n\nIt takes no parameters."

    assert page == show_check(Check("ping", NoParams, run))


def test_the_list_has_a_line_for_each_check() -> None:
    assert (
        show_checks([("disk", "Looks at disks."), ("ports", "Asks.")])
        == "disk   Looks at disks.\nports  Asks."
    )
    assert show_checks([]) == ""


def test_a_check_that_cannot_be_loaded_does_not_hide_the_others(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def load(name: str) -> Check:
        if name == "bad":
            raise ConfigError([Problem("checks", "bad", "cannot be imported", "see bad")])
        return PORTS

    monkeypatch.setattr(checks, "load_check", load)
    monkeypatch.setattr(checks, "known_checks", lambda: ("bad", "ports"))

    assert main(["checks"]) == 0
    assert capsys.readouterr().out == "bad    cannot be imported\nports  Asks each server.\n"
    assert main(["checks", "ports"]) == 0
    assert capsys.readouterr().out == f"{show_check(PORTS)}\n"

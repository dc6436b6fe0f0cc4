"""Completion in the real bash, zsh and fish; and the words that they ask for."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

import pytest

from supervisor.__main__ import COMMANDS, all_parsers, main
from supervisor.commands.setup.command_line import commands
from tests.support.shells import SHELLS, WORD

ROOT = Path(__file__).parent.parent.parent

SHOP = """
service = "SHOP"
[[modules]]
check = "disk"
every = "1m"
[[modules]]
check = "our.own.spool"
every = "1m"
[[modules]]
check = "command"
name = "swap"
every = "1m"
"""

Complete: TypeAlias = Callable[..., set[str]]
"""Returns the words that a shell shows after a line and Tab; further ones are waited for."""


@pytest.fixture
def configs(tmp_path: Path) -> Path:
    """A directory with the services Shop and Depot. The second cannot be read."""
    directory = tmp_path / "configs"
    directory.mkdir()
    (directory / "Shop.toml").write_text(SHOP, encoding="utf-8")
    (directory / "Depot.toml").write_text("[[[", encoding="utf-8")
    return directory


@pytest.fixture(params=SHELLS)
def complete(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    configs: Path,
    capsys: pytest.CaptureFixture[str],
) -> Complete:
    program = tmp_path / "bin" / "alertmanager-supervisor"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m supervisor "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    assert main(["completion", request.param]) == 0
    script = tmp_path / f"completion.{request.param}"
    script.write_text(capsys.readouterr().out, encoding="utf-8")
    environment = {
        "PATH": f"{program.parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(ROOT),
        "HOME": str(tmp_path),
        "SUPERVISOR_CONFIG_DIR": str(configs),
        "LC_ALL": "C.UTF-8",
    }

    def shown(line: str, *wanted: str) -> set[str]:
        text = SHELLS[request.param](script, line, environment, set(wanted))
        assert set(wanted) <= set(WORD.findall(text))
        return set(WORD.findall(text))

    return shown


def test_a_command_is_completed(complete: Complete) -> None:
    complete("alertmanager-supervisor run", "run", "run-now")


def test_the_services_are_offered(complete: Complete) -> None:
    complete("alertmanager-supervisor validate --service ", "Shop", "Depot")


def test_validate_offers_services(complete: Complete) -> None:
    complete("alertmanager-supervisor validate De", "Depot")


def test_the_modules_of_the_service_are_offered(complete: Complete) -> None:
    shown = complete("alertmanager-supervisor once --service Shop s", "swap", "spool")

    assert "disk" not in shown


def test_the_checks_are_offered(complete: Complete) -> None:
    complete("alertmanager-supervisor checks sy", "system", "systemd_unit")


def test_the_values_of_a_flag_are_offered(complete: Complete) -> None:
    complete("alertmanager-supervisor plan --format ", "text", "json", "svg")


def test_the_flags_of_a_command_are_offered(complete: Complete) -> None:
    shown = complete("alertmanager-supervisor run --", "--log-format", "--state-dir", "--verbose")

    assert "--watch" not in shown


def test_words_are_printed_one_a_line(configs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def words(*arguments: str) -> str:
        assert main(["completion", "--config-dir", str(configs), "--words", *arguments]) == 0
        return capsys.readouterr().out

    assert words("services") == "Depot\nShop\n"
    assert words("modules", "--service", "Shop") == "disk\nspool\nswap\n"
    assert words("modules") == "disk\nspool\nswap\n"
    assert words("modules", "--service", "Depot") == ""
    assert words("checks").startswith("alertmanager\ncertificate\n")


def test_without_a_shell_the_shells_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["completion"]) == 2
    assert "bash, zsh, fish" in capsys.readouterr().err


def test_every_command_and_each_of_its_arguments_has_a_help() -> None:
    known = commands(all_parsers())
    bare = [
        (command.name, argument.flags or argument.value)
        for command in known
        for argument in command.arguments
        if not argument.help
    ]

    assert [command.name for command in known] == [*COMMANDS]
    assert bare == []

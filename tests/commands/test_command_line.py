"""The help of each command, and the answers to wrong command lines."""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from importlib import import_module

import pytest

from supervisor.__main__ import COMMANDS, main


def test_the_help_shows_the_command_as_it_was_typed() -> None:
    typed = {"SUPERVISOR_PROGRAM": "scripts/run"}
    done = subprocess.run(
        [sys.executable, "-m", "supervisor", "once", "--help"],
        env=os.environ | typed,
        capture_output=True,
        text=True,
        check=True,
    )

    assert "usage: scripts/run once" in done.stdout
    assert "\n  scripts/run once --service Shop\n" in done.stdout
    assert "python -m" not in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_each_help_has_an_example_the_exit_codes_and_the_documents(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main([command, "--help"])

    shown = capsys.readouterr().out
    assert ended.value.code == 0
    assert "\nexamples:\n  # " in shown
    assert f"\n  python -m supervisor {command}" in shown
    assert max(map(len, shown.splitlines())) <= 80
    assert "\nexit codes:\n  0 " in shown
    assert "\ndocuments: docs/reference/commands.md" in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_each_flag_and_argument_is_explained(command: str) -> None:
    parser = argparse.ArgumentParser()
    import_module(f"supervisor.commands.{COMMANDS[command][0]}").add_arguments(parser)

    assert [action.dest for action in parser._actions if not action.help] == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["statsu"], "there is no command 'statsu'; did you mean 'status'?"),
        (["valdiate", "Demo"], "there is no command 'valdiate'; did you mean 'validate'?"),
        (["xyzzy"], "there is no command 'xyzzy'; write one of "),
        (["once", "--jsn"], "unrecognized arguments: --jsn; did you mean --json?"),
        (["status", "--wacht"], "unrecognized arguments: --wacht; did you mean --watch?"),
        (["tree", "--xyzzy"], "unrecognized arguments: --xyzzy; see tree --help"),
    ],
)
def test_a_typo_is_answered_with_the_nearest_word(
    arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert said in capsys.readouterr().err

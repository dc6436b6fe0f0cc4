"""The help of each command, and the answers to wrong command lines."""

from __future__ import annotations

import argparse
from importlib import import_module

import pytest

from supervisor.__main__ import COMMANDS, main


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

"""What `scripts/simulate` prints, writes and returns."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.simulation import __main__ as command
from tests.simulation.tools.broken_on_purpose import BROKEN, PROMISE, scenario
from tests.simulation.tools.kept import Kept, read

CALM = ["--seed", "5", "--days", "0.02", "--modules", "1"]
"""A world in which nothing happens in half an hour."""


pytestmark = pytest.mark.may_block("a step of a world does what peers and threads do elsewhere")


def simulate(patch: pytest.MonkeyPatch, *arguments: str | Path) -> int:
    patch.setattr("sys.argv", ["simulate", *map(str, arguments)])
    return command.main()


def test_a_world_without_a_finding_ends_with_0(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(monkeypatch, *CALM) == 0

    printed = capsys.readouterr().out
    assert "--seed 5 --days 0.02 --modules 1: digest " in printed
    assert "0  broken promises" in printed


def test_a_broken_promise_is_told_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "PROMISES", BROKEN)
    file = tmp_path / "world.json"
    Kept("", (), scenario()).write(file)

    assert simulate(monkeypatch, file, "--as-it-is") == 1

    printed = capsys.readouterr().out
    assert f"BROKEN: {PROMISE}\nSeed 1: " in printed
    assert f"To run it again: scripts/simulate {file}\n" in printed


def test_what_breaks_a_promise_is_kept_with_its_story(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(command, "PROMISES", BROKEN)
    monkeypatch.setattr(command, "SEEDS", tmp_path / "seeds")
    file = tmp_path / "world.json"
    Kept("", (), scenario()).write(file)

    simulate(monkeypatch, file, "--as-it-is", "--keep", "wrong_after_a_restart")

    kept = read(tmp_path / "seeds" / "wrong_after_a_restart.json")
    assert kept.promise == PROMISE
    assert kept.story[-1] == "    m01 sees i0 in a life that is not the first"


def test_the_trace_has_each_event(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    simulate(monkeypatch, *CALM, "--trace")

    assert capsys.readouterr().out.startswith("LifeBegan(life=1, ")


def test_many_hosts_run_in_processes_of_their_own(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = tmp_path / "report.txt"

    assert simulate(monkeypatch, *CALM, "--hosts", "2", "--jobs", "2", "--report", report) == 0

    assert "  2  worlds\n" in report.read_text(encoding="utf-8")
    assert "  2  worlds\n" in capsys.readouterr().out


def test_new_worlds_begin_until_the_time_is_over(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert simulate(monkeypatch, *CALM, "--hours", "1e-9", "--jobs", "1") == 0

    assert "  0  worlds\n" in capsys.readouterr().out


def test_a_soak_adds_to_what_an_earlier_one_wrote(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    soak = [*CALM, "--hosts", "1", "--jobs", "1", "--totals", f"{tmp_path}/totals.json"]

    simulate(monkeypatch, *soak)
    assert "  1  worlds\n" in capsys.readouterr().out

    simulate(monkeypatch, *soak)
    assert "  2  worlds\n" in capsys.readouterr().out

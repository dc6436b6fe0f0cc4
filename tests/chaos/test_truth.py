"""What a chaos run counts as promised: journal, log and the next life together tell."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

from tests.chaos.truth import Episode, JournalRun, Life, establish, read_life

NAME = ("m00", "a")


def run(number: str, after: str, pid: int, at: float, *instances: str) -> JournalRun:
    return JournalRun(
        number=number,
        after=after,
        pid=pid,
        at=at,
        conditions=dict.fromkeys(instances, "x"),
        reports=(f"report {number}",),
    )


def test_runs_that_the_next_life_does_not_know_were_not_committed() -> None:
    runs = [run("1", "", 1, 1.0, "a"), run("2", "1", 1, 2.0), run("3", "1", 2, 3.0)]
    lives = [Life(1, 2.5, {"m00": (1.1,)}), Life(2, 9.0, {"m00": (3.1,)})]

    truth = establish({"m00": runs}, lives, {})

    assert {NAME: [Episode(1.0, 1.1, 3.0, 3.1)]} == truth.episodes
    assert ["report 1", "report 3"] == list(truth.reports)
    assert (2, 1, 0, []) == (truth.committed, truth.free, truth.unlogged, truth.broken)


def test_a_committed_run_counts_though_it_was_never_logged() -> None:
    runs = [run("1", "", 1, 1.0), run("2", "1", 1, 2.0), run("3", "2", 2, 3.0)]
    lives = [Life(1, 2.5, {"m00": (1.1,)}), Life(2, 9.0, {"m00": (3.1,)})]

    truth = establish({"m00": runs}, lives, {})

    assert (3, 0, 1, []) == (truth.committed, truth.free, truth.unlogged, truth.broken)


def test_a_run_that_was_logged_as_finished_must_be_known_to_the_next_life() -> None:
    runs = [run("1", "", 1, 1.0), run("2", "1", 1, 2.0), run("3", "1", 2, 3.0)]
    lives = [Life(1, 2.5, {"m00": (1.1, 2.1)}), Life(2, 9.0, {"m00": (3.1,)})]

    truth = establish({"m00": runs}, lives, {})

    assert ["m00: run 2 was logged as finished and is lost"] == truth.broken


def test_an_emptied_ledger_is_found() -> None:
    runs = [run("1", "", 1, 1.0), run("3", "", 2, 3.0)]
    lives = [Life(1, 2.5, {"m00": (1.1,)}), Life(2, 9.0, {"m00": (3.1,)})]

    truth = establish({"m00": runs}, lives, {})

    assert ["m00: run 1 was logged as finished and is lost"] == truth.broken


def test_hysteresis_counts_consecutive_runs() -> None:
    seen = ("", "a", "a", "", "a", "", "")
    runs = [
        run(str(number), "", 1, float(number), *([instance] if instance else []))
        for number, instance in enumerate(seen)
    ]
    lives = [Life(1, 9.0, {"m00": tuple(number + 0.1 for number in range(len(seen)))})]

    truth = establish({"m00": runs}, lives, {"m00": (2, 2)})

    assert {NAME: [Episode(2.0, 2.1, 6.0, 6.1)]} == truth.episodes


def test_a_log_tells_what_was_finished_and_what_is_strange(tmp_path: Path) -> None:
    log = tmp_path / "life.log"
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    entry = {"time": moment.isoformat(timespec="milliseconds"), "message": "m00: ok in 0.1 s"}
    log.write_text(f"{json.dumps(entry)}\nTraceback\n{json.dumps(entry)[:20]}", encoding="utf-8")

    life, strange = read_life(1, log, 9.0)

    assert {"m00": (moment.timestamp() + 0.001,)} == life.finished
    assert ["Traceback"] == strange

"""What was promised: the runs that were committed, and the events that follow from them.

The check's journal says what each run saw and which run before it the ledger knew of; the
supervisor's log says which runs appeared as finished. A run that was killed before is free.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path

from attrs import define, field, frozen

from tests.chaos.check import POISON, VENOM

Name = tuple[str, str]
"""Module and instance of a condition."""

_FINISHED = re.compile(r"(\S+): (ok|conditions|failed|timeout) in [0-9.]+ s")


@frozen
class Life:
    """One process of the supervisor: its log and when it ended. Times are Unix seconds.

    `finished` holds by module when each of its runs was logged as finished.
    """

    pid: int
    ended: float
    finished: Mapping[str, tuple[float, ...]] = field(factory=dict)


@define
class JournalRun:
    """One line of the journal. A commit of it lies between `at` and `by`."""

    number: str
    after: str
    pid: int
    at: float
    conditions: Mapping[str, str]
    reports: tuple[str, ...]
    by: float = 0.0
    logged: bool = False
    committed: bool = True


@frozen
class Episode:
    """A condition from the run that fired it to the run that cleared it.

    Each commit lies between the run's time and the second time, `…_by`; infinity: never.
    """

    began: float
    began_by: float
    ended: float = float("inf")
    ended_by: float = float("inf")
    refused: bool = False

    @property
    def is_over(self) -> bool:
        return self.ended != float("inf")


@define
class Truth:
    """What the peers must have been told."""

    episodes: dict[Name, list[Episode]] = field(factory=dict)
    reports: dict[str, float] = field(factory=dict)
    broken: list[str] = field(factory=list)
    committed: int = 0
    free: int = 0
    unlogged: int = 0


def read_life(pid: int, log: Path, ended: float) -> tuple[Life, list[str]]:
    """Return what a life's JSON log says, and every line that should not be there."""
    finished: dict[str, list[float]] = {}
    strange = []
    lines = log.read_text(encoding="utf-8", errors="replace").split("\n")
    for line in lines[:-1]:  # after the last newline is nothing, or what the kill cut off
        try:
            entry = json.loads(line)
            moment = datetime.fromisoformat(entry["time"]).timestamp()
        except (ValueError, KeyError, TypeError):
            strange.append(line)
            continue
        if match := _FINISHED.fullmatch(entry["message"]):
            # The log's times are cut to milliseconds.
            finished.setdefault(match[1], []).append(moment + 0.001)
        elif "traceback" in entry:
            strange.append(line)
    return Life(pid, ended, {name: tuple(times) for name, times in finished.items()}), strange


def read_journal(path: Path) -> list[JournalRun]:
    """Return a module's runs in their order."""
    runs = []
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        entry["reports"] = tuple(entry["reports"])
        runs.append(JournalRun(**entry))
    return runs


def establish(
    journals: Mapping[str, list[JournalRun]],
    lives: Iterable[Life],
    hysteresis: Mapping[str, tuple[int, int]],
) -> Truth:
    """Return what was promised; `hysteresis` holds `fire_after` and `clear_after` by module."""
    truth = Truth()
    by_pid = {life.pid: life for life in lives}
    for module, runs in journals.items():
        _find_logged(module, runs, by_pid)
        _find_committed(module, runs, truth)
        committed = [run for run in runs if run.committed]
        truth.committed += len(committed)
        truth.free += len(runs) - len(committed)
        truth.unlogged += sum(not run.logged for run in committed)
        for instance in sorted({name for run in committed for name in run.conditions}):
            name = (module, instance)
            truth.episodes[name] = _episodes(committed, instance, *hysteresis.get(module, (1, 1)))
        for run in committed:
            truth.reports |= dict.fromkeys(run.reports, run.at)
    return truth


def _find_logged(module: str, runs: Iterable[JournalRun], lives: Mapping[int, Life]) -> None:
    """A module's runs are finished in their order: the first so many of each life are."""
    count: dict[int, int] = {}
    for run in runs:
        life = lives[run.pid]
        times = life.finished.get(module, ())
        index = count.setdefault(run.pid, 0)
        count[run.pid] += 1
        run.logged = index < len(times)
        run.by = times[index] if run.logged else life.ended


def _find_committed(module: str, runs: list[JournalRun], truth: Truth) -> None:
    """The first run of each life knows the last run that the ledger held when it was opened."""
    for index, run in enumerate(runs):
        if index and run.pid != runs[index - 1].pid:
            _take_back(module, runs[:index], run.after, truth)
    # Nobody came after the last life to tell of runs that were not logged.
    for run in runs:
        if runs[-1].pid == run.pid and not run.logged:
            run.committed = False


def _take_back(module: str, before: list[JournalRun], after: str, truth: Truth) -> None:
    for run in reversed(before):
        if run.number == after:
            if not run.committed:
                truth.broken.append(f"{module}: run {after} came back after it had been lost")
            return
        run.committed = False
        if run.logged:
            truth.broken.append(f"{module}: run {run.number} was logged as finished and is lost")
    if after:
        truth.broken.append(f"{module}: the ledger knows of a run {after} that never was")


def _episodes(
    runs: Iterable[JournalRun], instance: str, fire_after: int, clear_after: int
) -> list[Episode]:
    episodes: list[Episode] = []
    seen = missed = 0
    began: JournalRun | None = None
    refused = False
    for run in runs:
        message = run.conditions.get(instance)
        if message is None:
            seen, missed = 0, missed + 1
        else:
            seen, missed = seen + 1, 0
        if began is None and message is not None and seen >= fire_after:
            began, refused = run, False
        if began is not None and message is not None:
            refused |= POISON in message or VENOM in message
        if began is not None and missed >= clear_after:
            episodes.append(
                Episode(
                    began=began.at,
                    began_by=began.by,
                    ended=run.at,
                    ended_by=run.by,
                    refused=refused,
                )
            )
            began = None
    if began is not None:
        episodes.append(Episode(began.at, began.by, refused=refused))
    return episodes

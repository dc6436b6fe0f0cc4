"""One sequence in the model, at the times at which the real one was called."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from random import Random

from attrs import define, evolve, field

from tests.simulation.alertmanager.alertmanager import Alertmanager
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.comparison.outcome import Outcome, Seen, SeenAlert, of_list, of_model
from tests.simulation.comparison.step import (
    AddSilence,
    Begin,
    Done,
    End,
    ExpireSilence,
    ListAlerts,
    Post,
)

SPLIT = 0.02
"""Seconds at most between two alerts of a post, when a sequence is shaken."""


@define
class Replay:
    """A run of the model."""

    _model: Alertmanager
    _base: float
    _seen: list[Seen] = field(factory=list)
    _lists: list[tuple[SeenAlert, ...]] = field(factory=list)
    _answers: list[object] = field(factory=list)
    _silences: dict[int, str] = field(factory=dict)

    def run(self, steps: Sequence[Done], until: float) -> Outcome:
        for step in steps:
            self._collect(step.at)
            if self._model.is_up != isinstance(step.step.what, Begin):
                self._do(step)
        self._collect(until)
        return Outcome(tuple(self._seen), tuple(self._lists), tuple(self._answers))

    def _collect(self, now: float) -> None:
        if self._model.is_up:
            self._seen += map(of_model, self._model.advance(now))

    def _do(self, done: Done) -> None:
        match done.step.what:
            case Post(alerts):
                answer = self._model.post([each.json(self._base) for each in alerts], done.at)
                self._answers.append((answer.status, answer.body))
            case AddSilence():
                self._add(done.step.what, done.at)
            case ExpireSilence(number):
                self._expire(number, done.at)
            case ListAlerts():
                self._lists.append(of_list(self._model.active(done.at)))
            case End(killed):
                (self._model.kill if killed else self._model.stop)(done.at)
            case Begin():
                self._model.start(done.at)

    def _add(self, what: AddSilence, now: float) -> None:
        begin, end = self._base + what.starts, self._base + what.ends
        with suppress(ValueError):  # a step may be so late that the silence has ended before
            added = self._model.silence(what.matchers, starts_at=begin, ends_at=end, now=now)
            self._silences[what.number] = added.id

    def _expire(self, number: int, now: float) -> None:
        known = {each.id for each in self._model.silences(now)}
        if (found := self._silences.get(number)) in known:
            self._model.expire_silence(found or "", now)


def replayed(settings: Settings, base: float, steps: Sequence[Done], until: float) -> Outcome:
    """Return what the model makes of the steps. The first is the start."""
    first, *others = steps
    assert isinstance(first.step.what, Begin)
    return Replay(Alertmanager(settings, first.at), base).run(others, until)


def shaken(steps: Sequence[Done], random: Random, by: float) -> list[Done]:
    """Return the steps at slightly other times, and the alerts of a post one by one."""
    moved = [
        Done(part.at + random.uniform(-1, 1) * (part.unsure + by), 0.0, part.step)
        for done in steps
        for part in _split(done, random)
    ]
    return sorted(moved, key=lambda done: done.at)


def _split(done: Done, random: Random) -> list[Done]:
    what = done.step.what
    if not isinstance(what, Post) or len(what.alerts) < 2:
        return [done]
    return [
        evolve(done, at=done.at + SPLIT * place, step=evolve(done.step, what=Post((alert,))))
        for place, alert in enumerate(random.sample(what.alerts, len(what.alerts)))
    ]

"""The real Alertmanager, called as a plan says."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from attrs import define, field

from tests.e2e.servers import AlertmanagerServer
from tests.e2e.webhook import Webhook
from tests.simulation.alertmanager.listing import text
from tests.simulation.alertmanager.matcher import Matcher, Operator
from tests.simulation.alertmanager.settings import Settings
from tests.simulation.comparison.outcome import Outcome, Seen, of_list, of_webhook
from tests.simulation.comparison.plan import Plan
from tests.simulation.comparison.setup import config, flags
from tests.simulation.comparison.step import (
    ALL,
    AddSilence,
    Begin,
    Done,
    End,
    ExpireSilence,
    ListAlerts,
    Post,
    Step,
)


@define
class ComparedServer(AlertmanagerServer):
    """A real Alertmanager with the settings of the comparison."""

    settings: Settings = field(kw_only=True)
    webhook: str = field(kw_only=True)

    def configure(self, config_file: Path) -> None:
        config_file.write_text(config(self.settings, self.webhook), encoding="utf-8")

    @property
    def is_up(self) -> bool:
        return self._process is not None

    def end(self, sent: signal.Signals) -> None:
        """Send the signal and wait until the process has ended."""
        assert self._process is not None
        self._process.send_signal(sent)
        self._process.wait(30)
        self._process = None


@define
class Run:
    """A plan in the real one: what was done, and what came of it."""

    server: ComparedServer
    hook: Webhook
    _client: httpx.Client
    done: list[Done] = field(factory=list)
    base: float = 0.0
    until: float = 0.0
    _silences: dict[tuple[str, int], str] = field(factory=dict)

    def run(self, plan: Plan) -> None:
        """Do all steps at their times."""
        self.do(Step(0.0, ALL, Begin()))
        self.base = time.time() + 0.2
        for step in plan.steps:
            sleep_until(self.base + step.at)
            self.do(step)
        self.until = max(self.base + plan.seconds, time.time() + 1.0)  # a busy machine is late
        sleep_until(self.until)

    def steps_of(self, seq: str) -> list[Done]:
        return [done for done in self.done if done.step.seq in (seq, ALL)]

    def outcome(self, seq: str) -> Outcome:
        steps = self.steps_of(seq)
        return Outcome(
            seen=tuple(
                each
                for each in self.seen()
                if ("seq", seq) in each.group[1] and each.at <= self.until
            ),
            lists=tuple(
                of_list(done.answer) for done in steps if isinstance(done.step.what, ListAlerts)
            ),
            answers=tuple(done.answer for done in steps if isinstance(done.step.what, Post)),
        )

    def seen(self) -> list[Seen]:
        """Return the notifications until now, in order."""
        return [of_webhook(at, json.loads(body)) for at, body in sorted(self.hook.received)]

    def do(self, step: Step) -> None:
        """Do a step now."""
        match step.what:
            case End(killed):
                self._note(step, time.time(), 0.02)
                self.server.end(signal.SIGKILL if killed else signal.SIGTERM)
            case Begin():
                at, unsure = self._start()
                self._note(step, at, unsure)
            case _ if self.server.is_up:
                begun = time.time()
                answer = self._ask(step)
                ended = time.time()
                self._note(step, (begun + ended) / 2, (ended - begun) / 2, answer)

    def _note(self, step: Step, at: float, unsure: float, answer: Any = None) -> None:
        self.done.append(Done(at, unsure, step, answer))

    def _start(self) -> tuple[float, float]:
        """Start the program; return when that was, and how unsure this is."""
        begun = time.time()
        self.server.start()
        ended = time.time()
        return (begun + ended) / 2, (ended - begun) / 2

    def _ask(self, step: Step) -> Any:
        url = f"{self.server.url}/api/v2"
        match step.what:
            case Post(alerts):
                body = [alert.json(self.base) for alert in alerts]
                answer = self._client.post(f"{url}/alerts", json=body)
                return answer.status_code, answer.text
            case AddSilence():
                muting = silence(step.what, self.base)
                answer = self._client.post(f"{url}/silences", json=muting)
                if answer.is_client_error and time.time() > self.base + step.what.ends:
                    return None  # the step is so late that the silence has ended before
                added = answer.raise_for_status().json()["silenceID"]
                self._silences[step.seq, step.what.number] = added
            case ExpireSilence(number):
                found = self._silences.get((step.seq, number))
                self._client.delete(f"{url}/silence/{found}")
            case ListAlerts():
                query = {"filter": f'seq="{step.seq}"'}
                return self._client.get(f"{url}/alerts", params=query).raise_for_status().json()
        return None


def silence(what: AddSilence, base: float) -> dict[str, Any]:
    """Return the JSON of a silence."""
    return {
        "matchers": list(map(_matcher, what.matchers)),
        "startsAt": text(base + what.starts),
        "endsAt": text(base + what.ends),
        "createdBy": "test",
        "comment": "test",
    }


def _matcher(matcher: Matcher) -> dict[str, Any]:
    return {
        "name": matcher.name,
        "value": matcher.value,
        "isRegex": matcher.operator in (Operator.REGEX, Operator.NOT_REGEX),
        "isEqual": matcher.operator in (Operator.EQUAL, Operator.REGEX),
    }


@contextmanager
def real_run(directory: Path, settings: Settings, *cluster: str) -> Iterator[Run]:
    """Provide a run, alone or with the flags of a cluster. The program ends with it."""
    directory.mkdir(parents=True, exist_ok=True)
    with Webhook.running() as hook, httpx.Client(trust_env=False, timeout=30) as client:
        server = ComparedServer(
            directory,
            "",
            flags=(*(cluster or ("--cluster.listen-address=",)), *flags(settings)),
            settings=settings,
            webhook=hook.url,
        )
        try:
            yield Run(server, hook, client)
        finally:
            server.stop()


def sleep_until(at: float) -> None:
    time.sleep(max(0.0, at - time.time()))  # the real one takes real time

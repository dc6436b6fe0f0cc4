"""The judge of the power-cut runs: each kind of loss and invention is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert, Cursor, ModuleRecord, State
from supervisor.config.service import Module
from supervisor.ledger.changes import Changes
from supervisor.observations import Condition, Duration, Observation, Report
from tests.power_cut import story
from tests.power_cut.disk import Disk
from tests.power_cut.judge import Judge
from tests.power_cut.recording import MODULES, Recording
from tests.power_cut.seen import Seen
from tests.power_cut.witness import Taken, identity
from tests.support.ledger_bench import A, LedgerBench, T, service_of

SEED = 1
LAST = 8
"""Runs of each module that the ledger has."""


@pytest.fixture
def bench() -> LedgerBench:
    """A ledger after some runs, all of which the peer has taken."""
    modules = [Module("story", name, every=Duration(60)) for name in MODULES]
    bench = LedgerBench(service_of(*modules))
    for number in range(1, LAST + 1):
        bench.pass_time(60)
        for module in modules:
            bench.see(*observed(module.name, number), module=module, state={"number": number})
    bench.deliver()
    return bench


def observed(module: str, number: int) -> list[Observation]:
    seen, detail = story.chapter(SEED, module, number), story.detail_of(number)
    return [
        *(
            Condition(story.CONDITION, "E", name, text, detail)
            for name, text in seen.conditions.items()
        ),
        *(Report(story.REPORT, text, detail) for text in seen.reports),
    ]


def contents(bench: LedgerBench) -> Changes:
    found = bench.store.contents()
    found.cursors |= bench.cursors.contents()
    return found


def _first(found: Changes, state: State) -> tuple[str, Alert]:
    return next(
        (name, alert) for name, alert in found.alerts.items() if alert and alert.state is state
    )


def _drop(found: Changes, state: State) -> None:
    del found.alerts[_first(found, state)[0]]


def faults(found: Changes, seen: Seen, at: int = 1) -> list[str]:
    taken = {
        identity(alert.payload.labels): [
            Taken(1, datetime.fromtimestamp(cursor.ends_at, UTC).isoformat())
        ]
        for (_, name), cursor in found.cursors.items()
        if cursor is not None and (alert := found.alerts.get(name))
    }
    recording = Recording(
        config=Path(),
        service=service_of(),
        seed=SEED,
        before=Disk(1),
        operations=(),
        taken={A: taken},
        ended=T,
    )
    return [*Judge(recording).faults(found, seen, at)]


def all_seen() -> Seen:
    return Seen(
        Counter(dict.fromkeys(MODULES, LAST)),
        {module: story.all_events(SEED, module, LAST) for module in MODULES},
    )


def test_a_ledger_that_has_all_is_right(bench: LedgerBench) -> None:
    assert [] == faults(contents(bench), all_seen())


def test_a_run_that_was_not_logged_may_be_there(bench: LedgerBench) -> None:
    assert [] == faults(contents(bench), Seen())


def lose_a_run(found: Changes) -> None:
    found.modules["m0"] = ModuleRecord(0.0, {"number": LAST - 1})


def lose_an_alert(found: Changes) -> None:
    _drop(found, State.FIRING)


def lose_a_report(found: Changes) -> None:
    _drop(found, State.REPORT)


def go_on_with_an_old_detail(found: Changes) -> None:
    name, alert = _first(found, State.FIRING)
    found.alerts[name] = evolve(alert, payload=alert.payload.annotate(detail="old"))


def invent_an_alert(found: Changes) -> None:
    _, alert = _first(found, State.FIRING)
    found.alerts["f"] = evolve(alert, fingerprint="f", module="disk")


def invent_a_cursor(found: Changes) -> None:
    name, _ = _first(found, State.FIRING)
    found.cursors[("http://127.0.0.9:9093", name)] = Cursor(version=1, ends_at=T)


@pytest.mark.parametrize(
    ("change", "kind"),
    [
        (lose_a_run, "lost: run"),
        (lose_an_alert, "wrong: "),
        (lose_a_report, "lost: report"),
        (go_on_with_an_old_detail, "wrong: "),
        (invent_an_alert, "invented: Scripted of disk"),
        (invent_a_cursor, "invented: http://127.0.0.9:9093"),
    ],
)
def test_what_is_lost_or_invented_is_found(
    bench: LedgerBench, change: Callable[[Changes], None], kind: str
) -> None:
    found = contents(bench)
    change(found)

    assert [fault for fault in faults(found, all_seen()) if fault.startswith(kind)]


def test_what_a_peer_takes_after_the_cut_is_not_known_before(bench: LedgerBench) -> None:
    assert [
        fault for fault in faults(contents(bench), all_seen(), at=0) if "has not taken" in fault
    ]


def test_an_event_that_was_logged_twice_is_found(bench: LedgerBench) -> None:
    seen = all_seen()
    seen.events["m0"] = seen.events["m0"] + Counter({"firing a since 99": 1})

    assert ["lost: m0 has logged 'firing a since 99', and the ledger has run 8"] == faults(
        contents(bench), seen
    )


def test_the_log_is_read_in_pieces() -> None:
    line = (
        b'{"message": "FIRING   E  Scripted a: a since 1", "event": "firing", '
        b'"alertname": "Scripted", "instance": "a", "module": "m0"}\n'
        b'{"message": "m0: conditions in 0.003 s"}\n{"message": "m1: ok in 0.0'
    )
    seen = Seen()
    for index in range(len(line)):
        seen.hear(line[index : index + 1])

    assert {"m0": Counter({"firing a since 1": 1})} == seen.events
    assert Counter(m0=1) == seen.finished
    assert [] == seen.strange

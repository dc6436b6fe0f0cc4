"""What the supervisor itself keeps is committed, survives, and goes with what it is for."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.alerts.alert import SUPERVISOR
from supervisor.config.fallback.fallback import Fallback
from supervisor.config.service import Service
from supervisor.errors import LedgerUnwritable
from supervisor.ledger.database import open_ledger
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.messages import FALLBACK, Reload, Remember
from supervisor.recorder.own_state import remember, remembered
from supervisor.recorder.reconcile import reconcile
from supervisor.recorder.update import Update
from tests.support.recorder_bench import ONE, RecorderBench, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

SERVICE = Service(Path("X.toml"), "X", ZoneInfo("UTC"), labels={"host": "h"})


def kept(bench: RecorderBench) -> object:
    return [
        dict(commit.modules[SUPERVISOR].state) for commit in bench.ledger.commits if commit.modules
    ]


async def test_it_is_committed_before_it_counts(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    bench.ledger.commits.clear()
    messages = [Remember("a", {"n": 1}), Remember("b", [2]), Remember("a", None)]
    for message in messages:
        await bench.send.send(message)
        await message.committed.wait()

    assert kept(bench) == [{"a": {"n": 1}}, {"a": {"n": 1}, "b": [2]}, {"b": [2]}]


async def test_a_disk_that_cannot_be_written_holds_it_up_no_longer_than_a_try(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    bench.ledger.error = LedgerUnwritable("the disk is full")
    message = Remember("a", 1)
    await bench.send.send(message)
    with trio.fail_after(15):
        await message.committed.wait()
    bench.ledger.error = None
    bench.ledger.commits.clear()
    await trio.sleep(60)

    assert bench.store.modules[SUPERVISOR].state == {"a": 1}
    assert kept(bench)[0] == {"a": 1}  # type: ignore[index]


def test_it_survives_the_process(tmp_path: Path) -> None:
    update = Update.begin(Outbox.of(SERVICE), 0.0)
    remember(update.transaction, "a", {"since": 1.5, "channels": {}})
    opened = open_ledger(tmp_path / "ledger", 0.0)
    opened.ledger.commit(update.changes)
    opened.ledger.close()
    outbox = Outbox.of(SERVICE)
    outbox.restore(open_ledger(tmp_path / "ledger", 0.0).contents)

    found = Update.begin(outbox, 0.0)
    assert remembered(found.transaction) == {"a": {"since": 1.5, "channels": {}}}


async def test_what_the_fallback_has_told_goes_with_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = await RecorderBench.started(nursery, ONE)
    with_fallback = evolve(bench.service, fallback=Fallback())
    for service in (with_fallback, with_fallback, bench.service):
        reload = Reload(service)
        await bench.send.send(reload)
        await reload.applied.wait()
        if service is with_fallback:
            await bench.send.send(Remember(FALLBACK, {"since": 1.0, "channels": {}}))

    assert bench.store.modules[SUPERVISOR].state == {}


def test_a_start_without_a_fallback_forgets_it() -> None:
    update = Update.begin(Outbox.of(SERVICE), 0.0)
    remember(update.transaction, FALLBACK, {"since": 1.0, "channels": {}})
    reconcile(update)

    assert remembered(update.transaction) == {}

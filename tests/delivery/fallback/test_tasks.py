"""The fallback costs nothing where it is not used, and a reload may change it."""

from __future__ import annotations

import subprocess
import sys

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock, wait_all_tasks_blocked

from supervisor.delivery.fallback.tasks import FallbackTask
from tests.delivery.fallback.bench import AFTER, MAIL, FallbackBench
from tests.support.recorder_bench import ONE, full, no_threads

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")


def imported(program: str) -> list[str]:
    """Return which modules of the fallback a program imports."""
    show = "; import sys; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", program + show], capture_output=True, text=True, check=True
    )
    names = ("smtplib", "email.message", "supervisor.delivery.fallback.")
    return sorted(name for name in done.stdout.split() if name.startswith(names))


def test_a_supervisor_without_a_fallback_imports_nothing_of_it() -> None:
    assert imported("import supervisor.daemon.daemon") == ["supervisor.delivery.fallback.tasks"]


def test_a_fallback_that_is_not_due_imports_nothing_of_mails() -> None:
    found = imported("import supervisor.delivery.fallback.last_resort")

    assert not {"smtplib", "email.message", "supervisor.delivery.fallback.smtp"} & {*found}
    assert "supervisor.delivery.fallback.message" not in found


async def test_a_reload_adds_changes_and_removes_it(
    nursery: trio.Nursery, autojump_clock: MockClock
) -> None:
    bench = FallbackBench.make(ONE)
    config = bench.bench.store.config
    settings, config.service = bench.settings, evolve(config.service, fallback=None)
    nursery.start_soon(bench.bench.clock.watch)
    task = FallbackTask(
        outbox=bench.bench.outbox,
        peers=lambda: tuple(bench.bench.peers.values()),
        clock=bench.bench.clock,
        send=bench.bench.send,
        waiting=bench.bench.waiting,
        nursery=nursery,
        find_sender=bench.find_sender,
    )
    bench.bench.answered = task.answered
    task.apply()
    bench.peers_fail()
    await bench.bench.live(nursery)
    await bench.bench.see(full(event_type="E"))
    await bench.until(AFTER)
    assert task.last_resort is None
    assert len(nursery.child_tasks) == 3  # the clock, the recorder, the sender

    config.service = evolve(config.service, fallback=settings)
    task.apply()
    await bench.until(AFTER + 61)
    assert task.last_resort is not None
    assert task.last_resort.record.since is not None
    since = task.last_resort.record.since

    mail = evolve(MAIL, to=("b@example.invalid",))
    config.service = evolve(config.service, fallback=evolve(settings, mail=mail))
    task.apply()
    assert task.last_resort.settings.mail == mail
    assert task.last_resort.record.since == since

    task.end()
    await wait_all_tasks_blocked()
    assert len(nursery.child_tasks) == 3

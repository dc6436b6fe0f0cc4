"""Without peers, a printed line is the delivery."""

from __future__ import annotations

import logging

import pytest
import trio
from trio.testing import MockClock

from supervisor.config.current import CONSOLE
from supervisor.observations import Report
from tests.support.recorder_bench import RecorderBench, full, no_threads

__all__ = ["no_threads"]  # a fixture

virtually = pytest.mark.usefixtures("no_threads")


@virtually
async def test_without_peers_a_printed_line_is_the_delivery(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.alerts")
    bench = await RecorderBench.started(nursery)
    await bench.see(full(), Report("Daily check", "hello"))
    pending = bench.outbox.pending(CONSOLE)
    await bench.until(30)
    await bench.see()
    await bench.until(2000)

    assert [
        "FIRING   W  Disk usage /: it is full",
        "REPORT   I  Daily check: hello",
        "RESOLVED W  Disk usage /: it is full",
    ] == [record.getMessage() for record in caplog.records]
    assert ([], {}) == (pending, bench.store.alerts)


@virtually
async def test_what_a_killed_process_did_not_print_is_printed_at_the_start(
    nursery: trio.Nursery, autojump_clock: MockClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "supervisor.alerts")
    first = RecorderBench.make()
    first.send.send_nowait(first.run(full("/a")))
    first.send.close()
    await first.recorder.record(first.receive)
    caplog.clear()
    second = RecorderBench.make()
    second.store.adopt(first.ledger.commits[0])
    third = RecorderBench.make()
    for changes in first.ledger.commits:
        third.store.adopt(changes)
        for (peer, fingerprint), cursor in changes.cursors.items():
            assert cursor is not None
            third.cursors.known.setdefault(peer, {})[fingerprint] = cursor
    await second.live(nursery)
    await third.live(nursery)

    assert ["FIRING   W  Disk usage /a: it is full"] == [r.getMessage() for r in caplog.records]

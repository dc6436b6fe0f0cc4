"""Restarts of real daemons, as `daemon` tells them from workers and from a start of the host."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import trio
from attrs import evolve

from checks._processes import processor_time
from checks._processes.processor_time import Moment
from supervisor.api import Duration, Json, Limit
from tests.checks._daemons.running import IDLE, daemon_that, limited, look, names, told

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

HAS_A_WORKER = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0: os.read(0, 1); os._exit(0)
"""


def children_of(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


async def test_a_daemon_that_restarts_in_a_loop_is_told_of_once_for_each_restart() -> None:
    state: dict[str, Json] = {}
    watched = limited(min_uptime=Duration(600))
    pids, found, found_again, ended = [], [], [], []
    for _ in range(3):
        with daemon_that(IDLE) as one:
            pids.append(one.pid)
            found.append(told(await look(watched, state=state)))
            found_again.append(told(await look(watched, state=state)))
        ended.append(names(await look(watched, state=state)))

    assert found[0] == []
    assert found_again == [[], [], []]
    assert ended == [["Daemon not running"]] * 3
    for pid, ((alertname, event_type, message),) in zip(pids[1:], found[1:], strict=True):
        assert (alertname, event_type) == ("Daemon restarted", "W")
        assert f" ago as {pid} (" in message
        assert message.endswith(", less than 10 min")


async def test_a_restart_that_a_run_finds_late_is_not_told() -> None:
    state: dict[str, Json] = {}
    watched = limited(min_uptime=Duration(0.2))
    with daemon_that(IDLE):
        await look(watched, state=state)
    with daemon_that(IDLE):
        await trio.sleep(0.3)  # it grows old
        late = await look(watched, state=state)

    assert told(late) == []


async def test_the_workers_of_a_daemon_may_come_and_go() -> None:
    state: dict[str, Json] = {}
    watched = limited(min_uptime=Duration(600))
    with daemon_that(HAS_A_WORKER) as master:
        await look(watched, state=state)
        (worker,) = children_of(master.pid)
        os.kill(worker, signal.SIGKILL)
        after = await look(watched, state=state)

    assert told(after) == []


async def test_a_second_instance_is_not_a_restart() -> None:
    state: dict[str, Json] = {}
    watched = limited(min_uptime=Duration(600))
    with daemon_that(IDLE):
        await look(watched, state=state)
        with daemon_that(IDLE):
            both = await look(watched, state=state)

    assert told(both) == []


async def test_after_a_start_of_the_host_nothing_counts_as_restarted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    state: dict[str, Json] = {}
    watched = evolve(limited(min_uptime=Duration(600)), max_cpu_percent=Limit.of(0.0))
    with daemon_that(IDLE):
        await look(watched, state=state)
    present = processor_time.now()
    monkeypatch.setattr(processor_time, "now", lambda: Moment("another", present.at + 1))
    with daemon_that(IDLE):
        booted = await look(watched, state=state)

    assert told(booted) == []


@pytest.mark.parametrize(
    "absurd", [None, 3, "x", [], [1], {}, {"boot": 1}, {"of": []}, {"boot": "", "at": 1e400}]
)
async def test_an_absurd_state_is_begun_again(absurd: Json) -> None:
    state: dict[str, Json] = {"seen": absurd, "processor": absurd, "instances": absurd}
    watched = evolve(limited(min_uptime=Duration(600)), max_cpu_percent=Limit.of(0.0))
    with daemon_that(IDLE):
        seen = await look(watched, state=state)

    assert told(seen) == []
    assert set(state) == {"seen", "processor", "instances"}

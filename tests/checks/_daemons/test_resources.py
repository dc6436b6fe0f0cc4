"""The limits of `daemon` on real processes that eat memory, processors, threads and files."""

from __future__ import annotations

import time

import pytest
from attrs import evolve

from checks import daemon
from checks._daemons import figures
from checks._processes import processor_time
from checks.daemon import Daemon, Params
from supervisor.api import Json, Limit, Measurement, Size
from tests.checks._daemons.running import (
    HAS_FILES,
    IDLE,
    daemon_that,
    figure,
    limited,
    look,
    names,
    told,
)
from tests.support.mounts import needs_root
from tests.support.processes import NAME

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

MIB = 1 << 20

SECONDS = 0.3
"""Of a processor: what one `work` uses of it."""

BURN = f"""
import sys, time
def burn():
    end = time.process_time() + {SECONDS}
    while time.process_time() < end: pass
"""

BURNS = f"""{BURN}
print("ready", flush=True)
for line in sys.stdin: burn(); print("done", flush=True)
"""

LETS_CHILDREN_BURN = f"""{BURN}
import os
print("ready", flush=True)
for line in sys.stdin:
    if (pid := os.fork()) == 0: burn(); os._exit(0)
    os.waitpid(pid, 0); print("done", flush=True)
"""

FORKS_AND_SHARES = f"""
import os
eaten = bytearray(b"x") * {50 * MIB}
for _ in range(3):
    if os.fork() == 0: os.read(0, 1); os._exit(0)
"""

HAS_THREADS = """
import threading
for _ in range(9): threading.Thread(target=threading.Event().wait, daemon=True).start()
"""


async def test_a_daemon_that_eats_memory_is_told_of() -> None:
    limits = Limit((("W", Size(60 * MIB)), ("E", Size(500 * MIB))))
    watched = Daemon(NAME, max_memory=limits)
    with daemon_that(IDLE):
        small = await look(watched)
    with daemon_that(f"eaten = bytearray(b'x') * {90 * MIB}"):
        large = await look(watched)

    assert told(small) == []
    ((alertname, event_type, message),) = told(large)
    assert (alertname, event_type) == ("Daemon memory", "W")
    assert message.startswith(f"{NAME} holds 9")
    assert message.endswith("MiB of memory (PSS) (limit W 60.0 MiB, E 500.0 MiB)")
    assert 90 * MIB < figure(large, "daemon_pss_bytes") <= figure(large, "daemon_rss_bytes")
    assert figure(small, "daemon_rss_bytes") < 60 * MIB


async def test_memory_that_processes_share_counts_once_where_it_can_be_seen(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched = limited(max_memory=Size(100 * MIB))
    with daemon_that(FORKS_AND_SHARES):
        seen_once = await look(watched)

        def refuse(_: object) -> int:
            raise PermissionError

        monkeypatch.setattr(figures, "proportional", refuse)
        by_rss = await look(watched)

    assert told(seen_once) == []
    assert figure(seen_once, "daemon_pss_bytes") < 100 * MIB < figure(seen_once, "daemon_rss_bytes")
    assert names(by_rss) == ["Daemon memory"]
    assert "MiB of memory (RSS) in 4 processes, more than 100.0 MiB" in told(by_rss)[0][2]
    assert "daemon_pss_bytes" not in [each.name for each in by_rss if isinstance(each, Measurement)]


async def test_a_daemon_that_burns_a_processor_is_told_of_from_the_second_run(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processor_time, "MIN_SECONDS", 0.1)
    state: dict[str, Json] = {}
    watched = limited(max_cpu_percent=0.5)
    with daemon_that(BURNS) as burning:
        begun = time.monotonic()
        first = await look(watched, state=state)
        burning.work()
        second = await look(watched, state=state)
        at_most = time.monotonic() - begun
        monkeypatch.setattr(processor_time, "MIN_SECONDS", 3600.0)
        at_once = await look(watched, state=state)

    assert told(first) == []
    assert names(second) == ["Daemon CPU usage"]
    assert told(second)[0][2].endswith(" % of a processor since the last run, more than 0.5 %")
    least = 100 * (SECONDS - 0.02) / at_most
    assert least < figure(second, "daemon_cpu_percent") < 130
    assert told(at_once) == told(second)


async def test_the_time_of_children_that_have_ended_counts_if_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(processor_time, "MIN_SECONDS", 0.1)
    alone = limited(max_cpu_percent=0.5)
    family = evolve(alone, with_children=True)
    states: list[dict[str, Json]] = [{}, {}]
    with daemon_that(LETS_CHILDREN_BURN) as parent:
        for watched, state in zip((alone, family), states, strict=True):
            await look(watched, state=state)
        parent.work()
        own = await look(alone, state=states[0])
        all_of_it = await look(family, state=states[1])

    assert 3 * figure(own, "daemon_cpu_percent") < figure(all_of_it, "daemon_cpu_percent")
    assert names(all_of_it) == ["Daemon CPU usage"]


async def test_a_daemon_with_many_threads_is_told_of() -> None:
    with daemon_that(HAS_THREADS):
        enough = await look(limited(max_threads=10))
        many = await look(limited(max_threads=9))

    assert told(enough) == []
    assert told(many) == [("Daemon threads", "W", f"{NAME} has 10 threads, more than 9")]
    assert figure(many, "daemon_threads") == 10


async def test_a_daemon_with_many_open_files_is_told_of() -> None:
    with daemon_that(HAS_FILES):
        enough = await look(limited(max_open_files=43))
        many = await look(limited(max_open_files=42))

    assert told(enough) == []
    assert told(many) == [("Daemon open files", "W", f"{NAME} has 43 open files, more than 42")]


@needs_root
async def test_open_files_that_may_not_be_seen_are_said_to_be_unreadable(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(pid: int, **_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(figures, "open_files", refuse)
    with daemon_that(IDLE) as hidden:
        seen = await look(limited(max_open_files=1))
        examined = await daemon.examine(Params((limited(max_open_files=1),)))

    ((alertname, event_type, message),) = told(seen)
    assert (alertname, event_type) == ("Value unreadable", "E")
    assert (
        f"max_open_files: cannot see the open files of 1 process, such as {hidden.pid} (" in message
    )
    (answer,) = examined or ()
    assert answer.startswith("daemons[0].max_open_files: cannot see the open files of 1 process")

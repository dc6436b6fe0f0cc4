"""`daemon` on real processes: which of them count, and what may be in the way."""

from __future__ import annotations

import json
import pwd
import sys
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._daemons import figures, judging
from checks._daemons.usage import measure
from checks._processes.process import Process, look_up
from checks._processes.scan import ScanResult
from checks.daemon import Daemon
from supervisor.api import Duration, Json, Limit, Measurement, Size
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
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.mounts import needs_root
from tests.support.processes import NAME, contained, end

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

NOBODY = 65534

GRANDCHILD = f"{HAS_FILES}print(flush=True); os.read(0, 1)"

CHILD = f"""
import subprocess, sys
grandchild = ["third", "-c", {GRANDCHILD!r}]
subprocess.run(grandchild, executable={sys.executable!r}, check=True)
"""

HAS_A_GRANDCHILD = f"""
import subprocess
pipes = dict(stdin=subprocess.PIPE, stdout=subprocess.PIPE)
child = subprocess.Popen(["second", "-c", {CHILD!r}], executable={sys.executable!r}, **pipes)
child.stdout.readline()
"""

HAS_A_ZOMBIE = """
import os
if (pid := os.fork()) == 0: os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
"""


async def test_children_count_if_they_are_asked_for() -> None:
    with daemon_that(HAS_A_GRANDCHILD):
        alone = await look(limited(max_open_files=30, max_threads=1))
        family = await look(evolve(limited(max_open_files=30, max_threads=2), with_children=True))

    assert told(alone) == []
    assert names(family) == ["Daemon threads", "Daemon open files"]
    assert told(family)[0][2] == f"{NAME} has 3 threads in 3 processes, more than 2"
    assert figure(family, "processes") == 1


async def test_how_many_processes_run_is_judged() -> None:
    async def seen(count: int | str) -> list[tuple[str, str, str]]:
        return told(await look(Daemon(NAME, count=count)))

    none = await seen("1-3"), await seen("0-3"), await seen(0)
    with daemon_that(IDLE), daemon_that(IDLE):
        two = await seen("1-3"), await seen(1), await seen("3-4"), await seen(0)

    assert none == ([("Daemon not running", "E", f"{NAME} does not run")], [], [])
    assert two == (
        [],
        [("Daemon count", "W", f"2 processes of {NAME} run, expected 1")],
        [("Daemon count", "W", f"2 processes of {NAME} run, expected 3 to 4")],
        [("Daemon count", "W", f"2 processes of {NAME} run, expected 0")],
    )


@needs_root
async def test_the_user_of_a_daemon_is_judged() -> None:
    async def seen(user: str) -> list[tuple[str, str, str]]:
        return told(await look(Daemon(NAME, user=user)))

    nobody = pwd.getpwuid(NOBODY).pw_name
    with daemon_that(f"import os; os.setuid({NOBODY})") as running:
        right = await seen(nobody), await seen(str(NOBODY))
        wrong = await seen("root"), await seen("no-such-user")

    assert right == ([], [])
    runs = f"{NAME} runs as {nobody} ({running.pid})"
    assert wrong == (
        [("Daemon user wrong", "W", f"{runs}, expected root")],
        [
            (
                "Daemon user wrong",
                "W",
                f"{runs}, expected no-such-user, which this host does not know",
            )
        ],
    )


async def test_what_no_limit_needs_is_neither_measured_nor_kept() -> None:
    state: dict[str, Json] = {"processor": {"boot": "x"}, "instances": {}}
    with daemon_that(IDLE):
        seen = await look(Daemon(NAME), state=state)

    assert [each.name for each in seen if isinstance(each, Measurement)] == ["processes"]
    assert set(state) == {"seen"}


async def test_a_process_that_vanishes_while_it_is_looked_at_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with daemon_that(IDLE) as gone:

        def too_late(*given: Any) -> Any:
            end(gone.pid)
            return measure(*given)

        monkeypatch.setattr(judging, "measure", too_late)
        watched = limited(max_memory=Size(1), max_open_files=1000, max_cpu_percent=1.0)
        seen = await look(evolve(watched, user="root", with_children=True))

    assert "Value unreadable" not in names(seen)
    assert "Daemon user wrong" not in names(seen)


async def test_a_zombie_among_the_children_holds_nothing() -> None:
    with daemon_that(HAS_A_ZOMBIE):
        seen = await look(evolve(limited(max_threads=0), with_children=True))

    assert told(seen) == [("Daemon threads", "W", f"{NAME} has 1 thread, more than 0")]


async def test_users_that_cannot_be_looked_up_hide_no_daemon(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server = Hanging({})
    monkeypatch.setattr(judging, "wrong_users", server)
    monkeypatch.setattr(judging, "USERS_TIMEOUT", 0.05)
    with daemon_that(IDLE):
        seen = await look(Daemon(NAME, user="root", max_threads=Limit.of(0)))
    server.released.set()
    await until_no_thread_hangs()

    assert names(seen) == ["Daemon threads", "Value unreadable"]
    assert "user: cannot look up root: no answer within" in told(seen)[1][2]


async def test_thousands_of_processes_fit_into_the_state(monkeypatch: pytest.MonkeyPatch) -> None:
    numbers = (b"1 " * 50).split()
    many = tuple(Process(10**7 + pid, b"x", "S", 1, 10**9, numbers=numbers) for pid in range(5000))
    name = "a" * 60
    found = ScanResult({name: many}, {name: ()})
    monkeypatch.setattr(judging, "scan", lambda _: found)
    state: dict[str, Json] = {}
    watched = evolve(limited(min_uptime=Duration(60), max_cpu_percent=1.0), name=name)
    for _ in range(2):
        await look(watched, state=state)

        assert len(json.dumps(state)) < 60 * 1024


@needs_root
async def test_a_daemon_in_a_container_is_judged_if_containers_count(tmp_path: Path) -> None:
    program = tmp_path / f"{NAME}x"
    program.symlink_to(sys.executable)
    watched = Daemon(f"{NAME}x", max_threads=Limit.of(0))
    with contained(program, "-c", "import sys; sys.stdin.read()"):
        outside = await look(watched)
        inside = await look(evolve(watched, containers=True))

    assert names(outside) == ["Daemon not running"]
    assert names(inside) == ["Daemon threads"]


async def test_a_thread_of_the_kernel_uses_nothing() -> None:
    kthreadd = look_up(2)
    if kthreadd is None or not kthreadd.is_of_kernel:
        pytest.skip("threads of the kernel cannot be seen here")
    limits = {"max_memory": Size(0), "max_open_files": 0, "max_cpu_percent": 99.0}
    watched = Daemon("kthreadd", user="root", **{key: Limit.of(n) for key, n in limits.items()})  # type: ignore[arg-type]  # any limits
    seen = await look(watched)

    assert told(seen) == []


@needs_root
async def test_another_user_sees_rss_and_is_told_so() -> None:
    script = f"""
import os, trio
from checks import daemon
from checks.daemon import Daemon, Params
from supervisor.api import Limit
trio.run(daemon.examine, Params(()))
os.setgroups([]); os.setgid({NOBODY}); os.setuid({NOBODY})
limits = Daemon({NAME!r}, max_memory=Limit.of(1), max_open_files=Limit.of(10**6))
print(*trio.run(daemon.examine, Params((limits,))), sep="\\n")
"""
    with daemon_that(IDLE):
        done = await trio.run_process([sys.executable, "-c", script], capture_stdout=True)

    lines = done.stdout.decode().splitlines()
    assert lines[-1].startswith("warning: daemons[0].max_memory: cannot see the PSS of 1 process")
    assert len(lines) == (1 if figures.tells_sizes() else 2)

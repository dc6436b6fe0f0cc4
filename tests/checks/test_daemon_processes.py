"""Which processes are the daemon: zombies, containers, threads of the kernel."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import trio

from checks._processes import scan
from checks._processes.process import look_up, read_cmdline
from checks.daemon import Daemon
from supervisor.api import Condition, Json, run_command
from tests.checks.daemon_bench import counts, look
from tests.support.mounts import conditions, seen
from tests.support.processes import NAME, contained, make_zombie, poll, running, titled

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

SLEEP = shutil.which("sleep") or ""


async def test_a_zombie_is_known_by_the_title_that_it_had() -> None:
    state: dict[str, Json] = {}
    with titled(NAME.encode()) as pid:
        assert seen(await look(Daemon(NAME), state=state)) == []
        make_zombie(pid)
        ended = await look(Daemon(NAME), state=state)
        still = await look(Daemon(NAME), state=state)
        own, dead = look_up(os.getpid()), look_up(pid)
    reaped = await look(Daemon(NAME), state=state)

    not_running = ("Daemon not running", "E", NAME)
    assert seen(ended) == seen(still) == [not_running, ("Zombie", "W", NAME)]
    message = f"{NAME} has ended as {dead}, and {own} does not reap it"
    assert conditions(ended)[1].message == message
    assert seen(reaped) == [not_running]
    assert state == {"seen": {}}


async def test_a_zombie_is_known_by_its_pid_file(tmp_path: Path) -> None:
    with titled(NAME.encode()) as pid:
        make_zombie(pid)
        (tmp_path / f"{NAME}.pid").write_text(f"{pid}\n")
        observed = await look(Daemon(NAME), pid_dir=tmp_path)

    assert [name for name, _, _ in seen(observed)] == [
        "Daemon not running",
        "Pid file wrong",
        "Zombie",
    ]


async def test_a_zombie_beside_a_running_daemon_is_known_by_its_program(tmp_path: Path) -> None:
    program = tmp_path / NAME
    shutil.copy(SLEEP, program)
    with running(program, "60") as pid, titled(NAME.encode()):
        poll(lambda: (found := look_up(pid)) is not None and found.comm == NAME.encode()[:15])
        make_zombie(pid)
        observed = await look(Daemon(NAME))

    assert seen(observed) == [("Zombie", "W", NAME)]
    assert counts(observed) == {NAME: 1}


async def test_a_zombie_of_another_program_says_nothing() -> None:
    with running("sleep", "60") as pid, titled(NAME.encode()):
        make_zombie(pid)

        assert seen(await look(Daemon(NAME))) == []


async def test_a_command_of_a_supervisor_is_not_the_daemon_that_it_names() -> None:
    code = "import time; time.sleep(60)"

    async def until(happened: Callable[[], bool]) -> None:
        with trio.fail_after(10):
            while not happened():  # noqa: ASYNC110  # a process sets no trio event
                await trio.sleep(0.01)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_command, [sys.executable, "-c", code, NAME])
        found = scan.mention_of([NAME])
        await until(lambda: any(found.search(line) for line in children()))
        observed = await look(Daemon(NAME))
        nursery.cancel_scope.cancel()

    assert seen(observed) == [("Daemon not running", "E", NAME)]


def children() -> list[bytes]:
    """Return the command lines of our children."""
    pids = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [read_cmdline(int(pid)) for pid in pids]


@pytest.mark.skipif(os.geteuid() != 0, reason="namespaces need root")
async def test_a_process_in_a_container_counts_only_where_it_is_asked_for(tmp_path: Path) -> None:
    program = tmp_path / NAME
    shutil.copy(SLEEP, program)
    with contained(program, "600") as pid:
        default = await look(Daemon(NAME))
        asked_for = await look(Daemon(NAME, containers=True))
        (tmp_path / f"{NAME}.pid").write_text(f"{pid}\n")
        named = await look(Daemon(NAME), pid_dir=tmp_path)

    message = f"{NAME} does not run; one of its name runs in a container"
    assert conditions(default) == [Condition("Daemon not running", "E", NAME, message)]
    assert counts(default) == {NAME: 0}
    assert (seen(asked_for), counts(asked_for)) == ([], {NAME: 1})
    assert conditions(named)[-1].message.endswith(f"names {pid}, which runs in a container")


@pytest.mark.skipif(not Path("/proc/2/comm").exists(), reason="no threads of the kernel here")
async def test_a_thread_of_the_kernel_runs_without_a_pid_file(tmp_path: Path) -> None:
    observed = await look(Daemon("kthreadd"), pid_dir=tmp_path)

    assert (seen(observed), counts(observed)) == ([], {"kthreadd": 1})

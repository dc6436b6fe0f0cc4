"""Commands end with all their descendants: real processes, looked for in /proc."""

from __future__ import annotations

import resource
import subprocess
from pathlib import Path

import pytest
import trio

from supervisor.processes import procfs
from supervisor.processes.command import run_command
from tests.processes.leaving import PLUGINS, nothing_is_left, shell

__all__ = ["nothing_is_left"]  # a fixture

LEAVERS = (
    "lets_a_child_hold_stdout",
    "leaves_a_session",
    "daemonises",
    "wipes_the_environment",
    "removes_its_limits",
    "forks_fifty_children",
)


@pytest.mark.parametrize("plugin", LEAVERS)
async def test_what_a_command_leaves_behind_is_ended(plugin: str) -> None:
    completed = await run_command([str(PLUGINS / plugin)])

    assert completed.status == 0
    assert completed.stdout.startswith(b"OK: ")


async def test_what_had_to_be_ended_is_counted() -> None:
    completed = await run_command([str(PLUGINS / "forks_fifty_children")])

    assert completed.strays == 50


async def test_a_fork_loop_is_overtaken() -> None:
    with trio.fail_after(5):
        completed = await run_command([str(PLUGINS / "forks_in_a_loop")])

    assert completed.stdout == b"OK: the race is on\n"


async def test_orphans_that_end_are_reaped_while_their_command_runs() -> None:
    script = "for _ in 1 2 3 4 5 6 7 8 9; do (true &); done; sleep 86399"
    before = set(procfs.children())
    with trio.fail_after(30) as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_command, shell(script))
            while len({*procfs.children()} - before) < 2:  # noqa: ASYNC110 - the kernel sets no event
                await trio.sleep(0.001)
            while len({*procfs.children()} - before) > 1:  # noqa: ASYNC110 - the kernel sets no event
                await trio.sleep(0.01)
            nursery.cancel_scope.cancel()

    assert not scope.cancelled_caught


@pytest.mark.may_block("on a busy machine many processes die slowly")
async def test_commands_do_not_end_each_others_descendants(tmp_path: Path) -> None:
    ended = []

    async def keep_a_worker() -> None:
        ended.append((await run_command([str(PLUGINS / "good"), str(tmp_path)])).stdout)

    async def leave_much_behind() -> None:
        for plugin in LEAVERS:
            await run_command([str(PLUGINS / plugin)])

    async with trio.open_nursery() as nursery:
        for _ in range(3):
            nursery.start_soon(keep_a_worker)
            nursery.start_soon(leave_much_behind)

    assert ended == 3 * [b"OK: the worker did it | workers=1\n"]


def test_children_of_others_are_spared() -> None:
    with subprocess.Popen(["/bin/sleep", "86399"], start_new_session=True) as server:
        trio.run(run_command, [str(PLUGINS / "leaves_a_session")])
        alive = server.poll() is None
        server.kill()

    assert alive


async def test_what_a_command_leaves_is_ended_also_without_a_free_descriptor(
    tmp_path: Path,
) -> None:
    goes_on = tmp_path / "goes-on"
    script = f"touch {goes_on}; setsid sleep 60 & while test -e {goes_on}; do sleep 0.01; done"
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def use_all_descriptors() -> None:
        while not goes_on.exists():  # noqa: ASYNC110  # another process sets no trio event
            await trio.sleep(0.001)
        resource.setrlimit(resource.RLIMIT_NOFILE, (0, limits[1]))
        goes_on.unlink()

    try:
        with trio.fail_after(30):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(use_all_descriptors)
                completed = await run_command(shell(script))
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)

    assert (0, 1) == (completed.status, completed.strays)

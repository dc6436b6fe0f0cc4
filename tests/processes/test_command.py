"""Commands: how they are started, what they print, and how they end."""

from __future__ import annotations

import math
import signal
import sys
from functools import partial
from pathlib import Path

import pytest
import trio

from supervisor.errors import CheckFailed
from supervisor.processes.command import Completed, run_command
from tests.processes.leaving import PLUGINS, nothing_is_left, shell
from tests.support.patience import undisturbed

__all__ = ["nothing_is_left"]  # a fixture

HANGERS = ("hangs", "ignores_sigterm", "closes_stdout_and_hangs", "never_stops_printing")


async def test_status_and_output_are_returned() -> None:
    completed = await run_command(shell("echo out; echo err >&2; exit 3"))

    assert Completed(3, b"out\n", 4, b"err\n", strays=0) == completed


async def test_death_by_signal_is_a_negative_status() -> None:
    completed = await run_command(shell("kill -SEGV $$"))

    assert completed.status == -signal.SIGSEGV


async def test_the_head_of_stdout_and_the_tail_of_stderr_are_kept() -> None:
    script = "seq 100000; seq 100000 >&2"
    everything = "".join(f"{number}\n" for number in range(1, 100_001)).encode()
    completed = await run_command(shell(script), keep=10)

    assert everything[:10] == completed.stdout
    assert len(everything) == completed.stdout_bytes
    assert everything[-4096:] == completed.stderr


async def test_a_command_that_writes_more_than_is_kept_may_be_ended() -> None:
    with trio.fail_after(20):
        completed = await run_command(["yes"], keep=10, end_when_full=True)

    assert (completed.stdout, completed.status) == (b"y\n" * 5, -signal.SIGTERM)
    assert (await run_command(["echo", "y"], keep=2, end_when_full=True)).status == 0


async def test_stdin_is_empty_and_the_session_is_its_own() -> None:
    completed = await run_command(
        [
            sys.executable,
            "-c",
            "import os, sys; print(os.getsid(0) == os.getpid(), sys.stdin.read())",
        ]
    )

    assert completed.stdout == b"True \n"


async def test_a_command_does_not_get_the_variables_that_systemd_sets_for_the_supervisor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("NOTIFY_SOCKET", "WATCHDOG_USEC", "CREDENTIALS_DIRECTORY", "LISTEN_FDS"):
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("INHERITED", "yes")
    completed = await run_command(["/usr/bin/env"], env={"ADDED": "too"})

    assert b"secret" not in completed.stdout
    assert {b"INHERITED=yes", b"ADDED=too"} <= set(completed.stdout.splitlines())


async def test_the_command_starts_in_its_directory(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\npwd\n")
    program.chmod(0o755)

    completed = await run_command(["./program"], cwd=str(tmp_path))

    assert f"{tmp_path}\n".encode() == completed.stdout


@pytest.mark.parametrize(
    ("argv", "cwd", "why"),
    [
        (["/nonexistent/program"], None, "No such file or directory: /nonexistent/program"),
        (["no-such-program"], None, "no such program in PATH"),
        (["/etc/passwd"], None, "it is not an executable file: /etc/passwd"),
        (["/etc"], None, "it is not an executable file: /etc"),
        (["true"], "/nonexistent", "No such file or directory: /nonexistent/"),
        (["true"], "/etc/passwd", "Not a directory: /etc/passwd/"),
        (["true", "x" * 200_000], None, "Argument list too long: "),
        (["true", "\0"], None, "embedded null byte"),
    ],
)
async def test_a_program_that_cannot_be_run_is_named(
    argv: list[str], cwd: str | None, why: str
) -> None:
    with pytest.raises(CheckFailed) as raised:
        await run_command(argv, cwd=cwd)

    assert str(raised.value).startswith(f"cannot run {argv[0]}: {why}")


async def test_a_script_without_its_interpreter_is_named(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/nonexistent/interpreter\n")
    program.chmod(0o755)

    with pytest.raises(CheckFailed, match="the program in its #! line is missing"):
        await run_command([str(program)])


@pytest.mark.parametrize("plugin", HANGERS)
async def test_a_command_is_ended_at_the_deadline(plugin: str) -> None:
    start = undisturbed()
    with trio.move_on_after(0.3) as scope:
        await run_command([str(PLUGINS / plugin)])

    assert scope.cancelled_caught
    assert undisturbed() - start < 3


async def test_what_a_hanging_command_wrote_is_not_lost(tmp_path: Path) -> None:
    seen: list[Completed] = []
    ready = tmp_path / "ready"
    script = f"echo so far; echo why >&2; echo > {ready}; exec sleep 86399"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(partial(run_command, shell(script), unfinished=seen.append))
        with trio.fail_after(10):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await trio.sleep(0.005)
        nursery.cancel_scope.cancel()

    assert [(each.stdout, each.stderr, each.status) for each in seen] == [
        (b"so far\n", b"why\n", -signal.SIGTERM)
    ]


async def test_a_command_that_ends_in_time_is_not_unfinished() -> None:
    seen: list[Completed] = []
    completed = await run_command(shell("echo done"), unfinished=seen.append)

    assert (completed.stdout, seen) == (b"done\n", [])


async def test_sigterm_lets_a_command_clean_up(tmp_path: Path) -> None:
    tidied = tmp_path / "tidied"
    ready = tmp_path / "ready"
    script = f"trap 'echo yes > {tidied}; exit' TERM; echo > {ready}; sleep 86399 & wait"

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_command, shell(script))
        with trio.fail_after(10):
            while not ready.exists():  # noqa: ASYNC110 - another process makes it
                await trio.sleep(0.005)
        nursery.cancel_scope.cancel()

    assert tidied.read_text() == "yes\n"


async def test_output_of_a_stray_until_its_end_is_read() -> None:
    completed = await run_command(shell("(setsid sh -c 'echo late; sleep 86399' &); sleep 0.2"))

    assert completed.stdout == b"late\n"


@pytest.mark.alone
async def test_a_command_that_hangs_stops_no_timer() -> None:
    gaps = []

    async def tick() -> None:
        last = undisturbed()
        while True:
            await trio.sleep(0.01)
            gaps.append(undisturbed() - last)
            last = undisturbed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(tick)
        with trio.move_on_after(0.5):
            await run_command([str(PLUGINS / "never_stops_printing")])
        nursery.cancel_scope.cancel()

    assert max(gaps, default=math.inf) < 0.2

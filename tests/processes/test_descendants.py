"""Which command owns an orphan, and what happens when an orphan cannot be ended."""

from __future__ import annotations

import logging
import os
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import trio

from supervisor.processes import descendants, procfs
from supervisor.processes.command import run_command

PLUGINS = Path(__file__).parent.parent / "plugins"

HARD_EXIT = """
import subprocess, sys, time
from supervisor.processes import descendants, procfs

descendants.become_subreaper()
for plugin in sys.argv[1:]:
    subprocess.Popen([plugin], stdout=subprocess.DEVNULL).returncode = 0
while len(procfs.children()) < 6:
    time.sleep(0.01)
start = time.monotonic()
descendants.end_all_descendants()
print(procfs.children(every_thread=True), time.monotonic() - start < 1)
"""

LOW_LIMIT = """
import logging, resource, sys
import trio
from supervisor.processes import procfs
from supervisor.processes.command import run_command

async def run_both():
    for _ in range(2):
        print((await run_command([sys.argv[1]])).strays, procfs.children())

logging.basicConfig(format="%(message)s", stream=sys.stdout)
resource.setrlimit(resource.RLIMIT_RTTIME, (1000, 1000))
trio.run(run_both)
"""


def python(script: str, *arguments: str) -> list[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent.parent)}
    completed = subprocess.run(
        [sys.executable, "-c", script, *arguments],
        env=environment,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
        timeout=30,
    )
    return completed.stdout.splitlines()


@pytest.mark.parametrize(
    "plugins",
    [("ignores_sigterm", "daemonises", "wipes_the_environment", "hangs"), ("forks_in_a_loop",)],
)
def test_the_hard_exit_ends_everything(plugins: tuple[str, ...]) -> None:
    output = python(HARD_EXIT, *(str(PLUGINS / plugin) for plugin in plugins))

    assert output == ["[] True"]


def test_without_marks_strays_are_still_ended_and_it_is_logged_once() -> None:
    told, *runs = python(LOW_LIMIT, str(PLUGINS / "daemonises"))

    assert "the hard limit RLIMIT_RTTIME of 1000 µs is too low" in told
    assert runs == ["0 []", "0 []"]


@pytest.mark.parametrize("infinity", [-1, 2**64 - 1], ids=["until 3.14", "since 3.15"])
def test_no_limit_is_not_a_mark(infinity: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "RLIM_INFINITY", infinity)
    monkeypatch.setattr(resource, "prlimit", lambda *_: (infinity, infinity))

    assert procfs.rttime(os.getpid()) == 0


async def test_the_supervisors_own_limit_is_restored() -> None:
    before = resource.getrlimit(resource.RLIMIT_RTTIME)
    await run_command(["/bin/true"])

    assert before == resource.getrlimit(resource.RLIMIT_RTTIME)


def unmarked() -> int:
    return sum(procfs.rttime(pid) == 0 for pid in procfs.children())


@pytest.mark.parametrize(
    ("first", "second", "left"), [("older", "newer", 1), ("newer", "older", 2)]
)
async def test_an_orphan_without_a_mark_lives_while_a_command_runs_that_may_own_it(
    tmp_path: Path, first: str, second: str, left: int
) -> None:
    """The older command's daemon cannot be the newer's, but the newer's may be the older's."""
    before = unmarked()
    said: dict[str, bytes] = {}

    async def leave_a_daemon(name: str) -> None:
        said[name] = (await run_command([*daemon, str(tmp_path / name)])).stdout

    async def let_go(name: str) -> int:
        await trio.Path(tmp_path / name).write_text("go\n")
        while name not in said:  # noqa: ASYNC110 - the kernel sets no event
            await trio.sleep(0.005)
        return unmarked() - before

    daemon = [str(PLUGINS / "removes_its_limits")]
    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            for count, name in enumerate(("older", "newer"), 1):
                os.mkfifo(tmp_path / name)
                nursery.start_soon(leave_a_daemon, name)
                while unmarked() < before + count:  # noqa: ASYNC110 - the kernel sets no event
                    await trio.sleep(0.005)
                await trio.sleep(3 / descendants.TICKS)  # births are told apart by the tick
            remaining = [await let_go(first), await let_go(second)]

    assert said == dict.fromkeys((first, second), b"OK: all is well\n")
    assert remaining == [left, 0]


def test_a_kill_that_is_refused_is_logged_once_and_the_process_reaped_in_the_end(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    pid_file = tmp_path / "pid"
    kill = os.kill

    def refuse(pid: int, number: int) -> None:
        if pid == int(pid_file.read_text()):
            raise PermissionError(1, "Operation not permitted")
        kill(pid, number)

    stray = f"setsid sh -c 'echo $$ > {pid_file}; exec sleep 86399'"
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(os, "kill", refuse)
        trio.run(run_command, ["/bin/sh", "-c", f"{stray} & until test -s {pid_file}; do :; done"])
        trio.run(run_command, ["/bin/true"])
    refused = int(pid_file.read_text())
    kill(refused, signal.SIGKILL)
    os.waitid(os.P_PID, refused, os.WEXITED | os.WNOWAIT)
    trio.run(run_command, ["/bin/true"])

    reason = "[Errno 1] Operation not permitted"
    assert caplog.messages == [f"cannot end the process {refused}: {reason}"]
    assert not Path(f"/proc/{refused}").exists()

"""The limits of `daemon` on real processes that eat memory, processors, threads and files."""

from __future__ import annotations

import contextlib
import json
import os
import pwd
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import define, evolve

from checks import daemon
from checks._daemons import figures, judging
from checks._daemons.usage import measure
from checks._processes import processor_time
from checks._processes.process import Process, look_up
from checks._processes.processor_time import Moment
from checks._processes.scan import ScanResult
from checks.daemon import Daemon, Params
from supervisor.api import Condition, Duration, Json, Limit, Measurement, Observation, Size
from tests.support.check_context import context
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.mounts import needs_root
from tests.support.processes import NAME, contained, end

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

MIB = 1 << 20
NOBODY = 65534


@define
class Running:
    """A process that does its work once for each `work`."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def work(self) -> None:
        """Let it work, and wait until it has."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"


@contextlib.contextmanager
def daemon_that(code: str) -> Iterator[Running]:
    """Run Python code in a process of this name until it has printed a line, and then on."""
    end_of_code = "\nimport sys; print('ready', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [NAME, "-c", code + end_of_code],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Running(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


IDLE = ""
"""The code of a daemon that does nothing."""

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

HAS_FILES = """
import os
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
"""

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

HAS_A_WORKER = """
import os, signal
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
if os.fork() == 0: os.read(0, 1); os._exit(0)
"""

HAS_A_ZOMBIE = """
import os
if (pid := os.fork()) == 0: os._exit(0)
os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
"""


def children_of(pid: int) -> list[int]:
    return [*map(int, Path(f"/proc/{pid}/task/{pid}/children").read_text().split())]


async def look(*daemons: Daemon, state: dict[str, Json] | None = None) -> list[Observation]:
    remembering = evolve(context(), state={} if state is None else state)
    return list(await daemon.run(remembering, Params(daemons)))


def limited(**limits: Any) -> Daemon:
    """Return a daemon whose limits are plain numbers."""
    given: dict[str, Any] = {key: Limit.of(number) for key, number in limits.items()}
    return Daemon(NAME, **given)


def told(seen: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


def names(seen: list[Observation]) -> list[str]:
    return [name for name, _, _ in told(seen)]


def figure(seen: list[Observation], name: str) -> float:
    (found,) = [each for each in seen if isinstance(each, Measurement) and each.name == name]
    assert found.labels == {"process": NAME}
    return found.value


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

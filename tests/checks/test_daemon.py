"""The `daemon` check on real processes: with titles, killed, started twice, left as zombies."""

from __future__ import annotations

import os
import shutil
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
import trio
from attrs import evolve

from checks import daemon
from checks._processes import scan
from checks._processes.process import look_up, read_cmdline
from checks.daemon import Daemon, Params
from supervisor.api import CheckFailed, Condition, Json, Measurement, run_command
from tests.support.check_context import context
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import conditions, hung, needs_root, seen
from tests.support.processes import (
    NAME,
    contained,
    daemonised,
    end,
    make_zombie,
    poll,
    running,
    titled,
)

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

MONITOR = f"{NAME}_monitor"
SLEEP = shutil.which("sleep") or ""


async def look(
    *daemons: Daemon,
    pid_dir: Path | None = None,
    exclude: tuple[str, ...] = (),
    state: dict[str, Json] | None = None,
) -> list[Condition | Measurement]:
    given = evolve(context(), state={} if state is None else state)
    observed = await daemon.run(given, Params(daemons, exclude, pid_dir))
    return [item for item in observed if isinstance(item, Condition | Measurement)]


def counts(observed: list[Condition | Measurement]) -> dict[str, float]:
    found = [item for item in observed if isinstance(item, Measurement)]
    assert {item.name for item in found} <= {"processes"}
    return {item.labels["process"]: item.value for item in found}


def asked(**given: object) -> list[str]:
    """Return the processes that the parameters of one daemon, named d, ask for."""
    params = Params((Daemon("d", **given),))  # type: ignore[arg-type]  # any parameters
    return [process.name for process in daemon.watched(params)]


async def test_a_daemon_fires_until_it_runs_and_again_when_it_is_killed(
    tmp_path: Path,
) -> None:
    before = await look(Daemon(NAME), pid_dir=tmp_path)
    with daemonised(NAME, tmp_path / f"{NAME}.pid") as pid:
        alive = await look(Daemon(NAME), pid_dir=tmp_path)
        end(pid)
        crashed = await look(Daemon(NAME), pid_dir=tmp_path)
    (tmp_path / f"{NAME}.pid").unlink()
    after = await look(Daemon(NAME), pid_dir=tmp_path)

    message = f"{NAME} does not run"
    assert conditions(before) == [Condition("Daemon not running", "E", NAME, message)]
    assert (counts(before), counts(alive)) == ({NAME: 0}, {NAME: 1})
    assert seen(alive) == []
    assert seen(crashed) == [("Daemon not running", "E", NAME), ("Pid file wrong", "W", NAME)]
    assert seen(after) == seen(before)


async def test_a_daemon_and_its_monitor_each_have_an_alert(tmp_path: Path) -> None:
    watched = Daemon("archiveManager", processes=NAME, monitor=True)
    with daemonised(NAME, tmp_path / f"{NAME}.pid") as pid:
        with daemonised(MONITOR, tmp_path / f"{MONITOR}.pid") as monitor:
            both = await look(watched, pid_dir=tmp_path)
            end(monitor)
            (tmp_path / f"{MONITOR}.pid").unlink()
            alone = await look(watched, pid_dir=tmp_path)
        with daemonised(MONITOR, tmp_path / f"{MONITOR}.pid"):
            end(pid)
            (tmp_path / f"{NAME}.pid").unlink()
            other = await look(watched, pid_dir=tmp_path)

    assert seen(both) == []
    message = f"{MONITOR} does not run"
    assert conditions(alone) == [Condition("Daemon monitor not running", "W", MONITOR, message)]
    assert seen(other) == [("Daemon not running", "E", NAME)]


async def test_the_event_type_is_that_of_the_daemon_and_not_of_its_monitor() -> None:
    watched = Daemon(NAME, monitor=True, event_type="S")

    assert seen(await look(watched)) == [
        ("Daemon not running", "S", NAME),
        ("Daemon monitor not running", "W", MONITOR),
    ]


async def test_a_pid_file_is_wrong_until_it_names_the_process(tmp_path: Path) -> None:
    file = tmp_path / f"{NAME}.pid"
    look_here = partial(look, Daemon(NAME), pid_dir=tmp_path)
    with titled(NAME.encode()) as pid:
        (missing,) = conditions(await look_here())
        file.write_text("abc\n")
        (garbage,) = conditions(await look_here())
        file.write_text(f"{os.getpid()}\n")
        (another,) = conditions(await look_here())
        file.write_text(f"{pid}\n")
        right = conditions(await look_here())

    assert missing == Condition("Pid file wrong", "W", NAME, f"{file} is missing")
    assert garbage == evolve(missing, message=f"{file} names no process")
    own = look_up(os.getpid())
    assert own is not None
    message = (
        f"{file} names {os.getpid()}, which is another program: {own.comm.decode()}; "
        f"{NAME} runs as pid {pid}"
    )
    assert another == evolve(missing, message=message)
    assert right == []


async def test_a_second_instance_makes_the_pid_file_wrong(tmp_path: Path) -> None:
    look_here = partial(look, Daemon(NAME), pid_dir=tmp_path)
    with titled(NAME.encode()) as first:
        (tmp_path / f"{NAME}.pid").write_text(f"{first}\n")
        with titled(NAME.encode()) as second:
            both = await look_here()
            without_pid_files = await look(Daemon(NAME))
        alone = await look_here()

    pids = ", ".join(map(str, sorted((first, second))))
    message = f"{tmp_path}/{NAME}.pid names {first}, but 2 instances run: pids {pids}"
    assert conditions(both) == [Condition("Pid file wrong", "W", NAME, message)]
    assert counts(both) == {NAME: 2}
    assert conditions(alone) == conditions(without_pid_files) == []


@pytest.mark.parametrize("excluded", ["archiveManager", NAME], ids=["daemon", "process"])
async def test_an_excluded_daemon_or_process_needs_no_pid_file(
    tmp_path: Path, excluded: str
) -> None:
    watched = Daemon("archiveManager", processes=(NAME,), monitor=True)
    with titled(NAME.encode()), titled(MONITOR.encode()):
        assert seen(await look(watched, pid_dir=tmp_path, exclude=(excluded,))) == []
        assert seen(await look(watched, pid_dir=tmp_path, exclude=("another",))) == [
            ("Pid file wrong", "W", NAME),
            ("Pid file wrong", "W", MONITOR),
        ]
        assert seen(await look(watched, pid_dir=tmp_path, exclude=(MONITOR,))) == [
            ("Pid file wrong", "W", NAME)
        ]


async def test_the_pid_file_of_a_path_has_its_base_name(tmp_path: Path) -> None:
    with titled(f"/opt/{NAME}\0--daemon".encode()) as pid:
        (tmp_path / f"{NAME}.pid").write_text(f"{pid}\n")

        assert seen(await look(Daemon("d", processes=f"/opt/{NAME}"), pid_dir=tmp_path)) == []


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


@pytest.mark.parametrize("state", [[], "x", {"1/2": 3}, {"1/2": None}, {"": ""}, 7])
async def test_a_malformed_state_is_ignored(state: Json) -> None:
    with running("sleep", "60") as pid:
        make_zombie(pid)
        (condition,) = conditions(await look(Daemon(NAME), state={"seen": state}))

    assert condition.alertname == "Daemon not running"


async def test_a_stopped_daemon_runs() -> None:
    with titled(NAME.encode()) as pid:
        os.kill(pid, signal.SIGSTOP)

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


async def test_several_daemons_are_found_in_one_look_at_proc(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    listings: list[str] = []
    listdir = os.listdir

    def counted(path: str) -> list[str]:
        listings.append(path)
        return listdir(path)

    monkeypatch.setattr(os, "listdir", counted)
    longer = f"{NAME}_PnrTest"
    with titled(longer.encode()):
        observed = await look(Daemon(NAME), Daemon(longer), Daemon("d", hosts=f"1E,{NAME}"))

    assert counts(observed) == {NAME: 0, longer: 1, "d_1E": 0, f"d_{NAME}": 0}
    assert listings == ["/proc"]


async def test_the_check_fails_when_proc_cannot_be_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan, "PROC", "/proc/missing")
    expected = "^cannot look at the processes: No such file or directory$"
    with pytest.raises(CheckFailed, match=expected):
        await look(Daemon(NAME))


async def test_a_fired_condition_stays_the_same_though_pids_change(tmp_path: Path) -> None:
    identities = set()
    for _ in range(2):
        with titled(NAME.encode()), titled(NAME.encode()) as named:
            (tmp_path / f"{NAME}.pid").write_text(f"{named}")
            (condition,) = conditions(await look(Daemon(NAME), pid_dir=tmp_path))
            identities.add((condition.alertname, condition.instance, *condition.labels))

    assert len(identities) == 1


def test_processes_come_before_hosts_and_hosts_before_the_name() -> None:
    assert asked() == ["d"]
    assert asked(processes="a", hosts="1E") == ["a"]
    assert asked(processes=("a", "b")) == ["a", "b"]
    assert asked(hosts="1E,BX") == asked(hosts=("1E", "BX")) == ["d_1E", "d_BX"]
    assert asked(hosts="1E , ,BX") == ["d_1E", "d_BX"]
    assert asked(processes=(), hosts=(), monitor=True) == ["d", "d_monitor"]
    assert asked(hosts="1E,BX", monitor=True) == ["d_1E", "d_BX", "d_1E_monitor", "d_BX_monitor"]


def test_a_process_that_is_named_twice_counts_once() -> None:
    first = Daemon("a", processes=("x", "x"), monitor=True, event_type="S")
    second = Daemon("b", processes=("x", "x_monitor"), monitor=True)
    found = daemon.watched(Params((first, second)))

    assert [(each.name, each.alertname, each.event_type) for each in found] == [
        ("x", "Daemon not running", "S"),
        ("x_monitor", "Daemon not running", "E"),
        ("x_monitor_monitor", "Daemon monitor not running", "W"),
    ]


@pytest.mark.parametrize("name", [" ", "a ", "a\n", "a\0", "/usr/sbin/", "/usr/.."])
def test_a_name_that_no_process_can_have_is_refused(name: str) -> None:
    remedy = r" is not the name of a process; write for example 'archiveManager'$"
    with pytest.raises(ValueError, match=remedy):
        Daemon(name)
    with pytest.raises(ValueError, match=remedy):
        Daemon("a", processes=("a", name))


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^is empty; write the name of a process"):
        Daemon("")
    with pytest.raises(ValueError, match=r"^is empty; "):
        Daemon("a", processes="")
    with pytest.raises(ValueError, match=r"^is empty; write for example 'E'"):
        Daemon("a", event_type="")


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


@needs_root
async def test_a_directory_of_pid_files_that_hangs_hides_no_daemon(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(daemon, "PID_FILES_TIMEOUT", 0.3)
    with titled(NAME.encode()), hung(tmp_path / "source", tmp_path / "pids") as process:
        observed = await look(Daemon(NAME), Daemon(MONITOR), pid_dir=tmp_path / "pids")
        process.kill()
        await until_no_thread_hangs()

    assert counts(observed) == {NAME: 1, MONITOR: 0}
    assert [(found.alertname, found.message) for found in conditions(observed)] == [
        (
            "Pid file wrong",
            f"{tmp_path}/pids/{NAME}.pid cannot be read: no answer within 0.3 s",
        ),
        ("Daemon not running", f"{MONITOR} does not run"),
        (
            "Pid file wrong",
            f"{tmp_path}/pids/{MONITOR}.pid cannot be read: no answer within 0.3 s",
        ),
    ]


async def test_a_name_may_have_any_letters_and_spaces() -> None:
    name = f"매체\u3000서버\u00a0{NAME}"
    with titled(name.encode()):
        observed = await look(Daemon(name))

    assert counts(observed) == {name: 1}

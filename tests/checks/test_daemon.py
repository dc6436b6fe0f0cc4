"""The `daemon` check on real processes: with titles, killed, started twice, with PID files."""

from __future__ import annotations

import os
import signal
from functools import partial
from pathlib import Path

import pytest
from attrs import evolve

from checks import daemon
from checks._processes import scan
from checks._processes.process import look_up
from checks.daemon import Daemon
from supervisor.api import CheckFailed, Condition, Json
from tests.checks.daemon_bench import counts, look
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import conditions, hung, needs_root, seen
from tests.support.processes import NAME, daemonised, end, make_zombie, running, titled

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")

MONITOR = f"{NAME}_monitor"


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

"""A real process feeds the watchdog as long as its pipeline moves, whatever else goes wrong."""

from __future__ import annotations

import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.servers import SupervisorProcess, wait_for
from tests.e2e.test_lifecycle import write_config
from tests.support import mounts
from tests.support.ports import free_port

INTERVAL = 2.0
SABOTEUR = """
import time
from pathlib import Path
import trio
from supervisor.delivery import sender
from supervisor.recorder import recorder

async def fall_asleep(*_arguments, **_more):
    await trio.sleep_forever()

async def fall_down(*_arguments, **_more):
    raise RuntimeError("a bug")

async def run(context, params):
    flag = Path(__file__).with_name("flag")
    match flag.read_text() if flag.exists() else "":
        case "block":
            flag.unlink()
            time.sleep(4.5)
        case "hang":
            await trio.to_thread.run_sync(time.sleep, 600)
        case "recorder asleep":
            recorder.Recorder._take_in = fall_asleep
        case "recorder dead":
            recorder.Recorder._take_in = fall_down
        case "sender dead":
            sender.Sender._wait = sender._sleep = fall_down
    return []
"""
MODULE = '[[modules]]\ncheck = "site_checks.saboteur"\nevery = "1s"\ntimeout = "2s"\n'


class Manager:
    """The socket on which a service manager listens."""

    def __init__(self) -> None:
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self.name = f"supervisor-watchdog-{os.getpid()}-{free_port()}"
        self.socket.bind(f"\0{self.name}")

    def heard(self) -> list[str]:
        messages = []
        while True:
            try:
                messages += self.socket.recv(4096).decode().splitlines()
            except BlockingIOError:
                return messages

    def feeds(self) -> int:
        return self.heard().count("WATCHDOG=1")

    def longest_silence(self, seconds: float) -> float:
        """Return the longest time without food within so many seconds from now."""
        begun = last = now = time.monotonic()
        longest = 0.0
        while now < begun + seconds:
            time.sleep(0.02)  # a real process takes real time
            now = time.monotonic()
            longest = max(longest, now - last)
            last = now if self.feeds() else last
        return longest


@pytest.fixture
def manager(supervisor: SupervisorProcess, monkeypatch: pytest.MonkeyPatch) -> Iterator[Manager]:
    """A manager that hears a supervisor start which can be sabotaged."""
    package = supervisor.directory / "site_checks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "saboteur.py").write_text(SABOTEUR, encoding="utf-8")
    peer = f'[alertmanager]\nurls = ["http://127.0.0.1:{free_port()}"]\ntimeout = "1s"\n'
    write_config(supervisor, MODULE, top=peer)
    monkeypatch.setenv("PYTHONPATH", str(supervisor.directory))
    monkeypatch.setenv("WATCHDOG_USEC", str(int(INTERVAL * 1_000_000)))
    made = Manager()
    with made.socket:
        yield made
        supervisor.kill()


def start(supervisor: SupervisorProcess, manager: Manager) -> None:
    supervisor.launch(f"@{manager.name}")
    wait_for(manager.feeds, 20, "the watchdog is not fed", lambda: supervisor.log)


def sabotage(supervisor: SupervisorProcess, how: str) -> None:
    flag = supervisor.directory / "site_checks" / "flag"
    flag.with_name("new").write_text(how, encoding="utf-8")
    flag.with_name("new").rename(flag)


def test_a_check_that_hangs_and_a_peer_that_is_down_do_not_stop_it(
    supervisor: SupervisorProcess, manager: Manager
) -> None:
    start(supervisor, manager)
    sabotage(supervisor, "hang")
    (supervisor.directory / "flag").touch()

    assert manager.longest_silence(9) < INTERVAL
    assert "cannot deliver" in supervisor.log
    assert "Failed to execute module (saboteur): timed out" in supervisor.log


def test_an_event_loop_that_is_blocked_stops_it(
    supervisor: SupervisorProcess, manager: Manager
) -> None:
    start(supervisor, manager)
    sabotage(supervisor, "block")

    assert manager.longest_silence(7) > 2 * INTERVAL
    wait_for(manager.feeds, 10, "it is not fed again")


def test_a_recorder_that_is_stuck_stops_it(supervisor: SupervisorProcess, manager: Manager) -> None:
    start(supervisor, manager)
    sabotage(supervisor, "recorder asleep")

    assert manager.longest_silence(6) > 1.5 * INTERVAL
    assert 0 == manager.feeds()


@mounts.needs_root
def test_a_disk_that_hangs_stops_it_and_it_goes_on_with_the_disk(
    supervisor: SupervisorProcess, manager: Manager, tmp_path: Path
) -> None:
    with mounts.bindfs(tmp_path / "disk", supervisor.directory / "state") as disk:
        start(supervisor, manager)
        disk.send_signal(signal.SIGSTOP)
        stuck = manager.longest_silence(5)
        disk.send_signal(signal.SIGCONT)
        wait_for(manager.feeds, 10, "it is not fed again", lambda: supervisor.log)
        supervisor.kill()

    assert stuck > 1.5 * INTERVAL


@pytest.mark.parametrize("who", ["recorder", "sender"])
def test_a_bug_in_the_pipeline_ends_the_process(
    supervisor: SupervisorProcess, manager: Manager, who: str
) -> None:
    start(supervisor, manager)
    sabotage(supervisor, f"{who} dead")
    (supervisor.directory / "flag").touch()
    process = supervisor.process
    assert process is not None

    assert 1 == process.wait(15)
    assert "RuntimeError: a bug" in supervisor.log

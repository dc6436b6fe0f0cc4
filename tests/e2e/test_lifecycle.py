"""Start, stop and crash of the real process, with real signals."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.servers import ROOT, SupervisorProcess, wait_for
from tests.support.patience import undisturbed

FLAG_MODULE = """
[[modules]]
check = "command"
name = "flag"
every = "1s"
[modules.params]
protocol = "text"
argv = ["test", "!", "-e", "{flag}"]
"""

SECONDS = f"77{os.getpid()}77"
"""How long the commands of these tests sleep. No other process of this machine sleeps so long."""

STUCK_CHECK = """
import time
import trio

async def run(context, params):
    await trio.to_thread.run_sync(time.sleep, 600)
"""


def write_config(supervisor: SupervisorProcess, modules: str = "", *, top: str = "") -> Path:
    flag = supervisor.directory / "flag"
    text = f'service = "TEST"\n{top}\n' + FLAG_MODULE.format(flag=flag) + modules
    text = text.replace("SECONDS", SECONDS)
    supervisor.config.write_text(text, encoding="utf-8")
    return flag


def descendants_of_tests() -> set[int]:
    """Return the processes that run a `sleep` of these tests."""
    found = set()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if SECONDS.encode() in path.read_bytes():
                found.add(int(path.parent.name))
        except OSError:
            continue
    return found


def saved_cursors(supervisor: SupervisorProcess) -> int:
    """Return how many cursors are on disk; they ride on a commit soon after the printing."""
    with closing(sqlite3.connect(supervisor.directory / "state" / "ledger")) as ledger:
        count: int = ledger.execute("SELECT count(*) FROM cursors").fetchone()[0]
        return count


def test_an_idle_supervisor_stops_at_once_and_cleanly(supervisor: SupervisorProcess) -> None:
    write_config(supervisor)
    supervisor.start()
    wait_for(lambda: ", reporting to" in supervisor.log, 5, "no table")

    begun = undisturbed()
    code = supervisor.stop()

    assert code == 0
    assert undisturbed() - begun < 5
    assert supervisor.log.endswith("stopped\n")


def test_fire_and_resolve_are_a_line_each(supervisor: SupervisorProcess) -> None:
    flag = write_config(supervisor)
    supervisor.start()
    flag.touch()
    wait_for(lambda: "FIRING   E  flag" in supervisor.log, 10, "does not fire")
    flag.unlink()
    wait_for(lambda: "RESOLVED E  flag" in supervisor.log, 10, "does not resolve")
    supervisor.stop()

    assert supervisor.log.count("FIRING") == supervisor.log.count("RESOLVED") == 1


def test_what_was_printed_before_a_kill_is_not_printed_again(
    supervisor: SupervisorProcess,
) -> None:
    flag = write_config(supervisor)
    flag.touch()
    supervisor.start()
    wait_for(lambda: "FIRING" in supervisor.log, 10, "does not fire")
    wait_for(lambda: saved_cursors(supervisor), 10, "the cursor is not saved")
    supervisor.kill()
    supervisor.start("--verbose")
    wait_for(lambda: "flag: conditions in" in supervisor.log, 10, "does not run again")
    flag.unlink()
    wait_for(lambda: "RESOLVED E  flag" in supervisor.log, 10, "does not resolve")

    assert supervisor.log.count("FIRING") == 1


def test_running_commands_are_ended_within_stop_grace(supervisor: SupervisorProcess) -> None:
    hang = """
[[modules]]
check = "command"
name = "hang"
every = "1s"
timeout = "10m"
[modules.params]
protocol = "nagios"
argv = ["sh", "-c", "trap '' TERM; setsid sleep SECONDS & sleep SECONDS"]
"""
    write_config(supervisor, hang, top='stop_grace = "4s"')
    supervisor.start()
    wait_for(lambda: len(descendants_of_tests()) >= 3, 10, "the command does not start")
    begun = undisturbed()
    code = supervisor.stop()

    assert code == 0
    assert undisturbed() - begun < 4.5
    assert descendants_of_tests() == set()


def test_a_stuck_thread_cannot_hold_the_exit(
    supervisor: SupervisorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = supervisor.directory / "site_checks"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "stuck.py").write_text(STUCK_CHECK, encoding="utf-8")
    stuck = '[[modules]]\ncheck = "site_checks.stuck"\nevery = "1s"\ntimeout = "1s"\n'
    write_config(supervisor, stuck, top='stop_grace = "2s"')
    monkeypatch.setenv("PYTHONPATH", str(supervisor.directory))
    supervisor.start("--verbose")
    wait_for(lambda: "flag: ok" in supervisor.log, 10, "does not run")
    begun = undisturbed()
    supervisor.stop()

    assert undisturbed() - begun < 2.5


def test_a_second_signal_ends_it_at_once(supervisor: SupervisorProcess) -> None:
    hang = """
[[modules]]
check = "command"
name = "hang"
every = "1s"
timeout = "10m"
[modules.params]
protocol = "nagios"
argv = ["sleep", "SECONDS"]
"""
    write_config(supervisor, hang, top='stop_grace = "60s"')
    supervisor.start()
    wait_for(descendants_of_tests, 10, "the command does not start")
    os.kill(supervisor.pid, signal.SIGTERM)
    wait_for(lambda: "stopping" in supervisor.log, 5, "does not stop")
    begun = undisturbed()
    code = supervisor.stop()

    assert code == 1
    assert undisturbed() - begun < 3
    assert descendants_of_tests() == set()


def test_the_state_directory_has_one_owner(supervisor: SupervisorProcess) -> None:
    write_config(supervisor)
    supervisor.start()
    second = subprocess.run(
        [sys.executable, "-m", "supervisor", *supervisor.options()],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert second.returncode == 75
    assert f"process {supervisor.pid} holds the state directory" in second.stderr

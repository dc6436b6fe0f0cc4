"""SIGHUP: the configuration changes, and nothing is lost or stopped that need not be."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import trio

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import SupervisorProcess, wait_for
from tests.support.fake_peer import FakePeer

ROUNDS = 1000 if os.environ.get("SUPERVISOR_LONG_TESTS") else 60
PID_FILE = "started"

TOP = """
service = "{service}"
resend_interval = "1s"
heartbeat = {heartbeat}
[labels]
host = "h"
site = "{site}"
[alertmanager]
urls = {urls}
min_visible = "5s"
"""
STEADY = """
[[modules]]
check = "command"
name = "steady"
every = "1h"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "echo $$ >>{directory}/started; exec sleep 600"]
"""
SICK = """
[[modules]]
check = "command"
name = "{name}"
every = "1s"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "echo {text}; exit 1"]
"""


def configure(supervisor: SupervisorProcess, *modules: str, **settings: Any) -> None:
    values = {"service": "TEST", "site": "one", "urls": "[]", "heartbeat": "false", **settings}
    text = TOP.format(**values) + "".join(modules)
    supervisor.config.write_text(
        text.replace("{directory}", str(supervisor.directory)), encoding="utf-8"
    )


def sick(name: str = "sick", text: str = "ill") -> str:
    return SICK.format(name=name, text=text)


def reload(supervisor: SupervisorProcess, expected: str = "reloaded ") -> str:
    """Ask for a reload and return the line that says how it went."""
    seen = supervisor.log.count(expected)
    os.kill(supervisor.pid, signal.SIGHUP)
    wait_for(lambda: supervisor.log.count(expected) > seen, 10, "no reload", lambda: supervisor.log)
    return supervisor.log[supervisor.log.rindex(expected) :]


def in_log(supervisor: SupervisorProcess, text: str) -> None:
    wait_for(lambda: text in supervisor.log, 15, f"no {text!r}", lambda: supervisor.log)


def test_only_changed_modules_restart(supervisor: SupervisorProcess) -> None:
    started = supervisor.directory / PID_FILE
    configure(supervisor, STEADY, sick("a"), sick("b"))
    supervisor.start()
    wait_for(started.exists, 15, "does not run", lambda: supervisor.log)
    configure(supervisor, STEADY, sick("a", "worse"), sick("c"))
    said = reload(supervisor)
    in_log(supervisor, "FIRING   E  c: ill")
    in_log(supervisor, "RESOLVED E  b")

    assert "added c; removed b; changed a; 1 modules go on" in said
    (pid,) = started.read_text().split()
    assert Path(f"/proc/{pid}").exists()
    assert "RESOLVED E  a" not in supervisor.log


def test_a_bad_file_changes_nothing_and_is_announced(supervisor: SupervisorProcess) -> None:
    configure(supervisor, sick())
    supervisor.start()
    in_log(supervisor, "FIRING   E  sick: ill")
    supervisor.config.write_text('service = "TEST"\nfoo = 1\n[[modules]]\ncheck = "dis"\n')
    said = reload(supervisor, "cannot reload")
    in_log(supervisor, "FIRING   TE ReloadFailed")

    assert "the old configuration stays" in said
    assert "foo: " in said
    assert ":4: module 'dis': check: " in said
    supervisor.config.write_text("this is no TOML")
    reload(supervisor, "cannot reload")
    supervisor.config.unlink()
    reload(supervisor, "cannot reload")
    configure(supervisor, sick(text="better"))
    reload(supervisor)
    in_log(supervisor, "RESOLVED TE ReloadFailed")
    assert "RESOLVED E  sick" not in supervisor.log


def test_the_command_ends_when_the_new_file_is_in_force(supervisor: SupervisorProcess) -> None:
    configure(supervisor, sick("a"))
    supervisor.start()
    configure(supervisor, sick("b"))
    options = supervisor.options()
    good = run_supervisor("reload", *options)
    status = json.loads(run_supervisor("status", "--json", *options).stdout)
    supervisor.config.write_text('service = "TEST"\nfoo = 1\n')
    bad = run_supervisor("reload", *options)
    supervisor.stop()
    gone = run_supervisor("reload", *options)

    assert (good.returncode, good.stderr) == (0, "")
    assert good.stdout.endswith("Test.toml: added b; removed a; 0 modules go on\n")
    assert [module["name"] for module in status["modules"]] == ["b"]
    assert (bad.returncode, bad.stdout) == (78, "")
    assert "cannot reload, the old configuration stays" in bad.stderr
    assert "foo: " in bad.stderr
    assert gone.returncode == 1


def test_each_command_is_told_of_a_reload_that_began_after_it(
    supervisor: SupervisorProcess,
) -> None:
    configure(supervisor, sick())
    supervisor.start()
    reloads = [
        subprocess.Popen([sys.executable, "-m", "supervisor", "reload", *supervisor.options()])
        for _ in range(5)
    ]

    assert [each.wait(60) for each in reloads] == [0] * 5


def test_another_service_needs_a_restart(supervisor: SupervisorProcess) -> None:
    configure(supervisor, sick())
    supervisor.start()
    configure(supervisor, sick(), service="OTHER")

    said = reload(supervisor, "cannot reload")
    assert "service: changed from 'TEST' to 'OTHER'; restart the supervisor for that" in said
    assert supervisor.stop() == 0


def test_systemd_hears_when_a_reload_begins_and_ends(supervisor: SupervisorProcess) -> None:
    configure(supervisor, sick())
    with notified(supervisor) as told:
        reload(supervisor)
        wait_for(lambda: "READY=1" in told()[-1], 5, "no READY=1")
        lines = told()
        supervisor.config.write_text("bad")
        reload(supervisor, "cannot reload")
        wait_for(lambda: any("STATUS=cannot reload" in x for x in told()), 5, "no STATUS")

    begun = next(n for n, line in enumerate(lines) if "RELOADING=1" in line)
    assert re.fullmatch(r"RELOADING=1\nMONOTONIC_USEC=\d+", lines[begun])
    assert "READY=1" in lines[begun + 1 :]


@contextmanager
def notified(supervisor: SupervisorProcess) -> Iterator[Callable[[], list[str]]]:
    """Start the supervisor, and return what it told the service manager since it was ready."""
    told: list[str] = []
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
        sock.bind(str(supervisor.directory / "notify"))
        sock.setblocking(False)

        def hear() -> list[str]:
            while True:
                try:
                    told.append(sock.recv(4096).decode())
                except BlockingIOError:
                    return told

        supervisor.launch(str(supervisor.directory / "notify"))
        wait_for(lambda: any("READY=1" in line for line in hear()), 20, "not ready")
        told.clear()
        yield hear


async def test_what_fires_goes_over_to_new_peers_and_labels(
    supervisor: SupervisorProcess,
) -> None:
    async with trio.open_nursery() as nursery:
        old: FakePeer = await nursery.start(FakePeer().serve)
        new: FakePeer = await nursery.start(FakePeer().serve)
        configure(supervisor, sick(), urls=json.dumps([old.url]), heartbeat="true")
        await in_thread(supervisor.start)
        (before,) = await sent(old, "sick")
        beat = (await sent(old, "Heartbeat"))[0]["startsAt"]
        configure(supervisor, sick(), urls=json.dumps([new.url]), site="two", heartbeat="true")
        await in_thread(partial(reload, supervisor))
        silent = len(old.requests)
        firing = await sent(new, "sick", site="two")
        beating = await sent(new, "Heartbeat", site="two")
        await in_thread(supervisor.stop)
        nursery.cancel_scope.cancel()

    assert firing[0]["startsAt"] == before["startsAt"]
    assert beating[0]["startsAt"] == beat
    assert len(old.requests) == silent


async def in_thread(call: Callable[[], object]) -> None:
    await trio.to_thread.run_sync(call)


async def sent(peer: FakePeer, alertname: str, site: str = "one") -> list[dict[str, Any]]:
    """Return the first alerts of this name that the peer is sent."""
    with trio.fail_after(20):
        while True:
            for request in list(peer.requests):
                found = [
                    alert
                    for alert in (request.alerts if request.method == "POST" else [])
                    if (alert["labels"]["alertname"], alert["labels"]["site"]) == (alertname, site)
                ]
                if found:
                    return found
            await trio.sleep(0.02)


def test_many_reloads_leave_nothing_behind(supervisor: SupervisorProcess) -> None:
    def turn(number: int) -> None:
        urls = json.dumps([f"http://127.0.0.{2 + number % 3}:9"])
        configure(supervisor, STEADY, sick(text=str(number % 5)), urls=urls, site=str(number % 2))
        reload(supervisor)

    configure(supervisor, STEADY)
    supervisor.start()
    for number in range(20):
        turn(number)
    before = belongings(supervisor.pid)
    for number in range(ROUNDS):
        turn(number)
    turn(19)
    after = belongings(supervisor.pid)

    assert after["threads"] <= before["threads"] + 1
    assert after["descriptors"] <= before["descriptors"] + 3
    assert after["memory"] < before["memory"] + 6_000
    assert 1 == len((supervisor.directory / PID_FILE).read_text().split())


def belongings(pid: int) -> dict[str, int]:
    """Return how many threads and descriptors a process has, and its memory in KiB."""
    status = Path(f"/proc/{pid}/status").read_text()
    return {
        "threads": len(os.listdir(f"/proc/{pid}/task")),
        "descriptors": len(os.listdir(f"/proc/{pid}/fd")),
        "memory": int(re.findall(r"VmRSS:\s+(\d+)", status)[0]),
    }

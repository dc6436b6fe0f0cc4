"""`status`, `run-now` and `tree` ask a running supervisor through its local socket."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import ROOT, SupervisorProcess, wait_for
from tests.support.patience import undisturbed
from tests.support.ports import free_port

CONFIG = """
service = "TEST"
timezone = "Asia/Seoul"
[labels]
host = "h"
[alertmanager]
urls = ["http://127.0.0.1:{port}"]

[[modules]]
check = "command"
name = "sick"
every = "1h"
[modules.params]
protocol = "text"
argv = ["sh", "-c", "echo '[red]<b>아파요'; exit 1"]

[[modules]]
check = "command"
name = "slow"
every = "1h"
[modules.params]
protocol = "text"
argv = ["sleep", "600"]

[[modules]]
check = "command"
name = "off"
every = "1h"
enabled = false
[modules.params]
protocol = "text"
argv = ["true"]
"""


@pytest.fixture
def running(supervisor: SupervisorProcess) -> SupervisorProcess:
    supervisor.config.write_text(CONFIG.format(port=free_port()), encoding="utf-8")
    supervisor.start()
    wait_for(lambda: "FIRING   E  sick" in supervisor.log, 15, "not fired", lambda: supervisor.log)
    return supervisor


def ask(supervisor: SupervisorProcess, *arguments: str) -> subprocess.CompletedProcess[str]:
    service, _, state = supervisor.options()
    return run_supervisor(*arguments, service, state)


def path_of(supervisor: SupervisorProcess) -> Path:
    return supervisor.directory / "state" / "socket"


def test_status_shows_all_there_is(running: SupervisorProcess) -> None:
    asked = ask(running, "status", "--json")
    found = json.loads(asked.stdout)
    shown = ask(running, "status")

    assert (asked.returncode, shown.returncode) == (0, 0)
    assert (found["service"], found["pid"]) == ("TEST", running.pid)
    (sick, slow, off) = found["modules"]
    assert (sick["name"], sick["check"], sick["last_result"]) == ("sick", "command", "conditions")
    assert slow["state"] in ("waiting", "running")
    assert off["state"] == "disabled"
    (alert,) = found["alerts"]
    assert (alert["state"], [*alert["peers"].values()]) == ("firing", ["pending"])
    (peer,) = found["peers"]
    assert (peer["state"], peer["pending"]) == ("retrying", 1)
    assert found["ledger"]["bytes"] > 0
    assert (
        "TEST on h: 1 firing, 1 of 1 Alertmanagers not reached, 1 to be delivered" in shown.stdout
    )
    assert "[red]<b>아파요" in shown.stdout


def test_run_now_waits_for_the_outcome(running: SupervisorProcess) -> None:
    before = json.loads(ask(running, "status", "--json").stdout)["modules"][0]["runs"]
    asked = ask(running, "run-now", "sick")
    after = json.loads(ask(running, "status", "--json").stdout)["modules"][0]["runs"]

    assert asked.returncode == 0
    assert asked.stdout.startswith("sick: conditions in 0.")
    assert after == before + 1


def test_run_now_says_why_it_does_not(running: SupervisorProcess) -> None:
    def states() -> list[str]:
        found = json.loads(ask(running, "status", "--json").stdout)
        return [module["state"] for module in found["modules"]]

    wait_for(lambda: states()[1] == "running", 15, "slow does not run", lambda: running.log)
    disabled = ask(running, "run-now", "off")
    busy = ask(running, "run-now", "slow", "sick")
    unknown = ask(running, "run-now", "sik")

    assert [each.returncode for each in (disabled, busy, unknown)] == [1, 1, 1]
    assert "off: not run: it is disabled" in disabled.stderr
    assert "slow: not run: it is running already" in busy.stderr
    assert "sick: conditions" in busy.stdout
    assert "there is no module 'sik'; did you mean 'sick'?" in unknown.stderr


def test_tree_shows_every_task(running: SupervisorProcess) -> None:
    asked = ask(running, "tree")

    assert asked.returncode == 0
    for name in ("recorder", "nursery modules", "module sick", "sender http://", "local socket"):
        assert name in asked.stdout
    assert "module off" not in asked.stdout


def test_without_a_supervisor_all_say_so(supervisor: SupervisorProcess) -> None:
    for command in (["status"], ["run-now", "sick"], ["tree"]):
        asked = ask(supervisor, *command)

        assert asked.returncode == 1
        assert "the supervisor is not running" in asked.stderr
        assert "--state-dir" in asked.stderr


def test_the_socket_is_its_owners_alone_and_survives_a_crash(running: SupervisorProcess) -> None:
    mode = stat.S_IMODE(path_of(running).stat().st_mode)
    running.kill()
    left_behind = path_of(running).exists()
    running.start()

    assert (mode, left_behind) == (0o600, True)
    assert ask(running, "status").returncode == 0


def test_a_long_path_is_no_obstacle(tmp_path: Path) -> None:
    directory = tmp_path / ("d" * 100)
    directory.mkdir()
    supervisor = SupervisorProcess(directory)
    supervisor.config.write_text(CONFIG.format(port=free_port()), encoding="utf-8")
    supervisor.start()
    try:
        assert ask(supervisor, "status").returncode == 0
    finally:
        supervisor.kill()


def test_bad_clients_do_not_disturb_others(running: SupervisorProcess) -> None:
    def connect(*lines: bytes) -> socket.socket:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(10)
        sock.connect(str(path_of(running)))
        for line in lines:
            sock.sendall(line)
        return sock

    with connect(b"\xff\x00garbage\n") as garbage:
        answer = garbage.recv(1000)
    silent = [connect() for _ in range(14)]
    with connect(b"[" * 70000):
        pass
    with connect(b'{"ask": "status"}\n'):
        pass  # goes away without reading
    during = ask(running, "status").returncode
    begun = undisturbed()
    closed = [sock.recv(1000) for sock in silent]
    waited = undisturbed() - begun

    assert b"this version cannot answer" in answer
    assert during == 0
    assert len(closed) == 14
    assert waited < 8
    for sock in silent:
        sock.close()
    assert os.listdir(f"/proc/{running.pid}/fd")
    assert running.stop() == 0


def test_a_supervisor_that_ends_while_it_is_asked_is_no_traceback(tmp_path: Path) -> None:
    supervisor = SupervisorProcess(tmp_path)
    (tmp_path / "state").mkdir()
    for answer in (b"", b'{"service": '):
        path_of(supervisor).unlink(missing_ok=True)
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
            sock.bind(str(path_of(supervisor)))
            sock.listen(1)
            service, _, state = supervisor.options()
            asking = subprocess.Popen(
                [sys.executable, "-m", "supervisor", "status", service, state],
                cwd=ROOT,
                stderr=subprocess.PIPE,
                text=True,
            )
            client, _ = sock.accept()
            client.recv(1000)
            client.sendall(answer)
            client.close()
            _, said = asking.communicate(timeout=20)

        assert asking.returncode == 1
        assert said.startswith("the supervisor has ended ")

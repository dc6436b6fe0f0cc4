"""What changes around a running supervisor is noticed: zones, host name, trusted authorities."""

from __future__ import annotations

import ctypes
import json
import os
import signal
import socket
import ssl
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
import trio
import trustme

from tests.e2e.servers import SupervisorProcess, wait_for
from tests.support.fake_peer import FakePeer
from tests.support.ports import free_port

ZONES = Path("/usr/share/zoneinfo")
CLONE_NEWUTS = 0x04000000

DAILY = """
service = "TEST"
timezone = "Test/Zone"

[[modules]]
check = "daily"
at = ["12:00"]

[[modules]]
check = "system"
every = "1h"
"""
SICK = """
service = "TEST"
resend_interval = "1s"
[alertmanager]
urls = {urls}
min_visible = "5s"

[[modules]]
check = "command"
name = "sick"
every = "1s"
[modules.params]
protocol = "text"
argv = ["false"]
"""


def reload(supervisor: SupervisorProcess) -> str:
    """Ask for a reload, and return the line that says what it changed."""
    seen = supervisor.log.count("reloaded ")
    os.kill(supervisor.pid, signal.SIGHUP)
    wait_for(
        lambda: supervisor.log.count("reloaded ") > seen, 15, "no reload", lambda: supervisor.log
    )
    return supervisor.log[supervisor.log.rindex("reloaded ") :].partition("\n")[0]


def status(supervisor: SupervisorProcess) -> dict[str, Any]:
    argv = [sys.executable, "-m", "supervisor", "status", "--json", *supervisor.options()]
    found: dict[str, Any] = json.loads(subprocess.run(argv, check=True, capture_output=True).stdout)
    return found


def next_hour(supervisor: SupervisorProcess) -> str:
    """Return the hour of the next daily report, in UTC."""
    (module,) = (each for each in status(supervisor)["modules"] if each["name"] == "daily")
    return str(module["next_run"])[11:16]


def test_at_times_follow_the_new_rules_of_their_zone_after_a_reload(
    supervisor: SupervisorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = tmp_path / "zoneinfo/Test/Zone"
    zone.parent.mkdir(parents=True)
    zone.write_bytes((ZONES / "Asia/Seoul").read_bytes())
    monkeypatch.setenv("PYTHONTZPATH", str(tmp_path / "zoneinfo"))
    supervisor.config.write_text(DAILY)
    supervisor.start()
    before = next_hour(supervisor)
    zone.write_bytes((ZONES / "Asia/Bangkok").read_bytes())
    said = reload(supervisor)
    after = next_hour(supervisor)
    again = reload(supervisor)

    assert (before, after) == ("03:00", "05:00")
    assert "changed daily; 1 modules go on" in said
    assert ": 2 modules go on" in again


def test_a_zone_without_a_name_can_be_shown(
    supervisor: SupervisorProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "KST-9")
    page = f"127.0.0.1:{free_port()}"
    listen = f'[status]\nlisten = "{page}"\n'
    supervisor.config.write_text(SICK.format(urls="[]") + listen)
    supervisor.start()
    argv = [sys.executable, "-m", "supervisor", "status", *supervisor.options()]
    shown = subprocess.run(argv, check=False, capture_output=True, text=True)

    assert status(supervisor)["timezone"] == "KST-9"
    assert (shown.returncode, shown.stderr) == (0, "")
    assert httpx.get(f"http://{page}/", trust_env=False).status_code == 200


@pytest.mark.skipif(os.geteuid() != 0, reason="a host name of its own needs root")
async def test_a_new_host_name_is_the_label_after_a_reload(supervisor: SupervisorProcess) -> None:
    async with trio.open_nursery() as nursery:
        peer: FakePeer = await nursery.start(FakePeer().serve)
        supervisor.config.write_text(SICK.format(urls=json.dumps([peer.url])))
        await trio.to_thread.run_sync(start_with_own_host_name, supervisor)
        name_host(supervisor, "old")
        await trio.to_thread.run_sync(reload, supervisor)
        began = await firing_on(peer, "old")
        name_host(supervisor, "new")
        os.kill(supervisor.pid, signal.SIGHUP)
        goes_on = await firing_on(peer, "new")
        await trio.to_thread.run_sync(supervisor.stop)
        nursery.cancel_scope.cancel()

    assert goes_on == began


def start_with_own_host_name(supervisor: SupervisorProcess) -> None:
    """Start it in a UTS namespace of its own, which only a thread enters here."""

    def start() -> None:
        assert ctypes.CDLL(None).unshare(CLONE_NEWUTS) == 0
        supervisor.start()

    with ThreadPoolExecutor(1) as thread:
        thread.submit(start).result()


def name_host(supervisor: SupervisorProcess, name: str) -> None:
    """Do what hostnamectl does."""
    argv = ["nsenter", f"--uts=/proc/{supervisor.pid}/ns/uts", "hostname", name]
    subprocess.run(argv, check=True)


async def firing_on(peer: FakePeer, host: str) -> str:
    """Return the start of the first alert that the peer is sent from this host."""
    with trio.fail_after(20):
        while True:
            for request in [each for each in peer.requests if each.method == "POST"]:
                for alert in request.alerts:
                    if alert["labels"]["host"] == host:
                        return str(alert["startsAt"])
            await trio.sleep(0.02)


async def test_the_systems_authorities_are_read_again_at_a_reload(
    supervisor: SupervisorProcess, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ca, trusted = trustme.CA(), tmp_path / "trusted.pem"
    trustme.CA().cert_pem.write_to_path(str(trusted))
    monkeypatch.setenv("SSL_CERT_FILE", str(trusted))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ca.issue_cert("127.0.0.1").configure_cert(tls)
    async with trio.open_nursery() as nursery:
        peer: FakePeer = await nursery.start(FakePeer(tls=tls).serve)
        supervisor.config.write_text(SICK.format(urls=json.dumps([peer.url])))
        await trio.to_thread.run_sync(supervisor.start)
        await trio.to_thread.run_sync(
            wait_for,
            lambda: "FIRING   TE PeerMisconfigured" in supervisor.log,
            15,
            "not refused",
            lambda: supervisor.log,
        )
        refused = len(peer.requests)
        ca.cert_pem.write_to_path(str(trusted))
        os.kill(supervisor.pid, signal.SIGHUP)
        await firing_on(peer, socket.gethostname())
        await trio.to_thread.run_sync(supervisor.stop)
        nursery.cancel_scope.cancel()

    assert refused == 0

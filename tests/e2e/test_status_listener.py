"""The listener of the status page under bad clients, at a stop and at a reload."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from tests.e2e.servers import ROOT, SupervisorProcess, wait_for
from tests.e2e.status_pages import configure, get, listen, status, url
from tests.support.patience import undisturbed
from tests.support.ports import free_port

__all__ = ["listen", "url"]  # fixtures

SECONDS = 60 if os.environ.get("SUPERVISOR_LONG_TESTS") else 4
"""How long rubbish is sent: a minute with SUPERVISOR_LONG_TESTS=1."""


@pytest.mark.alone
def test_rubbish_makes_no_module_miss_a_run(supervisor: SupervisorProcess, url: str) -> None:
    wait_for(lambda: status(url)["modules"][1]["runs"], 10, "nothing runs")
    address = url.split("/")[2].split(":")
    idle = [socket.create_connection((address[0], int(address[1]))) for _ in range(40)]
    before, begun, calm = runs(url, "quick"), time.monotonic(), undisturbed()
    senders = [threading.Thread(target=throw, args=(address, part)) for part in range(4)]
    for sender in senders:
        sender.start()
    most = 0
    while any(sender.is_alive() for sender in senders):
        most = max(most, connections(supervisor.pid, int(address[1])))
        time.sleep(0.05)  # real programs take real time
    elapsed, calm, after = time.monotonic() - begun, undisturbed() - calm, runs(url, "quick")
    found = status(url)
    for sock in idle:
        sock.close()

    assert most <= 34, "32, and one or two that are being turned away"
    assert after - before >= int(calm) - 1
    # A program that gets no processor for a second misses a run that is due each second.
    assert max(module["skipped"] for module in found["modules"]) <= max(0, elapsed - calm)
    assert "Traceback" not in supervisor.log
    assert supervisor.stop() == 0


def runs(url: str, name: str) -> int:
    found = {module["name"]: module["runs"] for module in status(url)["modules"]}
    return int(found[name])


def throw(address: list[str], part: int) -> None:
    """Send a quarter of 100 pieces of rubbish in each second."""
    rubbish = (
        os.urandom(2000),
        b"GET / HTTP/1.1\r\nHost: evil.example.invalid\r\n\r\n",
        b"GET /" + b"x" * 30000 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 9999,
        b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n" * 20,
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + os.urandom(500),
        b"",
    )
    for number in range(SECONDS * 25):
        begun = time.monotonic()
        with closing(socket.socket()) as sock:
            sock.settimeout(2)
            try:
                sock.connect((address[0], int(address[1])))
                sock.sendall(rubbish[(number + part) % len(rubbish)])
            except OSError:
                pass
        time.sleep(max(0.0, 0.04 - (time.monotonic() - begun)))  # the rate is the point


def connections(pid: int, port: int) -> int:
    """Return how many established connections the process has on its port."""
    inodes = set()
    for name in os.listdir(f"/proc/{pid}/fd"):
        try:
            inodes.add(os.readlink(f"/proc/{pid}/fd/{name}"))
        except OSError:
            continue
    lines = Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]
    fields = [line.split() for line in lines]
    return sum(
        parts[3] != "0A"
        and int(parts[1].split(":")[1], 16) == port
        and f"socket:[{parts[9]}]" in inodes
        for parts in fields
    )


def test_it_stops_in_time_with_live_pages_and_clients_that_do_not_read(
    supervisor: SupervisorProcess, url: str
) -> None:
    host, port = url.split("/")[2].split(":")
    request = b"GET /%s HTTP/1.1\r\nHost: localhost\r\n\r\n"
    sockets = [socket.create_connection((host, int(port))) for _ in range(8)]
    for sock in sockets[:4]:
        sock.sendall(request % b"api/events")
        assert b"200" in sock.recv(100)
    for sock in sockets[4:]:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1024)
        for _ in range(200):
            sock.sendall(request % b"metrics")
    begun = undisturbed()
    code = supervisor.stop()
    elapsed = undisturbed() - begun
    for sock in sockets:
        sock.close()

    assert (code, elapsed < 2) == (0, True)


def test_it_does_not_start_on_a_port_that_is_taken(
    supervisor: SupervisorProcess, listen: str
) -> None:
    host, port = listen.split(":")
    configure(supervisor, listen)
    with closing(socket.create_server((host, int(port)))):
        ended = subprocess.run(
            [sys.executable, "-m", "supervisor", "run", *supervisor.options()],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )

    assert ended.returncode == 1
    assert f"status.listen: cannot listen on {listen}: Address already in use" in ended.stderr


def test_a_reload_moves_the_page_or_leaves_it_where_it_is(
    supervisor: SupervisorProcess, url: str
) -> None:
    here, there, taken = (url.split("/")[2], *(f"127.0.0.1:{free_port()}" for _ in range(2)))
    with closing(socket.create_server(("127.0.0.1", int(taken.split(":")[1])))):
        configure(supervisor, taken)
        reload(supervisor, "cannot reload, the old configuration stays")
        after_refusal = status(f"http://{here}/")
    configure(supervisor, here, 'hosts = ["status.example.invalid"]')
    reload(supervisor, "opened the status page again")
    named = get(f"http://{here}/metrics", host="status.example.invalid").status_code
    configure(supervisor, there)
    reload(supervisor, "opened the status page again", times=2)
    moved = status(f"http://{there}/")["pid"]
    configure(supervisor, "")
    reload(supervisor, "reloaded", times=3)

    assert "ReloadFailed" in [alert["alertname"] for alert in after_refusal["alerts"]]
    assert (named, moved) == (200, supervisor.pid)
    for gone in (here, there):
        with pytest.raises(httpx.ConnectError):
            get(f"http://{gone}/")


def reload(supervisor: SupervisorProcess, said: str, times: int = 1) -> None:
    assert supervisor.process is not None
    supervisor.process.send_signal(1)
    wait_for(
        lambda: supervisor.log.count(said) >= times, 15, f"not said: {said}", lambda: supervisor.log
    )

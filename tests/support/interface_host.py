"""A network namespace with its own sysfs, and the check `interface` run in it. It needs root.

The check runs without any capability, as under the shipped unit.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from attrs import define

from checks._devices.watched import WatchedInterface
from checks.interface import Params
from supervisor.api import Condition, Measurement, Observation

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")

ENTER = """
mount -t sysfs sysfs /sys
exec setpriv --bounding-set=-all --inh-caps=-all --no-new-privs "$@"
"""
"""Mounts the sysfs of the namespace, and gives all capabilities away."""

LOOKS = """
import json, pickle, sys, time, trio
from checks.interface import run
from tests.support.check_context import context

read_clock, later = time.clock_gettime, 0.0
time.clock_gettime = lambda clock: read_clock(clock) + later
state = {}
print(flush=True)
while True:
    params, seconds = pickle.load(sys.stdin.buffer)
    later += seconds
    given = context()
    given.state.update(state)
    observed = list(trio.run(run, given, params))
    state = json.loads(json.dumps(given.state))  # as the ledger keeps it
    pickle.dump(observed, sys.stdout.buffer)
    sys.stdout.buffer.flush()
"""
"""Runs the check again and again, each time some seconds later."""

SENDS = """
import socket, sys
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind((sys.argv[1], 0))
for _ in range(int(sys.argv[2])):
    sender.send(bytes.fromhex("ffffffffffff" "020000000001" "88b5") + bytes(986))
"""
"""Sends frames of 1,000 bytes that nobody understands, so that the other end drops them."""


@define
class Host:
    """A namespace of its own, and the check run in it."""

    process: subprocess.Popen[bytes]

    def ip(self, *commands: str, check: bool = True) -> bool:
        """Run commands of ip(8) in the namespace. Return whether all went well."""
        text = "".join(f"{command}\n" for command in commands)
        done = self._enter(["ip", "-batch", "-"], text.encode(), check=check)
        return done.returncode == 0

    def send(self, interface: str, frames: int) -> None:
        """Send frames by an interface."""
        self._enter([sys.executable, "-c", SENDS, interface, str(frames)])

    def write(self, path: str, text: str) -> None:
        """Write to a file of the namespace's sysfs."""
        self._enter(["sh", "-c", f"cat >{path}"], text.encode(), mounts=True)

    def _enter(
        self, argv: Sequence[str], given: bytes = b"", *, check: bool = True, mounts: bool = False
    ) -> subprocess.CompletedProcess[bytes]:
        namespaces = ["--net", *(["--mount"] if mounts else [])]
        enter = ["nsenter", "--target", str(self.process.pid), *namespaces, *argv]
        return subprocess.run(enter, check=check, input=given, capture_output=not check)

    def observe(self, *watched: WatchedInterface, later: float = 0) -> list[Observation]:
        """Return what the check observes, some seconds later."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        pickle.dump((Params(watched), later), self.process.stdin)
        self.process.stdin.flush()
        observed: list[Observation] = pickle.load(self.process.stdout)  # noqa: S301  # our own child
        return observed

    def look(self, *watched: WatchedInterface, later: float = 0) -> list[Condition]:
        """Return the conditions, some seconds later."""
        observed = self.observe(*watched, later=later)
        return [each for each in observed if isinstance(each, Condition)]

    def say(self, *watched: WatchedInterface, later: float = 0) -> list[str]:
        """Return the messages of the conditions, some seconds later."""
        return [each.message for each in self.look(*watched, later=later)]

    def measure(self, *watched: WatchedInterface, later: float = 0) -> dict[tuple[str, str], float]:
        """Return what was measured, by interface and name."""
        observed = self.observe(*watched, later=later)
        found = (each for each in observed if isinstance(each, Measurement))
        return {(each.labels["interface"], each.name): each.value for each in found}


@contextlib.contextmanager
def host() -> Iterator[Host]:
    """Make a namespace with eth0 and eth1, veths whose other ends are far0 and far1, all up."""
    argv = ["unshare", "--net", "--mount", "sh", "-ec", ENTER, "enter", sys.executable, "-c", LOOKS]
    with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        made = Host(process)
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == b"\n"
            for number in range(2):
                made.ip(f"link add eth{number} type veth peer far{number}")
                made.ip(f"link set far{number} up", f"link set eth{number} up")
            yield made
        finally:
            process.kill()


def watched(name: str = "eth0", **how: Any) -> WatchedInterface:
    """Return an entry of the service file."""
    return WatchedInterface(name, **how)

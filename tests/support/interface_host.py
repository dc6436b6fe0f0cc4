"""A network namespace with its own sysfs, and the check `interface` run in it. It needs root.

The check runs without any capability, as under the shipped unit.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import subprocess
import sys
from collections.abc import Iterator
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


TAP = """
import ctypes, fcntl, socket, struct, sys
TUNSETIFF, TAP_WITHOUT_HEADER, SIOCETHTOOL, ETHTOOL_SSET = 0x400454CA, 0x1002, 0x8946, 2
name = sys.argv[1].encode()
tap = open("/dev/net/tun", "r+b", buffering=0)
fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name, TAP_WITHOUT_HEADER))
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
print(flush=True)
for line in sys.stdin:
    speed, duplex = map(int, line.split())
    settings = ctypes.create_string_buffer(struct.pack("=I8xHB29x", ETHTOOL_SSET, speed, duplex))
    fcntl.ioctl(asked, SIOCETHTOOL, struct.pack("16sP16x", name, ctypes.addressof(settings)))
    print(flush=True)
"""
"""Makes an interface with a link, and sets speed and duplex, 0 for half, when it is asked."""


@define
class Tap:
    """An interface whose speed can be changed, as a switch and a network card agree on one."""

    process: subprocess.Popen[str]

    def set(self, speed: int, duplex: str) -> None:
        """Change speed, in Mbit/s, and duplex."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{speed} {int(duplex == 'full')}\n")
        self.process.stdin.flush()
        self.wait()

    def wait(self) -> None:
        """Wait until what was asked for is done."""
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "\n"


@define
class Host:
    """A namespace of its own, and the check run in it."""

    process: subprocess.Popen[bytes]

    def ip(self, *commands: str, check: bool = True) -> bool:
        """Run commands of ip(8) in the namespace. Return whether all went well."""
        text = "".join(f"{command}\n" for command in commands)
        return self.run("ip", "-batch", "-", given=text, check=check).returncode == 0

    def send(self, interface: str, frames: int) -> None:
        """Send frames by an interface."""
        self.run(sys.executable, "-c", SENDS, interface, str(frames))

    @contextlib.contextmanager
    def tap(self, name: str) -> Iterator[Tap]:
        """Make an interface whose speed can be changed, and set it up."""
        argv = [*self._enter, sys.executable, "-c", TAP, name]
        pipe = subprocess.PIPE
        with subprocess.Popen(argv, stdin=pipe, stdout=pipe, text=True) as process:
            try:
                made = Tap(process)
                made.wait()
                self.ip(f"link set {name} up")
                yield made
            finally:
                process.kill()

    def run(
        self, *argv: str, given: str = "", check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run a command in the namespace."""
        enter = [*self._enter, *argv]
        return subprocess.run(enter, check=check, input=given, capture_output=not check, text=True)

    @property
    def _enter(self) -> list[str]:
        return ["nsenter", f"--net=/proc/{self.process.pid}/ns/net"]

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

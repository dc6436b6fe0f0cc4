"""A network namespace with real routes, for the tests of `routing_table`. It needs root."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator

import pytest
from attrs import asdict, define

from checks.routing_table import WantedRoute
from supervisor.api import Condition

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="a network namespace needs root")

LOOKS = """
import json, sys, trio
from attrs import asdict
from checks.routing_table import Params, WantedRoute, run
print("ready", flush=True)
for line in sys.stdin:
    wanted = tuple(WantedRoute(**route) for route in json.loads(line))
    observed = trio.run(run, None, Params(wanted))
    print(json.dumps([asdict(item) for item in observed]), flush=True)
"""


@define
class Host:
    """A namespace of its own, and the check run in it."""

    process: subprocess.Popen[str]

    def ip(self, command: str) -> None:
        """Run ip(8) in the namespace."""
        self._run(command.split())

    def batch(self, commands: str) -> None:
        """Run a command of ip(8) on each line in the namespace."""
        self._run(["-batch", "-"], commands)

    def _run(self, arguments: list[str], commands: str = "") -> None:
        argv = ["nsenter", f"--net=/proc/{self.process.pid}/ns/net", "ip", *arguments]
        subprocess.run(argv, check=True, input=commands, text=True)

    def look(self, *wanted: WantedRoute) -> list[Condition]:
        """Return what the check observes there."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps([asdict(route) for route in wanted]) + "\n")
        self.process.stdin.flush()
        return [Condition(**{**condition, "keeps": ()}) for condition in json.loads(self._line())]

    def say(self, *wanted: WantedRoute) -> list[str]:
        """Return the messages of the check."""
        return [condition.message for condition in self.look(*wanted)]

    def _line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@contextlib.contextmanager
def host() -> Iterator[Host]:
    """Make a namespace with two interfaces that are up, bond1 and eth9, without neighbours."""
    process = subprocess.Popen(
        ["unshare", "--net", sys.executable, "-c", LOOKS],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    made = Host(process)
    try:
        assert made._line() == "ready\n"
        for name in ("bond1", "eth9"):
            made.ip(f"link add {name} type veth peer {name}p")
            made.ip(f"link set {name}p up")
            made.ip(f"link set {name} up")
        yield made
    finally:
        process.kill()
        process.communicate()

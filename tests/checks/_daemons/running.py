"""Real processes for the tests of `daemon`, and looks at them."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

from attrs import define, evolve

from checks import daemon
from checks.daemon import Daemon, Params
from supervisor.api import Condition, Json, Limit, Measurement, Observation
from tests.support.check_context import context
from tests.support.processes import NAME


@define
class Running:
    """A process that does its work once for each `work`."""

    process: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        return self.process.pid

    def work(self) -> None:
        """Let it work, and wait until it has."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(b"\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == b"done\n"


@contextlib.contextmanager
def daemon_that(code: str) -> Iterator[Running]:
    """Run Python code in a process of this name until it has printed a line, and then on."""
    end_of_code = "\nimport sys; print('ready', flush=True); sys.stdin.read()"
    process = subprocess.Popen(
        [NAME, "-c", code + end_of_code],
        executable=sys.executable,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        yield Running(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


IDLE = ""
"""The code of a daemon that does nothing."""

HAS_FILES = """
import os
held = [os.open("/dev/null", os.O_RDONLY) for _ in range(40)]
"""


async def look(*daemons: Daemon, state: dict[str, Json] | None = None) -> list[Observation]:
    remembering = evolve(context(), state={} if state is None else state)
    return list(await daemon.run(remembering, Params(daemons)))


def limited(**limits: Any) -> Daemon:
    """Return a daemon whose limits are plain numbers."""
    given: dict[str, Any] = {key: Limit.of(number) for key, number in limits.items()}
    return Daemon(NAME, **given)


def told(seen: list[Observation]) -> list[tuple[str, str, str]]:
    return [
        (item.alertname, item.event_type, item.message)
        for item in seen
        if isinstance(item, Condition)
    ]


def names(seen: list[Observation]) -> list[str]:
    return [name for name, _, _ in told(seen)]


def figure(seen: list[Observation], name: str) -> float:
    (found,) = [each for each in seen if isinstance(each, Measurement) and each.name == name]
    assert found.labels == {"process": NAME}
    return found.value

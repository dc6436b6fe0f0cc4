"""Plugins that misbehave, and the `command` check as the runner calls it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from checks.command import Params, run
from supervisor.api import CheckFailed, Observation
from tests.support.check_context import context

PLUGINS = Path(__file__).parent.parent / "plugins"
"""The folder of the plugins."""

FINE = "fine"
"""The verdict on a plugin that ended well."""

FAILED = "failed"
"""The verdict on a plugin that failed its check."""

TIMEOUT = "timeout"
"""The verdict on a plugin that did not end in time."""

BAD_PLUGINS = {
    "hangs": TIMEOUT,
    "ignores_sigterm": TIMEOUT,
    "lets_a_child_hold_stdout": FINE,
    "leaves_a_session": FINE,
    "kills_itself": FAILED,
    "exits_42": FAILED,
    "prints_a_megabyte": "W",
    "missing": FAILED,
    "daemonises": FINE,
    "forks_fifty_children": FINE,
    "closes_stdout_and_hangs": TIMEOUT,
    "never_stops_printing": TIMEOUT,
    "reads_stdin": FINE,
    "wipes_the_environment": FINE,
    "forks_in_a_loop": FINE,
    "removes_its_limits": FINE,
}
"""Each bad plugin, and the verdict that is right for it."""


def plugin(name: str, *arguments: str) -> tuple[str, ...]:
    return (str(PLUGINS / name), *arguments)


def shell(script: str) -> tuple[str, ...]:
    return ("/bin/sh", "-c", script)


def printing(output: str, ending: str = "") -> tuple[str, ...]:
    """Return a command that prints a text, then does what a line of Python says."""
    script = f"import os, sys; sys.stdout.write(sys.argv[1]); sys.stdout.flush(); {ending}"
    return (sys.executable, "-c", script, output)


async def observe(params: Params, at: tuple[str, ...] = ()) -> list[Observation]:
    return list(await run(context(at), params))


async def failure(params: Params) -> str:
    with pytest.raises(CheckFailed) as raised:
        await observe(params)
    return str(raised.value)

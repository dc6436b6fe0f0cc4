"""A change of a file is told once, also when it happened while the supervisor was not there."""

from __future__ import annotations

import json
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

from tests.e2e.command_line import run_supervisor
from tests.e2e.servers import SupervisorProcess, wait_for

CONFIG = """
service = "TEST"
[[modules]]
check = "file"
every = 0.2
[modules.params]
files = [
    {{ path = "{path}", sha256 = "changed", event_type = "{event_type}" }},
    {{ newest = "{path}.*", min_size_percent = 50, optional = true }},
]
"""


def configure(supervisor: SupervisorProcess, path: Path, event_type: str) -> None:
    text = CONFIG.format(path=path, event_type=event_type)
    supervisor.config.write_text(text, encoding="utf-8")


def status(supervisor: SupervisorProcess) -> dict[str, Any]:
    done = run_supervisor("status", "--json", *supervisor.options())
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def runs(supervisor: SupervisorProcess) -> int:
    return int(status(supervisor)["modules"][0]["runs"])


def wait_for_runs(supervisor: SupervisorProcess, count: int = 2) -> None:
    begin = runs(supervisor)
    wait_for(lambda: runs(supervisor) >= begin + count, 20, "it does not run")


def changes(supervisor: SupervisorProcess) -> int:
    """Return how many reports there are."""
    names = [alert["alertname"] for alert in status(supervisor)["alerts"]]
    return sum(name.startswith("File changed") for name in names)


def test_a_change_is_told_once_over_restarts_reloads_and_kills(
    supervisor: SupervisorProcess,
) -> None:
    path = supervisor.directory / "watched"
    path.write_text("one", encoding="utf-8")
    configure(supervisor, path, "I")
    supervisor.start()
    wait_for_runs(supervisor)
    assert changes(supervisor) == 0

    supervisor.stop()
    path.write_text("two", encoding="utf-8")
    supervisor.start()
    wait_for(lambda: changes(supervisor) == 1, 20, "not told", lambda: supervisor.log)
    supervisor.kill()
    supervisor.start()
    wait_for_runs(supervisor)
    assert changes(supervisor) == 1

    path.write_text("three", encoding="utf-8")
    wait_for(lambda: changes(supervisor) == 2, 20, "not told", lambda: supervisor.log)
    configure(supervisor, path, "W")
    os.kill(supervisor.pid, signal.SIGHUP)
    wait_for(partial(says, supervisor, "reloaded"), 20, "no reload", lambda: supervisor.log)
    wait_for_runs(supervisor)
    assert changes(supervisor) == 2
    path.write_text("four", encoding="utf-8")
    wait_for(lambda: changes(supervisor) == 3, 20, "not told", lambda: supervisor.log)
    supervisor.stop()


def says(supervisor: SupervisorProcess, text: str) -> bool:
    return text in supervisor.log

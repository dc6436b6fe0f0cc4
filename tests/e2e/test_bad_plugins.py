"""Bad plugins beside two good ones, under the real supervisor."""

from __future__ import annotations

import re
from itertools import pairwise

from supervisor.processes import descendants, procfs
from tests.e2e.servers import SupervisorProcess, wait_for
from tests.support.bad_plugins import BAD_PLUGINS, FAILED, FINE, PLUGINS, TIMEOUT

EVERY = 6
"""Seconds between two runs of a module."""

ROUNDS = 3
"""How often each module must run."""

GOOD = ("good-1", "good-2")
"""The modules that run the good plugin."""


def module(name: str, *argv: object) -> str:
    words = ", ".join(f'"{word}"' for word in argv)
    return f"""
[[modules]]
check = "command"
name = "{name}"
every = "{EVERY}s"
timeout = "4s"
[modules.params]
protocol = "nagios"
argv = [{words}]
"""


def verdicts(log: str) -> dict[str, set[str]]:
    """Return the verdicts on each module that the log shows."""
    found: dict[str, set[str]] = {name: set() for name in BAD_PLUGINS}
    names = {"ok": FINE, "timeout": TIMEOUT, "failed": FAILED, "conditions": "W"}
    for name, result in re.findall(r" (\S+): (ok|timeout|failed|conditions) in ", log):
        if name in found:
            found[name].add(names[result])
    return found


def test_bad_plugins_get_their_verdict_and_leave_nothing_behind(
    supervisor: SupervisorProcess,
) -> None:
    descendants.become_subreaper()  # what the supervisor left running would become ours
    before = procfs.children(every_thread=True)
    directory = supervisor.directory
    modules = [module(name, PLUGINS / "good", directory, directory / name) for name in GOOD]
    modules += [module(name, PLUGINS / name) for name in BAD_PLUGINS]
    supervisor.config.write_text('service = "PLUGINS"\n' + "".join(modules), encoding="utf-8")

    supervisor.start("--verbose")
    wait_for(
        lambda: all(supervisor.log.count(f"{name}: ") >= ROUNDS for name in (*GOOD, *BAD_PLUGINS)),
        60,
        "not every plugin ran",
        lambda: supervisor.log,
    )
    code = supervisor.stop()

    assert code == 0
    assert verdicts(supervisor.log) == {name: {verdict} for name, verdict in BAD_PLUGINS.items()}
    assert set(procfs.children(every_thread=True)) <= set(before)
    for name in GOOD:
        assert f"{name}: conditions" not in supervisor.log
        assert f"{name}: failed" not in supervisor.log
        starts = [float(line) for line in (directory / name).read_text("utf-8").split()]
        # The first run comes before the timetable. After it no run may be missed.
        assert all(later - earlier < 2 * EVERY for earlier, later in pairwise(starts[1:]))
    assert not list(directory.glob("result.*"))

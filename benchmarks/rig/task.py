"""What every rival must check, and what it must notify. `contest` makes the task."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

EVERY = 10
"""Seconds between two runs of a check."""

TIMEOUT = 5
"""Seconds of a run, at most."""

Commands = Sequence[Sequence[str]]
"""Command lines of programs that run at the same time."""

ROOT = Path(__file__).parent.parent.parent
"""The directory of the project."""

PLUGIN = "/usr/lib/nagios/plugins/check_tcp"
"""The plugin that looks at a port."""

PLUGINS = ROOT / "tests" / "plugins"
"""Good and bad plugins of the tests."""

BAD = (
    "hangs",
    "ignores_sigterm",
    "lets_a_child_hold_stdout",
    "leaves_a_session",
    "daemonises",
    "forks_fifty_children",
    "wipes_the_environment",
)
"""Plugins that misbehave."""


@frozen
class Probe:
    """One thing to check."""

    name: str
    argv: tuple[str, ...]
    """The command line of a plugin."""
    port: int = 0
    """A port to connect to, for rivals without plugins; 0 if there is none."""


@frozen
class Checks:
    """A set of checks."""

    kind: str
    """tcp, command or bad."""
    count: int

    @classmethod
    def parse(cls, text: str) -> Checks:
        """Return the checks that a text such as `tcp:20` names; raises `ValueError`."""
        kind, _, count = text.partition(":")
        if kind not in ("tcp", "command", "bad") or not count.isdecimal() or int(count) < 1:
            raise ValueError(f"{text!r} names no checks; write tcp:20, command:20 or bad:7")
        return cls(kind, min(int(count), len(BAD)) if kind == "bad" else int(count))

    @property
    def by_plugin(self) -> bool:
        return self.kind != "tcp"

    @property
    def title(self) -> str:
        return {
            "tcp": f"{self.count} TCP checks every {EVERY} s",
            "command": f"{self.count} runs of check_tcp every {EVERY} s",
            "bad": f"{self.count} plugins that misbehave, every {EVERY} s",
        }[self.kind]

    def probes(self, ports: Sequence[int]) -> list[Probe]:
        """Return the probes; `ports` are those with listeners."""
        if self.kind == "bad":
            return [Probe(f"p{name}", (str(PLUGINS / name),)) for name in BAD[: self.count]]
        return [
            Probe(f"p{port}", (PLUGIN, "-H", "127.0.0.1", "-p", str(port)), port) for port in ports
        ]


@frozen
class Task:
    """What a rival must check, and what it must notify."""

    directory: Path
    """For the rival only."""
    probes: Sequence[Probe]
    by_plugin: bool
    """Whether it must run the probes' plugins."""
    program: Path
    """Notifies; its argument is a probe's name."""
    alertmanager: str
    """A URL."""
    legacy: Path | None = None
    """The directory of the legacy agent, if there is one."""


def write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")

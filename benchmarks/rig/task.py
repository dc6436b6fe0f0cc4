"""What every rival is to check, and whom to tell; `contest` makes it, `rivals` set up for it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

EVERY = 10
TIMEOUT = 5
Commands = Sequence[Sequence[str]]
ROOT = Path(__file__).parent.parent.parent
PLUGIN = "/usr/lib/nagios/plugins/check_tcp"
PLUGINS = ROOT / "tests" / "plugins"
BAD = (
    "hangs",
    "ignores_sigterm",
    "lets_a_child_hold_stdout",
    "leaves_a_session",
    "daemonises",
    "forks_fifty_children",
    "wipes_the_environment",
)


@frozen
class Probe:
    """One thing to check, by a plugin; a port may also be looked at without one."""

    name: str
    argv: tuple[str, ...]
    port: int = 0


@frozen
class Checks:
    """What everyone is to do: `kind` is tcp, command or bad."""

    kind: str
    count: int

    @classmethod
    def parse(cls, text: str) -> Checks:
        """Return what a text such as `tcp:20` says; raises `ValueError`."""
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
        """Return what is to be checked, for the ports that are listened to."""
        if self.kind == "bad":
            return [Probe(f"p{name}", (str(PLUGINS / name),)) for name in BAD[: self.count]]
        return [
            Probe(f"p{port}", (PLUGIN, "-H", "127.0.0.1", "-p", str(port)), port) for port in ports
        ]


@frozen
class Task:
    """What is to be checked, and who is to be told.

    `directory` is for the rival alone; `program` notifies of the name that is its argument;
    `alertmanager` is a URL; `legacy` the directory of the legacy agent, if there is one.
    """

    directory: Path
    probes: Sequence[Probe]
    by_plugin: bool
    program: Path
    alertmanager: str
    legacy: Path | None = None


def write(path: Path, lines: Sequence[str]) -> None:
    path.write_text("\n".join([*lines, ""]), encoding="utf-8")

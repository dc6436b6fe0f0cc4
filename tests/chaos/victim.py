"""The supervisor of the chaos runs: started as a real process, and killed while it writes."""

from __future__ import annotations

import signal
import struct
import subprocess
import sys
import time
from pathlib import Path
from random import Random

from attrs import define, field

from tests.chaos.service import SERVICE
from tests.chaos.truth import Life, read_life

ROOT = Path(__file__).parent.parent.parent
KILLER = Path(__file__).with_name("kill_in_commit.py")
WATCH = 1.5
"""Seconds in which a commit must come, or the kill does not wait for one."""


@define
class Victim:
    """One supervisor after another, all with the same ledger. Its methods may block."""

    directory: Path
    random: Random
    lives: list[Life] = field(factory=list)
    strange: list[str] = field(factory=list)
    torn: int = 0
    process: subprocess.Popen[bytes] | None = None

    @property
    def ledger(self) -> Path:
        return self.directory / "state" / "ledger"

    @property
    def _log(self) -> Path:
        return self.directory / f"life-{len(self.lives)}.log"

    def start(self) -> None:
        """Start the process; whether it becomes ready is its own affair."""
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [
                    *(sys.executable, "-m", "supervisor", "run", "--verbose"),
                    *("--log-format", "json", "--service", SERVICE),
                    *("--config-dir", str(self.directory)),
                    *("--state-dir", str(self.directory / "state")),
                ],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self, *, in_commit: bool) -> None:
        """End it as a power cut would, if wanted a moment after it has begun to write."""
        assert self.process is not None
        if in_commit and self.process.poll() is None:
            # Some kills while it writes, some while it syncs, some just after.
            delay = self.random.choice((0.0, 0.0, 0.0, 0.0002, 0.001, 0.003))
            program = [sys.executable, "-I", "-S", str(KILLER)]
            arguments = [self.process.pid, f"{self.ledger}-wal", WATCH, delay]
            subprocess.run([*program, *map(str, arguments)], check=True)
        else:
            self.process.kill()
        self._end(signal.SIGKILL)
        self.torn += has_torn_tail(Path(f"{self.ledger}-wal"))

    def stop(self) -> None:
        """End it as systemd would."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        assert self.process is not None
        if how is signal.SIGTERM:
            self.process.terminate()
        try:
            code = self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            code = self.process.wait()
        if code != (0 if how is signal.SIGTERM else -signal.SIGKILL):
            tail = self._log.read_text(encoding="utf-8", errors="replace")[-2000:]
            self.strange.append(f"it ended with {code}: {tail}")
        life, strange = read_life(self.process.pid, self._log, time.time())
        self.strange += strange
        self.lives.append(life)
        self.process = None


def has_torn_tail(wal: Path) -> bool:
    """Return whether a WAL ends in the midst of a transaction: frames without a commit.

    The format is described in "WAL File Format" of SQLite's documentation.
    """
    data = wal.read_bytes() if wal.exists() else b""
    if len(data) < 32:
        return bool(data)
    page = struct.unpack_from(">I", data, 8)[0]
    salts = data[16:24]
    position, open_ended = 32, False
    while position + 24 <= len(data) and data[position + 8 : position + 16] == salts:
        (size_after_commit,) = struct.unpack_from(">I", data, position + 4)
        whole = position + 24 + page <= len(data)
        open_ended = not whole or size_after_commit == 0
        position += 24 + page
    return open_ended

"""A job that does what it is told, and the two ways to run it: alone, and in the wrapper."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from attrs import frozen

ROOT = Path(__file__).parent.parent.parent

SCRIPT = """
import json, os, signal, sys
read = b""
for what, value in json.loads(sys.argv[1]):
    if what == "out" or what == "err":
        left = bytes.fromhex(value) * (2000 if len(value) == 1024 else 1)
        while left:
            left = left[os.write(1 if what == "out" else 2, left):]
    elif what == "echo":
        while chunk := os.read(0, 65536):
            os.write(1, chunk)
    elif what == "close":
        os.close(value)
    elif what == "signal":
        os.kill(os.getpid(), value)
    elif what == "open":
        os.write(1, repr([n for n in range(20) if os.path.exists(f"/proc/self/fd/{n}")]).encode())
    elif what == "exit":
        os._exit(value)
"""
"""Does one thing after another; its argument is JSON."""


@frozen
class Ended:
    """How a run has ended, and what it wrote."""

    status: int
    out: bytes
    err: bytes


def actor(actions: Sequence[tuple[str, object]]) -> list[str]:
    """Return the command that does these things."""
    return [sys.executable, "-I", "-S", "-c", SCRIPT, json.dumps(list(actions))]


def wrapped(command: Sequence[str], spool: Path, *options: str) -> list[str]:
    """Return the command that runs a command in the wrapper."""
    program = [sys.executable, "-m", "supervisor", "job", "archive", "--service", "X"]
    return [*program, "--spool", str(spool), *options, "--", *command]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT)}


def run(command: Sequence[str], stdin: bytes | None = b"", *, closed: Sequence[int] = ()) -> Ended:
    """Run a command to its end. `stdin` None: it is closed, as `closed` are."""
    numbers = [*closed, *([0] if stdin is None else [])]

    def close() -> None:
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        for number in numbers:
            os.close(number)

    process = subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment(),
        preexec_fn=close,
    )
    out, err = process.communicate(stdin or b"", timeout=60)
    return Ended(process.returncode, out, err)


def reports(spool: Path) -> list[dict[str, object]]:
    """Return the reports in a spool, in the order of their times."""
    found = [json.loads(path.read_text()) for path in spool.glob("*.json")]
    return sorted(found, key=lambda report: report["at"])

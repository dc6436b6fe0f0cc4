"""Python code in a process of its own, from the line by which it says that it is ready."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def python_child(code: str, *arguments: str, ready: str) -> Iterator[subprocess.Popen[str]]:
    """Run the code; yield when it prints the line `ready`; kill it at the end."""
    with subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"{ready}\n"
            yield process
        finally:
            process.kill()

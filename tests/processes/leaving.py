"""Commands that leave something behind, and that nothing of it is left after a test."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from supervisor.processes import procfs

PLUGINS = Path(__file__).parent.parent / "plugins"


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    subprocess.run(["/bin/true"], check=True)  # opens what subprocess and trio keep open
    children, descriptors = procfs.children(every_thread=True), os.listdir("/proc/self/fd")
    yield

    assert children == procfs.children(every_thread=True)
    assert len(descriptors) == len(os.listdir("/proc/self/fd"))


def shell(script: str) -> list[str]:
    return ["/bin/sh", "-c", script]

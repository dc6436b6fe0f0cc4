"""RAID arrays of loop devices, for the tests of `raid`. They need root, mdadm and md."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from attrs import define

MEMBER_BYTES = 20 << 20
"""The size of a member. Smaller ones do not hold the metadata."""

ARRAY = "md77"
"""An array that this host does not have otherwise."""


def obstacle() -> str:
    """Return why no array can be made here. Empty: it can."""
    if os.geteuid() != 0:
        return "arrays need root"
    if not Path("/proc/mdstat").exists():
        return "this kernel has no md; the recorded trees are tested"
    return "" if shutil.which("mdadm") else "mdadm is not installed"


needs_md = pytest.mark.skipif(bool(obstacle()), reason=obstacle())


@define
class Arrays:
    """Loop devices, and an array of the first of them."""

    loops: tuple[str, ...]

    @property
    def sysfs(self) -> Path:
        """The files of the array."""
        return Path(f"/sys/block/{ARRAY}/md")

    def create(self, level: int, members: int) -> None:
        """Make the array of the first members, whole from the start."""
        self.mdadm(
            *("--create", f"/dev/{ARRAY}", "--run", "--assume-clean", "--metadata=1.2"),
            *(f"--level={level}", f"--raid-devices={members}", *self.loops[:members]),
        )

    def mdadm(self, *arguments: str) -> None:
        subprocess.run(["mdadm", "--quiet", *arguments], check=True, capture_output=True)

    def manage(self, action: str, number: int) -> None:
        """Fail, remove or add a member."""
        self.mdadm(f"/dev/{ARRAY}", action, self.loops[number])

    def name(self, number: int) -> str:
        """Return the name of a member, such as `loop0`."""
        return Path(self.loops[number]).name


@contextlib.contextmanager
def arrays(directory: Path, loops: int = 4) -> Iterator[Arrays]:
    """Make loop devices. The array and they are removed at the end."""
    found: list[str] = []
    try:
        for number in range(loops):
            image = directory / f"disk{number}"
            with image.open("wb") as file:
                file.truncate(MEMBER_BYTES)
            losetup = ["losetup", "--find", "--show", str(image)]
            done = subprocess.run(losetup, check=True, capture_output=True, text=True)
            found.append(done.stdout.strip())
        yield Arrays(tuple(found))
    finally:
        subprocess.run(["mdadm", "--quiet", "--stop", f"/dev/{ARRAY}"], check=False)
        for loop in found:
            subprocess.run(["losetup", "--detach", loop], check=True)

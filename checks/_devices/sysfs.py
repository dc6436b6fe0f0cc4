"""The files of sysfs, in which the kernel shows its devices. Used by `interfaces` and `md_arrays`.

To read one may block while the kernel changes the device, so call it in a thread.
"""

from __future__ import annotations

import errno
import os
from pathlib import Path

MAX_FILE_BYTES = 4096
"""The most bytes of a file: sysfs has one page for each."""

GONE = (errno.ENOENT, errno.ENODEV, errno.ENXIO, errno.ENOTDIR)
"""What the kernel answers when a device has been removed while it was read."""


def text(path: Path) -> str:
    """Return what a file says. Raises `OSError`."""
    with path.open("rb", buffering=0) as file:
        return os.fsdecode((file.read(MAX_FILE_BYTES) or b"").strip())


def value(path: Path) -> str:
    """Return what a file says. Empty: nothing, as `speed` of an interface that is set down."""
    try:
        return text(path)
    except OSError:
        return ""


def number(path: Path, base: int = 10) -> int | None:
    """Return the number with which a file begins. None: there is none."""
    try:
        return int(value(path).partition(" ")[0], base)
    except ValueError:
        return None

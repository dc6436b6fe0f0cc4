"""A mount namespace for this process, so that tests that run beside it do not see its mounts."""

from __future__ import annotations

import ctypes

CLONE_NEWNS = 0x20000
MS_REC, MS_PRIVATE = 0x4000, 0x40000


def have_mounts_of_our_own() -> None:
    """Leave the mount namespace of the machine, if this process may. Children follow."""
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNS) == 0:
        libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)

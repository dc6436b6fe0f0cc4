"""What the kernel says of its clock: adjtimex(2), read only, without privileges."""

from __future__ import annotations

import ctypes
import os

from attrs import frozen

NOT_SYNCHRONISED = 0x0040
"""STA_UNSYNC in <linux/timex.h>: no NTP client has vouched for the clock for a while."""


class _Timex(ctypes.Structure):
    """`struct timex`."""

    _fields_ = (
        ("modes", ctypes.c_uint),
        ("offset", ctypes.c_long),
        ("freq", ctypes.c_long),
        ("maxerror", ctypes.c_long),
        ("esterror", ctypes.c_long),
        ("status", ctypes.c_int),
        ("constant", ctypes.c_long),
        ("precision", ctypes.c_long),
        ("tolerance", ctypes.c_long),
        ("seconds", ctypes.c_long),
        ("fraction", ctypes.c_long),
        ("tick", ctypes.c_long),
        ("others", ctypes.c_byte * 256),  # more than there are, and than are to come
    )


@frozen
class KernelClock:
    """Whether the clock is synchronised; at most so many seconds is it off, by the kernel."""

    synchronised: bool
    max_error: float
    seconds: int
    tick: int


def read() -> KernelClock:
    """Ask the kernel; raises `OSError` when it does not let us."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex(modes=0)
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return KernelClock(
        not timex.status & NOT_SYNCHRONISED, timex.maxerror / 1e6, timex.seconds, timex.tick
    )

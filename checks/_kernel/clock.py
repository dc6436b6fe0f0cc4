"""The state of the kernel's clock, by adjtimex(2): it is read only, and needs no privileges."""

from __future__ import annotations

import ctypes
import os

from attrs import frozen

MAX_ERROR_LIMIT = 16.0
"""Seconds, NTP_PHASE_LIMIT in <linux/timex.h>. The maximum error grows to it when it is not reset.

systemd goes by it, too. STA_UNSYNC says less: chrony without `rtcsync` leaves it set.
"""


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
        ("others", ctypes.c_byte * 256),  # as large as any future kernel may want
    )


@frozen
class KernelClock:
    """The state of the kernel's clock."""

    max_error: float
    """By how many seconds the clock is off at most, as NTP clients have told the kernel."""

    seconds: int
    """The Unix time."""

    tick: int
    """Microseconds between two ticks."""

    @property
    def synchronised(self) -> bool:
        """Whether something keeps the clock right."""
        return self.max_error < MAX_ERROR_LIMIT


def read() -> KernelClock:
    """Ask the kernel; raises `OSError` when it refuses."""
    libc = ctypes.CDLL(None, use_errno=True)
    timex = _Timex(modes=0)
    if libc.adjtimex(ctypes.byref(timex)) < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return KernelClock(timex.maxerror / 1e6, timex.seconds, timex.tick)

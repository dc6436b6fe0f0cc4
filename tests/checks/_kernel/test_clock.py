"""The state of the kernel's clock, from the real kernel and from a fake library."""

from __future__ import annotations

import ctypes
import time
from typing import Any

import pytest

from checks._kernel import clock


def test_the_kernel_is_asked_in_its_own_layout() -> None:
    before = time.time()
    found = clock.read()

    assert int(before) <= found.seconds <= time.time()
    assert 9000 <= found.tick <= 11000
    assert found.max_error >= 0


@pytest.mark.parametrize("status", [0x0000, 0x0001, 0x0040, 0x0041, 0x2001])
@pytest.mark.parametrize(
    ("max_error", "synchronised"),
    [(9_776, True), (15_999_999, True), (16_000_000, False), (20_000_000, False)],
)
def test_the_maximum_error_says_whether_it_is_synchronised(
    monkeypatch: pytest.MonkeyPatch, status: int, max_error: int, synchronised: bool
) -> None:
    class FakeLibrary:
        def adjtimex(self, timex: Any) -> int:
            timex._obj.status = status  # chrony without rtcsync leaves 0x0040 set
            timex._obj.maxerror = max_error
            return 5 if status & 0x0040 else 0

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: FakeLibrary())
    found = clock.read()

    assert (found.synchronised, found.max_error) == (synchronised, max_error / 1e6)

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


@pytest.mark.parametrize(
    ("status", "synchronised"), [(0x0040, False), (0x0041, False), (0x0001, True), (0x2001, True)]
)
def test_one_bit_of_the_status_says_that_it_is_not_synchronised(
    monkeypatch: pytest.MonkeyPatch, status: int, synchronised: bool
) -> None:
    class FakeLibrary:
        def adjtimex(self, timex: Any) -> int:
            timex._obj.status = status
            timex._obj.maxerror = 2_500_000
            return 0 if synchronised else 5

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: FakeLibrary())
    found = clock.read()

    assert (found.synchronised, found.max_error) == (synchronised, 2.5)

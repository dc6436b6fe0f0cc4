"""How long a call takes. `families`, Benchmarks of single calls use it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def milliseconds(call: Callable[[], object], times: int) -> float:
    """Return the median of `times` calls, after one that is not counted."""
    return statistics.median(each(call, times))


def each(call: Callable[[], object], times: int) -> list[float]:
    """Return the milliseconds of each of `times` calls, after one that is not counted."""
    call()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return taken

"""How long a call takes. `families`, `process_scan` and `sessions` use it."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable


def milliseconds(call: Callable[[], object], times: int) -> float:
    """Return the median of `times` calls, after one that is not counted."""
    call()
    taken = []
    for _ in range(times):
        begun = time.perf_counter()
        call()
        taken.append(1000 * (time.perf_counter() - begun))
    return statistics.median(taken)

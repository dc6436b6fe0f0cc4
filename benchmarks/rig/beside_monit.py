"""Measure the supervisor and then Monit, in one run. `footprint` and `bad_plugins` use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from typing import TypeVar

SampleT = TypeVar("SampleT")


def beside_monit(
    ours: Callable[[], SampleT],
    monit: Callable[[], SampleT],
    figures: Mapping[str, Callable[[SampleT], float]],
) -> None:
    """Measure and print both, and the ratio of each figure; skip Monit if it is not installed."""
    sample = ours()
    print(f"{'supervisor':<12} {sample}")
    if shutil.which("monit") is None:
        return
    peer = monit()
    print(f"{'monit':<12} {peer}")
    ratios = (f"{name} {read(sample) / read(peer):.2f}" for name, read in figures.items())
    print(f"ratio to monit: {', '.join(ratios)}")

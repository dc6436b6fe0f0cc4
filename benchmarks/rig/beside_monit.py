"""Measure the supervisor and then Monit, in one run. `footprint` and `bad_plugins` use it."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from typing import TypeVar

SampleT = TypeVar("SampleT")


def beside_monit(
    ours: Callable[[], SampleT],
    monit: Callable[[], SampleT],
    figures: Sequence[str],
) -> None:
    """Measure and print both, and the ratios of these fields; skip Monit if it is not installed."""
    sample = ours()
    print(f"{'supervisor':<12} {sample}")
    if shutil.which("monit") is None:
        return
    peer = monit()
    print(f"{'monit':<12} {peer}")
    ratios = (f"{name} {getattr(sample, name) / getattr(peer, name):.2f}" for name in figures)
    print(f"ratio to monit: {', '.join(ratios)}")

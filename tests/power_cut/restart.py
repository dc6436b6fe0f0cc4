"""Starts a real supervisor on what a cut has left, and cuts the power again while it goes on."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import trio
from attrs import evolve

from tests.power_cut.disk import Disk, write_image
from tests.power_cut.judge import from_ledger
from tests.power_cut.recording import Recording
from tests.power_cut.replay import Cut, Outcome, cuts, replay
from tests.power_cut.start import read
from tests.power_cut.supervised import STATE, Supervised, compiled_shim, require_same

SECOND_LIFE = 0.5
"""Seconds for which a supervisor lives after a cut."""


def restart(
    recording: Recording, some: Iterator[Cut], directory: Path, *, number: int, random: Random
) -> Outcome:
    """Start a process after each cut, and cut the power `number` times while it lives."""
    whole = Outcome()
    for index, cut in enumerate(some):
        place = directory / f"restart-{index}"
        place.mkdir()
        whole.add(_restart(recording, cut, place, number=number, random=random))
    return whole


def _restart(
    recording: Recording, cut: Cut, directory: Path, *, number: int, random: Random
) -> Outcome:
    disk, known = directory / "disk", directory / "known"
    for place in (disk, known):
        place.mkdir()
        write_image(cut.image, place)
    # What the ledger holds is now known, too: the next run of each module goes on from there.
    seen = cut.seen.copy()
    if (known / STATE).exists():
        seen.finished = from_ledger(read(known / STATE)).finished
    before = Disk.of(disk)
    process = Supervised(
        config=recording.config,
        disk=disk,
        shim=compiled_shim(directory),
        files=directory / "life",
    )
    trio.run(process.live, SECOND_LIFE)
    operations = process.operations()
    require_same(before, operations, disk)
    again = evolve(recording, before=before, operations=operations, ended=time.time())
    return replay(again, cuts(before, operations, seen, number, random), directory)

"""Cuts the power at random operations of a recording, and starts on what the disk may hold."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from attrs import define, field, frozen

from supervisor.errors import SupervisorError
from supervisor.ledger.changes import Changes
from tests.power_cut.disk import Disk, Image, write_image
from tests.power_cut.judge import Judge
from tests.power_cut.recording import Recording
from tests.power_cut.seen import Seen
from tests.power_cut.start import NotWhole, read, start
from tests.power_cut.supervised import STATE
from tests.power_cut.trace import Operation, Printed

KEPT = (0.0, 0.05, 0.5, 0.5, 0.95, 1.0)
"""Parts of what was not synced that a disk may hold. Torn writes are the most dangerous."""

MEMORY = Path("/dev/shm")
"""A file system in memory."""

MAX_INDEX = 65536
"""Bytes of nonsense in place of the WAL's index, whose content nothing records."""


@frozen
class Cut:
    """A state of the disk after a cut, and what the outside had seen by then."""

    number: int
    """How many operations came before it."""

    at: float
    """When it was, in nanoseconds of Unix time."""

    kept: float
    """The part of what was not synced that is there."""

    image: Image
    """What is on the disk."""

    seen: Seen
    """What was told."""


@frozen
class Fault:
    """Something that is wrong after one cut."""

    cut: int
    """How many operations came before the cut."""

    kept: float
    """The part of what was not synced that was there."""

    what: str
    """What is wrong."""

    def __str__(self) -> str:
        return f"cut after operation {self.cut}, {self.kept:.0%} of the unsynced kept: {self.what}"


@define
class Outcome:
    """What came of many cuts."""

    cuts: int = 0
    """Starts after a cut."""

    bytes: int = 0
    """Bytes on all disks after their cuts."""

    faults: list[Fault] = field(factory=list)
    """All that was lost or invented."""

    def add(self, other: Outcome) -> None:
        """Count another outcome in."""
        self.cuts += other.cuts
        self.bytes += other.bytes
        self.faults += other.faults


def cuts(
    before: Disk, operations: Sequence[Operation], seen: Seen, number: int, random: Random
) -> Iterator[Cut]:
    """Yield the disk after cuts at random operations.

    `before` is the disk at the beginning, and `seen` what had been told by then.
    """
    disk, seen = deepcopy(before), seen.copy()
    chosen = Counter(random.randrange(len(operations)) + 1 for _ in range(number))
    for done, operation in enumerate(operations, 1):
        disk.apply(operation)
        if isinstance(operation, Printed):
            seen.hear(operation.data)
        for _ in range(chosen[done]):
            kept = random.choice(KEPT)
            image = with_nonsense_index(disk.after_cut(random, kept), random)
            yield Cut(done, operation.at, kept, image, seen.copy())


def with_nonsense_index(image: Image, random: Random) -> Image:
    """Fill the WAL's index with nonsense: it is mapped, so any of it may be on the disk."""
    return {
        path: random.randbytes(random.randrange(MAX_INDEX)) if path.endswith("-shm") else content
        for path, content in image.items()
    }


def replay(recording: Recording, some: Iterable[Cut], directory: Path) -> Outcome:
    """Start again after each cut, and judge what is found."""
    outcome = Outcome()
    judge = Judge(recording)
    for cut in some:
        outcome.cuts += 1
        outcome.bytes += sum(len(content or b"") for content in cut.image.values())
        place = directory / "cut"
        place.mkdir()
        write_image(cut.image, place)
        for what in _faults(judge, cut, place / STATE):
            outcome.faults.append(Fault(cut.number, cut.kept, what))
        shutil.rmtree(place)
    return outcome


def _faults(judge: Judge, cut: Cut, state: Path) -> Iterator[str]:
    """Start twice: the first start writes, and the second one reads that."""
    try:
        found: Changes = start(state, judge.recording.service, judge.recording.ended)
        yield from judge.faults(found, cut.seen, cut.at)
        yield from judge.faults(read(state), cut.seen, cut.at)
    except (NotWhole, SupervisorError) as error:
        yield f"{type(error).__name__}: {error}"


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a directory in memory, if there is one: a start syncs, and disks are slow."""
    with TemporaryDirectory(prefix="power-cut-", dir=MEMORY if MEMORY.is_dir() else None) as name:
        yield Path(name)

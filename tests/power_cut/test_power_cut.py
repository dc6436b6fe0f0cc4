"""The power is cut at any moment, and nothing that was told is lost.

`scripts/bench power_cut` is the long run.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from random import Random

import pytest

from supervisor.ledger.database import open_ledger
from tests.ledger.test_migrations import FORMAT_1, future
from tests.power_cut.disk import Disk, write_image
from tests.power_cut.recording import Recorder, Recording
from tests.power_cut.replay import Outcome, cuts, replay, scratch
from tests.power_cut.restart import restart
from tests.power_cut.seen import Seen
from tests.power_cut.start import read
from tests.power_cut.supervised import ROOT, compiled_shim, recorded, require_same
from tests.power_cut.trace import Opened, Operation, Printed, Synced, Written, read_trace

MIGRATE = """
import sys, pathlib, pytest
from supervisor.ledger.database import open_ledger
from tests.ledger.test_migrations import future
future(pytest.MonkeyPatch())
open_ledger(pathlib.Path(sys.argv[1]), 0.0).ledger.close()
"""
"""Opens a ledger as a later version does, whose format is newer."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Recording:
    """Two lives of a supervisor. The first one makes the state directory."""
    recorder = Recorder(tmp_path_factory.mktemp("recording"))
    return recorder.record([4.0, 1.0], until_checkpoint=True)


@pytest.fixture
def place() -> Iterator[Path]:
    """Where the disks are rebuilt."""
    with scratch() as directory:
        yield directory


def after_cuts(
    recording: Recording, operations: Sequence[Operation], number: int, place: Path
) -> Outcome:
    some = cuts(recording.before, operations, Seen(), number, Random(1))
    return replay(recording, some, place)


def told(outcome: Outcome) -> list[str]:
    return [str(fault) for fault in outcome.faults]


def test_nothing_that_was_told_is_lost_when_the_power_is_cut(
    recording: Recording, place: Path
) -> None:
    outcome = after_cuts(recording, recording.operations, 150, place)

    assert [] == told(outcome)
    assert 150 == outcome.cuts


def test_the_recording_has_what_the_cuts_must_meet(recording: Recording) -> None:
    heard = Seen()
    files: dict[int, str] = {}
    copied: list[int] = []  # how many runs were finished when the database was written
    for operation in recording.operations:
        match operation:
            case Printed(data=data):
                heard.hear(data)
            case Opened(path=path, inode=inode):
                files[inode] = Path(path).name
            case Written(inode=inode) if files[inode] == "ledger":
                copied.append(heard.finished.total())

    assert [] == heard.strange
    assert 0 == min(copied), "the ledger was made"
    assert any(0 < count < heard.finished.total() for count in copied), "a checkpoint"
    assert sum(events.total() for events in heard.events.values()) > 10
    assert all(recording.taken.values()), "each peer has accepted something"


def test_a_cut_during_the_first_start_leaves_a_ledger_that_opens(
    recording: Recording, place: Path
) -> None:
    ready = next(
        number for number, done in enumerate(recording.operations) if isinstance(done, Printed)
    )
    outcome = after_cuts(recording, recording.operations[:ready], 60, place)

    assert [] == told(outcome)


def test_a_process_goes_on_after_a_cut_and_after_a_second_one(
    recording: Recording, place: Path
) -> None:
    random = Random(2)
    some = cuts(recording.before, recording.operations, Seen(), 2, random)
    outcome = restart(recording, some, place, number=15, random=random)

    assert [] == told(outcome)
    assert 30 == outcome.cuts


def test_a_cut_during_a_migration_leaves_the_old_or_the_new_format(
    tmp_path: Path, place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    ledger = disk / "ledger"
    ledger.write_bytes(FORMAT_1.read_bytes())
    old = read(disk)
    before = Disk.of(disk)
    trace = tmp_path / "trace"
    environment = recorded(disk, compiled_shim(tmp_path), trace)
    program = [sys.executable, "-c", MIGRATE, str(ledger)]
    subprocess.run(program, cwd=ROOT, env=environment, check=True)
    operations = list(read_trace(trace))
    require_same(before, operations, disk)
    future(monkeypatch)
    for number, cut in enumerate(cuts(before, operations, Seen(), 60, Random(1))):
        state = place / str(number)
        state.mkdir()
        write_image(cut.image, state)
        opened = open_ledger(state / "ledger", 0.0)
        opened.ledger.close()

        assert opened.aside is None
        assert old.alerts == opened.contents.alerts
        assert old.history == opened.contents.history
        assert {"evicted": 6} == opened.contents.lost, "each step was taken once"


def test_the_cuts_show_a_disk_that_ignores_syncs(recording: Recording, place: Path) -> None:
    unsynced = [done for done in recording.operations if not isinstance(done, Synced)]
    outcome = after_cuts(recording, unsynced, 20, place)

    assert any(": lost: run" in fault for fault in told(outcome))


@pytest.mark.parametrize("mutant", ["unsynced", "premature"])
def test_the_cuts_show_a_supervisor_that(mutant: str, tmp_path: Path, place: Path) -> None:
    recorder = Recorder(tmp_path, program=("tests.power_cut.mutants", mutant))
    recording = recorder.record([1.5])
    outcome = after_cuts(recording, recording.operations, 60, place)

    assert any(": lost: " in fault for fault in told(outcome))

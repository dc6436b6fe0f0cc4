"""The ledger on a full or read-only disk: nothing is damaged, and what it holds is known."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from attrs import evolve

from supervisor.alerts.alert import Alert
from supervisor.alerts.payload import Payload
from supervisor.errors import LedgerCorrupt, LedgerError, LedgerUnwritable
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger, open_ledger
from tests.ledger.filled import ALERT, NOW, empty_outbox, fill, many, reread
from tests.support import mounts

pytestmark = mounts.needs_root

KILLED = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent.parent.parent)!r})
from attrs import evolve
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from tests.ledger.filled import ALERT, many
ledger = Ledger(Path(sys.argv[1]))
ledger.commit(many())
ledger.commit(Changes({{"late": evolve(ALERT, fingerprint="late")}}))
os.kill(os.getpid(), signal.SIGKILL)
"""

OPENED = f"""
import sys
from pathlib import Path
sys.path.insert(0, {str(Path(__file__).parent.parent.parent)!r})
from supervisor.ledger.database import open_ledger
from tests.ledger.filled import NOW
print(len(open_ledger(Path(sys.argv[1]), NOW).contents.alerts))
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 256 KiB."""
    with mounts.tmpfs(tmp_path / "disk", "size=256k") as place:
        yield place


def fill_up(disk: Path) -> Path:
    """Write until nothing more fits, and return the file that takes all the room."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (4096, 512, 1):
            with suppress(OSError):
                while True:
                    file.write(b"x" * size)
    return ballast


def leave_ledger(path: Path, how: str) -> int:
    """Write a ledger as a process leaves it that was stopped or killed; return its alerts."""
    if how == "killed":
        subprocess.run([sys.executable, "-c", KILLED, path], check=False)
        return 31
    if how == "stopped":
        fill(path, many())
        return 30
    return 0


def opened(path: Path) -> tuple[Ledger, Changes]:
    found = open_ledger(path, NOW)
    assert found.aside is None
    return found.ledger, found.contents


def test_a_full_disk_is_an_error_for_a_time(small_disk: Path) -> None:
    ledger = Ledger(small_disk / "ledger")
    ledger.commit(Changes({"f1": ALERT}))
    large: dict[str, Alert | None] = {
        name: evolve(ALERT, fingerprint=name, payload=Payload(b"x" * 200_000))
        for name in ("f2", "f3")
    }
    with pytest.raises(LedgerError) as raised:
        ledger.commit(Changes(large))
    assert not isinstance(raised.value, LedgerCorrupt)

    ledger.commit(Changes({"f4": evolve(ALERT, fingerprint="f4")}))
    ledger.close()
    assert set(reread(small_disk / "ledger").alerts) == {"f1", "f4"}


@pytest.mark.parametrize("how", ["never", "stopped", "killed"])
def test_a_full_disk_is_started_on_with_all_that_it_holds(small_disk: Path, how: str) -> None:
    path = small_disk / "ledger"
    kept = leave_ledger(path, how)
    ballast = fill_up(small_disk)
    ledger, found = opened(path)
    for _ in range(2):
        with pytest.raises(LedgerUnwritable, match=r"KiB left|full"):
            ledger.commit(Changes({"new": evolve(ALERT, fingerprint="new")}))
    ballast.unlink()
    ledger.commit(Changes({"new": evolve(ALERT, fingerprint="new")}))
    ledger.close()

    assert kept == len(found.alerts)
    assert {*found.alerts, "new"} == set(reread(path).alerts)


@pytest.mark.parametrize("how", ["stopped", "killed"])
def test_a_read_only_disk_is_started_on_with_all_that_it_holds(small_disk: Path, how: str) -> None:
    path = small_disk / "ledger"
    kept = leave_ledger(path, how)
    mounts.command("mount", "-o", "remount,ro", small_disk)
    ledger, found = opened(path)
    with pytest.raises(LedgerUnwritable, match="its file system is mounted read-only"):
        ledger.commit(Changes({"new": evolve(ALERT, fingerprint="new")}))
    mounts.command("mount", "-o", "remount,rw", small_disk)
    ledger.commit(Changes({"new": evolve(ALERT, fingerprint="new")}))
    ledger.close()

    assert kept == len(found.alerts)
    assert {*found.alerts, "new"} == set(reread(path).alerts)


def test_a_file_that_a_full_disk_left_without_tables_is_a_new_ledger(small_disk: Path) -> None:
    path = small_disk / "ledger"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    ballast = fill_up(small_disk)
    ledger, found = opened(path)
    ballast.unlink()
    ledger.commit(many())
    ledger.close()

    assert {} == found.alerts
    assert many() == reread(path)


def test_a_torn_ledger_on_a_full_disk_is_set_aside_all_the_same(small_disk: Path) -> None:
    path = small_disk / "ledger"
    path.write_bytes(b"Dear ledger, " * 1000)
    ballast = fill_up(small_disk)
    found = open_ledger(path, NOW)
    ledger, aside = found.ledger, found.aside
    ballast.unlink()
    ledger.commit(Changes({"f1": ALERT}))
    ledger.close()

    assert aside is not None
    assert b"Dear" == aside.read_bytes()[:4]
    assert {"f1"} == set(reread(path).alerts)


def test_the_index_of_the_wal_is_not_mapped_where_there_is_no_room_for_it(tmp_path: Path) -> None:
    """On a full ext4 a write to such a mapping is a SIGBUS, which ends the process."""
    with mounts.ext4(tmp_path) as disk:
        path = disk / "ledger"
        leave_ledger(path, "killed")
        fill_up(disk)
        done = subprocess.run(
            [sys.executable, "-c", OPENED, path], check=False, capture_output=True, text=True
        )

    assert (0, "31\n") == (done.returncode, done.stdout)


def test_what_cannot_be_read_either_is_an_error(small_disk: Path) -> None:
    path = small_disk / "ledger"
    leave_ledger(path, "killed")
    os.unlink(f"{path}-shm")
    mounts.command("mount", "-o", "remount,ro", small_disk)

    with pytest.raises(LedgerError, match="cannot read the ledger"):
        open_ledger(path, NOW)


def test_everything_written_from_memory_is_the_whole_store(small_disk: Path) -> None:
    path = small_disk / "ledger"
    leave_ledger(path, "stopped")
    ballast = fill_up(small_disk)
    ledger, contents = opened(path)
    found = empty_outbox()
    found.restore(contents)
    gone = Changes({"f1": None}, {"disk": {("Disk usage", "f1"): None}})
    found.store.adopt(gone)
    found.requeue(gone.alerts)
    ballast.unlink()
    gone.update(Changes(cursors=found.cursors.take_unsaved()))
    ledger.commit(gone)
    ledger.close()

    assert found.store.contents().alerts == reread(path).alerts
    assert found.cursors.contents() == reread(path).cursors

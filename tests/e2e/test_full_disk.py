"""A disk that is full or read-only stops nothing: the real process runs on from memory."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.servers import SupervisorProcess, wait_for
from tests.e2e.test_lifecycle import write_config
from tests.ledger.test_disk import fill_up
from tests.support import mounts

pytestmark = mounts.needs_root


@pytest.fixture
def disk(supervisor: SupervisorProcess) -> Iterator[Path]:
    """A file system of its own for the state directory."""
    with mounts.tmpfs(supervisor.directory / "state", "size=512k,mode=700") as place:
        yield place
        supervisor.kill()


def said(supervisor: SupervisorProcess, text: str) -> None:
    wait_for(lambda: text in supervisor.log, 20, f"does not say {text!r}", lambda: supervisor.log)


def firing(disk: Path) -> list[str]:
    """Return the alertnames that the ledger holds as firing."""
    with closing(sqlite3.connect(disk / "ledger")) as ledger:
        rows = ledger.execute("SELECT alertname FROM alerts WHERE state = 'firing'").fetchall()
    return [name for (name,) in rows]


@pytest.mark.parametrize("when", ["at the first start", "at a later start", "while it runs"])
def test_a_full_disk_is_announced_and_what_was_seen_then_is_kept(
    supervisor: SupervisorProcess, disk: Path, when: str
) -> None:
    flag = write_config(supervisor)
    if when != "at the first start":
        supervisor.start()
    if when == "at a later start":
        supervisor.stop()
    ballast = fill_up(disk)
    if when != "while it runs":
        supervisor.start()
    flag.touch()
    said(supervisor, "FIRING   E  flag")
    said(supervisor, "running on from memory, trying again")
    said(supervisor, "FIRING   TE LedgerUnwritable")
    ballast.unlink()
    said(supervisor, "RESOLVED TE LedgerUnwritable")
    wait_for(lambda: firing(disk) == ["flag"], 10, "not written", lambda: str(firing(disk)))
    supervisor.kill()

    assert firing(disk) == ["flag"]
    assert [] == list(disk.glob("*corrupt*"))


def test_a_disk_that_became_read_only_is_started_on_and_what_it_holds_goes_on(
    supervisor: SupervisorProcess, disk: Path
) -> None:
    flag = write_config(supervisor)
    supervisor.start()
    flag.touch()
    said(supervisor, "FIRING   E  flag")
    wait_for(lambda: firing(disk), 10, "not written")
    supervisor.kill()
    mounts.command("mount", "-o", "remount,ro", disk)
    supervisor.start()
    said(supervisor, "FIRING   TE LedgerUnwritable")
    flag.unlink()
    said(supervisor, "RESOLVED E  flag")
    mounts.command("mount", "-o", "remount,rw", disk)
    said(supervisor, "RESOLVED TE LedgerUnwritable")
    wait_for(lambda: not firing(disk), 10, "not written", lambda: str(firing(disk)))
    supervisor.kill()

    assert firing(disk) == []

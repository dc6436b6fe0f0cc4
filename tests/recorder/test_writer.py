"""What the disk refuses is owed and tried again; a corrupt file is replaced once."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import trio
from attrs import evolve
from trio.testing import MockClock

from supervisor.errors import LedgerCorrupt, LedgerError
from supervisor.ledger.changes import Changes
from supervisor.ledger.outbox import Outbox
from supervisor.recorder.writer import RETRY_DELAY, Writer
from tests.support.alerts import FIRING
from tests.support.fake_client import START
from tests.support.ledger_bench import reopened, service_of
from tests.support.recorder_bench import FakeLedger, no_threads
from tests.support.virtual_clock import FrozenClock

__all__ = ["no_threads"]  # a fixture

pytestmark = pytest.mark.usefixtures("no_threads")

FULL = LedgerError("cannot write the ledger: disk full")
CORRUPT = LedgerCorrupt("cannot write the ledger: malformed")


def writer_of(ledger: FakeLedger) -> Writer:
    return Writer(ledger, Outbox.of(service_of()), FrozenClock(START))


def firing(name: str) -> Changes:
    return Changes({name: evolve(FIRING, fingerprint=name)})


def written(ledger: FakeLedger) -> list[list[str]]:
    return [[*changes.alerts] for changes in ledger.commits]


def set_aside_in(directory: Path) -> list[str]:
    return [path.name for path in directory.glob("ledger.corrupt-*")]


async def test_what_the_disk_refused_is_written_after_the_retry_delay(
    autojump_clock: MockClock,
) -> None:
    ledger = FakeLedger(error=FULL)
    writer = writer_of(ledger)
    with pytest.raises(LedgerError, match="disk full"):
        await writer.commit(firing("a"), urgent=False)
    ledger.error = None
    assert writer.wait == RETRY_DELAY

    await trio.sleep(RETRY_DELAY - 1)
    assert not await writer.commit(firing("b"), urgent=False)
    assert (ledger.attempts, writer.wait) == (1, 1)

    await trio.sleep(1)
    assert await writer.commit(Changes(), urgent=False)
    assert written(ledger) == [["a", "b"]]
    assert (writer.wait, bool(writer.owed)) == (math.inf, False)


async def test_what_is_urgent_is_tried_at_once_after_a_refusal(autojump_clock: MockClock) -> None:
    ledger = FakeLedger(error=FULL)
    writer = writer_of(ledger)
    for _ in range(2):
        with pytest.raises(LedgerError, match="disk full"):
            await writer.commit(firing("a"), urgent=True)

    assert ledger.attempts == 2


async def test_nothing_is_written_when_there_is_nothing_to_write(autojump_clock: MockClock) -> None:
    ledger = FakeLedger()

    assert not await writer_of(ledger).commit(Changes(), urgent=False)
    assert ledger.attempts == 0


async def test_a_torn_file_is_replaced_once_by_one_with_everything(
    tmp_path: Path, autojump_clock: MockClock
) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"torn")
    writer = writer_of(FakeLedger(path=path, error=CORRUPT))
    writer.outbox.store.adopt(firing("known"))
    assert await writer.commit(firing("new"), urgent=False)
    said = [writer.take_replacement(), writer.take_replacement()]
    assert await writer.commit(firing("later"), urgent=False)
    writer.ledger.close()

    (aside,) = set_aside_in(tmp_path)
    again, _ = reopened(service_of(), path, START)
    assert said == [f"{CORRUPT}; it was set aside as {aside}, nothing was lost", ""]
    assert again.store.alerts.keys() == {"known", "new", "later"}


async def test_a_torn_file_is_set_aside_once_though_the_disk_refuses_the_new_one(
    tmp_path: Path, autojump_clock: MockClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "ledger"
    path.write_bytes(b"torn")
    writer = writer_of(FakeLedger(path=path, error=CORRUPT))
    with monkeypatch.context() as patch:
        patch.setattr("supervisor.ledger.files.MIN_FREE_BYTES", math.inf)
        for name in ("a", "b"):
            with pytest.raises(LedgerError, match="left"):
                await writer.commit(firing(name), urgent=True)
    assert await writer.commit(Changes(), urgent=True)
    writer.ledger.close()

    (aside,) = set_aside_in(tmp_path)
    assert f"was set aside as {aside}," in writer.take_replacement()

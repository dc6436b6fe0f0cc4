"""What is done in the ledger's thread, without the thread."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from supervisor.errors import AlreadyRunning
from supervisor.host.lock import locked
from supervisor.ledger.changes import Changes
from supervisor.ledger.database import Ledger
from supervisor.recorder.ledger_thread import write
from tests.host.test_lock import refuse_files


@pytest.mark.parametrize("other", ["came", "did not come"])
def test_a_directory_that_is_locked_for_want_of_a_file_was_never_lost(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    other: str,
) -> None:
    ledger = Ledger(tmp_path / "ledger")
    with monkeypatch.context() as patch:
        refuse_files(patch, errno.ENOSPC)
        with locked(tmp_path) as lock:
            write(ledger, Changes(), lock=lock, max_wal=None)
            patch.undo()
            if other == "came":  # it is refused, and leaves the file
                with pytest.raises(AlreadyRunning), locked(tmp_path):
                    pytest.fail("held twice")
            write(ledger, Changes(), lock=lock, max_wal=None)

            assert lock.is_held()
    ledger.close()

    assert caplog.text == ""

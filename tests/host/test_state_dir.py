"""The state directory is made so that a power cut does not undo that."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

import pytest

from supervisor.host.state_dir import make_state_dir


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The directories that were synced, in order."""
    found: list[str] = []
    monkeypatch.setattr(os, "fsync", lambda fd: found.append(os.readlink(f"/proc/self/fd/{fd}")))
    return found


def test_each_new_directory_has_a_name_that_is_synced(tmp_path: Path, synced: list[str]) -> None:
    make_state_dir(tmp_path / "var" / "state")

    assert [str(tmp_path / "var"), str(tmp_path)] == synced
    assert 0o700 == stat.S_IMODE((tmp_path / "var" / "state").stat().st_mode)


def test_a_directory_that_is_there_costs_no_sync(tmp_path: Path, synced: list[str]) -> None:
    make_state_dir(tmp_path)

    assert [] == synced


def test_a_file_system_that_cannot_sync_a_directory_is_used_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_descriptor: int) -> None:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    monkeypatch.setattr(os, "fsync", refuse)
    make_state_dir(tmp_path / "state")

    assert (tmp_path / "state").is_dir()

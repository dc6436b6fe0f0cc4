"""The SHA-256 of files, read in parts: what changes between and within two parts."""

from __future__ import annotations

import hashlib
import math
import os
import threading
import time
from pathlib import Path

import pytest

from checks._files.watched import hashing
from checks._files.watched.hashing import (
    CHUNK_BYTES,
    MAX_BEGINS,
    MIN_BYTES_PER_FILE,
    Budget,
    Hashing,
    Unfinished,
    identity_of,
    read_on,
)

CONTENT = os.urandom(5 * CHUNK_BYTES + 17)
SHA256 = hashlib.sha256(CONTENT).hexdigest()


def read(path: Path, begun: Hashing | None = None, left: int = 0) -> Hashing:
    return read_on(str(path), begun, Budget(left), math.inf)


def make(path: Path, content: bytes = CONTENT) -> Path:
    path.write_bytes(content)
    return path


def test_a_file_is_read_in_parts(tmp_path: Path) -> None:
    path, parts = make(tmp_path / "file"), []
    found = read(path)
    while found.digest is None:
        parts.append((found.offset, found.left))
        found = read(path, found, left=CHUNK_BYTES)

    assert parts == [
        (MIN_BYTES_PER_FILE, len(CONTENT) - MIN_BYTES_PER_FILE),
        (3 * CHUNK_BYTES, 2 * CHUNK_BYTES + 17),
        (5 * CHUNK_BYTES, 17),
    ]
    assert (found.digest.sha256, found.left) == (SHA256, 0)


@pytest.mark.parametrize("size", [0, 1, CHUNK_BYTES - 1, CHUNK_BYTES])
def test_small_files_are_read_at_once_without_a_budget(tmp_path: Path, size: int) -> None:
    found = read(make(tmp_path / "file", CONTENT[:size]), left=CHUNK_BYTES)

    assert found.digest is not None
    assert found.digest.sha256 == hashlib.sha256(CONTENT[:size]).hexdigest()


def test_reading_stops_when_its_time_is_over(tmp_path: Path) -> None:
    found = read_on(str(make(tmp_path / "file")), None, Budget(), time.monotonic() - 1)

    assert (found.digest, found.offset) == (None, MIN_BYTES_PER_FILE)


def test_files_share_a_budget_and_each_gets_on(tmp_path: Path) -> None:
    budget = Budget(4 * CHUNK_BYTES)
    paths = [make(tmp_path / str(number)) for number in range(3)]
    offsets = [read_on(str(path), None, budget, math.inf).offset for path in paths]

    assert offsets == [5 * CHUNK_BYTES, CHUNK_BYTES, CHUNK_BYTES]


def test_a_file_that_is_replaced_shortened_or_written_to_is_read_from_its_begin(
    tmp_path: Path,
) -> None:
    path = make(tmp_path / "file")
    other = make(tmp_path / "other", CONTENT[::-1])
    begun = read(path, left=CHUNK_BYTES)
    other.rename(path)
    replaced = read(path, begun, left=1 << 30)
    path.write_bytes(CONTENT[:100])
    shortened = read(path, begun, left=1 << 30)
    with path.open("ab") as file:
        file.write(b"more")
    longer = read(path, begun, left=1 << 30)

    assert [found.begins for found in (replaced, shortened, longer)] == [2, 2, 2]
    assert [found.digest and found.digest.sha256 for found in (replaced, shortened, longer)] == [
        hashlib.sha256(content).hexdigest()
        for content in (CONTENT[::-1], CONTENT[:100], CONTENT[:100] + b"more")
    ]


@pytest.mark.parametrize("change", [b"", CONTENT[:-1], CONTENT + b"x", CONTENT[:-1] + b"y"])
def test_a_file_that_changes_while_it_is_read_has_no_digest_yet(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, change: bytes
) -> None:
    path, real = make(tmp_path / "file"), os.preadv

    def preadv(descriptor: int, buffers: list[memoryview], offset: int) -> int:
        count = real(descriptor, buffers, offset)
        if offset == CHUNK_BYTES:
            time.sleep(0.02)  # the clock of files has steps of up to 10 ms
            path.write_bytes(change)
        return count

    with monkeypatch.context() as patched:
        patched.setattr(os, "preadv", preadv)
        found = read(path, left=1 << 30)
    again = read(path, found, left=1 << 30)

    assert found.digest is None
    assert again.digest is not None
    assert again.digest.sha256 == hashlib.sha256(change).hexdigest()
    assert not again.changes_all_the_time


def test_it_is_told_when_a_file_changes_all_the_time(tmp_path: Path) -> None:
    path, found, told = make(tmp_path / "file"), None, []
    for number in range(MAX_BEGINS + 2):
        path.write_bytes(CONTENT + bytes(number))
        found = read(path, found)
        told.append(found.changes_all_the_time)

    assert told == [False] * MAX_BEGINS + [True] * 2


def test_a_digest_is_trusted_only_of_a_file_that_is_at_rest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make(tmp_path / "file")
    fresh = read(path, left=1 << 30)
    monkeypatch.setattr(hashing, "MIN_AGE", -1.0)  # as if it had rested
    settled = read(path, left=1 << 30)

    assert fresh.digest is not None
    assert settled.digest is not None
    assert fresh.digest.identity == ""
    assert settled.digest.identity == identity_of(path.stat())


def test_what_is_not_a_regular_file_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for path in (tmp_path / "fifo", Path("/dev/zero"), tmp_path):
        with pytest.raises(OSError, match="not a regular file"):
            read(path)


def test_many_threads_take_no_more_than_there_is() -> None:
    budget, taken = Budget(1000), []

    def take() -> None:
        taken.append(sum(budget.take(3) for _ in range(200)))

    threads = [threading.Thread(target=take) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (sum(taken), budget.left) == (333, 1)


def test_what_is_unfinished_is_taken_once_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    unfinished = Unfinished()
    monkeypatch.setattr(hashing, "MAX_UNFINISHED", 2)
    parts = [Hashing(name) for name in "abc"]
    for part in parts:
        unfinished.put(part.identity, part)

    assert [unfinished.take(name) for name in "abcc"] == [None, parts[1], parts[2], None]

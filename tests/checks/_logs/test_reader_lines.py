"""Which bytes of a log make a line: long ones, ones without an end, and holes."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import NoReturn

import pytest

from checks._logs.lines import MAX_LINE_BYTES, READ_BYTES
from checks._logs.reader import Known, read
from tests.checks._logs.reading import MOST


def test_a_long_line_is_read_in_parts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"x" * (MAX_LINE_BYTES + 10) + b" tail\n" + b"y" * MAX_LINE_BYTES + b"\r\nz\n")
    read(path, Known(), taken.append, MOST, from_start=True)

    assert taken == [b"x" * MAX_LINE_BYTES, b"x" * 10 + b" tail", b"y" * MAX_LINE_BYTES, b"z"]


def test_a_line_without_end_is_read_in_parts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"x" * (2 * MAX_LINE_BYTES + 10))
    progress = read(path, Known(), taken.append, MOST, from_start=True)

    assert [len(line) for line in taken] == [MAX_LINE_BYTES, MAX_LINE_BYTES]
    assert progress.known.position is not None
    assert progress.known.position.offset == 2 * MAX_LINE_BYTES


def test_one_read_takes_only_part_of_a_long_backlog(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"0123456789\n" * 10_000)
    progress = read(path, Known(), taken.append, 1000, from_start=True)

    assert len(taken) == 91
    assert progress.left == 110_000 - 91 * 11


def test_a_last_line_without_an_end_is_a_line_when_it_has_been_still_for_a_read(
    tmp_path: Path,
) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"first\nold")
    known = read(path, Known(), taken.append, MOST).known
    known = read(path, known, taken.append, MOST).known  # it stood there before the first read
    seen = []

    def take(line: bytes) -> bool:
        taken.append(line)
        return True

    for rest in (b"er", b"", b"", b" line\n", b""):
        with path.open("ab") as file:
            file.write(rest)
        known = read(path, known, take, MOST).known
        seen.append(list(taken))

    assert seen == [[], [b"older"], [b"older"], [b"older"], [b"older"]]


def test_a_line_after_one_that_was_truncated_without_its_end_counts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"begun")

    def take(line: bytes) -> bool:
        taken.append(line)
        return True

    known = Known()
    for _ in range(2):
        known = read(path, known, take, MOST, from_start=True).known
    path.write_bytes(b"another\n")
    read(path, known, take, MOST)

    assert taken == [b"begun", b"another"]


def test_a_line_that_did_not_count_without_its_end_is_given_as_a_whole(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"")
    known = read(path, Known(), taken.append, MOST).known
    for rest in (b"disk ", b"", b"failed\n"):
        with path.open("ab") as file:
            file.write(rest)
        known = read(path, known, taken.append, MOST).known

    assert taken == [b"disk ", b"disk failed"]


def test_a_hole_is_not_read(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    with path.open("wb") as file:
        file.seek(1 << 33)
        file.write(b"ERROR one\nERROR two\n")
        file.seek(1 << 34)
        file.write(b"three\nfour")
    known = read(path, Known(), taken.append, READ_BYTES, from_start=True).known
    progress = read(path, known, taken.append, READ_BYTES)

    assert taken == [b"ERROR one", b"ERROR two", b"three", b"four"]
    assert progress.left == 0


def test_a_line_before_a_hole_is_a_line(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    with path.open("wb") as file:
        file.write(b"one\ntwo")
        file.seek(1 << 30)
        file.write(b"three\n")
    read(path, Known(), taken.append, MOST, from_start=True)

    assert taken == [b"one", b"two", b"three"]


def test_a_file_that_its_writer_fills_in_is_read_as_it_is_filled(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.touch()
    os.truncate(path, 1 << 30)
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    with path.open("r+b") as file:
        for line in (b"one\n", b"two\n", b"x" * (2 * MAX_LINE_BYTES) + b"\n", b"three\n"):
            file.write(line)
            file.flush()
            known = read(path, known, taken.append, MOST).known

    assert taken == [b"one", b"two", b"x" * MAX_LINE_BYTES, b"x" * MAX_LINE_BYTES, b"three"]


def test_bytes_that_nobody_wrote_do_not_stick_to_a_line(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    blank = b"\0" * (MAX_LINE_BYTES - 3)
    path.write_bytes(
        b"begun" + blank + b"ERROR one\n" + b"\0" * 3 * READ_BYTES + b"ERROR two\n\n\0\n"
    )
    read(path, Known(), taken.append, MOST, from_start=True)

    assert taken == [b"begun", b"ERROR one", b"ERROR two", b""]


def test_a_filesystem_that_does_not_know_holes_is_read_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))

    path, taken = tmp_path / "log", list[bytes]()
    with path.open("wb") as file:
        file.seek(3 * READ_BYTES + 5)
        file.write(b"one\n")
    monkeypatch.setattr(os, "lseek", refuse)
    read(path, Known(), taken.append, MOST, from_start=True)

    assert taken == [b"one"]

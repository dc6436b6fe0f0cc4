"""Reading a log through rotation and truncation: each line once, whichever file has it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any, NoReturn

import pytest

from checks._logs.reader import MAX_FORMER_FILES, Known, read
from tests.checks._logs.reading import MOST, on_another_device


def test_the_first_look_takes_nothing_but_the_rest_of_a_line(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"old\nbegun")
    first = read(path, Known(), taken.append, MOST)
    path.write_bytes(b"old\nbegun and done\n")
    read(path, first.known, taken.append, MOST)

    assert taken == [b"begun and done"]


def test_a_file_that_is_replaced_by_a_longer_one_is_noticed(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, Known(), taken.append, MOST, from_start=True)
    path.write_bytes(b"two\nthree\n")
    read(path, first.known, taken.append, MOST)

    assert taken == [b"one", b"two", b"three"]


def test_the_same_few_lines_in_a_new_file_count_again(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"ERROR backup failed\n")
    first = read(path, Known(), taken.append, MOST, from_start=True)
    new = tmp_path / "new"
    new.write_bytes(b"ERROR backup failed\n")
    new.rename(path)
    read(path, first.known, taken.append, MOST)

    assert taken == [b"ERROR backup failed"] * 2


def test_a_short_log_on_a_device_with_another_number_is_read_on(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    position = read(path, Known(), taken.append, MOST).known.position
    assert position is not None
    path.write_bytes(b"one\ntwo\n")
    read(path, Known(on_another_device(position)), taken.append, MOST)

    assert taken == [b"two"]


def test_a_former_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, Known(), taken.append, MOST)
    path.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(b"compressed")
    path.write_bytes(b"two\n")
    then = read(path, first.known, taken.append, MOST)

    assert taken == [b"two"]
    assert (first.broken, then.broken) == (False, True)


def test_a_link_that_points_elsewhere_is_followed(tmp_path: Path) -> None:
    path, taken = tmp_path / "current", list[bytes]()
    old, new = tmp_path / "app-1.log", tmp_path / "app-2.log"
    old.write_bytes(b"one\n")
    path.symlink_to(old)
    first = read(path, Known(), taken.append, MOST)
    old.write_bytes(b"one\ntwo\n")
    new.write_bytes(b"three\n")
    path.unlink()
    path.symlink_to(new)
    read(path, first.known, taken.append, MOST)

    assert taken == [b"two", b"three"]


def test_other_files_beside_a_log_are_not_read(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, Known(), taken.append, MOST)
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"two\n")
    for name in ("app.log.swp", "app.log.1.gz", "apple.log", "app.conf"):
        (tmp_path / name).write_bytes(b"rubbish\n")
    read(path, first.known, taken.append, MOST)

    assert taken == [b"two"]


def test_a_writer_that_opens_the_new_file_late_loses_no_line(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    with path.open("ab") as writer:
        path.rename(tmp_path / "app.log.1")
        path.write_bytes(b"two\n")
        for _ in range(20):
            known = read(path, known, taken.append, MOST).known
        writer.write(b"late\n")
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
    read(path, known, taken.append, MOST)

    assert taken == [b"one", b"two", b"late"]


def test_a_former_file_that_was_written_to_after_the_log_is_not_read_again(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"two\n")
    known = read(path, known, taken.append, MOST).known
    os.utime(path, (1, 1))
    (tmp_path / "app.log.1").rename(tmp_path / "app.log.2")
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"three\n")
    read(path, known, taken.append, MOST)

    assert taken == [b"one", b"two", b"three"]


def test_a_former_file_that_has_grown_and_may_not_be_read_is_said_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, rotated, taken = tmp_path / "app.log", tmp_path / "app.log.1", list[bytes]()
    path.write_bytes(b"one\n")
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    path.rename(rotated)
    path.write_bytes(b"two\n")
    known = read(path, known, taken.append, MOST).known
    with rotated.open("ab") as file:
        file.write(b"late\n")
    opened = os.open

    def refuse(file: Path, flags: int) -> int:
        if file == rotated:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        return opened(file, flags)

    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        patch.setattr(os, "access", lambda file, _mode: file != rotated)
        first = read(path, known, taken.append, MOST)
        second = read(path, first.known, taken.append, MOST)
    with rotated.open("ab") as file:
        file.write(b"later\n")
    read(path, second.known, taken.append, MOST)

    assert (first.refused, second.refused) == ((rotated,), ())
    assert not first.broken
    assert taken == [b"one", b"two", b"late", b"later"]


def test_few_former_files_are_looked_at(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"0\n")
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    count = MAX_FORMER_FILES + 5
    for number in range(1, count):
        path.rename(tmp_path / f"app.log.{number}")
        path.write_bytes(b"%d\n" % number)
        known = read(path, known, taken.append, MOST).known

    assert taken == [b"%d" % number for number in range(count)]
    assert len(known.former) == MAX_FORMER_FILES


def test_a_former_file_that_gets_its_name_back_is_read_on(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    known = read(path, Known(), taken.append, MOST, from_start=True).known
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"two\n")
    known = read(path, known, taken.append, MOST).known
    path.unlink()
    (tmp_path / "app.log.1").rename(path)
    with path.open("ab") as file:
        file.write(b"three\n")
    read(path, known, taken.append, MOST)

    assert taken == [b"one", b"two", b"three"]


def test_a_former_file_that_is_gone_before_it_was_read_is_noticed(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"0\n" * 100)
    known = read(path, Known(), taken.append, 10, from_start=True).known
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"new\n")
    first = read(path, known, taken.append, 10)
    (tmp_path / "app.log.1").unlink()
    second = read(path, first.known, taken.append, 10)
    third = read(path, second.known, taken.append, 10)

    assert taken == [b"0"] * 10 + [b"new"]
    assert [each.broken for each in (first, second, third)] == [False, True, False]


def test_rotated_files_that_cannot_be_listed_count_as_missing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> NoReturn:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"one\n")
    known = read(path, Known(), taken.append, MOST).known
    path.unlink()
    path.write_bytes(b"twice\n")
    monkeypatch.setattr(os, "scandir", refuse)
    progress = read(path, known, taken.append, MOST)

    assert taken == [b"twice"]
    assert progress.broken


@pytest.mark.parametrize(
    "value", [None, "missing", 1, [], [1, 2, 3], [1, 2, -1, "x"], {}, {"files": 1}]
)
def test_what_is_not_a_position_is_none(value: Any) -> None:
    assert Known.load(value) == Known()

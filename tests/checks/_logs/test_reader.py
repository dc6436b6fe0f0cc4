"""Reading a log through rotation and truncation, compared with a model of what was written."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any, NoReturn

import pytest
from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from checks._logs.lines import MAX_LINE_BYTES, READ_BYTES
from checks._logs.position import DIGESTED_BYTES, Position
from checks._logs.reader import MAX_FORMER_FILES, Known, read

MOST = 1 << 30


def on_another_device(position: Position) -> Position:
    return evolve(position, device=position.device + 1)


class LogFile(RuleBasedStateMachine):
    """Each whole line is taken once. Only lines that were destroyed unread may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "app.log"
        self.path.touch()
        self.known = Known()
        self.taken: list[bytes] = []
        self.expected: list[bytes] = []
        self.unread: list[bytes] = []
        self.partial = b""
        self.partial_has_counted = False
        self.grew = False
        self.renamed: Path | None = None
        self.late: list[bytes] = []
        self.number = 0
        self.read()

    def teardown(self) -> None:
        shutil.rmtree(self.directory)

    def take(self, line: bytes) -> bool:
        self.taken.append(line)
        return True

    def append(self, text: bytes) -> None:
        self.grew = True
        with self.path.open("ab") as file:
            file.write(text)

    def end_line(self, rest: bytes = b"") -> None:
        """End the last line. It has counted if a read found it twice without an end."""
        if (line := self.partial + rest) and not self.partial_has_counted:
            self.unread.append(line)
        self.partial, self.partial_has_counted = b"", False

    def new_line(self) -> bytes:
        self.number += 1
        return b"line %d" % self.number

    @rule(count=st.integers(1, 4))
    def write(self, count: int) -> None:
        for _ in range(count):
            line = self.new_line()
            self.append(line + b"\n")
            self.end_line(line)

    @rule()
    def write_part_of_a_line(self) -> None:
        part = self.new_line() + b" ..."
        self.append(part)
        self.partial += part

    def rotated(self) -> Path:
        """Return the name for the next rotated file, and give it the time of its turn."""
        os.utime(self.path, ns=(self.number, self.number))
        return self.directory / f"app.log.{self.number}"

    @rule(times=st.integers(1, 3), dotted=st.booleans())
    def rename(self, times: int, dotted: bool) -> None:
        """As logrotate does with `create`. A file that was never seen cannot be found again."""
        self.read()
        for _ in range(times):
            self.write(2)
            name = self.rotated()
            self.path.rename(self.directory / f"app-{self.number}.log" if dotted else name)
            self.path.touch()
            self.end_line()
        self.read()
        self.renamed = name if name.exists() else None

    @rule()
    def write_to_the_renamed_file(self) -> None:
        """As a writer does that opens the new file later."""
        if self.renamed is not None:
            line = self.new_line()
            with self.renamed.open("ab") as file:
                file.write(line + b"\n")
            os.utime(self.renamed, ns=(self.number, self.number))
            self.late.append(line)

    @rule()
    def replace_with_more(self) -> None:
        """As `sed -i` does. A shorter file may be the same by chance, and is read again."""
        self.write(DIGESTED_BYTES // len(b"line 1\n"))
        self.read()
        self.write(1)
        copy = self.directory / "copy"
        shutil.copy(self.path, copy)
        copy.rename(self.path)

    @rule()
    def renumber_the_device(self) -> None:
        """As a restart of the host may do. A file is known only by bytes that were read."""
        if self.known.position and self.known.position.offset:
            self.known = evolve(self.known, position=on_another_device(self.known.position))

    @rule()
    def copy_and_truncate(self) -> None:
        """As logrotate does with `copytruncate`. A copy is known only by bytes that were read."""
        self.write(1)
        self.read()
        self.write(1)
        shutil.copy2(self.path, self.rotated())
        self.path.write_bytes(b"")
        self.end_line()
        self.grew, self.renamed = True, None

    @rule()
    def truncate(self) -> None:
        """Truncate the file. Bytes that were not read are lost, so read them first."""
        self.read()
        self.path.write_bytes(b"")
        self.partial, self.partial_has_counted = b"", False
        self.write(1)

    @rule()
    def read(self) -> None:
        progress = read(self.path, self.known, self.take, MOST)
        self.known = Known.load(progress.known.dump())
        self.expected += self.late + self.unread
        self.late, self.unread = [], []
        if self.partial and not self.grew and not self.partial_has_counted:
            self.expected.append(self.partial)
            self.partial_has_counted = True
        self.grew = False

        assert progress.left == 0

    @rule(most=st.integers(1, 30))
    def read_in_small_steps(self, most: int) -> None:
        for _ in range(1000):
            progress = read(self.path, self.known, self.take, most)
            self.known = progress.known
            if not progress.left:
                break
        self.grew = False
        self.read()

    @invariant()
    def each_line_was_taken_once(self) -> None:
        assert self.taken == self.expected


LogFile.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLogFile = LogFile.TestCase


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


def test_a_long_line_is_read_in_parts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"x" * (MAX_LINE_BYTES + 10) + b" tail\n" + b"y" * MAX_LINE_BYTES + b"\r\nz\n")
    read(path, Known(), taken.append, MOST, from_start=True)

    assert taken == [b"x" * MAX_LINE_BYTES, b"x" * 10 + b" tail", b"y" * MAX_LINE_BYTES, b"z"]


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

"""Reading a log through rotation and truncation, compared with a model of what was written."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from attrs import evolve
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from checks._files.log_reader import DIGESTED_BYTES, MAX_LINE_BYTES, Position, read

MOST = 1 << 30


class LogFile(RuleBasedStateMachine):
    """Each whole line is taken once. Only lines that were destroyed unread may be missing."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.path = self.directory / "app.log"
        self.path.touch()
        self.position: Position | None = None
        self.taken: list[bytes] = []
        self.expected: list[bytes] = []
        self.unread: list[bytes] = []
        self.partial = b""
        self.number = 0
        self.read()

    def teardown(self) -> None:
        shutil.rmtree(self.directory)

    def append(self, text: bytes) -> None:
        with self.path.open("ab") as file:
            file.write(text)

    def new_line(self) -> bytes:
        self.number += 1
        return b"line %d" % self.number

    @rule(count=st.integers(1, 4))
    def write(self, count: int) -> None:
        for _ in range(count):
            line = self.new_line()
            self.append(line + b"\n")
            self.unread.append(self.partial + line)
            self.partial = b""

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
            self.unread += [self.partial] * bool(self.partial)
            self.partial = b""

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
        if self.position and self.position.offset:
            self.position = evolve(self.position, device=self.position.device + 1)

    @rule()
    def copy_and_truncate(self) -> None:
        """As logrotate does with `copytruncate`. A copy is known only by bytes that were read."""
        self.write(1)
        self.read()
        self.write(1)
        shutil.copy2(self.path, self.rotated())
        self.path.write_bytes(b"")
        self.unread += [self.partial] * bool(self.partial)
        self.partial = b""

    @rule()
    def truncate(self) -> None:
        """Truncate the file. Bytes that were not read are lost, so read them first."""
        self.read()
        self.path.write_bytes(b"")
        self.partial = b""
        self.write(1)

    @rule()
    def read(self) -> None:
        progress = read(self.path, self.position, self.taken.append, MOST)
        self.position = progress.position
        self.expected += self.unread
        self.unread = []

        assert progress.left == 0

    @rule(most=st.integers(1, 30))
    def read_in_small_steps(self, most: int) -> None:
        for _ in range(1000):
            progress = read(self.path, self.position, self.taken.append, most)
            self.position = progress.position
            if not progress.left:
                break
        self.read()

    @invariant()
    def each_line_was_taken_once(self) -> None:
        assert self.taken == self.expected


LogFile.TestCase.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
TestLogFile = LogFile.TestCase


def test_the_first_look_takes_nothing_but_the_rest_of_a_line(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"old\nbegun")
    first = read(path, None, taken.append, MOST)
    path.write_bytes(b"old\nbegun and done\n")
    read(path, first.position, taken.append, MOST)

    assert taken == [b"begun and done"]


def test_a_file_that_is_replaced_by_a_longer_one_is_noticed(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, None, taken.append, MOST, from_start=True)
    path.write_bytes(b"two\nthree\n")
    read(path, first.position, taken.append, MOST)

    assert taken == [b"one", b"two", b"three"]


def test_the_same_few_lines_in_a_new_file_count_again(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"ERROR backup failed\n")
    first = read(path, None, taken.append, MOST, from_start=True)
    new = tmp_path / "new"
    new.write_bytes(b"ERROR backup failed\n")
    new.rename(path)
    read(path, first.position, taken.append, MOST)

    assert taken == [b"ERROR backup failed"] * 2


def test_a_short_log_on_a_device_with_another_number_is_read_on(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, None, taken.append, MOST)
    path.write_bytes(b"one\ntwo\n")
    read(path, evolve(first.position, device=0), taken.append, MOST)

    assert taken == [b"two"]


def test_a_long_line_is_read_in_parts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"x" * (MAX_LINE_BYTES + 10) + b" tail\n" + b"y" * MAX_LINE_BYTES + b"\r\nz\n")
    read(path, None, taken.append, MOST, from_start=True)

    assert taken == [b"x" * MAX_LINE_BYTES, b"x" * 10 + b" tail", b"y" * MAX_LINE_BYTES, b"z"]


def test_a_former_file_that_is_gone_is_noticed(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, None, taken.append, MOST)
    path.unlink()
    (tmp_path / "app.log.1.gz").write_bytes(b"compressed")
    path.write_bytes(b"two\n")
    then = read(path, first.position, taken.append, MOST)

    assert taken == [b"two"]
    assert (first.broken, then.broken) == (False, True)


def test_a_link_that_points_elsewhere_is_followed(tmp_path: Path) -> None:
    path, taken = tmp_path / "current", list[bytes]()
    old, new = tmp_path / "app-1.log", tmp_path / "app-2.log"
    old.write_bytes(b"one\n")
    path.symlink_to(old)
    first = read(path, None, taken.append, MOST)
    old.write_bytes(b"one\ntwo\n")
    new.write_bytes(b"three\n")
    path.unlink()
    path.symlink_to(new)
    read(path, first.position, taken.append, MOST)

    assert taken == [b"two", b"three"]


def test_other_files_beside_a_log_are_not_read(tmp_path: Path) -> None:
    path, taken = tmp_path / "app.log", list[bytes]()
    path.write_bytes(b"one\n")
    first = read(path, None, taken.append, MOST)
    path.rename(tmp_path / "app.log.1")
    path.write_bytes(b"two\n")
    for name in ("app.log.swp", "app.log.1.gz", "apple.log", "app.conf"):
        (tmp_path / name).write_bytes(b"rubbish\n")
    read(path, first.position, taken.append, MOST)

    assert taken == [b"two"]


def test_a_line_without_end_is_read_in_parts(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"x" * (2 * MAX_LINE_BYTES + 10))
    progress = read(path, None, taken.append, MOST, from_start=True)

    assert [len(line) for line in taken] == [MAX_LINE_BYTES, MAX_LINE_BYTES]
    assert progress.position.offset == 2 * MAX_LINE_BYTES


def test_one_read_takes_only_part_of_a_long_backlog(tmp_path: Path) -> None:
    path, taken = tmp_path / "log", list[bytes]()
    path.write_bytes(b"0123456789\n" * 10_000)
    progress = read(path, None, taken.append, 1000, from_start=True)

    assert len(taken) == 91
    assert progress.left == 110_000 - 91 * 11

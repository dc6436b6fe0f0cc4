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

from checks._logs.position import DIGESTED_BYTES
from checks._logs.reader import Known, read
from tests.checks._logs.reading import MOST, on_another_device


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

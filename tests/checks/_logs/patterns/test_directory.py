"""Reading several logs of a directory, compared with a model of what was written to them."""

from __future__ import annotations

import gzip
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from checks._logs.patterns.directory import Reading, read_directory
from checks._logs.patterns.finding import MAX_FILES
from checks._logs.patterns.listing import list_directory
from checks._logs.patterns.places import MAX_STATE_BYTES, Places
from checks._logs.position import DIGESTED_BYTES

MOST = 1 << 30
NAMES = ("app.log", "app2.log", "db.log")


class Reader:
    """Reads a directory again and again, and keeps its places as the state does."""

    def __init__(self, directory: Path, pattern: str) -> None:
        self.directory = directory
        self.pattern = pattern
        self.taken: list[bytes] = []
        self.state: str | None = None
        self.last = Reading()

    def look(self, most: int = MOST, meanwhile: Callable[[], object] = list) -> None:
        """Read on. What was taken and the state are kept together, as the ledger does.

        `meanwhile` is called between the look at the names and the reading.
        """
        taken = list[bytes]()

        def take(line: bytes, _path: str) -> bool:
            taken.append(line)
            return True

        known = None if self.state is None else Places.load(json.loads(self.state))
        files = list_directory(str(self.directory), self.pattern, MAX_FILES).files
        meanwhile()
        places = known.of(str(self.directory)) if known else None
        self.last = read_directory(self.directory, self.pattern, files, places, take, most)
        assert self.last.places is not None
        directories = {str(self.directory): self.last.places}
        self.state = json.dumps(Places(directories).dump(MAX_STATE_BYTES))
        self.taken += taken

    def die(self) -> None:
        """Read on in a run whose process is killed before anything is kept."""
        state, taken = self.state, [*self.taken]
        self.look()
        self.state, self.taken = state, taken


class Logs(RuleBasedStateMachine):
    """Each whole line is taken once, whether the pattern fits the rotated files or not."""

    def __init__(self) -> None:
        super().__init__()
        self.directory = Path(tempfile.mkdtemp())
        self.number = 0
        self.written: list[bytes] = []
        self.writers = {name: (self.directory / name).open("ab") for name in NAMES}
        self.readers = [Reader(self.directory, pattern) for pattern in ("*.log", "*.log*")]
        self.look()

    def teardown(self) -> None:
        self.each_line_was_taken_once()
        for writer in self.writers.values():
            writer.close()
        shutil.rmtree(self.directory)

    def look(self) -> None:
        for reader in self.readers:
            reader.look()

    def line(self) -> bytes:
        self.number += 1
        line = b"%d %s" % (self.number, b"x" * (self.number % 97))
        self.written.append(line)
        return line + b"\n"

    @rule(name=st.sampled_from(NAMES), count=st.integers(1, 12))
    def write(self, name: str, count: int) -> None:
        """Write as a daemon does: into the file that it has open, which may be renamed."""
        for _ in range(count):
            self.writers[name].write(self.line())
        self.writers[name].flush()

    @rule(name=st.sampled_from(NAMES))
    def write_a_line_in_two_parts(self, name: str) -> None:
        line = self.line()
        self.writers[name].write(line[:1])
        self.writers[name].flush()
        for reader in self.readers:
            reader.look()
        self.writers[name].write(line[1:])
        self.writers[name].flush()

    @rule(name=st.sampled_from(NAMES))
    def reopen(self, name: str) -> None:
        """As a daemon does after `postrotate`."""
        self.writers[name].close()
        self.writers[name] = (self.directory / name).open("ab")

    def shift(self, name: str) -> Path:
        """Rename app.log.1 to app.log.2 and so on. Return the name that is free then."""
        for number in range(9, 0, -1):
            path = self.directory / f"{name}.{number}"
            if path.exists():
                path.rename(self.directory / f"{name}.{number + 1}")
        return self.directory / f"{name}.1"

    def touch(self, path: Path) -> None:
        """Give a file the time of its rotation, which clocks of tests are too coarse for."""
        os.utime(path, ns=(self.number, self.number))

    @rule(name=st.sampled_from(NAMES), times=st.integers(1, 2), reopens=st.booleans())
    def rename(self, name: str, times: int, reopens: bool) -> None:
        """As logrotate does with `create`, perhaps twice before the next look."""
        self.look()
        for _ in range(times):
            self.write(name, 1)
            self.touch(self.directory / name)
            (self.directory / name).rename(self.shift(name))
            (self.directory / name).touch()
            if reopens or times > 1:
                self.reopen(name)

    @rule(name=st.sampled_from(NAMES))
    def rename_with_a_date(self, name: str) -> None:
        """As logrotate does with `dateext`."""
        self.look()
        self.write(name, 1)
        self.touch(self.directory / name)
        dated = self.directory / f"{name}-{20260101 + self.number}"
        (self.directory / name).rename(dated)
        (self.directory / name).touch()
        self.reopen(name)

    @rule(name=st.sampled_from(NAMES), looks_between=st.booleans())
    def copy_and_truncate(self, name: str, looks_between: bool) -> None:
        """As logrotate does with `copytruncate`. A look may come while the copy grows."""
        self.reopen(name)
        self.write(name, 2 + DIGESTED_BYTES // 2)
        self.look()
        self.write(name, 3)
        text = (self.directory / name).read_bytes()
        copy = self.shift(name)
        copy.write_bytes(text[: len(text) // 2 + 1])
        if looks_between:
            self.look()
        copy.write_bytes(text)
        if looks_between:
            self.look()
        self.touch(copy)
        os.truncate(self.directory / name, 0)

    @rule(name=st.sampled_from(NAMES), copies=st.booleans(), which=st.sampled_from([0, 1]))
    def rotate_while_it_is_read(self, name: str, copies: bool, which: int) -> None:
        self.reopen(name)
        self.write(name, 1)
        self.look()
        self.write(name, 1)

        def rotate() -> None:
            free, path = self.shift(name), self.directory / name
            if copies:
                shutil.copy(path, free)
                self.touch(free)
                os.truncate(path, 0)
            else:
                self.touch(path)
                path.rename(free)
                path.touch()
                self.reopen(name)

        self.readers[which].look(meanwhile=rotate)

    @rule(name=st.sampled_from(NAMES))
    def compress(self, name: str) -> None:
        """As logrotate does with `delaycompress`: what is compressed was read before."""
        self.look()
        for path in self.directory.glob(f"{name}[.-]*"):
            if path.suffix != ".gz":
                if os.fstat(self.writers[name].fileno()).st_ino == path.stat().st_ino:
                    self.reopen(name)
                with gzip.open(f"{path}.gz", "wb") as file:
                    file.write(path.read_bytes())
                path.unlink()

    @rule(name=st.sampled_from(NAMES))
    def replace(self, name: str) -> None:
        """As an editor does: a copy with the same name. It is known by the bytes that were read."""
        self.reopen(name)
        self.write(name, DIGESTED_BYTES // 2)
        self.look()
        self.write(name, 1)
        shutil.copy(self.directory / name, self.directory / "copy")
        (self.directory / "copy").rename(self.directory / name)
        self.reopen(name)

    @rule()
    def a_file_comes_and_goes(self) -> None:
        path = self.directory / f"job-{self.number}.log"
        path.write_bytes(self.line() + self.line())
        self.look()
        path.unlink()

    @rule(name=st.sampled_from(NAMES))
    def back_up(self, name: str) -> None:
        """As a person does. The lines of the copy were written once."""
        self.look()
        if (self.directory / name).stat().st_size >= DIGESTED_BYTES:
            shutil.copy(self.directory / name, self.directory / f"{name}.bak")

    @rule()
    def run_is_killed(self) -> None:
        for reader in self.readers:
            reader.die()

    @rule(most=st.integers(1, 400))
    def look_in_small_steps(self, most: int) -> None:
        for reader in self.readers:
            for _ in range(1000):
                reader.look(most)
                if not reader.last.left:
                    break

    @rule()
    def each_line_was_taken_once(self) -> None:
        self.look()
        for reader in self.readers:
            assert sorted(reader.taken) == sorted(self.written), reader.pattern


Logs.TestCase.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
TestLogs = Logs.TestCase

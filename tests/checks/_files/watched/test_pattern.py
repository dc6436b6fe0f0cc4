"""The newest files that fit a pattern, in real directories."""

from __future__ import annotations

import contextlib
import errno
import glob
import itertools
import os
import stat
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._files.watched import pattern
from checks._files.watched.pattern import Found, Match, find
from tests.support.mounts import needs_root, tmpfs

NOW = 1_000_000_000.0


def put(path: Path, age: float = 3600.0, content: bytes = b"x") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    os.utime(path, (NOW - age, NOW - age))
    return path


def look(text: object, settled: float = 0.0) -> Found:
    return find(str(text), "modification", NOW, settled)


def names(found: Found) -> list[str | None]:
    return [match and os.path.basename(match.path) for match in (found.newest, found.before)]


def test_the_newest_and_the_one_before_are_found(tmp_path: Path) -> None:
    for number in range(20):
        put(tmp_path / f"pnr-{number:02}.sql.gz", age=100 + abs(number - 7))
    put(tmp_path / "other.sql.gz", age=1)
    found = look(tmp_path / "pnr-*.sql.gz")

    assert (names(found), found.count) == (["pnr-07.sql.gz", "pnr-08.sql.gz"], 20)
    assert found.newest is not None
    assert found.newest.since == NOW - 100


def test_only_regular_files_count(tmp_path: Path) -> None:
    put(tmp_path / "a.gz")
    (tmp_path / "link.gz").symlink_to("a.gz")
    (tmp_path / "dangling.gz").symlink_to("gone")
    (tmp_path / "loop.gz").symlink_to("loop.gz")
    (tmp_path / "directory.gz").mkdir()
    os.mkfifo(tmp_path / "fifo.gz")

    assert (names(look(tmp_path / "*.gz")), look(tmp_path / "*.gz").count) == (["a.gz", None], 1)


def test_a_star_stands_for_no_hidden_name(tmp_path: Path) -> None:
    put(tmp_path / ".pnr.gz.Xa5dQ", age=1)
    put(tmp_path / ".b.gz", age=2)
    put(tmp_path / "c.gz", age=3)

    assert names(look(tmp_path / "*.gz")) == ["c.gz", None]
    assert names(look(tmp_path / "*")) == ["c.gz", None]
    assert names(look(tmp_path / ".*")) == [".pnr.gz.Xa5dQ", ".b.gz"]


def test_directories_may_be_patterns_too(tmp_path: Path) -> None:
    put(tmp_path / "kr" / "in" / "a.xml", age=20)
    put(tmp_path / "jp" / "in" / "b.xml", age=10)
    put(tmp_path / "jp" / "out" / "c.xml", age=1)
    put(tmp_path / "file")
    (tmp_path / "loop").symlink_to(tmp_path)

    assert names(look(tmp_path / "*" / "in" / "*.xml")) == ["b.xml", "a.xml"]
    assert names(look(tmp_path / "[!l]*" / "*" / "*.xml")) == ["c.xml", "b.xml"]
    assert names(look(f"{tmp_path}//*/./in/*.xml")) == ["b.xml", "a.xml"]


def test_one_file_by_two_paths_is_not_the_one_before_itself(tmp_path: Path) -> None:
    put(tmp_path / "a" / "new.gz", age=1)
    put(tmp_path / "a" / "old.gz", age=9)
    (tmp_path / "b").symlink_to("a")
    (tmp_path / "c").symlink_to("a")

    assert names(look(tmp_path / "*" / "*.gz")) == ["new.gz", "old.gz"]


def test_a_file_that_is_still_written_does_not_count(tmp_path: Path) -> None:
    put(tmp_path / "a.gz", age=3600)
    put(tmp_path / "b.gz", age=599)
    found = look(tmp_path / "*.gz", settled=600)

    assert (names(found), found.count, found.unsettled) == (["a.gz", None], 1, 1)


@pytest.mark.parametrize("age_by", ["modification", "change"])
def test_a_time_in_the_future_is_not_the_newest_for_ever(tmp_path: Path, age_by: str) -> None:
    path = put(tmp_path / "a.gz", age=-1e9)
    changed = path.stat().st_ctime
    found = find(str(tmp_path / "*.gz"), age_by, changed + 500, 0.0)  # type: ignore[arg-type]  # one of both

    assert found.newest is not None
    assert found.newest.since == pytest.approx(changed, abs=1)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    put(tmp_path / "file")

    for text in ("*.gz", "gone/*.gz", "file/*", "*/*.gz"):
        assert look(tmp_path / text) == Found()


class Vanishing(contextlib.nullcontext[None]):
    """The entries of a directory."""

    def __init__(self, entries: Iterator[os.DirEntry[str]]) -> None:
        super().__init__()
        self.entries = entries

    def __iter__(self) -> Iterator[os.DirEntry[str]]:
        return self.entries


def test_a_file_that_vanishes_while_it_is_listed_is_not_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(10):
        put(tmp_path / f"{number}.gz")

    def scandir(path: str, real: Callable[[str], Any] = os.scandir) -> Vanishing:
        return Vanishing(map(removed, itertools.count(), real(path)))

    def removed(number: int, entry: os.DirEntry[str]) -> os.DirEntry[str]:
        if number == 5:
            os.unlink(entry.path)
        return entry

    monkeypatch.setattr(os, "scandir", scandir)
    found = look(tmp_path / "*.gz")

    assert (found.count, found.trouble) == (9, "")


def test_names_that_are_not_text_are_found(tmp_path: Path) -> None:
    path = os.fsdecode(os.fsencode(tmp_path) + b"/pnr-\xff\n.gz")
    put(Path(path))
    found = look(tmp_path / "pnr-*.gz")

    assert found.newest is not None
    assert found.newest.path == path
    assert look(tmp_path / "pnr-\udcff?.gz") == found


def test_a_directory_that_cannot_be_read_hides_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bad", "good"):
        put(tmp_path / name / "a.gz")

    def scandir(path: str, real: Callable[[str], object] = os.scandir) -> object:
        if path.endswith("/bad"):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return real(path)

    monkeypatch.setattr(os, "scandir", scandir)
    found = look(tmp_path / "*" / "*.gz")

    assert names(found) == ["a.gz", None]
    assert found.trouble == f"{tmp_path}/bad: Permission denied"
    with pytest.raises(PermissionError):
        look(tmp_path / "b*" / "*.gz")


def test_too_many_entries_are_not_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        put(tmp_path / str(number % 3) / f"{number}.gz", age=number + 1)
    monkeypatch.setattr(pattern, "MAX_ENTRIES", 15)
    found = look(tmp_path / "*" / "*.gz")
    monkeypatch.setattr(pattern, "MAX_ENTRIES", 14)

    assert (found.count, found.trouble) == (12, "")
    with pytest.raises(OSError, match="more than 14 entries; narrow the pattern"):
        look(tmp_path / "*" / "*.gz")


class Endless:
    """A directory without end, in which nothing fits."""

    name = "other"

    def __enter__(self) -> Iterator[Endless]:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __iter__(self) -> Iterator[Endless]:
        return self

    def __next__(self) -> Endless:
        return self


def test_a_directory_without_end_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "scandir", lambda _path: Endless())

    with pytest.raises(OSError, match="more than 1,000,000 entries; narrow the pattern"):
        look(tmp_path / "*.gz")


@needs_root
def test_however_many_files_fit_few_are_kept_in_memory(tmp_path: Path) -> None:
    with tmpfs(tmp_path / "many", "nr_inodes=20010") as directory:
        here = os.open(directory, os.O_RDONLY)
        for number in range(20_000):
            os.mknod(f"{number:06}.gz", 0o600, dir_fd=here)
        os.close(here)
        tracemalloc.start()
        try:
            found = find(f"{directory}/*.gz", "modification", 4e9)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert found.count == 20_000
    assert peak < 1 << 20


NAMES = st.sampled_from(["a", "b", "ab", ".a", "a.b", "[a]", "A"])
PATTERNS = st.sampled_from(["*", "a*", "*b", "?", ".*", "[ab]", "[!a]*", "[[]a]", "a.?", "A"])


@given(
    st.lists(st.tuples(NAMES, NAMES), max_size=8, unique=True),
    st.tuples(PATTERNS, PATTERNS),
)
def test_the_same_files_fit_as_in_a_shell(
    tmp_path_factory: pytest.TempPathFactory,
    files: list[tuple[str, str]],
    parts: tuple[str, str],
) -> None:
    root = tmp_path_factory.mktemp("glob")
    for age, (directory, name) in enumerate(files):
        put(root / directory / name, age=age + 1.0)
    text = os.path.join(root, *parts)
    theirs = [path for path in glob.glob(text) if stat.S_ISREG(os.stat(path).st_mode)]
    found = look(text)

    assert found.count == len(theirs)
    newest = sorted(Match(os.stat(path).st_mtime, path, os.stat(path)) for path in theirs)
    assert names(found) == [
        os.path.basename(newest[-place].path) if len(newest) >= place else None for place in (1, 2)
    ]

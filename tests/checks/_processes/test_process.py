"""What /proc says of a process: its line of `stat`, with any content, and its short name."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.process import Process, look_up, parse_stat
from checks._processes.scan import is_short_for

STAT = b"4711 (a) b) R 1 4711 4711 0 -1 4194560 1 2 3 4 5 6 7 8 20 0 3 0 123456 7 8 9 10 11\n"
NUMBERS = st.integers(-(2**63), 2**64)


def test_a_process_is_described() -> None:
    own = look_up(os.getpid())

    assert own is not None
    assert (own.pid, own.parent, own.is_zombie) == (os.getpid(), os.getppid(), False)
    assert look_up(2**30) is None


def test_a_name_with_brackets_and_spaces_is_read_to_its_last_bracket() -> None:
    process = parse_stat(STAT)

    assert process == Process(4711, b"a) b", "R", 1, 123456, flags=4194560, threads=3)
    assert str(process) == "4711 (a) b)"


def test_a_hostile_name_is_shown_safely() -> None:
    assert str(Process(7, b"\xff\n<b>\x1b[m", "Z", 1, 1)) == r"7 (\xff\n<b>\x1b[m)"


@given(
    st.integers(1, 2**31),
    st.binary(max_size=16),
    st.sampled_from("RSDTtZXI"),
    st.lists(NUMBERS, min_size=21, max_size=49),
)
def test_any_stat_line_is_read_as_it_is_meant(
    pid: int, comm: bytes, state: str, numbers: list[int]
) -> None:
    fields = b" ".join(b"%d" % number for number in numbers)
    process = parse_stat(b"%d (%s) %s %s\n" % (pid, comm, state.encode(), fields))

    assert process is not None
    assert (process.pid, process.comm, process.state) == (pid, comm, state)
    assert (process.parent, process.born) == (numbers[0], numbers[18])


@given(
    st.one_of(
        st.binary(),
        st.integers(0, len(STAT)).map(lambda end: STAT[:end]),
        st.lists(st.sampled_from([b"1", b"(", b")", b" ", b"-", b"R", b"\n"])).map(b"".join),
        st.text("0123456789 -", max_size=60).map(lambda text: b"1 (x) R " + text.encode()),
    )
)
def test_any_bytes_are_a_process_or_none(line: bytes) -> None:
    process = parse_stat(line)

    assert process is None or line.startswith(str(process.pid).encode()) or line[:1] == b"0"


@pytest.mark.parametrize(
    ("comm", "name"),
    [
        (b"mysqld", "mysqld"),
        (b"mysqld", "/usr/sbin/mysqld"),
        (b"archiveManager_", "archiveManager_PnrTest"),
        (b"archive.sh", "archive"),
    ],
)
def test_a_short_name_stands_for(comm: bytes, name: str) -> None:
    assert is_short_for(comm, name)


@pytest.mark.parametrize(
    ("comm", "name"),
    [
        (b"mysqld", "mysql"),
        (b"mysql", "mysqld"),
        (b"archiveManager_", "archiveManager"),
        (b"ruby", "archiveManager"),
        (b"", "archiveManager"),
    ],
)
def test_a_short_name_does_not_stand_for(comm: bytes, name: str) -> None:
    assert not is_short_for(comm, name)

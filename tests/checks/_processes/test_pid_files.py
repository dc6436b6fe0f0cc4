"""Pid files: with any content, and compared with the processes that run."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.pid_files import parse, problem, read
from checks._processes.process import Process, look_up
from tests.support.processes import NAME, make_zombie, running, titled

DEAD = 2**30
"""A pid that no process has."""


def process(pid: int, parent: int = 1) -> Process:
    return Process(pid, b"ruby", "S", parent, 100)


def judged(file: Path, *pids: int | Process) -> str:
    """Return what is wrong with the file, without its path."""
    found = [process(pid) if isinstance(pid, int) else pid for pid in pids]
    wrong = problem(read(file), NAME, found)
    assert wrong == "" or wrong.startswith(f"{file} ")
    return wrong.removeprefix(f"{file} ")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / f"{NAME}.pid"


def test_a_file_that_names_the_process_is_right(file: Path) -> None:
    file.write_text("12\n")

    assert judged(file, 12) == ""


def test_a_missing_file_is_wrong_only_while_the_process_runs(file: Path) -> None:
    assert judged(file, 12) == "is missing"
    assert judged(file) == ""
    assert judged(file.parent / "no directory" / "x.pid", 12) == "is missing"


def test_a_pid_without_a_process_is_stale(file: Path) -> None:
    file.write_text(f"{DEAD}")

    assert judged(file) == f"names {DEAD}, which does not run"
    expected = f"names {DEAD}, which does not run; {NAME} runs as pid 12"
    assert expected == judged(file, 12)


def test_a_pid_of_another_program_is_stale(file: Path) -> None:
    file.write_text(f"{os.getpid()}\n")
    own = look_up(os.getpid())

    assert own is not None
    expected = f"names {os.getpid()}, which is another program: {own.comm.decode()}"
    assert expected == judged(file)


def test_the_name_of_another_program_is_shown_safely(file: Path) -> None:
    program = file.with_name(os.fsdecode(b"\xff\n<b>\x1b[m"))
    shutil.copy(shutil.which("sleep") or "", program)
    with running(program, "60") as pid:
        file.write_text(f"{pid}\n")

        assert judged(file) == rf"names {pid}, which is another program: \xff\n<b>\x1b[m"


def test_a_pid_of_a_zombie_is_stale(file: Path) -> None:
    with running("sleep", "60") as pid:
        make_zombie(pid)
        file.write_text(f"{pid}\n")

        assert judged(file) == f"names {pid}, which is a zombie"


def test_a_process_that_has_just_started_is_not_taken_for_another(file: Path) -> None:
    with titled(NAME.encode()) as pid:
        file.write_text(f"{pid}\n")

        assert judged(file) == judged(file, 12) == ""


def test_a_file_that_names_one_of_several_is_wrong(file: Path) -> None:
    file.write_text("12\n")

    assert judged(file, 15, 12) == "names 12, but 2 instances run: pids 12, 15"
    many = "names 12, but 13 instances run: pids 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, …"
    assert many == judged(file, *range(12, 25))


def test_a_worker_of_an_instance_is_not_another_instance(file: Path) -> None:
    file.write_text("12\n")

    assert judged(file, 12, process(15, parent=12), process(16, parent=15)) == ""
    assert judged(file, 10, process(12, parent=10)) == ""


@pytest.mark.parametrize("content", [b"", b"\n", b"abc", b"-1", b"0", b"12abc", b"9" * 10, b"\xff"])
def test_a_file_without_a_pid_is_wrong(file: Path, content: bytes) -> None:
    file.write_bytes(content)

    assert judged(file, 12) == judged(file) == "names no process"


def test_something_that_is_not_a_file_does_not_hang(file: Path) -> None:
    os.mkfifo(file)
    assert judged(file, 12) == "is not a file"
    file.unlink()
    file.mkdir()
    assert judged(file, 12) == "is not a file"
    file.rmdir()
    file.symlink_to(file)
    assert judged(file, 12) == "cannot be read: Too many levels of symbolic links"


@pytest.mark.parametrize(
    "content", [b"12", b" 12 \n", b"12\r\n", b"0012\n", b"\n12\n", b"12\n/srv/pgsql\n5432\n\0\xff"]
)
def test_the_first_line_is_the_pid(content: bytes) -> None:
    assert parse(content) == 12


@given(st.one_of(st.binary(), st.text("0123456789 \n-+.", max_size=14).map(str.encode)))
def test_any_bytes_are_read_as_a_pid_or_as_none(content: bytes) -> None:
    assert 0 <= parse(content) < 2**31


def test_a_byte_order_mark_is_not_part_of_a_pid() -> None:
    assert parse(b"\xef\xbb\xbf12\r\n") == 12
    assert parse(b"\xef\xbb\xbf") == 0

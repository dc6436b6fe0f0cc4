"""Reading a file that a service file names: whatever it is, nothing waits for it."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from supervisor.files import read_regular_file, why


def refusal(path: Path, max_bytes: int = 1024) -> str:
    with pytest.raises(OSError, match=r".") as caught:
        read_regular_file(path, max_bytes)
    return why(caught.value)


def test_a_regular_file_is_read_also_through_a_link(tmp_path: Path) -> None:
    path, link = tmp_path / "a", tmp_path / "b"
    path.write_bytes(b"x" * 1024)
    link.symlink_to(path)

    assert read_regular_file(link, 1024) == b"x" * 1024


def test_a_pipe_a_device_and_a_directory_are_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert refusal(tmp_path / "pipe") == "it is not a regular file"
    assert refusal(Path("/dev/zero")) == "it is not a regular file"
    assert refusal(tmp_path) == "Is a directory"
    assert refusal(tmp_path / "absent") == "No such file or directory"


def test_a_larger_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge"
    path.touch()
    os.truncate(path, 1 << 40)

    assert refusal(path, 64 * 1024) == "it is larger than 64 KiB"
    assert refusal(path, 16 << 20) == "it is larger than 16 MiB"


def test_a_file_without_a_size_is_bounded_too() -> None:
    assert b"Name:" in read_regular_file(Path("/proc/self/status"), 64 * 1024)
    assert refusal(Path("/proc/self/status"), 1024) == "it is larger than 1 KiB"


def test_no_descriptor_is_left(tmp_path: Path) -> None:
    before = os.listdir("/proc/self/fd")
    for path in (tmp_path, Path("/dev/zero"), Path(__file__)):
        try:
            read_regular_file(path, 1 << 20)
        except OSError:
            continue

    assert os.listdir("/proc/self/fd") == before

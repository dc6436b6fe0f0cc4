"""What the `file` check refuses before it runs, and what it would have instead."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from checks._files.watched.entry import WatchedFile
from checks.file import MAX_FILES, Params, examine
from supervisor.config.problems import TableError
from tests.checks.file_bench import params, put


async def test_validate_names_users_and_groups_that_are_not_there() -> None:
    found = await examine(
        params(
            {"path": "/a", "owner": "root", "group": "0"},
            {"path": "/b", "owner": "nosuchuser", "group": "nosuchgroup"},
        )
    )

    assert [*found] == [
        "files[1].owner: nosuchuser is not a user of this host; write one of its users, or "
        "a number",
        "files[1].group: nosuchgroup is not a group of this host; write one of its groups, or "
        "a number",
    ]


async def test_validate_names_files_that_cannot_be_read(tmp_path: Path) -> None:
    put(tmp_path / "file")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "fifo")
    files = [
        {"path": f"{tmp_path}/{name}", "sha256": "changed", "name": name}
        for name in ("file", "gone", "loop", "fifo")
    ]
    found = await examine(params(*files, {"path": f"{tmp_path}/loop"}))

    remedy = "let the supervisor's user read it"
    assert [*found] == [
        f"files[2].path: cannot read {tmp_path}/loop: Too many levels of symbolic links; {remedy}",
        f"files[3].path: cannot read {tmp_path}/fifo: it is not a regular file; {remedy}",
    ]


WRONG_ENTRIES: list[tuple[dict[str, Any], str]] = [
    ({}, "needs either path or newest; write one of them"),
    ({"path": "/a", "newest": "/b*"}, "needs either path or newest; write one of them"),
    ({"path": "a"}, "'a' is not an absolute path; write for example '/srv/export.csv'"),
    (
        {"path": "/a", "min_size_percent": 5, "settled": 5},
        "min_size_percent, settled: of no use beside path; remove it, or write newest",
    ),
    (
        {"newest": "/a*", "sha256": "changed"},
        "sha256: of no use beside newest; remove it, or write path",
    ),
    (
        {"newest": "/a*/b"},
        "newest: its last part is not a pattern; write for example '/backup/*.gz', or write path",
    ),
    (
        {"newest": "/a/**/*.gz"},
        "newest: ** is not read here; write each directory, such as /srv/*/*",
    ),
    (
        {"path": "/a", "exists": False, "max_age": 5, "optional": True},
        "max_age, optional: of no use beside exists = false; remove it",
    ),
    (
        {"path": "/a", "kind": "fifo", "max_size": 5},
        "max_size: is only for regular files; remove it",
    ),
    (
        {"path": "/a", "min_age": "2h", "max_age": "1h"},
        "min_age is above max_age, so one of them always fires; exchange the two",
    ),
    (
        {"path": "/a", "mode": "rw-r--r--"},
        "'rw-r--r--' is not a mode; write its octal digits, for example '0640'",
    ),
    (
        {"path": "/a", "mode": 0o644},
        "is a number; write its octal digits in quotes, for example '0640'",
    ),
    (
        {"path": "/a", "sha256": "d41d8cd98f00b204e9800998ecf8427e"},
        "'d41d8cd98f00b204e9800998ecf8427e' is not a SHA-256; write what sha256sum prints, "
        "64 hexadecimal digits, or 'changed'",
    ),
]


@pytest.mark.parametrize(("entry", "answer"), WRONG_ENTRIES)
def test_a_wrong_entry_is_answered_with_what_would_be_right(
    entry: dict[str, Any], answer: str
) -> None:
    with pytest.raises(TableError) as caught:
        params(entry)
    (problem,) = caught.value.problems

    assert f"{problem.wrong}; {problem.remedy}" == answer


def test_files_with_one_name_and_too_many_files_are_refused() -> None:
    with pytest.raises(ValueError, match=r"^has /a more than once; give each its own name$"):
        Params((WatchedFile("/a"), WatchedFile("/a")))
    many = tuple(WatchedFile(f"/{number}") for number in range(MAX_FILES + 1))
    with pytest.raises(ValueError, match=r"^has 201 files; write at most 200, and a second module"):
        Params(many)

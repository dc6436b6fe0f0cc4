"""What the `file` check keeps from run to run: the checksum of a file, and little more."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest

from checks._files.watched import hashing
from checks._files.watched.hashing import MAX_BYTES_PER_RUN
from checks.file import MAX_FILES
from supervisor.api import Condition, Json, Measurement, Observation, Report
from supervisor.modules.execution import MAX_STATE_BYTES
from tests.checks.file_bench import NOW, params, put, seen, short, wrong

KEY = "0123456789abcdef"


async def test_a_checksum_must_be_right(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"right")
    right = hashlib.sha256(b"right").hexdigest()
    file = {"path": str(path), "sha256": right.upper()}

    assert await wrong(file) == []
    path.write_bytes(b"wrong")
    found = hashlib.sha256(b"wrong").hexdigest()
    assert await wrong(file) == [
        ("File checksum wrong", "E", f"{path} has the SHA-256 {found}; it must be {right}")
    ]


async def test_a_change_is_told_once(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "sha256": "changed", "event_type": "I", "optional": True}

    async def told() -> list[Report]:
        observed = await seen(file, state=state)
        return [item for item in observed if isinstance(item, Report)]

    path.write_bytes(b"old")
    found = [await told(), await told()]
    path.write_bytes(b"new")
    state = json.loads(json.dumps(state))  # as after a restart
    found += [await told(), await told()]
    path.unlink()
    found += [await told()]
    path.write_bytes(b"old")
    found += [await told(), await told()]

    old, new = (hashlib.sha256(content).hexdigest() for content in (b"old", b"new"))
    text = f"{path} has changed: its SHA-256 is {{}}, and was {{}}"
    first, second = (
        Report(f"File changed ({path})", text.format(*pair), event_type="I")
        for pair in ((new, old), (old, new))
    )
    assert found == [[], [], [first], [], [], [second], []]


async def test_what_came_in_its_place_does_not_make_a_change_forgotten(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "sha256": "changed"}
    path.write_bytes(b"old")
    await seen(file, state=state)
    path.unlink()
    path.mkdir()
    await seen(file, state=state)
    path.rmdir()
    path.symlink_to(path)
    await seen(file, state=state)
    path.unlink()
    path.write_bytes(b"new")

    assert [type(item) for item in await seen(file, state=state)].count(Report) == 1


async def test_a_file_at_rest_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, state, opened = tmp_path / "file", dict[str, Json](), list[str]()
    real = os.preadv

    def preadv(*arguments: Any) -> int:
        opened.append("read")
        return real(*arguments)

    monkeypatch.setattr(os, "preadv", preadv)
    monkeypatch.setattr(hashing, "MIN_AGE", -1.0)  # as if it had rested
    path.write_bytes(b"content")
    file = {"path": str(path), "sha256": "changed"}
    for _ in range(3):
        await seen(file, state=state)

    assert len(opened) == 2  # the content and its end


async def test_a_file_of_100_gb_is_read_on_in_the_next_run(tmp_path: Path) -> None:
    path, state = put(tmp_path / "huge", size=100_000_000_000), dict[str, Json]()
    small = tmp_path / "small"
    small.write_bytes(b"content")
    other = {"path": str(small), "sha256": hashlib.sha256(b"other").hexdigest()}
    files = ({"path": path, "sha256": "0" * 64}, other)
    unread, found = [], []
    for _ in range(2):
        observed = await seen(*files, state=state)
        unread.append(measured(observed, "file_unread_bytes"))
        found.append([item for item in observed if isinstance(item, Condition)])

    assert [each[str(small)] for each in unread] == [0, 0]
    first, second = (100_000_000_000 - each[path] for each in unread)
    assert 0 < first <= MAX_BYTES_PER_RUN + (1 << 20)
    assert first < second <= 2 * MAX_BYTES_PER_RUN + (2 << 20)
    # What fires goes on until all is read. Nothing new fires.
    assert [[item.sustain for item in each] for each in found] == [[True, False]] * 2
    assert found[0][0].message.startswith(f"{path} is read for its SHA-256; it must be 0000")


def measured(observed: list[Observation], name: str) -> dict[str, float]:
    return {
        item.labels["file"]: item.value
        for item in observed
        if isinstance(item, Measurement) and item.name == name
    }


ABSURD: list[Json] = [
    None,
    [],
    "text",
    10**400,
    {"digest": None, "point": [], "newest": {}},
    {"digest": ["0f" * 32, 1], "point": [1, 2, 3], "newest": [1, 2, 3, 4]},
    {"digest": ["x", KEY], "point": [-1, 0, KEY, 0], "newest": [KEY, 1, 10**400, 5]},
    {"point": [0, 0, KEY, float("inf")], "newest": [KEY, float("nan"), 0, 0]},
    {"digest": ["0f" * 32, KEY], "point": [1 << 62, 1 << 62, KEY, 1 << 62], "newest": [KEY] * 4},
]


@pytest.mark.parametrize("absurd", ABSURD)
async def test_an_absurd_state_does_no_harm(tmp_path: Path, absurd: Json) -> None:
    put(tmp_path / "a.gz", 100)
    files = (
        {"path": f"{tmp_path}/a.gz", "sha256": "changed", "max_growth": 10, "min_growth": 5},
        {"newest": f"{tmp_path}/*.gz", "min_size_percent": 50},
    )
    keys = [file.key for file in params(*files).files]
    state = {keys[0]: absurd, keys[1]: absurd, "nonsense": absurd}

    assert short(await seen(*files, state=state)) == []
    assert set(state) == set(keys)
    assert short(await seen(*files, state=state, now=NOW + 60)) == []


async def test_the_state_of_all_files_of_a_module_is_small(tmp_path: Path) -> None:
    put(tmp_path / "a.gz", 1 << 40)
    files = [
        {"newest": f"{tmp_path}/*.gz", "name": f"{number}", "min_size_percent": 5, "min_growth": 1}
        for number in range(MAX_FILES)
    ]
    state: dict[str, Json] = {}
    for number in range(3):
        await seen(*files, state=state, now=NOW + 3600 * number)

    assert len(state) == MAX_FILES
    assert len(json.dumps(state)) < MAX_STATE_BYTES / 2


async def test_the_state_of_what_is_not_compared_is_empty(tmp_path: Path) -> None:
    state: dict[str, Json] = {}
    await seen({"path": put(tmp_path / "file"), "max_age": "1h", "mode": "0640"}, state=state)

    assert state == {}

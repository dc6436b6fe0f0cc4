"""The limits of the `file` check: age, size and growth."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from supervisor.api import Json, Measurement
from tests.checks.file_bench import NOW, put, seen, short, wrong


@pytest.mark.parametrize(
    ("age", "limit", "fired"),
    [
        (3600, {"max_age": "1h"}, None),
        (3700, {"max_age": "1h"}, ("File too old", "E", "over 1 h ago (limit 1 h)")),
        (93601, {"max_age": "26h"}, ("File too old", "E", "over 1 d 2 h ago (limit 1 d 2 h)")),
        (
            7300,
            {"max_age": {"W": "1h", "E": "3h"}},
            ("File too old", "W", "over 2 h ago (limit W 1 h, E 3 h)"),
        ),
        (3600, {"min_age": "1h"}, None),
        (700, {"min_age": "1h"}, ("File too new", "E", "10 min ago (limit 1 h)")),
        (-1e9, {"min_age": "1h"}, None),  # it is in the future: the last change counts
    ],
)
async def test_a_file_may_be_too_old_or_too_new(
    tmp_path: Path, age: float, limit: Mapping[str, Any], fired: tuple[str, str, str] | None
) -> None:
    path = put(tmp_path / "file", age=age)
    now = NOW if age > 0 else os.stat(path).st_ctime + 3700

    assert await wrong({"path": path, **limit}, now=now) == (
        [(*fired[:2], f"{path} was last written to {fired[2]}")] if fired else []
    )


async def test_the_age_may_be_that_of_the_last_change(tmp_path: Path) -> None:
    path = put(tmp_path / "file", age=1e8)
    file = {"path": path, "max_age": "1h", "age_by": "change"}
    changed = os.stat(path).st_ctime

    assert await wrong(file, now=changed + 3500) == []
    assert await wrong(file, now=changed + 3700) == [
        ("File too old", "E", f"{path} was last changed over 1 h ago (limit 1 h)")
    ]


@pytest.mark.parametrize(
    ("size", "limit", "fired"),
    [
        (1024, {"max_size": "1KiB", "min_size": "1KiB"}, None),
        (1025, {"max_size": "1KiB"}, ("File too large", "E", "has 1.0 KiB (limit 1.0 KiB)")),
        (1023, {"min_size": "1KiB"}, ("File too small", "E", "has 1023 B (limit 1.0 KiB)")),
        (
            0,
            {"min_size": {"W": "1KiB", "E": 1}},
            ("File too small", "E", "has 0 B (limit W 1.0 KiB, E 1 B)"),
        ),
    ],
)
async def test_a_file_may_be_too_large_or_too_small(
    tmp_path: Path, size: int, limit: Mapping[str, Any], fired: tuple[str, str, str] | None
) -> None:
    path = put(tmp_path / "file", size=size)

    assert await wrong({"path": path, **limit}) == (
        [(*fired[:2], f"{path} {fired[2]}")] if fired else []
    )


async def test_a_file_may_grow_too_fast_or_too_slowly(tmp_path: Path) -> None:
    path, state = tmp_path / "app.log", dict[str, Json]()
    file = {"path": str(path), "max_growth": "1KiB", "min_growth": 1}
    sizes, found = (100, 200, 300, 300, 2000, 3024, 10, 11), []
    for number, size in enumerate(sizes):
        with path.open("ab") as log:
            log.truncate(size)
        state = json.loads(json.dumps(state))
        found.append(short(await seen(file, now=NOW + 60 * number, state=state)))

    slowly = ("File grows too slowly", "E", "has grown by 0 B since the run before (limit 1 B)")
    fast = ("File grows too fast", "E", "has grown by 1.7 KiB since the run before (limit 1.0 KiB)")
    assert found == [
        [],
        [],
        [],
        [(*slowly[:2], f"{path} {slowly[2]}")],
        [(*fast[:2], f"{path} {fast[2]}")],
        [],
        [],  # it was rotated
        [],
    ]


async def test_another_file_of_the_same_name_has_not_grown(tmp_path: Path) -> None:
    path, state = tmp_path / "file", dict[str, Json]()
    file = {"path": str(path), "max_growth": "1KiB"}
    for number in range(3):
        put(path)
        await seen(file, now=NOW + 60 * number, state=state)
    put(tmp_path / "other", size=1 << 20)
    (tmp_path / "other").rename(path)

    assert short(await seen(file, now=NOW + 180, state=state)) == []


async def test_measurements_have_the_limits(tmp_path: Path) -> None:
    path = put(tmp_path / "file", 1000, age=60)
    file = {"path": path, "max_age": {"W": "1h", "E": "2h"}, "min_size": 5, "sha256": "changed"}
    found = {
        item.name: (item.value, item.unit, item.limits)
        for item in await seen(file)
        if isinstance(item, Measurement)
    }

    assert found == {
        "file_age_seconds": (60, "s", (3600, 7200)),
        "file_size_bytes": (1000, "B", (5,)),
        "file_unread_bytes": (0, "B", ()),
    }

"""Zones of checks by name."""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from checks._common.time_zones import zone


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database of time zones that the test may change. It is the only one."""
    zoneinfo.reset_tzpath(to=[str(tmp_path)])
    yield tmp_path
    zoneinfo.reset_tzpath()


def test_each_run_follows_the_rules_of_the_day(database: Path) -> None:
    def offset() -> timedelta | None:
        return zone("Zone").utcoffset(datetime(2026, 7, 1))  # noqa: DTZ001 - of that zone

    found = []
    for name in ("Asia/Seoul", "Europe/Paris"):
        (database / "Zone").write_bytes(Path("/usr/share/zoneinfo", name).read_bytes())
        found.append(offset())

    assert [timedelta(hours=9), timedelta(hours=2)] == found


def test_an_abbreviation_is_a_zone_and_nonsense_names_some() -> None:
    assert zone("kst").key == "Asia/Seoul"
    with pytest.raises(ValueError, match="is not a time zone; write for example 'Asia/Seoul'"):
        zone("Asia/Soul")

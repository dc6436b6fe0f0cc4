"""The machine's zone, and zones by name."""

from __future__ import annotations

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from supervisor.config.timezone import machine_timezone, parse_timezone

SEOUL = ZoneInfo("Asia/Seoul")


def test_a_zone_is_found_by_its_name() -> None:
    assert parse_timezone("Asia/Seoul") == SEOUL


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("Asia/Soul", "did you mean 'Asia/Seoul'?"),
        ("asia/seoul", "did you mean 'Asia/Seoul'?"),
        ("KST", "did you mean 'Asia/Seoul'?"),
        ("", 'write an IANA name such as "Asia/Seoul"'),
        ("/etc/passwd", 'write an IANA name such as "Asia/Seoul"'),
        ("a\0b", 'write an IANA name such as "Asia/Seoul"'),
        ("\ud800", 'write an IANA name such as "Asia/Seoul"'),
    ],
)
def test_a_wrong_name_has_a_remedy(name: str, remedy: str) -> None:
    with pytest.raises(ValueError, match="is not a time zone; ") as caught:
        parse_timezone(name)

    assert str(caught.value).endswith(f" is not a time zone; {remedy}")


@pytest.mark.parametrize("name", ["Asia/Seoul", ":Asia/Seoul", "/usr/share/zoneinfo/Asia/Seoul"])
def test_the_variable_tz_comes_first(tmp_path: Path, name: str) -> None:
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Paris")

    assert machine_timezone({"TZ": name}, tmp_path) == SEOUL


@pytest.mark.parametrize("environ", [{}, {"TZ": ""}, {"TZ": "XYZ-9"}])
def test_then_the_link_then_the_file_then_utc(tmp_path: Path, environ: dict[str, str]) -> None:
    assert ZoneInfo("UTC") == machine_timezone(environ, tmp_path)
    (tmp_path / "timezone").write_text("Asia/Seoul\n")
    assert machine_timezone(environ, tmp_path) == SEOUL
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Paris")
    assert ZoneInfo("Europe/Paris") == machine_timezone(environ, tmp_path)


def test_a_localtime_that_is_not_a_link_is_ignored(tmp_path: Path) -> None:
    (tmp_path / "localtime").write_bytes(b"TZif")
    (tmp_path / "timezone").write_bytes(b"\xff")

    assert ZoneInfo("UTC") == machine_timezone({}, tmp_path)

"""The machine's zone, and zones by name."""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from supervisor.config import timezone
from supervisor.config.load import load_service
from supervisor.config.timezone import machine_timezone, parse_timezone, zone_of_key

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


@pytest.mark.parametrize("environ", [{}, {"TZ": ""}, {"TZ": "Asia/Soul"}])
def test_then_the_link_then_the_file_then_utc(tmp_path: Path, environ: dict[str, str]) -> None:
    assert ZoneInfo("UTC") == machine_timezone(environ, tmp_path)
    (tmp_path / "timezone").write_text("Asia/Seoul\n")
    assert machine_timezone(environ, tmp_path) == SEOUL
    (tmp_path / "localtime").symlink_to("/usr/share/zoneinfo/Europe/Paris")
    assert ZoneInfo("Europe/Paris") == machine_timezone(environ, tmp_path)


@pytest.fixture(autouse=True)
def forget_warnings() -> None:
    """Let each test see the warnings that are logged once."""
    timezone._warn.cache_clear()


def copy_of(zone: str, path: Path) -> None:
    """Make a file with the zone's rules, as an image or a mount has it."""
    path.write_bytes(Path("/usr/share/zoneinfo", zone).read_bytes())


def test_a_copy_of_a_zone_is_known_by_its_rules(tmp_path: Path) -> None:
    copy_of("Asia/Seoul", tmp_path / "localtime")
    (tmp_path / "timezone").write_text("Etc/UTC\n")  # the image's; the copy is the host's

    assert SEOUL == machine_timezone({}, tmp_path)


def test_a_copy_with_several_names_has_that_of_the_file_timezone(tmp_path: Path) -> None:
    copy_of("Etc/UTC", tmp_path / "localtime")
    (tmp_path / "timezone").write_text("Etc/Zulu\n")

    assert ZoneInfo("Etc/Zulu") == machine_timezone({}, tmp_path)


def test_rules_that_the_database_does_not_have_are_kept_as_they_are(tmp_path: Path) -> None:
    copy_of("Asia/Seoul", tmp_path / "localtime")
    rules = (tmp_path / "localtime").read_bytes()
    (tmp_path / "localtime").write_bytes(rules.replace(b"\nKST-9\n", b"\nKST-7\n"))
    found = machine_timezone({}, tmp_path)

    assert str(tmp_path / "localtime") == found.key
    assert timedelta(hours=7) == found.utcoffset(datetime(2026, 7, 1))  # noqa: DTZ001 - of that zone
    assert machine_timezone({}, tmp_path) is found  # a reload finds the zone unchanged


@pytest.mark.parametrize(
    ("rule", "january", "july"),
    [
        ("KST-9", 9, 9),
        (":KST-9", 9, 9),
        ("<+0330>-3:30", 3.5, 3.5),
        ("CET-1CEST,M3.5.0,M10.5.0/3", 1, 2),
        ("AAA5BBB", -5, -4),
    ],
)
def test_a_rule_in_tz_is_taken_as_the_c_library_takes_it(
    tmp_path: Path, rule: str, january: float, july: float
) -> None:
    found = machine_timezone({"TZ": rule}, tmp_path)
    offsets = [found.utcoffset(datetime(2026, month, 1)) for month in (1, 7)]  # noqa: DTZ001 - of that zone

    assert [timedelta(hours=january), timedelta(hours=july)] == offsets
    assert found.key.startswith(rule.removeprefix(":"))
    assert machine_timezone({"TZ": rule}, tmp_path) is found


def test_a_file_in_tz_is_read(tmp_path: Path) -> None:
    copy_of("Asia/Seoul", tmp_path / "zone")

    assert SEOUL == machine_timezone({"TZ": f":{tmp_path}/zone"}, tmp_path)


@pytest.mark.parametrize(
    "wrong",
    ["KST", "Asia/Soul", "-3", "AAA9999", "KST-9\nx", "한-9", "/etc", "/dev/zero", "/absent"],
)
def test_what_cannot_be_used_is_said_once_and_the_next_source_is_taken(
    tmp_path: Path, wrong: str, caplog: pytest.LogCaptureFixture
) -> None:
    copy_of("Asia/Seoul", tmp_path / "localtime")

    assert [SEOUL] * 2 == [machine_timezone({"TZ": wrong}, tmp_path) for _ in range(2)]
    (message,) = caplog.messages
    assert message.startswith("the variable TZ is ignored: '")
    assert message.endswith('write timezone = "Asia/Seoul", for example, in the service file')


@pytest.mark.parametrize("content", [b"TZif", b"TZif2" + bytes(100), b"hello", b""])
def test_a_broken_localtime_is_said_and_utc_is_taken(
    tmp_path: Path, content: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "localtime").write_bytes(content)
    (tmp_path / "timezone").write_bytes(b"\xff")

    assert ZoneInfo("UTC") == machine_timezone({}, tmp_path)
    assert "is not a file of a time zone" in caplog.text


def test_a_localtime_that_would_block_is_not_read(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    os.mkfifo(tmp_path / "localtime")

    assert ZoneInfo("UTC") == machine_timezone({}, tmp_path)
    assert "is not a file of a time zone" in caplog.text


def test_a_service_without_a_zone_has_the_machines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TZ", "KST-9")
    path = tmp_path / "X.toml"
    path.write_text('service = "X"\n')

    assert "KST-9" == load_service(path, lambda _: object).timezone.key


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Path]:
    """A database of time zones that the test may change. It is the only one."""
    directory = tmp_path / "zoneinfo"
    (directory / "Test").mkdir(parents=True)
    zoneinfo.reset_tzpath(to=[str(directory)])
    yield directory
    zoneinfo.reset_tzpath()
    timezone.look_again()


def test_new_rules_of_a_zone_are_seen_after_another_look_and_others_stay(database: Path) -> None:
    copy_of("Asia/Seoul", database / "Test/Moved")
    copy_of("Asia/Tokyo", database / "Test/Same")
    moved, same = parse_timezone("Test/Moved"), parse_timezone("Test/Same")
    copy_of("Europe/Paris", database / "Test/Moved")
    before = parse_timezone("Test/Moved")
    timezone.look_again()
    after = parse_timezone("Test/Moved")

    assert before is moved
    assert timedelta(hours=2) == after.utcoffset(datetime(2026, 7, 1))  # noqa: DTZ001 - of that zone
    assert parse_timezone("Test/Same") is same


def test_a_zone_that_is_removed_and_comes_back_is_seen(database: Path) -> None:
    copy_of("Asia/Seoul", database / "Test/Gone")
    parse_timezone("Test/Gone")
    (database / "Test/Gone").unlink()
    timezone.look_again()
    with pytest.raises(ValueError, match="is not a time zone"):
        parse_timezone("Test/Gone")
    copy_of("Asia/Seoul", database / "Test/Gone")
    timezone.look_again()

    assert parse_timezone("Test/Gone").key == "Test/Gone"


@pytest.mark.parametrize("name", ["Asia/Seoul", "KST-9"])
def test_a_zone_is_found_by_its_key(name: str) -> None:
    zone = machine_timezone({"TZ": name})

    assert zone_of_key(zone.key) is zone


def test_a_copy_without_a_name_is_found_by_its_key_and_nonsense_is_utc(tmp_path: Path) -> None:
    copy_of("Asia/Seoul", tmp_path / "localtime")
    rules = (tmp_path / "localtime").read_bytes()
    (tmp_path / "localtime").write_bytes(rules.replace(b"\nKST-9\n", b"\nKST-7\n"))
    zone = machine_timezone({}, tmp_path)

    assert zone_of_key(zone.key) is zone
    assert ZoneInfo("UTC") == zone_of_key("/absent")

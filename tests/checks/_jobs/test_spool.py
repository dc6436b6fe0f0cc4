"""The spool: anybody may put anything there, and only whole reports of the right users count."""

from __future__ import annotations

import json
import os
import stat
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._jobs import spool
from checks._jobs.report import JobReport, parse
from supervisor.jobs import spool as writer
from tests.support.mounts import needs_root

US = os.getuid()


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    path = tmp_path / "spool"
    spool.make(str(path))
    return path


def look(
    directory: Path,
    taken: Collection[str] = (),
    *,
    users: Collection[int] = (US,),
    is_saved: bool = False,
) -> spool.Reading:
    return spool.read(str(directory), {"a": users}, taken=taken, is_saved=is_saved)


def put(directory: Path, **more: Any) -> Path:
    return Path(writer.write(str(directory), {**writer.report("a", "end", exit=0), **more}))


def test_what_is_written_is_read(directory: Path) -> None:
    document = writer.report("a", "end", "ab12", exit=3, seconds=1.5, output="one\ntwo")
    writer.write(str(directory), document)
    (report,) = look(directory).reports

    assert (report.id, report.job, report.run) == (document["id"], "a", "ab12")
    assert (report.exit, report.seconds, report.output) == (3, 1.5, "one\ntwo")
    assert report.when.at == document["at"]
    assert not report.is_success
    writer.write(str(directory), {**writer.report("a", "start"), **writer.process()})
    assert [each.pid for each in look(directory).reports if each.is_start] == [os.getpid()]


def test_both_sides_agree_on_the_names() -> None:
    names = ("ROOT", "VARIABLE", "SUFFIX", "SOCKET")
    assert [getattr(spool, name) for name in names] == [getattr(writer, name) for name in names]
    assert spool.directory("X", "") == writer.directory("X")


def test_a_report_goes_when_it_was_taken_and_saved(directory: Path) -> None:
    path = put(directory)
    (report,) = look(directory).reports

    assert look(directory, [report.id]).present == {report.id}
    assert path.exists()
    assert look(directory, [report.id], is_saved=True).reports == []
    assert not path.exists()


def test_a_copy_of_a_report_counts_once(directory: Path) -> None:
    path = put(directory)
    (report,) = look(directory).reports
    (directory / "copy.json").write_bytes(path.read_bytes())

    assert look(directory, [report.id]).reports == []


def test_a_copy_that_comes_with_the_report_itself_counts_once(directory: Path) -> None:
    path = put(directory)
    (directory / "copy.json").write_bytes(path.read_bytes())

    (report,) = look(directory).reports

    look(directory, [report.id], is_saved=True)
    assert os.listdir(directory) == []


@needs_root
def test_the_owner_of_the_file_is_who_reports(directory: Path) -> None:
    path = put(directory)
    os.chown(path, 1234, -1)

    reading = look(directory)
    assert reading.reports == []
    assert reading.refused[0].why == "is of user 1234, who may not report 'a'"
    assert not path.exists()
    os.chown(put(directory), 1234, -1)
    assert len(look(directory, users=[1234]).reports) == 1


@pytest.mark.parametrize("kind", ["link", "hard link", "fifo", "directory", "huge", "not JSON"])
def test_what_is_not_a_report_is_removed_and_blocks_nothing(directory: Path, kind: str) -> None:
    good, bad = put(directory), directory / "bad.json"
    elsewhere = directory.parent / "elsewhere"
    elsewhere.write_bytes(good.read_bytes())
    if kind == "link":
        bad.symlink_to(elsewhere)
    elif kind == "hard link":
        bad.hardlink_to(elsewhere)
    elif kind == "fifo":
        os.mkfifo(bad)
    elif kind == "directory":
        bad.mkdir()
    elif kind == "huge":
        bad.write_bytes(b" " * (spool.MAX_BYTES + 1))
    else:
        bad.write_bytes(b"\xff{")

    reading = look(directory)
    assert len(reading.reports) == 1
    assert [refused.name for refused in reading.refused] == ["bad.json"]
    assert not os.path.lexists(bad)
    assert elsewhere.exists()


def test_a_report_that_is_not_finished_stays(directory: Path) -> None:
    (directory / "half").write_text("{")

    assert look(directory).refused == []
    assert (directory / "half").exists()


def test_a_job_that_the_file_does_not_name_may_be_named_soon(directory: Path) -> None:
    path = put(directory, job="other")

    assert look(directory).waiting == 1
    assert path.exists()


def test_a_flood_is_taken_in_parts(directory: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spool, "MAX_REPORTS", 10)
    for _ in range(25):
        put(directory)
    taken: list[str] = []
    for _ in range(3):
        reading = look(directory, taken, is_saved=True)
        assert len(reading.reports) <= 10
        taken += [report.id for report in reading.reports]

    assert len({*taken}) == 25


def test_others_may_write_and_not_list(directory: Path) -> None:
    assert stat.S_IMODE(directory.stat().st_mode) == 0o1733
    directory.chmod(0o755)
    spool.make(str(directory))
    assert stat.S_IMODE(directory.stat().st_mode) == 0o1733


GOOD = writer.report("a", "end", "ab", exit=0, seconds=1.0, output="x", pid=1)
KEYS = st.sampled_from(sorted(GOOD))
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(), st.lists, max_leaves=3
)


@given(KEYS, VALUES)
def test_a_report_with_any_value_is_read_or_refused(key: str, value: object) -> None:
    with suppress(ValueError):
        report = parse(json.dumps({**GOOD, key: value}).encode())
        assert isinstance(report, JobReport)
        assert report.when.at >= 0
        assert all(line.isprintable() for line in report.output.split("\n"))


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse(content)

"""`log_pattern` with a pattern of paths, on real files: what is read."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import trio

from checks._logs.parameters import Log
from checks._logs.patterns import finding
from checks._logs.patterns.places import Places
from checks.log_pattern import MISSING, Params, examine
from supervisor.api import Condition
from tests.checks._logs.patterns.watching import lines, logs, watch
from tests.checks.log_pattern_bench import append

__all__ = ["logs"]  # a fixture


def test_new_lines_of_several_files_make_one_alert(logs: Path) -> None:
    watched = watch(logs)
    before = watched.look_now()
    append(logs / "a.log", "ERROR 1\nfine\n")
    (one,) = watched.look_now()
    append(logs / "a.log", "ERROR 2\n")
    append(logs / "b.log", "ERROR 3\n")
    (two,) = watched.look_now()

    assert before == watched.look_now() == []
    assert isinstance(two, Condition)
    assert (two.alertname, two.event_type, two.instance) == ("Log lines", "W", f"{logs}/*.log")
    assert one.message == f"1 line in {logs}/a.log matched ERROR; the first: ERROR 1"
    assert two.message == (
        f"2 lines in 2 files of {logs}/*.log matched ERROR; the first, in {logs}/a.log: ERROR 2"
    )
    assert two.detail == f"<pre>{logs}/a.log:\nERROR 2\n{logs}/b.log:\nERROR 3</pre>"


def test_a_file_that_comes_later_is_read_from_its_start(logs: Path) -> None:
    watched = watch(logs)
    watched.look_now()
    append(logs / "c.log", "ERROR at once\n")
    (logs / "a.log").unlink()

    assert lines(watched) == ["ERROR at once"]
    assert lines(watched) == []


def test_a_file_with_the_same_lines_as_another_is_another_file(logs: Path) -> None:
    watched = watch(logs)
    watched.look_now()
    append(logs / "a1.log", "ERROR old\n")
    (logs / "a.log").unlink()
    append(logs / "b.log", "ERROR old\n")

    assert lines(watched) == ["ERROR old"] * 2


def test_the_first_run_may_read_what_is_there(logs: Path) -> None:
    watched = watch(logs, from_start=True)

    assert lines(watched) == ["ERROR old"] * 2
    assert lines(watched) == []


def test_a_directory_may_be_a_pattern_too(logs: Path) -> None:
    (logs / "x").mkdir()
    (logs / "y" / "z").mkdir(parents=True)
    watched = watch(logs, "*/[rs]*.log")
    none = [found.alertname for found in watched.look_now()]
    append(logs / "x" / "run.log", "ERROR x\n")
    append(logs / "y" / "start.log", "ERROR y\n")
    append(logs / "y" / "z" / "run.log", "ERROR too deep\n")
    append(logs / "y" / "other.log", "ERROR other\n")

    assert none == ["Log file missing"]
    assert lines(watched) == ["ERROR x", "ERROR y"]


def test_nothing_that_fits_is_a_condition_unless_it_is_optional(tmp_path: Path) -> None:
    (missing,) = watch(tmp_path / "gone").look_now()
    late = watch(tmp_path / "late", optional=True)
    silent = late.look_now()
    (tmp_path / "late").mkdir()
    append(tmp_path / "late" / "a.log", "ERROR at once\n")

    assert isinstance(missing, Condition)
    assert (missing.alertname, missing.event_type) == ("Log file missing", "E")
    assert missing.message == f"no file fits {tmp_path}/gone/*.log"
    assert silent == []
    assert lines(late) == ["ERROR at once"]


def test_what_is_not_a_file_is_passed_over(logs: Path) -> None:
    os.mkfifo(logs / "pipe.log")
    (logs / "directory.log").mkdir()
    (logs / "loop.log").symlink_to("loop.log")
    (logs / "nowhere.log").symlink_to("gone")
    (logs / "device.log").symlink_to("/dev/zero")
    (logs / "packed.log.gz").write_bytes(b"\nERROR\n")
    (logs / "up").symlink_to(logs)
    watched = watch(logs, "*")
    watched.look_now()
    append(logs / "a.log", "ERROR 1\n")
    (found,) = watched.look_now()

    assert found.message.startswith("1 line in ")
    assert watch(logs, "*/*.log").look_now()[0].message == f"no file fits {logs}/*/*.log"


def test_two_names_of_one_file_are_one_file(logs: Path) -> None:
    (logs / "current.log").symlink_to("a.log")
    os.link(logs / "b.log", logs / "hard.log")
    watched = watch(logs)
    watched.look_now()
    append(logs / "current.log", "ERROR 1\n")
    append(logs / "hard.log", "ERROR 2\n")

    assert lines(watched) == ["ERROR 1", "ERROR 2"]


def test_links_to_files_elsewhere_are_followed_through_their_rotation(logs: Path) -> None:
    elsewhere = logs / "elsewhere"
    elsewhere.mkdir()
    append(elsewhere / "app-1.txt", "ERROR old\n")
    (logs / "link.log").symlink_to(elsewhere / "app-1.txt")
    watched = watch(logs)
    watched.look_now()
    append(elsewhere / "app-1.txt", "ERROR 1\n")
    first = lines(watched)
    append(elsewhere / "app-1.txt", "ERROR 2\n")
    append(elsewhere / "app-2.txt", "ERROR 3\n")
    (logs / "link.log").unlink()
    (logs / "link.log").symlink_to(elsewhere / "app-2.txt")
    (logs / "new.log").symlink_to(elsewhere / "other.txt")
    append(elsewhere / "other.txt", "ERROR 4\n")

    assert first == ["ERROR 1"]
    assert lines(watched) == ["ERROR 2", "ERROR 3", "ERROR 4"]
    assert lines(watched) == []


def test_a_name_that_is_not_utf8_is_read(logs: Path) -> None:
    watched = watch(logs)
    watched.look_now()
    with open(bytes(logs) + b"/\xff\xb0.log", "ab") as file:
        file.write(b"ERROR 1\n")
    (found,) = watched.look_now()
    watched.context.state.update(json.loads(json.dumps(watched.context.state)))

    assert found.message == f"1 line in {logs}/\\xff\\xb0.log matched ERROR; the first: ERROR 1"
    assert watched.look_now() == []


def test_a_path_that_is_the_name_of_a_file_is_this_file(tmp_path: Path) -> None:
    append(tmp_path / "a[1].log", "ERROR old\n")
    append(tmp_path / "a1.log", "ERROR old\n")
    watched = watch(tmp_path, "a[1].log")
    watched.look_now()
    append(tmp_path / "a[1].log", "ERROR 1\n")
    append(tmp_path / "a1.log", "ERROR another\n")
    told = lines(watched)
    (tmp_path / "a[1].log").unlink()

    assert told == ["ERROR 1"]
    assert watched.look_now()[0].message == f"{tmp_path}/a[1].log is missing"
    assert watched.context.state[watched.params.logs[0].key] != MISSING


@pytest.mark.parametrize("value", [None, MISSING, 3, {}, {"directories": 1}, {"files": []}])
def test_a_state_that_is_none_is_a_first_look(value: object) -> None:
    assert Places.load(value) is None  # type: ignore[arg-type]  # any JSON


def test_a_state_with_rubbish_in_it_is_read_as_far_as_it_goes() -> None:
    rubbish = {"directories": {"/x": [1, ["a"], ["a", [1, 2, 3, "d"]]], "/y": 0}, "links": []}
    places = Places.load(rubbish)

    assert places is not None
    assert [each.name for each in places.directories["/x"]] == ["a"]


def test_examine_says_what_is_missing_or_cannot_be_read(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*entries: Log) -> list[str]:
        return [*trio.run(examine, Params(entries))]

    none = Log(f"{logs}/x*.log", "x")
    missing = said(Log(f"{logs}/*.log", "x"), none, Log(f"{logs}/y*.log", "x", optional=True))

    def refuse(path: str, _flags: int) -> int:
        raise PermissionError(13, f"Permission denied to {path[-5:]}")

    monkeypatch.setattr(os, "open", refuse)
    unreadable = said(Log(f"{logs}/*.log", "x"))

    assert missing == [
        f"logs[1].path: no file fits {logs}/x*.log; correct path, or write optional = true"
    ]
    assert unreadable[0].endswith("and 1 more; let the supervisor's user read it")


def test_two_stars_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has \*\*, which is not read here; write a \*"):
        Log("/var/log/**/x.log", "x")


def test_many_directories_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(finding, "MAX_DIRECTORIES", 2)
    for name in "abc":
        (tmp_path / name).mkdir()
        append(tmp_path / name / "x.log", "ERROR\n")
    (found,) = watch(tmp_path, "*/x.log").look_now()

    assert found.message.endswith("it has 3 directories, of which 2 are read")

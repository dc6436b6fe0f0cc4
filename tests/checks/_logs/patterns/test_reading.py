"""`log_pattern` with a pattern of paths, on real files: what is read, and what is in the way."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path

import pytest
import trio
from attrs import evolve

from checks._logs.parameters import Log
from checks._logs.patterns import finding, reading
from checks._logs.patterns.places import MAX_STATE_BYTES, Places
from checks.log_pattern import MISSING, Params, examine, run
from supervisor.api import Condition, Duration, Measurement, Report
from tests.checks.test_log_pattern import Watch, append
from tests.support.hanging_call import until_no_thread_hangs
from tests.support.mounts import bindfs, needs_root, stop


@pytest.fixture
def logs(tmp_path: Path) -> Path:
    """Return a directory with two logs, in which old lines are."""
    for name in ("a.log", "b.log"):
        (tmp_path / name).write_text("ERROR old\n", encoding="utf-8")
    return tmp_path


def watch(directory: Path, name: str = "*.log", **params: object) -> Watch:
    return Watch(Log(f"{directory}/{name}", "ERROR", **params))  # type: ignore[arg-type]  # any


def lines(watch: Watch) -> list[str]:
    """Return the lines that one more run tells."""
    return [
        line.removeprefix("<pre>").removesuffix("</pre>")
        for found in watch.look_now()
        if found.alertname.startswith("Log lines")
        for line in found.detail.splitlines()
        if "ERROR" in line
    ]


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


def test_a_file_that_cannot_be_read_does_not_hide_the_others(
    logs: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened = os.open

    def refuse(path: Path, flags: int) -> int:
        if path == logs / "a.log":
            raise PermissionError(13, "Permission denied")
        return opened(path, flags)

    watched = watch(logs)
    watched.look_now()
    append(logs / "a.log", "ERROR 1\n")
    append(logs / "b.log", "ERROR 2\n")
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refuse)
        told, unreadable = watched.look_now()

    assert told.message.endswith("b.log matched ERROR; the first: ERROR 2")
    assert isinstance(unreadable, Condition)
    assert (unreadable.alertname, unreadable.event_type) == ("Log file unreadable", "E")
    assert unreadable.message == f"cannot read {logs}/a.log: Permission denied"
    assert lines(watched) == ["ERROR 1"]


async def found_later(watch: Watch) -> list[Condition | Report]:
    """Return what is found when the kernel has forgotten the size of a file of FUSE."""
    with trio.fail_after(20):
        while not (found := await watch.look()):  # noqa: ASYNC110  # nothing says when
            await trio.sleep(0.05)
    return found


@needs_root
@pytest.mark.may_block("it mounts")
@pytest.mark.parametrize("how", ["directory", "link"])
async def test_what_hangs_does_not_hold_up_the_others(tmp_path: Path, how: str) -> None:
    for name in ("source", "top/good"):
        (tmp_path / name).mkdir(parents=True)
        append(tmp_path / name / "x.log", "ERROR old\n")
    hung = tmp_path / "top" / "hung" if how == "directory" else tmp_path / "hung"
    if how == "link":
        (tmp_path / "top" / "good" / "link.log").symlink_to(hung / "x.log")
    with bindfs(tmp_path / "source", hung) as process:
        log = Log(f"{tmp_path}/top/*/*.log", "ERROR")
        watched = Watch(log, probe_timeout=Duration(1))
        await watched.look()
        append(tmp_path / "source" / "x.log", "ERROR behind\n")
        append(tmp_path / "top" / "good" / "x.log", "ERROR 1\n")
        stop(process)
        told, stuck = await watched.look()
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        then = await found_later(watched)

    assert told.message.endswith("top/good/x.log matched ERROR; the first: ERROR 1")
    assert isinstance(stuck, Condition)
    assert stuck.alertname == "Log file unreadable"
    assert stuck.message.endswith("no answer within 0.5 s")
    assert then[0].message.endswith("ERROR behind")


@needs_root
@pytest.mark.may_block("it mounts")
async def test_what_hangs_at_the_first_look_is_not_new_later(tmp_path: Path) -> None:
    for name in ("source", "top"):
        (tmp_path / name).mkdir()
    append(tmp_path / "source" / "x.log", "ERROR old\n")
    with bindfs(tmp_path / "source", tmp_path / "top" / "hung") as process:
        watched = Watch(Log(f"{tmp_path}/top/*/*.log", "ERROR"), probe_timeout=Duration(0.5))
        stop(process)
        (stuck,) = await watched.look()
        process.send_signal(signal.SIGCONT)
        await until_no_thread_hangs()
        assert await watched.look() == []
        append(tmp_path / "source" / "x.log", "ERROR 1\n")
        (told,) = await found_later(watched)

    assert stuck.alertname == "Log file unreadable"
    assert told.message.startswith("1 line in ")


def test_a_directory_that_goes_and_comes_back_is_read_on(logs: Path) -> None:
    (logs / "x").mkdir()
    append(logs / "x" / "x.log", "ERROR old\n" * 50)
    watched = watch(logs / "x")
    watched.look_now()
    (logs / "x").rename(logs / "y")
    gone = watched.look_now()
    append(logs / "y" / "x.log", "ERROR 1\n")
    (logs / "y").rename(logs / "x")

    assert [found.alertname for found in gone] == ["Log file missing"]
    assert lines(watched) == ["ERROR 1"]


def test_a_file_that_was_replaced_before_it_was_read_is_logged_once(
    logs: Path, caplog: pytest.LogCaptureFixture
) -> None:
    append(logs / "a.log", "ERROR old\n" * 50)
    watched = watch(logs)
    watched.look_now()
    (logs / "a.log").rename(logs / "elsewhere")
    for number in range(3):
        append(logs / "new", f"ERROR {number}\n")
        (logs / "new").rename(logs / "a.log")
        caplog.clear()
        told = lines(watched)
        said = [record.getMessage() for record in caplog.records]

        assert told == [f"ERROR {number}"]
        assert len(said) == 1
        assert said[0].startswith(f"{logs}/a.log does not hold what was read last")
        assert lines(watched) == []
        assert len(caplog.records) == 1


def test_the_files_that_were_written_to_last_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "MAX_FILES", 3)
    monkeypatch.setattr(finding, "MAX_FILES", 4)
    for number in range(6):
        append(tmp_path / f"{number}.log", "ERROR old\n")
        os.utime(tmp_path / f"{number}.log", (number, number))
    watched = watch(tmp_path)
    watched.context = evolve(watched.context, clock=lambda: 100.0)
    first = watched.look_now()
    append(tmp_path / "5.log", "ERROR 1\n")
    second = lines(watched)
    for number in range(6):
        append(tmp_path / f"{number}.log", "ERROR 2\n")
        os.utime(tmp_path / f"{number}.log", (200 + number, 200 + number))
    (told, left_out) = watched.look_now()

    assert first == []
    assert second == ["ERROR 1"]
    assert told.message.startswith("3 lines in 3 files")
    assert isinstance(left_out, Condition)
    assert (left_out.alertname, left_out.event_type) == ("Log files left out", "W")
    assert left_out.message.startswith("6 files fit ")
    assert "3 files that are not read were written to since the last run" in left_out.message


def test_the_state_and_the_bytes_of_a_run_are_bounded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(400):
        (tmp_path / f"{'시간' * 30}-{number}.log").write_text("ERROR\n" * 20_000, encoding="utf-8")
    monkeypatch.setattr("checks.log_pattern.MAX_BYTES_PER_RUN", 1 << 18)
    watched = Watch(*(Log(f"{tmp_path}/*{n}.log", "ERROR", from_start=True) for n in range(10)))
    found = trio.run(watched.look)

    counts = [int(each.message.split(" ")[0].replace(",", "")) for each in found]
    assert max(counts) * len("ERROR\n") < 3 << 18
    assert len(json.dumps(watched.context.state)) < MAX_STATE_BYTES


@pytest.fixture
def many(tmp_path: Path) -> Path:
    for number in range(10_000):
        (tmp_path / f"{number}.log").touch()
    return tmp_path


async def test_ten_thousand_files_hold_up_nothing_else(many: Path) -> None:
    """Every async test fails when one step of a task blocks the event loop."""
    watched = watch(many)

    for _ in range(3):
        assert await watched.look() == []


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


def test_a_log_that_grows_without_end_is_read_bit_by_bit(logs: Path) -> None:
    watched = watch(logs)
    watched.look_now()
    found = list[object]()

    async def look() -> None:
        watched.context = evolve(watched.context, state=dict(watched.context.state))
        found.extend(await run(watched.context, watched.params))

    append(logs / "a.log", "ERROR\n")
    trio.run(look)
    measured = {each.name: each.value for each in found if isinstance(each, Measurement)}

    assert measured == {"log_matching_lines": 1, "log_unread_bytes": 0}


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

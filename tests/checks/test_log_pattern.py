"""The `log_pattern` check on real files."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._logs.parameters import Log
from checks._logs.reader import read
from checks.log_pattern import Params
from supervisor.api import Condition, Duration, Report
from tests.checks.log_pattern_bench import Watch, append, log
from tests.support.hanging_call import Hanging, until_no_thread_hangs
from tests.support.mounts import bindfs, needs_root, stop

__all__ = ["log"]  # a fixture


async def test_new_lines_that_match_fire_until_the_next_run(log: Path) -> None:
    watch = Watch(Log(str(log), "ERROR", exclude="harmless"))
    before = await watch.look()
    append(log, "ERROR <b>1\nfine\nERROR harmless\nERROR 2\n")
    (found,) = await watch.look()
    after = await watch.look()

    assert isinstance(found, Condition)
    assert (found.alertname, found.event_type, found.instance) == ("Log lines", "W", str(log))
    assert found.message == f"2 lines in {log} matched ERROR; the first: ERROR <b>1"
    assert found.detail == "<pre>ERROR &lt;b&gt;1\nERROR 2</pre>"
    assert before == after == []


async def test_a_report_is_made_once(log: Path) -> None:
    watch = Watch(Log(str(log), "ERROR", name="app", report=True, from_start=True))
    (found,) = await watch.look()

    assert isinstance(found, Report)
    assert (found.alertname, found.event_type) == ("Log lines (app)", "W")
    assert await watch.look() == []


async def test_a_restart_neither_misses_nor_repeats_a_line(log: Path) -> None:
    watch = Watch(Log(str(log), "ERROR"))
    await watch.look()
    append(log, "ERROR while away\n")
    restarted = Watch(*watch.params.logs)
    restarted.context = evolve(restarted.context, state=watch.context.state)

    assert len(await restarted.look()) == 1
    assert await restarted.look() == []


async def test_fewer_lines_than_min_count_do_not_fire(log: Path) -> None:
    watch = Watch(Log(str(log), "ERROR", min_count=3))
    await watch.look()
    append(log, "ERROR\n" * 2)
    two = await watch.look()
    append(log, "ERROR\n" * 3)

    assert two == []
    assert len(await watch.look()) == 1


@pytest.mark.parametrize("how", ["rename", "copytruncate"])
def test_rotation_loses_no_line(log: Path, how: str) -> None:
    watch = Watch(Log(str(log), "ERROR"))
    watch.look_now()
    append(log, "ERROR before\n")
    if how == "rename":
        log.rename(f"{log}.1")
    else:
        shutil.copy(log, f"{log}.1")
    log.write_text("ERROR after\n", encoding="utf-8")
    (found,) = watch.look_now()

    assert found.message.startswith("2 lines in ")


def test_a_missing_log_is_a_condition_unless_it_is_optional(log: Path) -> None:
    watch, lenient = (Watch(Log(str(log), "ERROR", optional=flag)) for flag in (False, True))
    log.unlink()
    (missing,) = watch.look_now()
    silent = lenient.look_now()
    log.write_text("ERROR at once\n", encoding="utf-8")

    assert isinstance(missing, Condition)
    assert (missing.alertname, missing.event_type) == ("Log file missing", "E")
    assert silent == []
    assert len(watch.look_now()) == len(lenient.look_now()) == 1


async def test_a_path_that_is_not_a_file_is_unreadable(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    found = [await Watch(Log(str(path), "x")).look() for path in (tmp_path / "pipe", tmp_path)]

    for (condition,) in found:
        assert isinstance(condition, Condition)
        assert condition.alertname == "Log file unreadable"


@needs_root
@pytest.mark.may_block("it mounts")
async def test_a_log_that_hangs_does_not_delay_the_others(tmp_path: Path, log: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "x.log").write_text("x\n", encoding="utf-8")
    with bindfs(tmp_path / "source", tmp_path / "hung") as process:
        hung = Log(str(tmp_path / "hung" / "x.log"), "x")
        watch = Watch(hung, Log(str(log), "ERROR"), probe_timeout=Duration(0.5))
        await watch.look()
        append(log, "ERROR 1\n")
        stop(process)
        (stuck, fired) = await watch.look()

    assert isinstance(stuck, Condition)
    assert stuck.message.endswith("no answer within 0.5 s")
    assert isinstance(fired, Condition)
    assert fired.alertname == "Log lines"


async def test_a_log_that_hangs_until_the_run_must_end_does_not_delay_the_others(
    log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hanging = Hanging()
    monkeypatch.setattr(
        "checks.log_pattern.read",
        lambda path, *rest, **options: (read if path == log else hanging)(path, *rest, **options),
    )
    watch = Watch(Log("/srv/hung.log", "x"), Log(str(log), "ERROR", from_start=True))
    with trio.fail_after(1):
        (stuck, fired) = await watch.look()
    hanging.released.set()
    await until_no_thread_hangs()

    assert isinstance(stuck, Condition)
    assert stuck.message == "cannot read /srv/hung.log: no answer within 0.9 s"
    assert isinstance(fired, Condition)
    assert fired.alertname == "Log lines"


def test_parameters_that_make_no_sense_are_refused() -> None:
    for wrong in ({"path": "relative"}, {"pattern": "("}, {"pattern": ""}, {"min_count": 0}):
        given: dict[str, Any] = {"path": "/x", "pattern": "x", **wrong}
        with pytest.raises(ValueError, match=r"write|see"):
            Log(**given)
    with pytest.raises(ValueError, match="give each its own name"):
        Params((Log("/x", "x"), Log("/x", "x")))


def test_an_empty_list_and_a_time_of_0_are_refused() -> None:
    with pytest.raises(ValueError, match="is empty; write at least one"):
        Params(())
    with pytest.raises(ValueError, match="is 0 or less"):
        Params((Log("/log", "x"),), Duration(0))
    with pytest.raises(ValueError, match="is empty; write for example 'E'"):
        Log("/log", "x", event_type="")


def test_a_former_file_that_is_gone_is_logged(log: Path, caplog: pytest.LogCaptureFixture) -> None:
    watch = Watch(Log(str(log), "ERROR"))
    watch.look_now()
    log.unlink()
    append(log, "ERROR new\n")
    (found,) = watch.look_now()

    assert found.message.endswith("the first: ERROR new")
    assert "lines may be missing" in caplog.text


def test_the_position_that_version_0_1_0_has_kept_is_read_on(log: Path) -> None:
    watch = Watch(Log(str(log), "ERROR"))
    status, digest = log.stat(), hashlib.sha256(log.read_bytes()).hexdigest()[:16]
    kept = [status.st_dev, status.st_ino, status.st_size, digest]
    watch.context.state[watch.params.logs[0].key] = kept
    append(log, "ERROR while it was installed\n")
    (found,) = watch.look_now()

    assert found.message.startswith("1 line in ")
    assert watch.look_now() == []


def test_the_state_that_the_last_version_without_patterns_has_kept_is_read_on(log: Path) -> None:
    former, status = log.with_name("app.log.1"), log.stat()
    former.write_text("ERROR older\n", encoding="utf-8")
    digests = [hashlib.sha256(each.read_bytes()).hexdigest()[:16] for each in (former, log)]
    key = hashlib.sha256(f"{log}\0ERROR\0fine\0{log}".encode()).hexdigest()[:16]
    watch = Watch(Log(str(log), "ERROR", exclude="fine"))
    watch.context.state[key] = {
        "files": [
            [former.stat().st_dev, former.stat().st_ino, 12, digests[0], 12, 0, ""],
            [status.st_dev, status.st_ino, 10, digests[1], 10, 0, ""],
        ]
    }
    append(former, "ERROR late\n")
    append(log, "ERROR while it was installed\n")
    (found,) = watch.look_now()

    assert isinstance(found, Condition)
    assert (found.alertname, found.instance) == ("Log lines", str(log))
    assert found.detail == "<pre>ERROR late\nERROR while it was installed</pre>"
    assert watch.look_now() == []
    assert [*watch.context.state] == [key]


def test_the_last_line_of_a_program_that_died_is_found_once(log: Path) -> None:
    watch = Watch(Log(str(log), "FATAL", report=True))
    watch.look_now()
    append(log, "FATAL out of memory")
    found = [watch.look_now() for _ in range(4)]
    append(log, ", giving up\nFATAL again\n")

    assert [len(each) for each in found] == [0, 1, 0, 0]
    assert [item.message for item in watch.look_now()] == [
        f"1 line in {log} matched FATAL; the first: FATAL again"
    ]

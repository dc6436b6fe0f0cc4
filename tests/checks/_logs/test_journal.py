"""`log_pattern` on the journal, with a program in the place of journalctl.

`tests/systemd/test_logs.py` asks the real one.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest
import trio
from attrs import evolve

from checks._logs import journal
from checks._logs.parameters import Journal, Log
from checks.log_pattern import Params, examine
from supervisor.api import Condition, Duration
from tests.checks._logs.fake_journal import FakeJournal
from tests.checks.log_pattern_bench import Watch


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FakeJournal:
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    return FakeJournal(tmp_path)


def watch(pattern: str = "", unit: str = "ssh", **params: Any) -> Watch:
    return Watch(Log(pattern=pattern, journal=Journal(unit, "err"), **params))


def names(watch: Watch) -> list[str]:
    return [found.alertname for found in watch.look_now()]


def test_new_messages_make_an_alert_once(fake: FakeJournal) -> None:
    watched = watch("[Ff]ailed")
    fake.write("Failed before")
    before = watched.look_now()
    fake.write("Failed <b>1</b>")
    fake.write("Accepted")
    fake.write("it failed", SYSLOG_IDENTIFIER="systemd")
    fake.write("failed, but is not urgent", priority=6)
    (found,) = watched.look_now()

    assert isinstance(found, Condition)
    assert (found.alertname, found.event_type, found.instance) == ("Log lines", "W", "ssh.service")
    assert found.message == (
        "2 messages of ssh.service in the journal matched [Ff]ailed; "
        "the first, of sshd: Failed <b>1</b>"
    )
    assert found.detail == ("<pre>sshd:\nFailed &lt;b&gt;1&lt;/b&gt;\nsystemd:\nit failed</pre>")
    assert before == watched.look_now() == []


def test_journalctl_is_asked_once_while_messages_come(fake: FakeJournal) -> None:
    watched = watch()
    fake.write("old")
    watched.look_now()
    fake.write("1")
    watched.look_now()
    fake.asked()
    fake.write("2")
    found = watched.look_now()

    assert [each.message for each in found] == [
        "1 message of ssh.service in the journal; the first, of sshd: 2"
    ]
    assert fake.asked() == [
        "--no-pager --output=json --all --output-fields=MESSAGE,SYSLOG_IDENTIFIER,_COMM "
        "--unit=ssh.service --priority=err --cursor=s=a;i=3;b=b;m=c;t=3;x=d"
    ]


def test_an_empty_journal_is_read_from_its_first_message(fake: FakeJournal) -> None:
    watched = watch(name="ssh", report=True)
    watched.look_now()
    fake.write("1")

    assert names(watched) == ["Log lines (ssh)"]
    assert names(watched) == []


def test_the_first_run_may_read_what_is_there(fake: FakeJournal) -> None:
    fake.write("1")
    watched = watch(from_start=True)

    assert names(watched) == ["Log lines"]
    assert names(watched) == []


def test_a_lost_cursor_is_told_once(fake: FakeJournal) -> None:
    watched = watch()
    fake.write("old")
    watched.look_now()
    fake.vacuum()
    lost = names(watched)
    after = names(watched)
    fake.write("1")
    lines = names(watched)
    fake.vacuum()
    fake.write("2")
    fake.write("3")
    (told, again) = watched.look_now()

    assert (lost, after, lines) == (["Journal cursor lost"], [], ["Log lines"])
    assert told.message.startswith("2 messages of ssh.service ")
    assert isinstance(again, Condition)
    assert (again.alertname, again.event_type) == ("Journal cursor lost", "W")
    assert names(watched) == []


def test_a_state_that_is_not_a_cursor_is_a_lost_one(fake: FakeJournal) -> None:
    watched = watch()
    fake.write("old")
    watched.context.state[watched.params.logs[0].key] = {"cursor": "--vacuum-time=1s"}

    assert names(watched) == ["Journal cursor lost"]
    assert names(watched) == []


def test_the_cursor_moves_on_while_no_message_comes(fake: FakeJournal) -> None:
    watched = watch()
    watched.context = evolve(watched.context, clock=lambda: journal.MAX_CURSOR_AGE + 1)
    fake.write("old")
    watched.look_now()
    fake.write("of another priority", priority=6)
    watched.look_now()
    fake.vacuum()
    fake.write("filler", priority=6)
    lines = (fake.directory / "journal").read_text(encoding="utf-8")
    state = watched.context.state[watched.params.logs[0].key]

    assert lines
    assert state == {"cursor": "s=a;i=3;b=b;m=c;t=3;x=d"}


@pytest.mark.parametrize(
    ("message", "shown"),
    [
        ([*b"\xffERR \x1b[2J"], "\ufffdERR \\x1b[2J"),
        ("ERR\nmore", "ERR\\nmore"),
        (["ERR", [*b"two"]], "ERR\\ntwo"),
        (["ERR", None, 3], "ERR\\n\\n"),
    ],
)
def test_messages_of_any_kind_are_shown(fake: FakeJournal, message: Any, shown: str) -> None:
    watched = watch("ERR")
    fake.write("old")
    watched.look_now()
    fake.write(message, SYSLOG_IDENTIFIER=None, _COMM="python")
    fake.write(None)
    (found,) = watched.look_now()

    assert found.message.endswith(f"the first, of python: {shown}")


def test_a_flood_is_read_bit_by_bit(fake: FakeJournal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 20_000)
    monkeypatch.setattr(journal, "MAX_ANSWERS", 2)
    watched = watch()
    fake.write("old")
    watched.look_now()
    for number in range(600):
        fake.write(f"{number} {'x' * 30}")
    counts = list[int]()
    while True:
        told, *behind = watched.look_now()
        counts.append(int(told.message.split(" ")[0]))
        if not behind:
            break
        assert [each.alertname for each in behind] == ["Journal behind"]

    assert sum(counts) == 600
    assert max(counts) < 400
    assert watched.look_now() == []


@pytest.mark.parametrize("after", [[], ["1"], ["L"], ["1", "L", "2"], ["L", "L", "1"]])
def test_a_message_that_is_too_long_is_passed_over_and_logged(
    fake: FakeJournal,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    after: list[str],
) -> None:
    monkeypatch.setattr(journal, "MAX_BYTES", 20_000)
    watched, told = watch(), list[str]()
    fake.write("old")
    watched.look_now()
    for messages in (["L", *after], [], ["3"], ["L"], ["4"], []):
        for message in messages:
            fake.write("x" * 100_000 if message == "L" else message)
        told += [line for found in watched.look_now() for line in found.detail.splitlines()]
    many = sum(int(record.getMessage().split(" ")[3]) for record in caplog.records)

    shown = [line.removeprefix("<pre>").removesuffix("</pre>") for line in told]
    assert [line for line in shown if line != "sshd:"] == [
        *(each for each in after if each != "L"),
        "3",
        "4",
    ]
    assert many == 2 + after.count("L")


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("Hint: You are currently not seeing messages from other users and the system.",
         "cannot read the journal: it is not permitted; let the supervisor's user read it: add it "
         "to the group systemd-journal"),
        ("!No journal files were opened due to insufficient permissions.",
         "cannot read the journal: it is not permitted; let the supervisor's user read it: add it "
         "to the group systemd-journal"),
        ("!Failed to open\x1b[2J", "cannot read the journal: !Failed to open\\x1b[2J"),
        ("No journal files were found.", "no journal: this host keeps no journal"),
    ],
)  # fmt: skip
def test_a_journal_that_cannot_be_read_is_told(fake: FakeJournal, said: str, expected: str) -> None:
    watched, lenient = watch(), watch(optional=True)
    fake.says(said)
    (found,) = watched.look_now()
    problems = [*trio.run(examine, watched.params)]
    (fake.directory / "says").unlink()
    fake.write("old")

    assert isinstance(found, Condition)
    assert (found.event_type, found.instance, found.message) == ("E", "ssh.service", expected)
    assert problems[0].startswith("logs[0].journal: ")
    assert names(watched) == names(lenient) == []


def test_a_missing_journalctl_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (found,) = watch().look_now()
    (problem,) = trio.run(examine, watch().params)

    assert found.alertname == "Log file missing"
    assert "journalctl" in found.message
    assert "journalctl" in problem
    assert watch(optional=True).look_now() == []
    assert [*trio.run(examine, watch(optional=True).params)] == []


def is_gone(pid: Path) -> bool:
    return not Path(f"/proc/{pid.read_text(encoding='ascii').strip()}").exists()


async def test_a_journalctl_that_hangs_is_ended(fake: FakeJournal, tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    (tmp_path / "journalctl").write_text(
        f"#!/bin/sh\ntrap '' TERM\nsleep 1000 & echo $! >{pid}; wait; sleep 1000", encoding="utf-8"
    )
    log = Log(journal=Journal())
    (found,) = await Watch(log, probe_timeout=Duration(1)).look()

    assert isinstance(found, Condition)
    assert (found.alertname, found.instance) == ("Log file unreadable", "journal")
    assert found.message == "cannot read the journal: no answer within 1 s"
    assert is_gone(pid)


def test_what_makes_no_sense_is_refused() -> None:
    for wrong, why in (
        ({}, "path is missing; write"),
        ({"path": "/x", "pattern": "x", "journal": Journal()}, "exclude each other"),
        ({"path": "/x"}, "pattern is empty"),
        ({"journal": Journal(), "pattern": "("}, "is not a regular expression"),
    ):
        with pytest.raises(ValueError, match=why):
            Log(**wrong)
    with pytest.raises(ValueError, match="is not a unit"):
        Journal("two words")
    with pytest.raises(ValueError, match="give each its own name"):
        Params((Log(journal=Journal("ssh")), Log(journal=Journal("ssh"))))

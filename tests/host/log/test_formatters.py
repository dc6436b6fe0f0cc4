"""The formats of the log. Text from outside cannot forge a line."""

from __future__ import annotations

import io
import json
import logging
import os
import re
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from supervisor.host.log import formatters
from supervisor.host.log.limit import MAX_LINES

SEOUL = ZoneInfo("Asia/Seoul")
MOMENT = 1_700_000_000.0  # 22:13:20 in UTC, 07:13:20 in Seoul
HOSTILE = "down\n07:13:20 RESOLVED E  Disk usage\r\x1b[2J\x07\x9b31m\x00\u2028\x85\x7f end"

CLEAN = (
    "down\n07:13:20 RESOLVED E  Disk usage\ufffd\ufffd[2J\ufffd\ufffd31m" + 4 * "\ufffd" + " end"
)

log = logging.getLogger("supervisor.tests")


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Hide the environment of the tests; restore the loggers afterwards."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.delenv("JOURNAL_STREAM", raising=False)
    monkeypatch.setattr("time.time", lambda: MOMENT)
    monkeypatch.setattr("time.time_ns", lambda: int(MOMENT * 1e9))  # logging's since Python 3.13
    root, ours = logging.getLogger(), logging.getLogger("supervisor")
    before = (root.handlers[:], root.level, ours.level)
    yield
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])


def written(kind: formatters.Format, stream: io.StringIO | None = None) -> io.StringIO:
    """Log to a stream in the format, and return the stream."""
    stream = stream or io.StringIO()
    formatters.set_up(kind, SEOUL, stream=stream)
    return stream


def test_text_has_the_time_of_day_of_the_service() -> None:
    stream = written("text")
    log.info("%d modules", 13)

    assert "07:13:20 13 modules\n" == stream.getvalue()


def test_later_lines_of_an_entry_are_indented() -> None:
    stream = written("text")
    log.warning("a table:\n  one\ntwo")

    assert "07:13:20 a table:\n    one\n  two\n" == stream.getvalue()


@pytest.mark.parametrize(
    ("level", "verb", "colour"),
    [
        (logging.ERROR, "FIRING", "\x1b[31m"),
        (logging.WARNING, "FIRING", "\x1b[33m"),
        (logging.INFO, "RESOLVED", "\x1b[32m"),
        (logging.INFO, "REPORT", "\x1b[36m"),
        (logging.INFO, "", ""),
        (logging.CRITICAL, "", "\x1b[31m"),
    ],
)
def test_a_terminal_has_colours(level: int, verb: str, colour: str) -> None:
    stream = written("auto", Terminal())
    log.log(level, "it happened", extra={"verb": verb})

    assert f"\x1b[2m07:13:20\x1b[0m {colour}it happened\x1b[0m\n" == stream.getvalue()


@pytest.mark.parametrize(("value", "coloured"), [("1", False), ("0", False), ("", True)])
def test_no_color_means_none(monkeypatch: pytest.MonkeyPatch, value: str, coloured: bool) -> None:
    monkeypatch.setenv("NO_COLOR", value)
    stream = written("auto", Terminal())
    log.error("it happened")

    assert coloured == ("\x1b" in stream.getvalue())


@pytest.mark.parametrize("kind", ["auto", "text"])
def test_a_stream_that_is_not_a_terminal_has_no_colours(kind: formatters.Format) -> None:
    stream = written(kind)
    log.error("it happened", extra={"verb": "FIRING"})

    assert "07:13:20 it happened\n" == stream.getvalue()


def test_one_cause_writes_some_lines_a_minute() -> None:
    stream = written("text")
    for _ in range(100):
        logging.getLogger("trio.serve_listeners").error("accept returned EMFILE")

    lines = stream.getvalue().splitlines()
    assert MAX_LINES == len(lines)
    assert lines[-1].endswith(" (more of this within a minute is left out)")


def test_json_is_one_object_a_line() -> None:
    stream = written("json")
    log.warning(HOSTILE, extra={"verb": "FIRING", "fields": {"alertname": "디스크\ud800"}})
    log.info("next")

    first, second = stream.getvalue().splitlines()
    assert json.loads(first) == {
        "time": "2023-11-14T22:13:20.000+00:00",
        "level": "warning",
        "logger": "supervisor.tests",
        "message": CLEAN,
        "alertname": "디스크\ufffd",
    }
    assert "next" == json.loads(second)["message"]
    assert stream.getvalue().isascii()


def test_journal_has_the_priority_on_each_line() -> None:
    stream = written("journal")
    logging.getLogger("supervisor").setLevel(logging.DEBUG)
    log.debug("a")
    log.info("b")
    log.warning("c\nd")
    log.error("e")
    log.critical("f")

    assert ["<7>a", "<6>b", "<4>c", "<4>  d", "<3>e", "<2>f"] == stream.getvalue().splitlines()


def test_the_journal_is_known_by_the_stream_that_systemd_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for other, expected in ((0, "<6>hello\n"), (1, "07:13:20 hello\n")):
        with (tmp_path / f"log{other}").open("w") as stream:
            found = os.fstat(stream.fileno())
            monkeypatch.setenv("JOURNAL_STREAM", f"{found.st_dev}:{found.st_ino + other}")
            formatters.set_up("auto", SEOUL, stream=stream)
            log.info("hello")

        assert expected == (tmp_path / f"log{other}").read_text()


def test_the_journal_is_not_taken_for_a_stream_without_a_descriptor(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JOURNAL_STREAM", "1:2")
    stream = written("auto")
    log.info("hello")

    assert "07:13:20 hello\n" == stream.getvalue()


def test_debug_must_be_asked_for_and_other_libraries_only_warn() -> None:
    stream = written("text")
    log.debug("hidden")
    logging.getLogger("httpx").info("hidden")
    logging.getLogger("httpx").warning("shown")
    formatters.set_up("text", SEOUL, verbose=True, stream=stream)
    log.debug("shown, too")

    assert "07:13:20 shown\n07:13:20 shown, too\n" == stream.getvalue()


@pytest.mark.parametrize("where", ["message", "argument", "exception"])
@pytest.mark.parametrize("kind", ["text", "journal"])
def test_no_line_can_be_forged(kind: formatters.Format, where: str) -> None:
    stream = written(kind)
    if where == "message":
        log.info(HOSTILE)
    elif where == "argument":
        log.info("%s: %s", "module", HOSTILE)
    else:
        log.info("module", exc_info=ValueError(HOSTILE))

    first, *later = stream.getvalue().splitlines()
    assert re.match(r"<6>\S|07:13:20 \S", first)
    assert later
    assert all(re.match(r"(<6>)?  ", line) for line in later)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028]", stream.getvalue())


@given(st.text(), st.sampled_from(["text", "journal"]))
def test_any_text_stays_one_entry(said: str, kind: formatters.Format) -> None:
    stream = written(kind)
    log.info("%s.", said)

    first, *later = stream.getvalue().splitlines()
    assert re.match(r"<6>|..:..:.. ", first)
    assert all(re.match(r"(<6>)?  ", line) for line in later)

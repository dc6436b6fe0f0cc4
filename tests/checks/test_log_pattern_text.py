"""Which lines `log_pattern` finds: bytes, encodings and patterns of any kind."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._logs.matches import MAX_LISTED_LINES, Matches
from checks._logs.parameters import Log
from supervisor.api import Condition
from tests.checks.log_pattern_bench import Watch, log

__all__ = ["log"]  # a fixture


async def test_bytes_that_are_not_text_are_searched_too(log: Path) -> None:
    watch = Watch(Log(str(log), "ERR"))
    await watch.look()
    with log.open("ab") as file:
        file.write(b"\x00\xff\xfe ERR \x1b[2J\n" * 100)
    (found,) = await watch.look()

    assert found.message.startswith("100 lines in ")
    assert isinstance(found, Condition)
    assert "\x1b" not in found.detail
    assert found.detail.count("ERR") == MAX_LISTED_LINES
    assert "… and 50 more" in found.detail


def test_a_pattern_with_nested_repetition_takes_linear_time() -> None:
    matches = Matches(Log("/x", "(a+)+$"))
    matches.take(b"a" * 60_000 + b"b")

    assert matches.count == 0


@given(st.binary(max_size=100), st.text(max_size=20))
def test_any_line_and_any_pattern_are_taken_or_refused(line: bytes, pattern: str) -> None:
    try:
        matches = Matches(Log("/x", pattern))
    except ValueError:
        return
    matches.take(line)

    assert matches.count in (0, 1)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "euc-kr"])
def test_a_byte_order_mark_does_not_hide_the_beginning_of_a_line(log: Path, encoding: str) -> None:
    log.write_bytes(b"\xef\xbb\xbfFATAL one\r\nFATAL two\r\n\xef\xbb\xbfFATAL three\r\n")
    watch = Watch(Log(str(log), "^FATAL .*$", from_start=True, encoding=encoding))
    (found,) = watch.look_now()

    assert found.message == f"3 lines in {log} matched ^FATAL .*$; the first: FATAL one"


async def test_text_in_another_encoding_is_searched_and_shown(log: Path) -> None:
    text = "ERROR 시간초과 timeout"
    watch = Watch(Log(str(log), "ERROR .+ timeout", encoding="euc-kr"))
    await watch.look()
    with log.open("ab") as file:
        file.write(text.encode("euc-kr") + b"\n")
    (found,) = await watch.look()

    assert found.message.endswith(f"the first: {text}")


@given(st.binary(max_size=50))
def test_bytes_that_are_not_utf8_do_not_hide_the_text_after_them(rubbish: bytes) -> None:
    matches = Matches(Log("/log", "A.*B"))
    matches.take(b"A" + rubbish.replace(b"\n", b"") + b"B")

    assert matches.count == 1


@pytest.mark.parametrize("encoding", ["", "klingon", "utf-16", "base64", "idna"])
def test_an_encoding_that_does_not_hold_ascii_is_refused(encoding: str) -> None:
    with pytest.raises(ValueError, match="is not an encoding that holds ASCII"):
        Log("/log", "x", encoding=encoding)

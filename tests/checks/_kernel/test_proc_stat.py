"""The files of /proc about processors and memory, whatever they hold."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from checks._kernel.proc_stat import parse_meminfo, parse_stat


@given(st.binary(max_size=200) | st.from_regex(rb"cpu( [0-9]{1,3}){0,12}\n", fullmatch=True))
def test_any_stat_is_read_or_refused(text: bytes) -> None:
    try:
        found = parse_stat(text)
    except ValueError:
        return

    assert found.total >= 0


def test_a_guests_time_is_counted_once() -> None:
    found = parse_stat(b"cpu  100 20 30 1000 40 5 6 7 90 10\ncpu0 1 1 1 1\n")

    assert (found.busy, found.idle, found.waiting, found.stolen) == (161, 1000, 40, 7)


@given(st.binary(max_size=200))
def test_any_meminfo_is_read_or_refused(text: bytes) -> None:
    try:
        found = parse_meminfo(b"MemTotal: 100 kB\n" + text)
    except ValueError:
        return

    assert 0 <= found.percent <= 100
    assert 0 <= found.swap_percent <= 100

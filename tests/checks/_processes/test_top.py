"""The processes that use the most: read from any bytes, and titled without secrets."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.top import ProcessUsage, consumers, parse_stat, read_processes, title
from tests.support.mounts import needs_root
from tests.support.processes import contained


@given(st.binary(max_size=60))
def test_a_process_may_have_any_name(name: bytes) -> None:
    fields = [b"0"] * 10 + [b"7", b"5"] + [b"0"] * 6 + [b"99", b"0", b"3"] + [b"0"] * 20
    found = parse_stat(b"12 (" + name + b") S " + b" ".join(fields) + b"\n")

    assert found is not None
    assert (found.pid, found.ticks, found.born) == (12, 12, 99)
    assert os.fsencode(found.name) == name


@given(st.binary(max_size=200))
def test_any_process_file_is_read_or_passed_over(text: bytes) -> None:
    found = parse_stat(text)

    assert found is None or found.ticks >= 0


@given(st.binary(max_size=200))
def test_any_command_line_becomes_a_title(text: bytes) -> None:
    found = title(text)

    assert len(found) <= 80
    assert found.isprintable()


@pytest.mark.parametrize(
    ("cmdline", "expected"),
    [
        (b"/usr/sbin/mariadbd\0--user=mysql\0", "mariadbd --user=mysql"),
        (
            b"curl\0-u\0https://me:hunter2@example.invalid/\0",
            "curl -u https://***@example.invalid/",
        ),
        (b"job\0--api-key\0hunter2\0--x\0", "job --api-key *** --x"),
        (b"/opt/Media Server/bin/index\0--all\0", "index --all"),
        (b"", ""),
    ],
)
def test_a_title_is_short_and_tells_no_secret(cmdline: bytes, expected: str) -> None:
    assert title(cmdline) == expected


def test_a_process_number_used_again_is_another_process() -> None:
    old = ProcessUsage(5, "a", 1, 1000, 0)
    new = ProcessUsage(5, "b", 2, 10, 0)
    (found,) = consumers({5: old}, {5: new}, 100.0)

    assert found.cpu == 10.0


@needs_root
def test_the_processes_of_a_container_are_not_among_those_of_this_host() -> None:
    with contained("sleep", "600") as inner:
        found = read_processes()

    assert os.getpid() in found
    assert inner not in found

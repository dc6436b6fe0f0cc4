"""Telling processes of this host from those of containers, by real PID namespaces."""

from __future__ import annotations

import os
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._common.pid_namespaces import is_in_container, is_nested
from tests.support.mounts import needs_root
from tests.support.processes import contained, running

SLEEP = shutil.which("sleep") or ""


@needs_root
def test_a_process_of_a_container_is_told_from_one_of_this_host() -> None:
    with contained(SLEEP, "600") as inner, running(SLEEP, "600") as own:
        assert is_in_container(inner)
        assert not is_in_container(own)
    assert not is_in_container(inner)


def test_this_process_is_not_in_another_namespace() -> None:
    assert not is_in_container(os.getpid())


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (b"Name:\tx\nNSpid:\t7\nNSpgid:\t7\n", False),
        (b"Name:\tx\nNSpid:\t700\t7\nNSpgid:\t700\t7\n", True),
        (b"Name:\tNSpid:\t1\t2\n", False),
        (b"Name:\ta kernel before 4.1\n", False),
    ],
)
def test_a_process_with_several_pids_is_in_another_namespace(status: bytes, expected: bool) -> None:
    assert is_nested(status) is expected


@given(st.binary(max_size=100))
def test_any_status_is_read(status: bytes) -> None:
    assert not is_nested(status) or b"NSpid" in status

"""The parameters of the limits of `daemon`."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._daemons.watched import RESTARTED, Daemon, Params, counts
from supervisor.api import Duration, Limit, Size


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        ("", None),
        ("1-3", range(1, 4)),
        (" 2 - 2 ", range(2, 3)),
        ("0", range(1)),
        (4, range(4, 5)),
    ],
)
def test_a_count_is_a_number_or_a_range(written: int | str, expected: range | None) -> None:
    assert counts(written) == expected


@given(st.integers() | st.text("0123456789- ,x", max_size=9))
def test_any_count_is_understood_or_refused(written: int | str) -> None:
    try:
        found = counts(written)
    except ValueError as error:
        assert "is not a number of processes; write for example '1-3'" in str(error)  # noqa: PT017
    else:
        assert found is None or 0 <= found.start < found.stop


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"count": "3-1"}, "'3-1' is not a number of processes; write for example '1-3'"),
        ({"count": "-1"}, "is not a number of processes"),
        ({"count": "1-"}, "is not a number of processes"),
        ({"count": -1}, "is not a number of processes"),
        ({"count": "\uff11"}, "is not a number of processes"),
        ({"user": " root"}, "is not the name of a user; write for example 'www-data'"),
        ({"user": "a\nb"}, "is not the name of a user"),
        ({"max_threads": Limit.of(-1)}, "-1 is not a number of threads; write 0 or more"),
        ({"max_open_files": Limit.of(-1)}, "-1 is not a number of files; write 0 or more"),
        ({"max_cpu_percent": Limit.of(-0.5)}, "-0.5 is less than 0; write 0 or more"),
        ({"max_memory": Limit((("W", Size(9)), ("E", Size(5))))}, "so W never fires"),
        ({"min_uptime": Limit((("W", Duration(5)), ("E", Duration(9))))}, "so W never fires"),
    ],
)
def test_limits_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Daemon("d", **wrong)


def test_only_a_daemon_with_a_least_uptime_tells_of_the_past() -> None:
    young = Daemon("d", min_uptime=Limit.of(Duration(60)))

    assert Params((Daemon("d"),)).past_events == frozenset()
    assert Params((Daemon("d"), young)).past_events == {RESTARTED}


RUNS_WITHOUT_LIMITS = """
import sys, trio
from checks import daemon, systemd_unit
from checks.daemon import Daemon, Params
from tests.support.check_context import context
params = Params((Daemon("no such daemon"),))
trio.run(daemon.run, context(), params)
trio.run(daemon.examine, params)
print(*(name for name in sys.modules if name.startswith(("checks._daemons.", "checks._units."))))
"""


def test_what_judges_limits_is_imported_only_for_limits() -> None:
    done = subprocess.run(
        [sys.executable, "-c", RUNS_WITHOUT_LIMITS], capture_output=True, text=True, check=True
    )

    assert sorted(done.stdout.split()) == ["checks._daemons.watched", "checks._units.watched"]

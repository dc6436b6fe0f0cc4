"""What the `systemd_unit` check refuses before it runs."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from checks._processes.systemd_units import KINDS, full_name
from checks.systemd_unit import Params, WatchedUnit
from supervisor.api import Limit


def test_an_empty_sub_state_among_several_is_refused() -> None:
    with pytest.raises(ValueError, match="has an empty name"):
        WatchedUnit("a", ("running", ""))


@given(st.text(max_size=20) | st.from_regex(r"[a-z@.]{1,9}", fullmatch=True))
def test_a_name_is_understood_or_refused(name: str) -> None:
    try:
        full = full_name(name)
    except ValueError as error:
        assert "; write " in str(error)  # noqa: PT017
    else:
        assert full.rpartition(".")[2] in KINDS
        assert full in (name, f"{name}.service")
        assert full_name(full) == full
        assert not set(full) & set("*?[/ \n")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"name": ""}, "is not a unit; write for example 'ssh.service'"),
        ({"name": "a*"}, "is not a unit"),
        ({"name": "/home"}, "is not a unit"),
        ({"name": "getty@"}, "is a template; write one of its units"),
        ({"name": "getty@.service"}, "is a template; write one of its units"),
        ({"name": "x" * 250}, "is not a unit"),
        (
            {"name": "a", "max_restarts": Limit.of(-1)},
            "-1 is not a number of restarts; write 0 or more",
        ),
        ({"name": "a", "event_type": ""}, "is empty; write for example 'E'"),
    ],
)
def test_units_that_make_no_sense_are_refused(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        WatchedUnit(**wrong)


def test_parameters_that_make_no_sense_are_refused() -> None:
    with pytest.raises(ValueError, match=r"has a\.service more than once"):
        Params((WatchedUnit("a"), WatchedUnit("a.service")))
    with pytest.raises(ValueError, match="there is nothing to look at"):
        Params(failed=False)
    with pytest.raises(ValueError, match="is empty; write for example 'E'"):
        Params(failed_event_type=" ")

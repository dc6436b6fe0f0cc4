"""The `daemon` check: what it asks of a service file, and what it refuses."""

from __future__ import annotations

import pytest

from checks import daemon
from checks.daemon import Daemon, Params
from tests.checks.daemon_bench import counts, look
from tests.support.processes import NAME, titled

pytestmark = pytest.mark.may_block("the tests start real processes and wait for them")


def asked(**given: object) -> list[str]:
    """Return the processes that the parameters of one daemon, named d, ask for."""
    params = Params((Daemon("d", **given),))  # type: ignore[arg-type]  # any parameters
    return [process.name for process in daemon.watched(params)]


def test_processes_come_before_hosts_and_hosts_before_the_name() -> None:
    assert asked() == ["d"]
    assert asked(processes="a", hosts="1E") == ["a"]
    assert asked(processes=("a", "b")) == ["a", "b"]
    assert asked(hosts="1E,BX") == asked(hosts=("1E", "BX")) == ["d_1E", "d_BX"]
    assert asked(hosts="1E , ,BX") == ["d_1E", "d_BX"]
    assert asked(processes=(), hosts=(), monitor=True) == ["d", "d_monitor"]
    assert asked(hosts="1E,BX", monitor=True) == ["d_1E", "d_BX", "d_1E_monitor", "d_BX_monitor"]


def test_a_process_that_is_named_twice_counts_once() -> None:
    first = Daemon("a", processes=("x", "x"), monitor=True, event_type="S")
    second = Daemon("b", processes=("x", "x_monitor"), monitor=True)
    found = daemon.watched(Params((first, second)))

    assert [(each.name, each.alertname, each.event_type) for each in found] == [
        ("x", "Daemon not running", "S"),
        ("x_monitor", "Daemon not running", "E"),
        ("x_monitor_monitor", "Daemon monitor not running", "W"),
    ]


@pytest.mark.parametrize("name", [" ", "a ", "a\n", "a\0", "/usr/sbin/", "/usr/.."])
def test_a_name_that_no_process_can_have_is_refused(name: str) -> None:
    remedy = r" is not the name of a process; write for example 'archiveManager'$"
    with pytest.raises(ValueError, match=remedy):
        Daemon(name)
    with pytest.raises(ValueError, match=remedy):
        Daemon("a", processes=("a", name))


def test_an_empty_text_is_refused() -> None:
    with pytest.raises(ValueError, match=r"^is empty; write the name of a process"):
        Daemon("")
    with pytest.raises(ValueError, match=r"^is empty; "):
        Daemon("a", processes="")
    with pytest.raises(ValueError, match=r"^is empty; write for example 'E'"):
        Daemon("a", event_type="")


async def test_a_name_may_have_any_letters_and_spaces() -> None:
    name = f"매체\u3000서버\u00a0{NAME}"
    with titled(name.encode()):
        observed = await look(Daemon(name))

    assert counts(observed) == {name: 1}

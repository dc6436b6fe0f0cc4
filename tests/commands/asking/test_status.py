"""The headline of `status`."""

from __future__ import annotations

import trio

from supervisor.commands.asking.status import headline
from supervisor.config.service import Module
from supervisor.observations import Condition
from tests.support.web_bench import WebBench, modules

FULL = Condition("Disk usage", "W", "/data", "/data is 97 % full")


def told(bench: WebBench) -> str:
    found = headline(trio.run(bench.snapshot.status))
    return found.partition(": ")[2].rpartition(" (up ")[0]


def test_all_is_well_only_when_each_module_has_run() -> None:
    bench = WebBench.make(*modules(3))
    at_first = told(bench)
    bench.run("disk-0")
    bench.run("inode-1")
    bench.run("connection-2")

    assert at_first == "not looked yet: 3 of 3 modules have not run"
    assert told(bench) == "all well"


def test_nothing_is_well_without_modules() -> None:
    assert told(WebBench.make(Module("disk", "off", at=("09:00",), enabled=False))) == (
        "not looked yet: no module is enabled"
    )


def test_what_fires_comes_before_what_is_not_known() -> None:
    bench = WebBench.make(*modules(3))
    bench.run("disk-0", FULL)
    bench.ledger.deliver()

    assert told(bench) == "1 firing, 2 of 3 modules have not run"


def test_nothing_is_well_while_a_module_fails_or_a_peer_is_not_reached() -> None:
    bench = WebBench.make(*modules(3))
    bench.fill()
    bench.peers[0].state = "retrying"

    assert told(bench) == "1 of 1 Alertmanagers not reached"

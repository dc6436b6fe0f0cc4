"""The verdict of the status page: all is well, or what is not."""

from __future__ import annotations

from supervisor.alerts.self_alerts import HEARTBEAT, SelfAlert
from supervisor.config.service import Module
from supervisor.observations import Duration
from tests.support.web_bench import WebBench, modules
from tests.web.page.reading import DOWN, FULL, shown, well


def test_all_is_well_when_nothing_fires() -> None:
    assert shown(well()) == ("All well", "green", ())


def test_the_gravest_alert_gives_the_colour() -> None:
    bench = well()
    bench.run("disk-0", FULL)
    warned = shown(bench)
    bench.run("connection-2", DOWN)

    assert warned == ("1 alert firing", "amber", ())
    assert shown(bench) == ("2 alerts firing", "red", ())


def test_the_heartbeat_does_not_count_as_an_alert() -> None:
    bench = well()
    bench.ledger.work(lambda update: update.take_self_alert(SelfAlert(HEARTBEAT, "I live")))

    assert shown(bench) == ("All well", "green", ())


def test_nothing_is_well_before_each_module_has_run() -> None:
    bench = WebBench.make(*modules(3), Module("command", "nightly", at=("03:00",)))
    bench.run("disk-0")
    unknown = shown(bench)
    bench.run("inode-1")
    bench.run("connection-2")
    one = shown(bench)
    bench.run("nightly")

    assert unknown == ("Not looked yet: 3 of 4 modules have not run", "grey", ())
    assert one == ("Not looked yet: 1 of 4 modules has not run", "grey", ())
    assert shown(bench) == ("All well", "green", ())


def test_a_module_that_ran_before_the_start_or_only_reports_is_not_waited_for() -> None:
    bench = WebBench.make(
        Module("command", "nightly", at=("03:00",)), Module("daily", "daily", at=("09:00",))
    )
    bench.stats["nightly"].ran_before = True
    bench.stats["daily"].looks = False

    assert shown(bench) == ("All well", "green", ())


def test_nothing_is_well_without_a_module() -> None:
    bench = WebBench.make(Module("disk", "off", every=Duration(60), enabled=False))

    assert shown(bench) == ("Not looked yet: no module is enabled", "grey", ())


def test_what_is_not_known_is_said_beside_what_is_wrong() -> None:
    bench = WebBench.make(*modules(3))
    bench.peers[0].state = "retrying"
    unreached = shown(bench)
    bench.run("disk-0", FULL)

    unknown = "3 of 3 modules have not run"
    assert unreached == ("1 of 1 Alertmanagers not reached", "amber", (unknown,))
    assert shown(bench)[2][-1] == "2 of 3 modules have not run"


def test_unreached_peers_and_undelivered_refused_or_dropped_alerts_are_named() -> None:
    bench = well()
    bench.peers[0].state = "retrying"
    one = shown(bench)
    bench.run("disk-0", FULL)
    bench.run("disk-0")
    bench.ledger.pass_time(40)
    bench.ledger.store.lost["evicted"] = 2

    assert one == ("1 of 1 Alertmanagers not reached", "amber", ("nothing is firing",))
    assert shown(bench)[1:] == (
        "amber",
        ("1 not delivered for 40 s", "2 dropped", "nothing is firing"),
    )


def test_failing_modules_are_named_with_the_alerts() -> None:
    bench = well()
    bench.run("disk-0", error="it broke")

    assert shown(bench) == ("1 alert firing", "red", ("1 of 3 modules failing",))
